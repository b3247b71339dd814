"""Bounds on untrusted files, checked before memory is given: sizes, header claims, inflation.

A header of 348 bytes can claim a terabyte and a gzip file of a megabyte can inflate to a
gigabyte. Every claim is held against the file's real size and against fixed limits first.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import zlib
from pathlib import Path

from popgan.scans.scan import ScanError

MAX_FILE_BYTES = 2 * 2**30
"""Largest file read."""
MAX_SIDE = 2048
"""Largest number of voxels along one axis of a volume."""
MAX_VOXELS = 2**28
"""Largest volume: 268 million voxels (1 GiB as float32); a 0.5 mm head has 130 million."""
MAX_PIXELS = 2**25
"""Largest picture: 33 million pixels."""
MIN_SIDE = 8
"""A picture or a slice smaller than this along an axis shows no brain."""
MAX_INFLATION = 1040
"""Deflate cannot expand data by more than about 1032 times."""


def read_bytes(path: Path) -> tuple[bytes, str]:
    """The bytes of a regular file and their SHA-256.

    Raises:
        ScanError: symbolic link, special file, empty, too large, or not readable.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise ScanError("is a symbolic link, which is not followed; copy the file instead")
        if not stat.S_ISREG(status.st_mode):
            raise ScanError("is not a regular file")
        if status.st_size == 0:
            raise ScanError("is empty (0 bytes)")
        if status.st_size > MAX_FILE_BYTES:
            raise ScanError(
                f"is larger than {MAX_FILE_BYTES // 2**30} GiB ({status.st_size} bytes)"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise ScanError(f"cannot be read ({error.strerror or 'input/output error'})") from error
    return raw, hashlib.sha256(raw).hexdigest()


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
