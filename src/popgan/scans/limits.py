"""Bounds on untrusted files, checked before memory is given: sizes, header claims, inflation.

A header of 348 bytes can claim a terabyte and a gzip file of a megabyte can inflate to a
gigabyte. Every claim is held against the file's real size and against fixed limits first.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from popgan.scans.scan import ScanError

MAX_FILE_BYTES = 2 * 2**30
"""Largest file read."""
MAX_SIDE = 2048
"""Largest number of voxels along one axis of a volume."""
MAX_VOXELS = 2**28
"""Largest volume: 268 million voxels (1 GiB as float32); a 0.5 mm head has 130 million."""
MAX_PIXELS = 2**25
"""Largest picture: 33 million pixels."""
MAX_PICTURE_SIDE = 2**14
"""Largest side of a picture or of a DICOM image (a mosaic holds many slices side by side)."""
MAX_FRAMES = 20_000
"""Largest number of frames in a DICOM file."""
MIN_SIDE = 8
"""A picture or a slice smaller than this along an axis shows no brain."""
_GZIP_START = 4096  # bytes of a gzip file that hold the first of its content
MAX_INFLATION = 1040
"""Deflate cannot expand data by more than about 1032 times."""


_WATCHING: list[Callable[[Path], None]] = []


def watch_opening(tell: Callable[[Path], None]) -> None:
    """Have every file told before it is opened: the last one is to blame if a worker dies."""
    _WATCHING[:] = [tell]


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file that somebody else made, for reading; also gives its size in bytes.

    What is checked is what is read: the checks ask the open file, not its name.

    Raises:
        ScanError: symbolic link, special file, empty, too large, not readable, or changed by
            somebody while the block ran.
    """
    for tell in _WATCHING:
        tell(path)
    try:
        if stat.S_ISLNK(path.lstat().st_mode):
            raise ScanError("is a symbolic link, which is not followed; copy the file instead")
        # Opening a named pipe would wait for somebody to write into it.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as handle:
            before = os.fstat(handle.fileno())
            _check_status(before)
            yield handle, before.st_size
            after = os.fstat(handle.fileno())
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise ScanError("was changed while it was being read")
    except OSError as error:
        raise ScanError(f"cannot be read ({error.strerror or 'input/output error'})") from error


def _check_status(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ScanError("is not a regular file")
    if status.st_size == 0:
        raise ScanError("is empty (0 bytes)")
    if status.st_size > MAX_FILE_BYTES:
        raise ScanError(f"is larger than {MAX_FILE_BYTES // 2**30} GiB ({status.st_size} bytes)")


def read_bytes(path: Path) -> tuple[bytes, str]:
    """The bytes of a regular file and their SHA-256.

    Raises:
        ScanError: see `open_regular`.
    """
    with open_regular(path) as (handle, size):
        raw = handle.read(size)
    return raw, hashlib.sha256(raw).hexdigest()


def file_start(path: Path, count: int) -> bytes:
    """The first bytes of a file, or of what a gzip file holds; empty if it cannot be read.

    Never waits, whatever the file is, and inflates no more than `count` bytes.
    """
    try:
        with open_regular(path) as (handle, _):
            start = handle.read(max(count, _GZIP_START))
        if start[:2] != b"\x1f\x8b":
            return start[:count]
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(start, count)
    except (ScanError, zlib.error):
        return b""


def inflate(raw: bytes, limit: int) -> bytes:
    """Inflate gzip bytes, at most `limit` bytes of them.

    Reading stops at the limit, so that a bomb costs no more than an honest file.

    Raises:
        ScanError: not gzip, truncated or damaged.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as handle:
            return handle.read(limit)
    except EOFError as error:
        raise ScanError("is truncated (the gzip stream ends early)") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ScanError("is not a valid gzip file (damaged, or another format)") from error


def bounded_inflate(raw: bytes, limit: int) -> bytes:
    """Inflate a raw deflate stream, which may hold at most `limit` bytes.

    Raises:
        ScanError: damaged, or it inflates to more.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = stream.decompress(raw, limit)
    except zlib.error as error:
        raise ScanError("holds a damaged deflate stream") from error
    if stream.unconsumed_tail:
        raise ScanError(f"inflates to more than {limit // 2**20} MiB, which no scan does")
    return whole


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse volumes with axes that no scanner makes.

    Raises:
        ScanError: not three axes, a side out of range, or too many voxels.
    """
    text = " x ".join(str(side) for side in shape)
    if len(shape) > 3 and any(side > 1 for side in shape[3:]):
        raise ScanError(f"has more than three dimensions ({text}); give one volume a file")
    if len(shape) < 3:
        raise ScanError(f"has fewer than three dimensions ({text})")
    if min(shape) < 1:
        raise ScanError(f"claims absurd dimensions ({text})")
    if max(shape) > MAX_SIDE:
        raise ScanError(f"claims absurd dimensions ({text}; at most {MAX_SIDE} a side)")
    voxels = 1
    for side in shape:
        voxels *= side
    if voxels > MAX_VOXELS:
        raise ScanError(f"claims absurd dimensions ({text}: more than {MAX_VOXELS} voxels)")
    if sorted(shape[:3])[1] < MIN_SIDE:
        raise ScanError(f"is too small to show a brain ({text})")


def check_claim(claimed: int, available: int, *, compressed: bool) -> None:
    """Hold the bytes a header claims against the bytes there are.

    Raises:
        ScanError: the file cannot hold what its header claims.
    """
    most = available * MAX_INFLATION if compressed else available
    if claimed > most:
        raise ScanError(
            f"is truncated or its header lies: {claimed} bytes of voxels claimed, "
            f"the file has {available}"
        )


def check_pixels(width: int, height: int) -> None:
    """Refuse a picture by its header, before its pixels are decoded.

    Raises:
        ScanError: too many pixels, or too few to show a brain.
    """
    if width * height > MAX_PIXELS:
        raise ScanError(f"is too large a picture ({width} x {height}; at most {MAX_PIXELS} pixels)")
    if min(width, height) < MIN_SIDE:
        raise ScanError(f"is too small to show a brain ({width} x {height})")
