"""Slices whose tissues are known: of IXI by the MUSE labels beside scans, of phantoms by design.

Codes are those of `popgan.evidence.tissue.segment`: 1 CSF, 2 grey, 3 white, 4 ventricles.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.cohort import Cohort
from popgan.cohort.write import extent_to_field
from popgan.phantom.streaming import stream
from popgan.phantom.subject import Study, Subject
from popgan.preparation.orientation import upright
from popgan.preparation.resample import resample_slices
from popgan.preparation.visit import Prepared, SliceChoice, prepare_visit
from popgan.scans import Scan

CONTRASTS = ["T1w", "T2w", "FLAIR", "PDw", "T1wCE"]
SUBJECTS, SEED = 20, 909
STUDY = Study(contrasts=tuple(CONTRASTS), spacing=2.0, sites=5)
CHOICE = SliceChoice(count=10, bias_field="off", keep_skull=True, simulated=True)

_VENTRICLES = (4, 11, 49, 50, 51, 52)  # MUSE indices


@dataclass(frozen=True)
class Slices:
    """Images N x 1 x H x W in [-1, 1], their true codes N x H x W, a subject for each.

    `ventricles`: whether the truth tells them from other fluid.
    """

    images: NDArray[np.float32]
    truth: NDArray[np.uint8]
    subjects: list[str]
    ventricles: bool


def with_ventricles(source: Path, folder: Path) -> Path:
    """A copy of IXI whose `tissue.nii.gz` has the ventricles as a fourth label."""
    for own in sorted(source.glob("sub-*")):
        target = folder / own.name
        if (target / "tissue.nii.gz").exists():
            continue
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(own / "t1.nii.gz", target)
        tissue: Any = nib.load(own / "tissue.nii.gz")
        muse: Any = nib.load(own / "dlmuse.nii.gz")
        inner = np.isin(np.asanyarray(muse.dataobj), _VENTRICLES)
        codes = np.where(inner, 4, np.asanyarray(tissue.dataobj)).astype(np.uint8)
        nib.save(nib.Nifti1Image(codes, tissue.affine), target / "tissue.nii.gz")
    return folder


def real_slices(cohort: Cohort, splits: Sequence[str]) -> Slices:
    """Slices of a cohort that was ingested with the maps of `with_ventricles`."""
    images, truth, owners = [], [], []
    for split in splits:
        maps = cohort.label_maps(cohort.indices(split))
        assert maps.valid.all()
        images.append(cohort.images(split))
        truth.append(np.array(maps.values, np.uint8)[maps.codes])
        owners += cohort.subjects(split)
    return Slices(np.concatenate(images), np.concatenate(truth), owners, ventricles=True)


@dataclass(frozen=True)
class _Visit:
    """One contrast of a subject: its slices, and fluid, grey and white matter in them."""

    prepared: Prepared
    planes: NDArray[np.float32]


_Kind = tuple[str, bool]  # contrast, with skull


def phantom_slices(
    sides: Sequence[int], subjects: int = SUBJECTS
) -> Iterator[tuple[str, bool, int, Slices]]:
    """Slices of phantom subjects as a cohort would have them: contrast, skull, side, slices."""
    people = list(stream(subjects, _visits, seed=SEED, study=STUDY))
    for skull in (True, False):
        extents = [
            max(visit.prepared.extent)
            for person in people
            for (_, shown), visit in person.items()
            if shown == skull
        ]
        field = extent_to_field(extents)
        for contrast, side in itertools.product(CONTRASTS, sides):
            own = [person[contrast, skull] for person in people]
            yield contrast, skull, side, _gathered(own, field, side)


def _gathered(visits: Sequence[_Visit], field: float, side: int) -> Slices:
    images, truth, owners = [], [], []
    for number, visit in enumerate(visits):
        images.append(_resampled(visit.prepared, visit.prepared.planes[:, 0], field, side))
        shares = np.stack(
            [_resampled(visit.prepared, planes, field, side) for planes in visit.planes]
        )
        truth.append(np.where(shares.sum(0) > 0.5, shares.argmax(0) + 1, 0).astype(np.uint8))
        owners += [str(number)] * len(images[-1])
    grey = np.concatenate(images)[:, None].clip(0, 1) * 2 - 1
    return Slices(grey, np.concatenate(truth), owners, ventricles=False)


def _visits(subject: Subject) -> dict[_Kind, _Visit]:
    held = np.stack([subject.fraction(name) for name in ("csf", "gm", "wm")])
    parts, _ = ndimage.label(held.sum(0) > 0.5)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    brain = parts == int(sizes.argmax())  # fluid in the eyes and the spine is not part of it
    found = {}
    for contrast, skull in itertools.product(CONTRASTS, (True, False)):
        data = subject.scans[contrast].astype(np.float32)
        scan = Scan(
            subject=str(subject.parameters.index),
            session=None,
            contrast=contrast,
            data=data if skull else data * brain,
            affine=subject.affine,
            path=Path("phantom"),
            label=None,
            sha256="",
            spacing_known=True,
        )
        own = prepare_visit([scan], CHOICE)
        heights = (own.positions - subject.affine[2, 3]) / subject.affine[2, 2]
        planes = (held * brain)[..., np.rint(heights).astype(int)]
        found[contrast, skull] = _Visit(own, np.moveaxis(planes, -1, 1))
    return found


def _resampled(
    own: Prepared, planes: NDArray[np.float32], field: float, side: int
) -> NDArray[np.float32]:
    return upright(
        resample_slices(
            planes,
            spacing=own.spacing[:2],
            centre=own.centre,
            field=(field, field),
            shape=(side, side),
        )
    )
