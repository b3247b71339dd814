"""PNG writers: 16 bits kept, marked as synthetic, tiles in their places, whole or absent."""

import errno

import numpy as np
import pytest
from PIL import Image

from popgan.config.masks import MaskLabel
from popgan.errors import UserError
from popgan.synthesis.image import contact_sheet, grid_png, to_uint8, to_uint16, write_pngs


def test_sixteen_bits_come_back_from_the_file(tmp_path):
    ramp = np.linspace(-1, 1, 65536, dtype=np.float64).reshape(1, 1, 256, 256)
    folder = write_pngs(tmp_path / "png", ramp, contrasts=["T1w"], model="m", seed=3)
    with Image.open(folder / "sub-syn0001_desc-synthetic_T1w.png") as image:
        assert image.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(image).ravel(), np.arange(65536))


def test_every_file_is_marked_and_can_be_drawn_again(tmp_path):
    images = np.zeros((2, 2, 8, 8), np.float32)
    folder = write_pngs(
        tmp_path / "png",
        images,
        contrasts=["T1w", "T1wCE"],
        model="popgan",
        seed=3,
        first_index=10,
        labels=["glioma", "none"],
    )
    with Image.open(folder / "sub-syn0011_ce-gadolinium_desc-synthetic_T1w.png") as image:
        text = image.text
    assert text["synthetic"] == "true"
    assert (text["model"], text["seed"], text["index"]) == ("popgan", "3", "10")
    assert text["label"] == "glioma"
    assert len(list(folder.glob("*.png"))) == 4


@pytest.mark.parametrize(
    ("values", "pixels", "mode"),
    [
        ((2, 255), [0, 2, 255], "L"),
        ((2, 1035), [0, 2, 1035], "I;16"),
        ((2, 70_000), [0, 1, 2], "L"),  # no PNG holds such a value: the place in the table
        ((-1, 3), [0, 1, 2], "L"),
    ],
)
def test_a_label_map_is_a_png_that_a_table_explains(tmp_path, values, pixels, mode):
    masks = [MaskLabel(value=value, name=f"part {value}", slices=9, left=0.5) for value in values]
    codes = np.arange(3, dtype=np.uint8).repeat(3).reshape(1, 3, 3)
    folder = write_pngs(
        tmp_path / "png",
        np.zeros((1, 1, 3, 3), np.float32),
        contrasts=["T1w"],
        codes=codes,
        masks=masks,
        model="m",
        seed=3,
    )
    with Image.open(folder / "sub-syn0001_desc-synthetic_dseg.png") as image:
        assert image.mode == mode
        assert image.text["synthetic"] == "true"
        assert np.asarray(image)[:, 0].tolist() == pixels
    lines = (folder / "dseg.tsv").read_text().splitlines()
    assert lines[0] == "pixel\tindex\tname"
    expected = [f"{p}\t{v}\tpart {v}" for p, v in zip(pixels[1:], values, strict=True)]
    assert lines[1:] == expected


def test_a_full_disk_leaves_no_png_behind(tmp_path, monkeypatch):
    def full(self, path, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    images = np.zeros((2, 1, 8, 8), np.float32)
    with pytest.raises(UserError, match="No space left"):
        write_pngs(tmp_path / "png", images, contrasts=["T1w"], model="m", seed=0)
    with pytest.raises(UserError, match="No space left"):
        grid_png(tmp_path / "grid.png", images, 2)
    assert list(tmp_path.iterdir()) == []


def test_tiles_stand_row_by_row_with_contrasts_side_by_side():
    images = np.full((5, 2, 4, 3), -1, np.float32)
    images[4, 1] = 1
    sheet = contact_sheet(images, 3, scale=2, gutter=1)
    assert sheet.shape == (2 * 8 + 1, 3 * 12 + 2)
    # Image 4 is in the second row, second column; its second contrast is the right half.
    assert (sheet[9:, 19:25] == 255).all()
    assert (sheet == 255).sum() == 8 * 6
    assert (sheet[8] == 96).all()


def test_a_sheet_is_never_wider_than_its_images():
    assert contact_sheet(np.zeros((2, 1, 4, 4), np.float32), 8, gutter=0).shape == (4, 8)


def test_grid_png_is_the_sheet_and_is_marked(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (6, 1, 8, 8)).astype(np.float32)
    path = grid_png(tmp_path / "deep" / "grid.png", images, 3, scale=3)
    with Image.open(path) as image:
        assert image.text["synthetic"] == "true"
        np.testing.assert_array_equal(np.asarray(image), contact_sheet(images, 3, scale=3))


def test_conversions_clip_and_hit_their_ends():
    values = np.array([-9, -1, 0, 1, 9], np.float32)
    np.testing.assert_array_equal(to_uint16(values), [0, 0, 32768, 65535, 65535])
    np.testing.assert_array_equal(to_uint8(values), [0, 0, 128, 255, 255])
    assert to_uint8(np.array([np.nan], np.float32))[0] == 0
