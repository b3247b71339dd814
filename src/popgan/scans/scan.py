"""What a reader hands on: one scan with its geometry, or the reason why a file gives none.

A reader is any function `(Found) -> Scan`. A new format needs such a function and a line in the
discovery; nothing above this floor learns about formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["nifti", "picture"]


@dataclass(frozen=True)
class Found:
    """A file that the discovery takes for a scan; nothing of it has been read yet.

    Attributes:
        path: the file.
        name: its path relative to the source folder, with forward slashes.
        kind: which reader opens it.
        subject: the source's own identifier of the subject.
        session: the source's identifier of the visit, or None.
        contrast: normalised name (`T1w`, `T2w`, `FLAIR`, `PDw`, `T1wCE`, or the source's word).
        label: class label (class subfolder of pictures), or None.
    """

    path: Path
    name: str
    kind: Kind
    subject: str
    session: str | None
    contrast: str
    label: str | None = None


@dataclass(frozen=True)
class Scan:
    """A scan in memory.

    Attributes:
        subject, session, contrast, label, path: as in `Found`.
        data: float32, three axes in the file's own order; finite.
        affine: 4 x 4, voxel indices to RAS+ millimetres.
        sha256: SHA-256 of the file's bytes.
        spacing_known: False where the file states no voxel size and 1 mm is assumed.
    """

    subject: str
    session: str | None
    contrast: str
    data: NDArray[np.float32]
    affine: NDArray[np.float64]
    path: Path
    label: str | None
    sha256: str
    spacing_known: bool


class ScanError(Exception):
    """A file that cannot be used; the message is a reason in words without path or name in it.

    Args:
        reason: completes the sentence "the file ...".
        contrast: of the scan concerned, where several were prepared together.
    """

    def __init__(self, reason: str, *, contrast: str | None = None) -> None:
        super().__init__(reason)
        self.contrast = contrast


@dataclass(frozen=True)
class Quarantined:
    """A file that was set aside, and why. The reason holds no path."""

    path: Path
    reason: str
