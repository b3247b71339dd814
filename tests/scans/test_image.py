"""Pictures of slices: every depth that holds grey, nothing that does not."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from popgan.scans.image import PICTURE_AFFINE, read_picture
from popgan.scans.scan import Found, ScanError

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 30)).astype(np.uint8)


def read(path):
    return read_picture(Found(path, path.name, "picture", "s", None, "T1w"))


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_eight_and_sixteen_bit_pictures_keep_their_values(tmp_path, suffix):
    wide = PIXELS.astype(np.uint16) * 250
    for number, pixels in enumerate((PIXELS, wide)):
        scan = read(save(tmp_path / f"{number}.{suffix}", pixels))
        np.testing.assert_array_equal(scan.data[:, :, 0], pixels)
        assert not scan.spacing_known


def test_rows_run_backward_and_columns_leftward_in_space():
    # Row 0 is the front of the head (+y), column 0 the subject's right (+x).
    down, along = PICTURE_AFFINE[:3, 0], PICTURE_AFFINE[:3, 1]
    assert (down == (0, -1, 0)).all()
    assert (along == (-1, 0, 0)).all()


def test_grey_saved_as_colour_is_read_as_grey(tmp_path):
    smooth = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    colour = np.stack([smooth] * 3, axis=-1)
    np.testing.assert_array_equal(read(save(tmp_path / "a.png", colour)).data[..., 0], smooth)
    jpeg = read(save(tmp_path / "a.jpg", colour, quality=90)).data[..., 0]
    assert np.abs(jpeg - smooth).mean() < 3


def test_true_colour_is_refused(tmp_path):
    colour = np.random.default_rng(1).integers(0, 255, (40, 30, 3)).astype(np.uint8)
    with pytest.raises(ScanError, match="colour picture"):
        read(save(tmp_path / "a.png", colour))


def test_a_binary_mask_is_refused(tmp_path):
    with pytest.raises(ScanError, match="mask"):
        read(save(tmp_path / "a.png", (PIXELS > 99).astype(np.uint8) * 255))


def test_a_constant_picture_is_refused(tmp_path):
    with pytest.raises(ScanError, match="constant"):
        read(save(tmp_path / "a.png", np.full_like(PIXELS, 9)))


def test_a_tiff_of_several_pages_is_refused(tmp_path):
    page = Image.fromarray(PIXELS)
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page, page])
    with pytest.raises(ScanError, match="3 pages"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", PIXELS)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 2 // 3])
    with pytest.raises(ScanError, match=r"damaged|not a PNG"):
        read(path)


def test_text_with_the_suffix_of_a_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello" * 100)
    with pytest.raises(ScanError, match="not a PNG"):
        read(tmp_path / "a.png")


def test_a_picture_that_claims_a_billion_pixels_is_refused_by_its_header(tmp_path):
    head = struct.pack(">IIBBBBB", 40000, 40000, 8, 0, 0, 0, 0)

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    raw = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    (tmp_path / "a.png").write_bytes(raw + chunk(b"IEND", b""))
    with pytest.raises(ScanError, match=r"too large a picture|damaged"):
        read(tmp_path / "a.png")
