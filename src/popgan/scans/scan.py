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

Kind = Literal["nifti", "picture", "dicom", "mgh", "analyze"]


@dataclass(frozen=True)
class Place:
    """One slice of a volume that lies in several files or frames: where its pixels are.

    Attributes:
        path: the file.
        frame: frame or tile of the file, from 0.
        sop: the image's UID (SOPInstanceUID), which the file must still have when it is read.
    """

    path: Path
    frame: int
    sop: str


@dataclass(frozen=True)
class MapFile:
    """A label map that belongs to a scan; no voxel of it has been read yet.

    Attributes:
        name: which kind of map: "mask", "tissue", "desc-lesion_mask".
        path: the file.
        file: its path relative to the source folder.
        kind: which reader opens it.
    """

    name: str
    path: Path
    file: str
    kind: Kind


@dataclass(frozen=True)
class Found:
    """What the discovery takes for a scan; no voxel of it has been read yet.

    Attributes:
        path: the file; the first one of a DICOM series.
        name: its path relative to the source folder, with forward slashes.
        kind: which reader opens it.
        subject: the source's own identifier of the subject.
        session: the source's identifier of the visit, or None.
        contrast: normalised name (`T1w`, `T2w`, `FLAIR`, `PDw`, `T1wCE`, or the source's word).
        label: class label (class subfolder of pictures), or None.
        channel: colour channel of a picture that holds three contrasts (0 red, 1 green, 2 blue),
            or None.
        places: the slices of a DICOM series, in order; empty for a scan that is one file.
        maps: label maps of the same subject and visit, one a name.
        labels: whether the file is a label map itself, so that few whole values are right.
    """

    path: Path
    name: str
    kind: Kind
    subject: str
    session: str | None
    contrast: str
    label: str | None = None
    places: tuple[Place, ...] = ()
    channel: int | None = None
    maps: tuple[MapFile, ...] = ()
    labels: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the scan."""
        return tuple(dict.fromkeys(place.path for place in self.places)) or (self.path,)


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
        path: the file concerned, where a scan has several.
    """

    def __init__(
        self, reason: str, *, contrast: str | None = None, path: Path | None = None
    ) -> None:
        super().__init__(reason)
        self.contrast = contrast
        self.path = path


@dataclass(frozen=True)
class Quarantined:
    """A file that was set aside, and why. The reason holds no path."""

    path: Path
    reason: str
