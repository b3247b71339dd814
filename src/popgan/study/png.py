"""Stimuli as PNG files that tell nothing: 16-bit grey, nothing compressed, nothing but pixels.

A compressed file is longer for a noisy image than for a smooth one, so its length alone may tell
real from synthetic. Here deflate stores its blocks as they are and every row has filter 0, so that
all images of one size make files of one length. There are three chunks, IHDR, IDAT and IEND, and
so neither time nor text nor gamma.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 8 + 25 + 8 + 2 + 5
"""Signature, IHDR, length and name of IDAT, zlib's header, the first block's header: everything
before the first row; the same in all images of one size."""
_BLOCK = 65535  # the most that a stored block of deflate holds
_ZLIB = b"\x78\x01"  # deflate, 32 KiB window, lowest level


def encode_png(image: NDArray[np.uint16]) -> bytes:
    """An H x W image as a PNG whose length depends on H and W alone.

    Raises:
        ValueError: not a two-dimensional array of uint16, or an empty one.
    """
    if image.ndim != 2 or image.dtype != np.uint16 or not image.size:
        raise ValueError(f"one grey image of uint16 is wanted, got {image.dtype} {image.shape}")
    rows, columns = image.shape
    content = np.zeros((rows, 1 + 2 * columns), np.uint8)  # a row begins with its filter, 0
    content[:, 1:] = image.astype(">u2").view(np.uint8).reshape(rows, 2 * columns)
    head = struct.pack(">IIBBBBB", columns, rows, 16, 0, 0, 0, 0)
    body = _stored(content.tobytes())
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def decode_png(data: bytes) -> NDArray[np.uint16]:
    """The image of a file that `encode_png` made; no other PNG is read.

    Raises:
        ValueError: anything else.
    """
    if len(data) < HEADER_BYTES or data[:8] != SIGNATURE:
        raise ValueError("not a stimulus: no PNG")
    columns, rows = struct.unpack(">II", data[16:24])
    if not 0 < rows * (1 + 2 * columns) <= len(data):
        raise ValueError("not a stimulus: length and size do not agree")
    body = data[41:-16]
    try:
        reader = zlib.decompressobj()
        raw = reader.decompress(body, rows * (1 + 2 * columns) + 1)
    except zlib.error as error:
        raise ValueError("not a stimulus: damaged") from error
    if len(raw) != rows * (1 + 2 * columns):
        raise ValueError("not a stimulus: length and size do not agree")
    content = np.frombuffer(raw, np.uint8).reshape(rows, -1)[:, 1:]
    image = np.ascontiguousarray(content).view(">u2").astype(np.uint16)
    if encode_png(image) != data:
        raise ValueError("not a stimulus: encoded in another way")
    return image


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def _stored(content: bytes) -> bytes:
    """Content as a zlib stream of stored blocks."""
    parts = [_ZLIB]
    for start in range(0, len(content), _BLOCK):
        block = content[start : start + _BLOCK]
        last = start + _BLOCK >= len(content)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    return b"".join([*parts, struct.pack(">I", zlib.adler32(content))])
