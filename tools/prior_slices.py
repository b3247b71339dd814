"""Slices of phantom subjects to train the physics prior on: every contrast, with and without skull.

    python tools/prior_slices.py [-n 400] [--seed 20260] [-o runs/prior/slices]

They go through the same preparation as a user's scans: the brain is found, slices are chosen, grey
values are scaled, and the plane is resampled to a common field of view. A kind of image is a
contrast with (`T1w`) or without skull (`T1w brain`). A subject without skull is the same scan with
its own brain mask applied, as brain extraction would.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.cohort.write import extent_to_field
from popgan.files import atomic_path
from popgan.phantom.streaming import stream
from popgan.phantom.subject import Study, Subject
from popgan.preparation.orientation import upright
from popgan.preparation.resample import resample_slices
from popgan.preparation.visit import Prepared, SliceChoice, prepare_visit
from popgan.prior.kinds import CONTRASTS, KINDS, has_skull, kind_of
from popgan.provenance import usable_cores
from popgan.scans import Scan

SIDE = 128  # pixels; the prior of 64 halves them
SIZED = 24  # subjects that the field of view is measured on
SLICES = 24
STEP = 20  # subjects a file
CHOICE = SliceChoice(count=SLICES, bias_field="off", keep_skull=True, simulated=True)
STUDY = Study(contrasts=CONTRASTS, spacing=2.0, sites=12)


def brain_of(subject: Subject) -> NDArray[np.bool_]:
    """The brain with the fluid around it; fluid elsewhere, as in the eyes, is not part of it."""
    parts, _ = ndimage.label(subject.labels() > 0)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == int(sizes.argmax()))


def prepare(subject: Subject) -> dict[str, Prepared]:
    """A subject's slices, by kind of image."""
    found = {}
    brain = brain_of(subject)
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
        found[kind_of(contrast, skull=skull)] = prepare_visit([scan], CHOICE)
    return found


def fields(subjects: Iterator[dict[str, Prepared]]) -> dict[bool, float]:
    """Field of view with skull (True) and without, mm, by the rule for cohorts."""
    sizes: dict[bool, list[float]] = {True: [], False: []}
    for found in subjects:
        for kind, prepared in found.items():
            sizes[has_skull(kind)].append(max(prepared.extent))
    return {skull: extent_to_field(own) for skull, own in sizes.items()}


def planes(prepared: Prepared, field: float) -> NDArray[np.uint8]:
    """N x SIDE x SIDE, 0 to 255."""
    resampled = resample_slices(
        prepared.planes,
        spacing=prepared.spacing[:2],
        centre=prepared.centre,
        field=(field, field),
        shape=(SIDE, SIDE),
    )
    return np.rint(upright(resampled)[:, 0].clip(0, 1) * 255).astype(np.uint8)


def part(seed: int, first: int, count: int, sides: dict[bool, float], path: Path) -> Path:
    """Slices of some subjects, by kind; what is there already is not made again."""
    if path.exists():
        return path
    found: dict[str, list[NDArray[np.uint8]]] = {}
    for subject in stream(count, prepare, seed=seed, study=STUDY, first=first, workers=1):
        for kind, prepared in subject.items():
            found.setdefault(kind, []).append(planes(prepared, sides[has_skull(kind)]))
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **{kind: np.concatenate(own) for kind, own in found.items()})
    return path


def main() -> int:
    """Write one .npy a kind of image, and what they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=400, help="subjects, in steps of 20")
    parser.add_argument("--seed", type=int, default=20260, help="of the population")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/prior/slices"))
    options = parser.parse_args()
    parts = options.output / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    sides = fields(stream(SIZED, prepare, seed=options.seed, study=STUDY))
    with ProcessPoolExecutor(usable_cores(), mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(part, options.seed, first, STEP, sides, parts / f"{first:05d}.npz")
            for first in range(0, options.n, STEP)
        ]
        files = []
        for job in jobs:
            files.append(job.result())
            print(f"{len(files) * STEP} of {options.n} subjects", flush=True)
    for kind in KINDS:
        own = [np.load(file, allow_pickle=False)[kind] for file in files]
        np.save(options.output / f"{kind}.npy", np.concatenate(own), allow_pickle=False)
    about = {
        "subjects": options.n,
        "seed": options.seed,
        "field_mm": {"with skull": sides[True], "without skull": sides[False]},
    }
    (options.output / "about.json").write_text(json.dumps(about, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
