"""Strips of pictures: one file a scan, private, and gone when the cohort is made anew."""

from __future__ import annotations

import numpy as np
from PIL import Image

from popgan.cohort.pictures import TILE, StripWriter, strips
from popgan.preparation.steps import StepPicture


def slices(value: int = 200, contrasts: int = 1) -> np.ndarray:
    return np.full((3, contrasts, 32, 32), value << 8, np.uint16)


def picture(title: str, contrast: str = "T1w", shape=(40, 20), value: int = 90) -> StepPicture:
    return StepPicture(contrast, title, np.full(shape, value, np.uint8))


def test_the_prepared_slice_comes_first_and_then_the_steps_of_the_same_contrast(tmp_path):
    writer = StripWriter(tmp_path)
    steps = [picture("as scanned"), picture("brain", "FLAIR"), picture("brain", value=30)]
    writer.add_visit("p1", 2, ["T1w", "FLAIR"], slices(contrasts=2), steps)
    writer.finish()
    found = strips(tmp_path)
    assert set(found) == {("p1", 2, "T1w"), ("p1", 2, "FLAIR")}
    path, titles = found["p1", 2, "T1w"]
    assert titles == ["prepared", "as scanned", "brain"]
    strip = np.asarray(Image.open(path))
    assert strip.shape == (TILE, 3 * TILE)
    middle = strip[TILE // 2, TILE // 2 :: TILE]
    assert middle.tolist() == [200, 90, 30]
    # A tall picture keeps its shape: black on both sides.
    assert strip[TILE // 2, TILE + 5] == strip[TILE // 2, 2 * TILE - 5] == 0


def test_a_scan_with_endless_pictures_has_a_bounded_strip(tmp_path):
    writer = StripWriter(tmp_path)
    writer.add_visit("p1", 0, ["T1w"], slices(), [picture(str(i)) for i in range(60)])
    writer.finish()
    ((path, titles),) = strips(tmp_path).values()
    assert Image.open(path).size == (len(titles) * TILE, TILE)
    assert len(titles) == 12


def test_only_the_owner_reads_them_and_old_ones_are_gone(tmp_path):
    for count in (3, 1):
        writer = StripWriter(tmp_path)
        for number in range(count):
            writer.add_visit(f"p{number}", 0, ["T1w"], slices(), [])
        writer.finish()
    folder = tmp_path / "private" / "pictures"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {"000001.png", "index.json"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_strips_that_are_not_there_are_not_promised(tmp_path):
    assert strips(tmp_path) == {}
    writer = StripWriter(tmp_path)
    writer.add_visit("p1", 0, ["T1w"], slices(), [])
    writer.finish()
    (tmp_path / "private/pictures/000001.png").unlink()
    assert strips(tmp_path) == {}
    (tmp_path / "private/pictures/index.json").write_text("[{}]")
    assert strips(tmp_path) == {}
