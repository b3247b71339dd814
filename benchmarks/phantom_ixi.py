"""The phantom beside people: 40 phantoms and the 40 adults of IXI (development part).

Tissue volumes and the area of the lateral ventricles from labels on both sides (IXI: made by
machine, DLMUSE), and the likeness of subjects to one another by MS-SSIM between slices of the
same height, ingested in the same way. Phantoms are of the same ages as the people.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray

from cohort import OPTIONS
from popgan.cohort import Cohort
from popgan.evidence.fidelity.msssim import ms_ssim
from popgan.phantom import Subject, at_age, draw, simulate
from popgan.phantom.cohort import write_cohort
from popgan.phantom.template import Field, load_template
from popgan.phantom.warp import displacement, grid_points, sample, to_template
from popgan.seeds import numpy_rng

LATERAL = (51, 52)  # DLMUSE: right and left lateral ventricle
VOXEL = 0.008  # ml, 2 mm on both sides
PIXEL = 0.04  # cm2
PAIRS = 400

Row = dict[str, float]


def compare(data: Path) -> dict[str, Any]:
    """Means, standard deviations and age trends on both sides."""
    people = [person(folder, age) for folder, age in _people(data / "ixi_t1_2mm")]
    ages = [row["age"] for row in people]
    phantoms = [phantom(simulate(at_age(draw(0, k), _held(a)))) for k, a in enumerate(ages)]
    found: dict[str, Any] = {
        name: {"people": summary(people, name), "phantom": summary(phantoms, name)}
        for name in (
            "grey_ml",
            "white_ml",
            "cavity_ml",
            "grey_share",
            "ventricles_ml",
            "ventricle_cm2",
        )
    }
    found["subjects"] = len(people)
    found["ms_ssim"] = {
        "people": likeness(data / "ixi_t1_2mm"),
        "phantom": _phantom_likeness(len(people)),
        "phantom, 3 sites, 30 % artefacts": _phantom_likeness(len(people), varied=True),
    }
    return found


def summary(rows: list[Row], name: str) -> dict[str, float]:
    """Mean, standard deviation, and correlation with age."""
    values, ages = (np.array([row[key] for row in rows]) for key in (name, "age"))
    return {
        "mean": round(float(values.mean()), 3),
        "sd": round(float(values.std(ddof=1)), 3),
        "r_age": round(float(np.corrcoef(values, ages)[0, 1]), 2),
    }


def person(folder: Path, age: float) -> Row:
    """Volumes of one adult by label."""
    maps: list[Any] = [nib.load(folder / f"{name}.nii.gz") for name in ("tissue", "dlmuse")]
    tissue, regions = (np.asanyarray(image.dataobj) for image in maps)
    return _row(age, tissue, np.isin(regions, LATERAL))


def phantom(subject: Subject) -> Row:
    """Volumes of one phantom by label; its ventricles are the template's, moved along."""
    labels = subject.labels()
    lateral = (labels == 1) & (_ventricle_space(subject) > 0.5)
    return _row(subject.parameters.age, np.where(labels <= 3, labels, 0), lateral)


def _row(age: float, labels: NDArray[Any], lateral: NDArray[Any]) -> Row:
    """Labels: 1 fluid, 2 grey, 3 white matter, on both sides."""
    grey, white = labels == 2, labels == 3
    total = float(grey.sum() + white.sum())
    return {
        "age": age,
        "grey_ml": float(grey.sum()) * VOXEL,
        "white_ml": float(white.sum()) * VOXEL,
        "cavity_ml": float((labels > 0).sum()) * VOXEL,
        "grey_share": float(grey.sum()) / total,
        "ventricles_ml": float(lateral.sum()) * VOXEL,
        "ventricle_cm2": float(lateral.sum(axis=(0, 1)).max()) * PIXEL,
    }


def _ventricle_space(subject: Subject) -> NDArray[np.float32]:
    """1 where the template has its lateral ventricles, and 2 mm around them."""
    template = load_template()
    depth = template.depth
    near = (depth.values[0] <= 2.0).astype(np.float32)
    x = np.abs(depth.origin[0] + depth.spacing * np.arange(near.shape[0]))
    z = depth.origin[2] + depth.spacing * np.arange(near.shape[2])
    near[np.ix_(x < 5, np.full(near.shape[1], True), z < 0)] = 0  # the third ventricle
    low = subject.affine[:3, 3]
    shape = subject.fractions.shape[1:]
    points = to_template(
        subject.parameters, grid_points((low[0], low[1], low[2]), subject.affine[0, 0], shape)
    )
    moved = sample(displacement(subject.parameters, template), points)
    points = points + torch.movedim(moved, 0, -1)
    return sample(Field(near[None], depth.origin, depth.spacing), points)[0].numpy()


def likeness(scans: Path) -> dict[str, float]:
    """Mean MS-SSIM of slices of the same height of different subjects."""
    with tempfile.TemporaryDirectory() as run:
        cohort = Cohort.from_folder(scans, Path(run), options=OPTIONS)
        images = {
            split: torch.from_numpy(cohort.images(split)) for split in ("train", "tuning", "test")
        }
    slices = torch.cat(list(images.values())).reshape(-1, OPTIONS.slices, 1, 64, 64)
    rng = numpy_rng(0, "phantom benchmark pairs")
    count = len(slices)
    first = rng.integers(count, size=PAIRS)
    second = (first + rng.integers(1, count, size=PAIRS)) % count
    heights = rng.integers(OPTIONS.slices, size=PAIRS)
    values = ms_ssim(slices[first, heights], slices[second, heights]).numpy()
    return {"mean": round(float(values.mean()), 3), "sd": round(float(values.std(ddof=1)), 3)}


def _phantom_likeness(count: int, *, varied: bool = False) -> dict[str, float]:
    from popgan.phantom import Study

    study = Study(sites=3, artefacts=0.3) if varied else Study()
    with tempfile.TemporaryDirectory() as folder:
        write_cohort(Path(folder), count, study=study)
        return likeness(Path(folder))


def _people(folder: Path) -> list[tuple[Path, float]]:
    with (folder / "participants.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    return [(folder / row["participant_id"], float(row["age"])) for row in rows]


def _held(age: float) -> float:
    """Within the ages that a phantom can have."""
    return min(max(age, 20.0), 85.0)
