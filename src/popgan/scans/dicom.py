"""The slices of a DICOM series to `Scan`: decoded, rescaled, stacked along the normal."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.utils import iter_pixels

from popgan.scans.dicom_file import (
    GZIP,
    MAX_HEADER_BYTES,
    quiet_dicom,
    read_header,
    read_whole,
)
from popgan.scans.dicom_header import DicomFile, describe
from popgan.scans.dicom_values import whole_of
from popgan.scans.dicom_volume import Pieces, sort_slices
from popgan.scans.jpeg2000 import check_frames
from popgan.scans.limits import MAX_VOXELS, check_shape, inflate, open_regular, read_bytes
from popgan.scans.scan import Found, Place, Scan, ScanError
from popgan.scans.voxels import check_not_labels, check_values

_MOST_BITS = 32


def read_dicom_header(path: Path) -> DicomFile:
    """The header of one file, plain or gzipped.

    Raises:
        ScanError: it cannot be read, is no DICOM, is truncated or makes absurd claims.
    """
    with open_regular(path) as (handle, size):
        start = handle.read(2)
        handle.seek(0)
        if start == GZIP:
            raw = inflate(handle.read(), MAX_HEADER_BYTES)
            whole = len(raw) if len(raw) < MAX_HEADER_BYTES else None
            data, pixels = read_header(io.BytesIO(raw), whole)
        else:
            data, pixels = read_header(handle, size)
    with quiet_dicom():
        return describe(data, pixels=pixels)


def read_dicom(found: Found) -> Scan:
    """Read the slices of a discovered series as one volume.

    Raises:
        ScanError: a file is damaged, was changed since its header was read, or the volume is
            constant, absurd or a label map. The error names the file.
    """
    files: dict[Path, list[Place]] = {}
    for place in found.places:
        files.setdefault(place.path, []).append(place)
    slices: dict[tuple[Path, int], NDArray[np.float32]] = {}
    pieces: Pieces = []
    digest = hashlib.sha256()
    for path, places in files.items():
        try:
            header, planes, sha256 = _read_file(path, places)
        except ScanError as error:
            raise ScanError(str(error), path=path) from error
        digest.update(bytes.fromhex(sha256))
        slices |= {(path, index): plane for index, plane in planes.items()}
        pieces += [(path, header, frame) for frame in header.frames if frame.index in planes]
    volumes = sort_slices(pieces) if len(pieces) == len(found.places) else None
    if volumes is None or volumes.volumes != (found.places,):
        raise ScanError("was changed while it was being read")
    check_shape(volumes.shape)
    # Slices are rows x columns; a volume counts columns first, as its affine does.
    stack = np.stack([slices[place.path, place.frame] for place in found.places])
    voxels = np.ascontiguousarray(stack.transpose(2, 1, 0))
    check_values(voxels)
    check_not_labels(voxels)
    return Scan(
        subject=found.subject,
        session=found.session,
        contrast=found.contrast,
        data=voxels,
        affine=volumes.affine,
        path=found.path,
        label=found.label,
        sha256=digest.hexdigest(),
        spacing_known=True,
    )


def _read_file(
    path: Path, places: list[Place]
) -> tuple[DicomFile, dict[int, NDArray[np.float32]], str]:
    """Header, wanted slices by their number, and SHA-256 of one file."""
    raw, sha256 = read_bytes(path)
    data = read_whole(raw)
    with quiet_dicom():
        header = describe(data, pixels=True)
    if any(place.sop != header.sop for place in places):
        raise ScanError("was changed while it was being read")
    indices = [place.frame for place in places]
    return header, dict(zip(indices, decode(data, header, indices), strict=True)), sha256


def decode(data: Any, header: DicomFile, indices: list[int]) -> list[NDArray[np.float32]]:
    """Some slices of a file as float32 rows x columns, rescaled; MONOCHROME1 turned bright.

    Args:
        data: the data set with its pixels.
        header: its description.
        indices: frames, or tiles of a mosaic.

    Raises:
        ScanError: truncated, damaged, or in an encoding that is not read.
    """
    with quiet_dicom():
        _check_pixels(data, header, len(indices))
        check_frames(data, *_frame_size(data), [0] if header.mosaic else indices)
        try:
            if header.mosaic:
                whole = next(iter(iter_pixels(data, indices=[0], raw=True)))
                planes = [_tile(whole, header, index) for index in indices]
            else:
                planes = list(iter_pixels(data, indices=indices, raw=True))
        except (AttributeError, RuntimeError, NotImplementedError) as error:
            raise ScanError("holds pixels that cannot be decoded") from error
        except ValueError as error:
            raise ScanError("is truncated or its header contradicts its pixels") from error
        return [_rescaled(plane, data, index) for plane, index in zip(planes, indices, strict=True)]


def _frame_size(data: Any) -> tuple[int, int]:
    """Rows and columns of a stored frame (of the whole picture, in a mosaic)."""
    return whole_of(data, "Rows"), whole_of(data, "Columns")


def _check_pixels(data: Any, header: DicomFile, count: int) -> None:
    """Hold what the header claims against limits before pixels are given memory."""
    bits = whole_of(data, "BitsAllocated")
    if bits > _MOST_BITS:
        raise ScanError(f"has voxels of {bits} bits; at most {_MOST_BITS} are read")
    tiles = max(1, header.mosaic)
    voxels = header.rows * header.columns * max(count, tiles)
    if voxels <= 0:
        raise ScanError("holds no image")
    if voxels > MAX_VOXELS:
        raise ScanError(f"claims absurd dimensions ({voxels} voxels; at most {MAX_VOXELS})")


def _tile(whole: NDArray[Any], header: DicomFile, index: int) -> NDArray[Any]:
    side = whole.shape[1] // header.columns
    top, left = index // side * header.rows, index % side * header.columns
    return whole[top : top + header.rows, left : left + header.columns]


def _rescaled(plane: NDArray[Any], data: Any, index: int) -> NDArray[np.float32]:
    """Stored values to the modality's, by the slope and intercept of the frame."""
    if plane.ndim != 2:
        raise ScanError("is a colour picture made from a scan")
    slope, intercept = 1.0, 0.0
    for place in _transformations(data, index):
        slope = float(place.get("RescaleSlope", 1) or 1)
        intercept = float(place.get("RescaleIntercept", 0) or 0)
        break
    if not np.isfinite([slope, intercept]).all():
        raise ScanError("states a slope or an intercept that is no number")
    values = plane.astype(np.float32)
    if str(data.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        stored = int(data.get("BitsStored") or data.get("BitsAllocated") or 16)
        signed = int(data.get("PixelRepresentation") or 0) == 1
        values = (-1 if signed else 2**stored - 1) - values
    with np.errstate(over="ignore", invalid="ignore"):
        return values * np.float32(slope) + np.float32(intercept)


def _transformations(data: Any, index: int) -> Any:
    """Where slope and intercept may stand: a frame's own, shared by all, or at the top."""
    for keyword, number in (
        ("PerFrameFunctionalGroupsSequence", index),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        groups = data.get(keyword)
        if groups is not None and len(groups) > number:
            items = groups[number].get("PixelValueTransformationSequence")
            if items:
                yield items[0]
    yield data
