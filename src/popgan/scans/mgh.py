"""FreeSurfer volumes (.mgh, .mgz) and Analyze pairs (.hdr + .img) to `Scan`, within limits.

An Analyze header states no orientation. Its axes are taken as SPM and nibabel take them: columns
run from right to left, so that the file's order is radiological.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.freesurfer.mghformat import MGHHeader
from nibabel.nifti1 import Nifti1PairHeader

from popgan.scans.limits import inflate, read_bytes
from popgan.scans.nifti import read_voxels
from popgan.scans.scan import Found, Scan, ScanError

_MGH_HEADER = 284
_ANALYZE_HEADER = 348
_PARTNERS = (".img", ".IMG", ".img.gz")


def read_mgh(found: Found) -> Scan:
    """Read one FreeSurfer volume.

    Raises:
        ScanError: see `popgan.scans.nifti.read_nifti`.
    """
    raw, sha256 = read_bytes(found.path)
    compressed = raw[:2] == b"\x1f\x8b"
    start = inflate(raw, _MGH_HEADER) if compressed else raw[:_MGH_HEADER]
    if len(start) < _MGH_HEADER or int.from_bytes(start[:4], "big") != 1:
        raise ScanError("is not an MGH file")
    try:
        header = MGHHeader(start[: MGHHeader.template_dtype.itemsize], check=False)
    except Exception as error:
        raise ScanError("has an unreadable MGH header") from error
    shape = tuple(int(side) for side in header["dims"])
    # MGH writes every axis; a fourth of one is none.
    return read_voxels(found, raw, header, shape, _MGH_HEADER, sha256)


def read_analyze(found: Found) -> Scan:
    """Read one Analyze (or NIfTI) pair by its header file.

    Raises:
        ScanError: no .img beside the .hdr; and see `popgan.scans.nifti.read_nifti`.
    """
    start, sha_header = read_bytes(found.path)
    if len(start) < _ANALYZE_HEADER or _ANALYZE_HEADER not in (
        int.from_bytes(start[:4], "little"),
        int.from_bytes(start[:4], "big"),
    ):
        raise ScanError("is not an Analyze header")
    paired = start[344:347] == b"ni1"
    kind: Any = Nifti1PairHeader if paired else nib.Spm99AnalyzeHeader
    try:
        header = kind(start[:_ANALYZE_HEADER], check=False)
    except Exception as error:
        raise ScanError("has an unreadable Analyze header") from error
    partner = _partner(found.path)
    try:
        raw, sha_voxels = read_bytes(partner)
    except ScanError as error:
        raise ScanError(str(error), path=partner) from error
    dim = [int(side) for side in header["dim"]]
    if not 1 <= dim[0] <= 7:
        raise ScanError(f"claims an absurd number of dimensions ({dim[0]})")
    both = hashlib.sha256(bytes.fromhex(sha_header + sha_voxels)).hexdigest()
    offset = float(header["vox_offset"])
    if not np.isfinite(offset) or not 0 <= offset <= 2**20:
        raise ScanError(f"claims an absurd place for its voxels (byte {offset:g})")
    return read_voxels(found, raw, header, tuple(dim[1 : dim[0] + 1]), int(offset), both)


def _partner(path: Path) -> Path:
    """The file that holds the voxels of a header."""
    for suffix in _PARTNERS:
        partner = path.with_suffix(suffix)
        if partner.exists():
            return partner
    raise ScanError("has no .img file beside it")
