"""Stimuli are files of pixels and nothing else, of a length that says nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from popgan.study.png import HEADER_BYTES, decode_png, encode_png

IMAGES = st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
    lambda shape: arrays(np.uint16, shape)
)


@settings(max_examples=50)
@given(IMAGES)
def test_every_reader_of_png_sees_the_same_numbers(image: np.ndarray) -> None:
    data = encode_png(image)
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        assert opened.mode in ("I;16", "I")
        assert opened.info == {}
        assert (np.asarray(opened) == image).all()
    assert (decode_png(data) == image).all()


def test_files_of_one_size_have_one_length_and_one_beginning() -> None:
    rng = np.random.default_rng(0)
    # 256 x 256 takes three blocks of deflate.
    for shape in ((8, 8), (64, 64), (256, 256), (181, 217)):
        flat, noise = np.zeros(shape, np.uint16), rng.integers(0, 2**16, shape, dtype=np.uint16)
        files = [encode_png(image) for image in (flat, noise, flat + 65535)]
        assert len({len(data) for data in files}) == 1
        assert len({data[:HEADER_BYTES] for data in files}) == 1
        assert len({data[-12:] for data in files}) == 1
        with Image.open(io.BytesIO(files[1])) as opened:
            assert (np.asarray(opened) == noise).all()


def test_only_these_files_are_read() -> None:
    data = encode_png(np.arange(64, dtype=np.uint16).reshape(8, 8))
    compressed = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(compressed, "PNG")
    bad = [b"", data[:-1], data + b"\0", data[:60] + b"\xff" + data[61:], compressed.getvalue()]
    bad += [data[:16] + b"\xff" * 8 + data[24:], data.replace(b"IEND", b"IENX")]
    for other in bad:
        with pytest.raises(ValueError, match="not a stimulus"):
            decode_png(other)


def test_nothing_but_one_grey_image_is_written() -> None:
    wrong = [
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2, 3), np.uint16),
        np.zeros((0, 4), np.uint16),
    ]
    for image in wrong:
        with pytest.raises(ValueError, match="uint16"):
            encode_png(image)
