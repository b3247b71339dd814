"""One DICOM file to a pydicom data set, within limits: what a header may claim, and no bombs.

pydicom inflates a deflated file whole before anything can be checked, so that is done here with
a bound. Pixels are not read unless asked for. Nothing pydicom raises gets past this module.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pydicom
from pydicom.config import IGNORE as NO_VALIDATION
from pydicom.config import settings
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from popgan.scans.dicom_values import whole_of
from popgan.scans.limits import MAX_VOXELS, bounded_inflate, inflate
from popgan.scans.scan import ScanError

MAX_HEADER_BYTES = 64 * 2**20
"""Largest header; one of 500 enhanced frames has 1 MB."""
GZIP = b"\x1f\x8b"
"""What a gzip file begins with."""
_MAX_ELEMENTS = 20_000  # at the top of a data set; scanners write some hundreds
_SMALL = 2**20  # bytes of a file that is read whole for its header
_PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
_UNDEFINED = 0xFFFFFFFF
_PREAMBLE = 132
_VALUE_REPRESENTATIONS = {b"AE", b"CS", b"DA", b"IS", b"LO", b"SH", b"TM", b"UI", b"UL", b"OB"}


def looks_like_dicom(start: bytes) -> bool:
    """Whether a file that begins so is DICOM; with or without its preamble.

    Args:
        start: the first 132 bytes or more.
    """
    if start[128:_PREAMBLE] == b"DICM":
        return True
    if len(start) < 16:
        return False
    # Old files lack preamble and meta header: they begin with an element of group 2 or 8.
    group = int.from_bytes(start[:2], "little")
    element = int.from_bytes(start[2:4], "little")
    if group not in (0x0002, 0x0008) or element > 0x0070 or (group, element) == (8, 0x0070):
        return False
    if start[4:6] in _VALUE_REPRESENTATIONS:
        return True
    return group == 8 and int.from_bytes(start[4:8], "little") <= 64


@contextmanager
def quiet_dicom() -> Iterator[None]:
    """Damaged and odd files are this package's daily bread: no warnings, no validation.

    Any exception becomes a `ScanError` in words; memory errors and `ScanError` pass.
    """
    before = settings.reading_validation_mode
    settings.reading_validation_mode = NO_VALIDATION
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ScanError, MemoryError):
        raise
    except RecursionError as error:
        raise ScanError("nests its sequences too deeply") from error
    except Exception as error:  # pydicom and its decoders raise many kinds on damaged files
        raise ScanError(f"is a damaged DICOM file ({type(error).__name__})") from error
    finally:
        settings.reading_validation_mode = before


class _Bounded(io.RawIOBase):
    """A file of which no more is asked for than it has.

    An element of a damaged header may claim 4 GB; a plain file would be given that memory first
    and would find out later that the bytes are not there.
    """

    def __init__(self, handle: IO[bytes], size: int) -> None:
        self._handle, self._size = handle, size

    def read(self, count: int | None = -1) -> bytes:
        left = max(0, self._size - self._handle.tell())
        return self._handle.read(left if count is None or count < 0 else min(count, left))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._handle.seek(offset, whence)

    def tell(self) -> int:
        return self._handle.tell()


def read_header(handle: IO[bytes], size: int | None) -> tuple[Any, bool]:
    """Everything before the pixels.

    Args:
        handle: the file, uncompressed, at its beginning.
        size: bytes of the file; None if only its beginning was unpacked.

    Returns:
        The data set, and whether pixels follow.

    Raises:
        ScanError: damaged, truncated, or no DICOM.
    """
    pixels: list[int] = []

    count = 0

    def at_pixels(tag: Any, vr: str | None, length: int) -> bool:
        nonlocal count
        count += 1
        if count > _MAX_ELEMENTS:
            raise ScanError(f"holds more than {_MAX_ELEMENTS} elements")
        if int(tag) in _PIXELS:
            pixels.append(length)
        # A group length (7FE0,0000) may precede the pixels.
        return int(tag) > 0x7FE00000

    if size is not None:
        # From memory a header is read a fifth faster; a slice has some 100 KB.
        small = size <= _SMALL
        handle = io.BytesIO(handle.read(size)) if small else _Bounded(handle, size)  # type: ignore[assignment]
    with quiet_dicom():
        plain = _inflated(handle, MAX_HEADER_BYTES)
        if plain is not None:
            meta, body = plain
            stream = io.BytesIO(body)
            parsed: Any = _parse(stream, meta, stop_when=at_pixels)
            return parsed, bool(pixels)
        parsed = read_partial(handle, stop_when=at_pixels, force=True)  # type: ignore[arg-type]
        if size is not None and pixels and pixels[0] != _UNDEFINED:
            there = size - handle.tell() - 8
            if there < pixels[0] - 8:
                raise ScanError(f"is truncated ({max(there, 0)} of {pixels[0]} bytes of pixels)")
        return parsed, bool(pixels)


def read_whole(raw: bytes) -> Any:
    """A data set with its pixels (not decoded).

    Compressed bytes are inflated as far as the header says that there are pixels, not further.

    Raises:
        ScanError: damaged, truncated, no DICOM, or it inflates to more than its header claims.
    """
    with quiet_dicom():
        if raw[:2] == GZIP:
            header, _ = read_header(io.BytesIO(inflate(raw, MAX_HEADER_BYTES)), None)
            raw = inflate(raw, MAX_HEADER_BYTES + _claimed_bytes(header))
        handle = io.BytesIO(raw)
        plain = _inflated(handle, MAX_HEADER_BYTES)
        if plain is not None:
            return _parse(io.BytesIO(plain[1]), plain[0], stop_when=None)
        return pydicom.dcmread(handle, force=True)


def _claimed_bytes(header: Any) -> int:
    """Bytes of pixels that a header speaks of.

    Raises:
        ScanError: more than any scan has.
    """
    claimed = 1
    for keyword in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"):
        claimed *= max(1, whole_of(header, keyword, 1))
    if claimed > MAX_VOXELS:
        raise ScanError(f"claims absurd dimensions (more than {MAX_VOXELS} voxels)")
    return claimed * 4


def _inflated(handle: IO[bytes], limit: int) -> tuple[FileMetaDataset, bytes] | None:
    """Meta header and inflated data set of a deflated file; None (and rewound) for any other."""
    if handle.read(_PREAMBLE)[128:] != b"DICM":
        handle.seek(0)
    meta = read_dataset(
        handle,  # type: ignore[arg-type]
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag.group != 2,
    )
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return FileMetaDataset(meta), bounded_inflate(handle.read(), limit)
    # pydicom would read on and on in what belongs to network messages, not to files.
    if handle.read(2) == bytes(2):
        raise ScanError("begins with a network command, which is no image")
    handle.seek(0)
    return None


def _parse(stream: io.BytesIO, meta: FileMetaDataset, *, stop_when: Any) -> FileDataset:
    """An inflated data set as if it had never been deflated."""
    body = read_dataset(stream, is_implicit_VR=False, is_little_endian=True, stop_when=stop_when)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    parsed = FileDataset(stream, body, bytes(_PREAMBLE), meta, False, True)
    parsed.set_original_encoding(False, True, "iso8859")
    return parsed
