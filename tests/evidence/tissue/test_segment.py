"""The segmenter: what it takes, what it gives, and that it outlines what it says."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from safetensors import safe_open

from popgan.errors import UserError
from popgan.evidence.tissue import weights
from popgan.evidence.tissue.facts import segmenter_facts
from popgan.evidence.tissue.segment import SUPPORTED, VENTRICLES, outline, segment
from popgan.files import sha256_file
from popgan.preparation.orientation import upright


def dice(truth: np.ndarray, found: np.ndarray, code: int) -> float:
    one, two = truth == code, found == code
    return 2 * (one & two).sum() / (one.sum() + two.sum())


@pytest.mark.parametrize(
    ("contrast", "floor"), [("T1w", 0.85), ("T2w", 0.8), ("PDw", 0.8), ("FLAIR", 0.8)]
)
def test_it_outlines_grey_and_white_matter_of_a_head_it_has_not_seen(head, contrast, floor):
    place = ("T1w", "T2w", "FLAIR", "PDw").index(contrast)
    found = segment(head.images[:, place : place + 1], [contrast])
    assert found.shape == head.truth.shape
    assert found.dtype == np.uint8
    assert dice(head.truth, found, 2) > floor
    assert dice(head.truth, found, 3) > floor
    assert set(np.unique(found)) <= {0, 1, 2, 3}


def test_contrasts_that_were_not_checked_are_not_outlined(head):
    assert segment(head.images[:, :1], ["T1wCE"]) is None
    assert segment(head.images[:, :2], ["bold", "ADC"]) is None


def test_of_several_contrasts_the_best_one_is_looked_at(head):
    order = [2, 0, 1]
    found = outline(head.images[:, order], ["FLAIR", "T1w", "T2w"])
    assert found.contrast == SUPPORTED[0] == "T1w"
    assert np.array_equal(found.codes, outline(head.images[:, :1], ["T1w"]).codes)


def test_ventricles_are_apart_in_outlines_and_fluid_in_segments(head):
    found = outline(head.images[:, :1], ["T1w"])
    inner = found.codes == VENTRICLES
    assert inner.any()
    assert (segment(head.images[:, :1], ["T1w"])[inner] == 1).all()
    # They lie in the middle of the head, whatever else is fluid.
    columns = np.nonzero(inner.any((0, 1)))[0]
    middle = np.nonzero((found.codes > 0).any((0, 1)))[0].mean()
    assert abs(columns - middle).max() < 0.4 * found.codes.shape[2]


def test_gain_of_the_scanner_changes_nothing_that_matters(head):
    images = head.images[:, :1]
    dim = (images + 1) * 0.4 - 1
    same = segment(images, ["T1w"]) == segment(dim.astype(np.float32), ["T1w"])
    assert same.mean() > 0.999


def test_an_image_is_outlined_alike_in_any_company(head):
    images = head.images[:, :1]
    alone = segment(images[2:3], ["T1w"])
    assert (alone[0] == segment(images, ["T1w"])[2]).mean() > 0.9999


@pytest.mark.parametrize("shape", [(64, 64), (200, 160), (50, 97)])
def test_any_size_gives_outlines_of_the_same_size(head, shape):
    image = np.full((1, 1, *shape), -1, np.float32)
    assert segment(image, ["T1w"]).shape == (1, *shape)
    assert not segment(image, ["T1w"]).any()


def test_what_is_no_image_is_refused_in_one_line(head):
    with pytest.raises(UserError, match="2 names"):
        segment(head.images[:, :1], ["T1w", "T2w"])
    broken = head.images[:1, :1].copy()
    broken[0, 0, 5, 5] = np.nan
    with pytest.raises(UserError, match="NaN"):
        segment(broken, ["T1w"])


def test_no_images_give_no_outlines():
    assert segment(np.zeros((0, 1, 64, 64), np.float32), ["T1w"]).shape == (0, 64, 64)


def test_the_weights_are_small_pinned_and_say_how_they_were_made():
    assert weights.FILE.stat().st_size <= 1_000_000
    assert sha256_file(weights.FILE) == weights.SHA256
    with safe_open(weights.FILE, framework="pt") as handle:
        facts = handle.metadata()
    notice = (weights.FILE.parent / "NOTICE").read_text()
    assert facts["command"] in " ".join(notice.replace("\\", " ").split())
    assert f"seed {facts['seed']}" in notice


def test_other_weights_are_not_read(tmp_path, monkeypatch):
    damaged = tmp_path / "tissue.safetensors"
    damaged.write_bytes(weights.FILE.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(weights, "FILE", damaged)
    with pytest.raises(UserError, match="missing or damaged"):
        weights.load_network.__wrapped__()
    with pytest.raises(UserError, match="tissue network"):
        weights.read_network(Path(__file__))


def test_its_dice_is_told_for_every_contrast_that_it_is_used_for():
    for contrast in SUPPORTED:
        facts = segmenter_facts(contrast)
        assert facts.weights_sha256 == weights.SHA256
        assert facts.dice
        for row in facts.dice:
            assert row.contrast == contrast
            assert row.subjects >= 5
            low, high = row.intervals["grey"]
            assert low <= row.grey <= high
    assert any("IXI" in row.truth for row in segmenter_facts("T1w").dice)


@pytest.mark.realdata
def test_it_outlines_tissues_of_real_heads(real_data):
    """Floors well below what benchmarks/tissue.py finds, and above anything that is broken."""
    values = []
    for folder in sorted((real_data / "ixi_t1_2mm").glob("sub-*"))[1::8]:
        scan, truth = nib.load(folder / "t1.nii.gz"), nib.load(folder / "tissue.nii.gz")
        heights = np.nonzero(np.asarray(truth.dataobj).any((0, 1)))[0]
        chosen = np.linspace(*np.quantile(heights, [0.35, 0.85]), 6).astype(int)
        data = np.asarray(scan.dataobj)[:, :, chosen].astype(np.float32)
        images = (data / np.percentile(data, 99.5)).clip(0, 1) * 2 - 1
        images = np.ascontiguousarray(upright(np.moveaxis(images, 2, 0)))[:, None]
        real = upright(np.moveaxis(np.asarray(truth.dataobj)[:, :, chosen], 2, 0))
        found = segment(images, ["T1w"])
        values.append([dice(real, found, code) for code in (1, 2, 3)])
    fluid, grey, white = np.mean(values, axis=0)
    assert fluid > 0.4
    assert grey > 0.7
    assert white > 0.75
