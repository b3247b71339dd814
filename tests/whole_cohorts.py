"""Heads that are formulas, so that they can be scanned on any grid; a small cohort of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from safetensors.torch import save

from popgan.cohort.cohort import Cohort
from popgan.cohort.options import IngestOptions
from popgan.recipes.table import find_recipe
from popgan.stations.model import Model
from popgan.stations.plan import make_plan

CONTRASTS = ("T1w", "T2w", "FLAIR")
FILES = {"T1w": "t1", "T2w": "t2", "FLAIR": "flair"}
# What the tissues of a head show: brain, and skin around it.
_LEVELS = {"T1w": (0.6, 0.9), "T2w": (0.8, 0.5), "FLAIR": (0.5, 0.7)}
SIDE = 64
OPTIONS = IngestOptions(
    contrasts=list(CONTRASTS),
    resolution=SIDE,
    slices=6,
    keep_ids=True,
    keep_skull=True,
    bias_field="off",
)


def affine_of(
    axes: str = "RAS",
    spacing: Sequence[float] = (5.0, 5.0, 10.0),
    shape: Sequence[int] = (40, 48, 14),
    middle: Sequence[float] = (0.0, 0.0, 0.0),
) -> np.ndarray:
    """Affine of a volume whose axes run in these directions, with its middle at a place (mm)."""
    turned = nib.orientations.axcodes2ornt(axes)
    affine = np.zeros((4, 4))
    for own, (world, sign) in enumerate(turned):
        affine[int(world), own] = sign * spacing[own]
    affine[3, 3] = 1
    affine[:3, 3] = np.array(middle) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def scan_of(
    seed: int,
    contrast: str,
    affine: np.ndarray | None = None,
    shape: Sequence[int] = (40, 48, 14),
    *,
    noise: float = 0.004,
    shift: Sequence[float] = (0.0, 0.0, 0.0),
) -> np.ndarray:
    """A head of smooth tissues, sampled where an affine says; the subject's gain varies with seed.

    Args:
        seed: the subject.
        contrast: one of `CONTRASTS`.
        affine, shape: of the grid.
        noise: standard deviation, of a brightness of about 1.
        shift: where the head's middle lies, mm.
    """
    affine = affine_of(shape=shape) if affine is None else affine
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    place = index @ affine[:3, :3].T + affine[:3, 3] - np.array(shift)
    size = 1 + 0.04 * np.sin(seed + np.arange(3))
    x, y, z = np.moveaxis(place / size, -1, 0)
    radius = np.sqrt((x / 78) ** 2 + (y / 96) ** 2 + (z / 82) ** 2)

    def inside(edge: float) -> np.ndarray:
        return 1 / (1 + np.exp((radius - edge) * 20))

    brain, skin = _LEVELS[contrast]
    folds = 0.15 * np.sin(x / 14 + seed) * np.cos(y / 17) * np.sin(z / 20 + 1)
    data = inside(0.82) * (brain + folds) + (inside(1.0) - inside(0.9)) * skin
    rng = np.random.default_rng([seed, CONTRASTS.index(contrast)])
    real, imaginary = noise * rng.standard_normal((2, *shape))
    return (np.hypot(data + real, imaginary) * (600 + 100 * (seed % 5))).astype(np.float32)


def save_scan(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    """Write a volume as NIfTI with the affine in sform and qform."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nib.save(image, path)
    return path


def write_subject(
    folder: Path,
    seed: int,
    contrasts: Sequence[str] = CONTRASTS,
    *,
    axes: str = "RAS",
    spacing: Sequence[float] = (5.0, 5.0, 10.0),
    shape: Sequence[int] = (40, 48, 14),
    middle: Sequence[float] = (0.0, 0.0, 0.0),
    shift: Sequence[float] = (0.0, 0.0, 0.0),
) -> Path:
    """One subject as FOLDER/t1.nii.gz and so on."""
    affine = affine_of(axes, spacing, shape, middle)
    for contrast in contrasts:
        data = scan_of(seed, contrast, affine, shape, shift=shift)
        save_scan(folder / f"{FILES[contrast]}.nii.gz", data, affine)
    return folder


def write_cohort(folder: Path, count: int = 4) -> Path:
    """So many subjects as FOLDER/PersonN/t1.nii.gz."""
    for seed in range(count):
        write_subject(folder / f"Person{seed}", seed)
    return folder


def ingested(folder: Path, count: int = 4, options: IngestOptions = OPTIONS) -> Cohort:
    """A cohort of such heads in FOLDER/run, its scans in FOLDER/scans."""
    write_cohort(folder / "scans", count)
    return Cohort.from_folder(folder / "scans", folder / "run", options=options, workers=0)


ORDERS = ["".join(axes) for axes in itertools.permutations("RAS")]


def with_model(
    cohort: Cohort,
    sources: Sequence[str] = ("T1w", "T2w"),
    *,
    recipe: str = "mustgan",
    name: str | None = None,
    **changes: object,
) -> Model:
    """A model with random weights: what is tested is what surrounds it.

    Args:
        cohort: the cohort.
        sources: contrasts that it translates to FLAIR.
        recipe: its kind.
        name: of the model.
        changes: values of the plan, such as train__source_dropout=0.0.
    """
    overrides: dict[str, object] = {
        "network.sources": list(sources),
        "network.target": "FLAIR",
        "network.width": 4,
        "network.halvings": 2,
        "network.blocks": 1,
        "network.neighbours": 1,
        "network.dropout": 0.5,
        "train.images": 64,
        "train.threads": 1,
        "train.precision": "fp32",
    }
    if recipe == "mustgan":
        overrides["network.fusion"] = ["bottleneck"]
    overrides |= {key.replace("__", "."): value for key, value in changes.items()}
    plan = make_plan(cohort, recipe=recipe, overrides=overrides)
    model = Model(cohort.run, name or recipe)
    model.folder.mkdir(parents=True, exist_ok=True)
    plan.save(model.plan_path)
    torch.manual_seed(0)
    generator = find_recipe(plan.recipe).generator(plan)
    # Residual blocks start as nothing: noise on them, so that dropout moves something.
    weights = {
        name: tensor + 0.05 * torch.randn(tensor.shape) if tensor.is_floating_point() else tensor
        for name, tensor in generator.state_dict().items()
    }
    model.weights_path.write_bytes(save(weights))
    return model
