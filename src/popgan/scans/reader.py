"""The one table of readers: which function opens which kind of file."""

from __future__ import annotations

from collections.abc import Callable

from popgan.scans.dicom import read_dicom
from popgan.scans.image import read_picture
from popgan.scans.mgh import read_analyze, read_mgh
from popgan.scans.nifti import read_nifti
from popgan.scans.scan import Found, Kind, Scan, ScanError

READERS: dict[Kind, Callable[[Found], Scan]] = {
    "nifti": read_nifti,
    "picture": read_picture,
    "dicom": read_dicom,
    "mgh": read_mgh,
    "analyze": read_analyze,
}


def read_scan(found: Found) -> Scan:
    """Read a discovered file.

    Raises:
        ScanError: it cannot be used; the message is the reason.
    """
    try:
        return READERS[found.kind](found)
    except MemoryError as error:
        raise ScanError("needs more memory than there is") from error
