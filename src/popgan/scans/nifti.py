"""NIfTI-1 and NIfTI-2 single files (.nii, .nii.gz) to `Scan`, header first and within limits."""

from __future__ import annotations

import io
from typing import Any

import nibabel as nib
import numpy as np

from popgan.scans.limits import (
    MAX_SIDE,
    check_claim,
    check_shape,
    file_start,
    inflate,
    read_bytes,
)
from popgan.scans.scan import Found, Scan, ScanError
from popgan.scans.voxels import check_content

_HEADER_BYTES = 544  # enough for NIfTI-1 (348) and NIfTI-2 (540)
_MAX_OFFSET = 16 * 2**20  # header extensions above 16 MiB are refused
_KINDS = "uif"
GEOMETRY = {
    **{"pixdim": 4, "qform_code": 1, "sform_code": 1, "quatern_b": 1, "quatern_c": 1},
    **{"quatern_d": 1, "qoffset_x": 1, "qoffset_y": 1, "qoffset_z": 1},
    **{"srow_x": 4, "srow_y": 4, "srow_z": 4},
}
"""Fields of a header that say where its voxels lie, and how many numbers each has."""


def read_nifti(found: Found) -> Scan:
    """Read one volume.

    Raises:
        ScanError: the file is damaged, truncated, absurd, four-dimensional, constant, or holds
            NaN or infinity.
    """
    raw, sha256 = read_bytes(found.path)
    compressed = raw[:2] == b"\x1f\x8b"
    header = _header(inflate(raw, _HEADER_BYTES) if compressed else raw[:_HEADER_BYTES])
    shape = _claimed_shape(header)
    return read_voxels(found, raw, header, shape, _offset(header), sha256)


def read_voxels(
    found: Found, raw: bytes, header: Any, shape: tuple[int, ...], offset: int, sha256: str
) -> Scan:
    """The voxels that follow a checked beginning of a file, as a scan.

    Args:
        found: the file.
        raw: its bytes, which may be gzipped.
        header: of a format that nibabel knows.
        shape: claimed by the header; checked here.
        offset: byte of the first voxel.
        sha256: of the file or files.

    Raises:
        ScanError: see `read_nifti`.
    """
    compressed = raw[:2] == b"\x1f\x8b"
    check_shape(shape)
    dtype = _checked_dtype(header)
    claimed = int(np.prod(shape)) * dtype.itemsize
    check_claim(claimed, len(raw), compressed=compressed)
    # One byte more than needed makes gzip read, and check, its trailing checksum.
    whole = inflate(raw, offset + claimed + 1) if compressed else raw
    if len(whole) < offset + claimed:
        raise ScanError(
            f"is truncated ({max(len(whole) - offset, 0)} of {claimed} bytes of voxels)"
        )
    stored = np.frombuffer(whole, dtype, count=int(np.prod(shape)), offset=offset)
    stored = stored.reshape(shape, order="F").reshape(shape[:3], order="F")
    data = _to_float(stored, header)
    check_content(data, labels=found.labels)
    return Scan(
        subject=found.subject,
        session=found.session,
        contrast=found.contrast,
        data=data,
        affine=_affine(header),
        path=found.path,
        label=found.label,
        sha256=sha256,
        spacing_known=True,
    )


def stated_geometry(found: Found) -> dict[str, list[float]] | None:
    """What a header says about where its voxels lie: the numbers of the fields of `GEOMETRY`.

    A file may state its position twice (sform and qform) and in codes that tools read differently;
    a volume that is to lie on it has to state the same.

    Returns:
        The numbers of each field; None where the file is no NIfTI or states what is no number.
    """
    if found.kind != "nifti":
        return None
    try:
        header = _header(file_start(found.path, _HEADER_BYTES))
    except ScanError:
        return None
    stated = {name: [float(v) for v in np.ravel(header[name])[:n]] for name, n in GEOMETRY.items()}
    return stated if np.isfinite(np.concatenate(list(stated.values()))).all() else None


def _header(start: bytes) -> Any:
    """Parse a header without trusting it."""
    for kind, size in ((nib.Nifti1Header, 348), (nib.Nifti2Header, 540)):
        if len(start) < size:
            continue
        length = start[:4]
        if size in (int.from_bytes(length, "little"), int.from_bytes(length, "big")):
            try:
                header = kind(start[:size], check=False)
            except Exception as error:
                raise ScanError("has an unreadable NIfTI header") from error
            if bytes(header["magic"].tobytes())[:2] != b"n+":
                raise ScanError("is not a NIfTI single file (.hdr/.img pairs are not read)")
            return header
    raise ScanError("is not a NIfTI file")


def _claimed_shape(header: Any) -> tuple[int, ...]:
    dim = [int(side) for side in header["dim"]]
    if not 1 <= dim[0] <= 7:
        raise ScanError(f"claims an absurd number of dimensions ({dim[0]})")
    return tuple(dim[1 : dim[0] + 1])


def _checked_dtype(header: Any) -> np.dtype[Any]:
    try:
        dtype = header.get_data_dtype()
    except Exception as error:
        raise ScanError("has a voxel type that is not known") from error
    if dtype.kind not in _KINDS or dtype.itemsize > 8:
        raise ScanError(f"has voxels of type {dtype.name}; only plain numbers are read")
    return dtype


def _offset(header: Any) -> int:
    value = float(header["vox_offset"])
    if not np.isfinite(value) or not 0 <= value <= _MAX_OFFSET:
        raise ScanError(f"claims an absurd place for its voxels (byte {value:g})")
    return max(int(value), int(header["sizeof_hdr"]) + 4)


def _to_float(stored: np.ndarray, header: Any) -> np.ndarray:
    """Voxels as float32, with the header's slope and intercept applied."""
    slope, intercept = (
        float(header[name]) if name in header else 0.0 for name in ("scl_slope", "scl_inter")
    )
    if np.isinf([slope, intercept]).any():
        raise ScanError("states an infinite slope or intercept of its values")
    # NaN and 0 are what writers put there for "none".
    if not np.isfinite(slope) or slope == 0:
        slope, intercept = 1.0, 0.0
    if not np.isfinite(intercept):
        intercept = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        data = stored.astype(np.float32)
        if (slope, intercept) != (1.0, 0.0):
            data = data * np.float32(slope) + np.float32(intercept)
    return data


def _affine(header: Any) -> np.ndarray:
    try:
        affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    except Exception as error:
        raise ScanError("has an orientation that cannot be read") from error
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if not np.isfinite(affine).all() or sizes.min() < 0.01 or sizes.max() > 50:
        raise ScanError("states an absurd voxel size or orientation")
    if abs(np.linalg.det(affine[:3, :3] / sizes)) < 0.1:
        raise ScanError("states an orientation whose axes are not independent")
    return affine


def write_nifti_bytes(data: np.ndarray, affine: np.ndarray, *, slope: float = 1.0) -> bytes:
    """A NIfTI-1 file in memory (uncompressed); used where bytes must not depend on the clock.

    Args:
        data: X x Y x Z or X x Y x Z x N, each side at most 2048.
        affine: 4 x 4, voxel indices to RAS+ millimetres.
        slope: stored values times this are meant.
    """
    if max(data.shape) > MAX_SIDE:
        raise ValueError(f"a side of {data.shape} is above {MAX_SIDE}")
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    if slope != 1:
        image.header.set_slope_inter(slope, 0)
    buffer = io.BytesIO()
    image.to_stream(buffer)
    return buffer.getvalue()
