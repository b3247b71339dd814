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

from popgan.scans.limits import bounded_inflate, inflate
from popgan.scans.scan import ScanError

MAX_DATASET_BYTES = 2**30
"""Largest data set after inflation; an enhanced series of 500 frames has 10 MB."""
MAX_HEADER_BYTES = 64 * 2**20
"""Largest header that is inflated to be looked at."""
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


def unzip(raw: bytes, limit: int) -> bytes:
    """The bytes themselves, or what a gzip file holds of them, at most `limit` bytes."""
    return inflate(raw, limit) if raw[:2] == b"\x1f\x8b" else raw


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


def read_header(handle: IO[bytes], size: int) -> tuple[Any, bool]:
    """Everything before the pixels.

    Args:
        handle: the file, uncompressed, at its beginning.
        size: bytes of the file.

    Returns:
        The data set, and whether pixels follow.

    Raises:
        ScanError: damaged, truncated, or no DICOM.
    """
    pixels: list[int] = []

    def at_pixels(tag: Any, vr: str | None, length: int) -> bool:
        if int(tag) in _PIXELS:
            pixels.append(length)
        # A group length (7FE0,0000) may precede the pixels.
        return int(tag) > 0x7FE00000

    with quiet_dicom():
        plain = _inflated(handle, MAX_HEADER_BYTES)
        if plain is not None:
            meta, body = plain
            stream = io.BytesIO(body)
            parsed: Any = _parse(stream, meta, stop_when=at_pixels)
            return parsed, bool(pixels)
        parsed = read_partial(handle, stop_when=at_pixels, force=True)  # type: ignore[arg-type]
        if pixels and pixels[0] != _UNDEFINED:
            there = size - handle.tell() - 8
            if there < pixels[0] - 8:
                raise ScanError(f"is truncated ({max(there, 0)} of {pixels[0]} bytes of pixels)")
        return parsed, bool(pixels)


def read_whole(raw: bytes) -> Any:
    """A data set with its pixels (not decoded).

    Raises:
        ScanError: damaged, truncated, or no DICOM.
    """
    with quiet_dicom():
        handle = io.BytesIO(unzip(raw, MAX_DATASET_BYTES))
        plain = _inflated(handle, MAX_DATASET_BYTES)
        if plain is not None:
            return _parse(io.BytesIO(plain[1]), plain[0], stop_when=None)
        return pydicom.dcmread(handle, force=True)


def _inflated(handle: IO[bytes], limit: int) -> tuple[FileMetaDataset, bytes] | None:
    """Meta header and inflated data set of a deflated file; None (and rewound) for any other."""
    start = handle.read(_PREAMBLE)
    if start[128:] == b"DICM":
        meta = read_dataset(
            handle,  # type: ignore[arg-type]
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=lambda tag, vr, length: tag.group != 2,
        )
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            return FileMetaDataset(meta), bounded_inflate(handle.read(), limit)
    handle.seek(0)
    return None


def _parse(stream: io.BytesIO, meta: FileMetaDataset, *, stop_when: Any) -> FileDataset:
    """An inflated data set as if it had never been deflated."""
    body = read_dataset(stream, is_implicit_VR=False, is_little_endian=True, stop_when=stop_when)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    parsed = FileDataset(stream, body, bytes(_PREAMBLE), meta, False, True)
    parsed.set_original_encoding(False, True, "iso8859")
    return parsed
