"""Three contrasts in the colours of a picture: taken apart by the user's word, never by a guess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from popgan.cohort.options import IngestOptions
from popgan.errors import UserError
from popgan.scans import discover, read_scan
from popgan.scans.scan import ScanError

NAMES = ["T1w", "FLAIR", "T1wCE"]


def picture(path: Path, mode: str = "RGB") -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3)).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return pixels


def test_each_colour_becomes_a_contrast_of_one_visit(tmp_path):
    pixels = picture(tmp_path / "a.tif")
    found = discover(tmp_path, channels=NAMES).scans
    assert [scan.contrast for scan in found] == NAMES
    assert len({(scan.subject, scan.session) for scan in found}) == 1
    for scan, number in zip(found, range(3), strict=True):
        np.testing.assert_array_equal(read_scan(scan).data[:, :, 0], pixels[..., number])


def test_without_that_word_a_colour_picture_is_refused_with_the_way_on(tmp_path):
    picture(tmp_path / "a.tif")
    (found,) = discover(tmp_path).scans
    with pytest.raises(ScanError, match="--channels says which"):
        read_scan(found)


def test_a_grey_picture_holds_no_three_contrasts(tmp_path):
    picture(tmp_path / "a.png", "L")
    with pytest.raises(ScanError, match="grey picture"):
        read_scan(discover(tmp_path, channels=NAMES).scans[0])


@pytest.mark.parametrize("names", [["T1w"], ["T1w", "t1", "FLAIR"], ["a", "b", "c", "d"]])
def test_three_different_names_are_wanted(names):
    with pytest.raises(UserError, match="name the contrasts of red, green and blue"):
        IngestOptions.parse(channels=names)


@pytest.mark.realdata
def test_the_glioma_slices_give_three_contrasts_and_their_masks_are_known(real_data):
    found = discover(real_data / "lgg_tcga_native_tiff", channels=NAMES)
    assert len(found.scans) == 27
    assert len(found.label_maps) == 9
    assert len({scan.subject for scan in found.scans}) == 1
    means = {scan.contrast: read_scan(scan).data.mean() for scan in found.scans[:3]}
    assert set(means) == set(NAMES)
    assert len(set(means.values())) == 3
