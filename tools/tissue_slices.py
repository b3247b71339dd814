"""Slices of phantom subjects with their true tissues, to train the tissue segmenter on.

    python tools/tissue_slices.py [-n 160] [--seed 31000] [-o runs/tissue/slices]

No image is made here: what is kept is how much of each tissue a pixel holds. `tissue_render.py`
makes another image of it every time that it is shown. Anatomy is drawn more widely than the
phantom does by itself, because a network that knows only usual heads would draw usual heads.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from popgan.files import atomic_path
from popgan.phantom.anatomy import head
from popgan.phantom.parameters import SubjectParameters
from popgan.phantom.subject import Study, draw
from popgan.phantom.template import Template, load_template
from popgan.phantom.warp import displacement, grid_points, sample, to_template
from popgan.preparation.orientation import upright
from popgan.seeds import numpy_rng

CHANNELS = ("wm", "gm", "csf", "bone", "marrow", "fat", "muscle", "ventricles", "water")
"""What is kept, in order; `csf` is the brain's fluid but for the ventricles, `water` the eyes'."""
SPACING = 1.5  # mm
SLICES = 20  # a subject
RANGE = (0.12, 0.95)  # of the brain's height
STEP = 10  # subjects a file
WALL = 2.5  # mm from the atlas's ventricles within which fluid belongs to them
STUDY = Study(spacing=SPACING)


def someone(seed: int, index: int) -> SubjectParameters:
    """A subject whose cortex, sulci and ventricles vary more than in the population."""
    rng = numpy_rng(seed, "wider anatomy", index)
    return dataclasses.replace(
        draw(seed, index, STUDY),
        folding=float(rng.uniform(0.6, 2.0)),
        cortex=float(rng.uniform(-1.1, 0.5)),
        atrophy=float(rng.uniform(0.0, 1.3)),
        ventricles=float(rng.uniform(-3.0, 7.0)),
        asymmetry=float(rng.uniform(0.1, 0.6)),
    )


def corner() -> tuple[float, float, float]:
    """Of the field of view, mm."""
    x, y, z = (float(value) for value in STUDY.affine[:3, 3])
    return x, y, z


def ventricles(
    parameters: SubjectParameters, template: Template, csf: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The part of the fluid that lies where the atlas has ventricles.

    The phantom's own map of them, which only moves their walls, also holds cisterns that touch
    them: below the third ventricle, and behind and beside the midbrain. Those are taken away, and
    the fourth ventricle is added, by its place in the atlas (mm from the anterior commissure).
    """
    points = to_template(parameters, grid_points(corner(), SPACING, STUDY.shape))
    points = points + torch.movedim(sample(displacement(parameters, template), points), 0, -1)
    # Outside its grid the field is zero, as it is inside the ventricles: one apart from the other.
    near = dataclasses.replace(template.depth, values=100 - template.depth.values)
    walls = sample(near, points)[0] > 100 - WALL
    x, y, z = points.abs()[..., 0], points[..., 1], points[..., 2]
    horn = x > 22
    third = (x < 6) & (y > -28) & (y < 6) & (z > -13)
    lateral = (z > 2) & ~((y < -34) & (x < 12) & (z < 14))
    fourth = (x < 10) & (y > -54) & (y < -34) & (z > -48) & (z < -20)
    return csf * ((walls & (horn | third | lateral)) | fourth).numpy()


def slices_of(seed: int, index: int, template: Template) -> NDArray[np.uint8]:
    """Slices of one subject: SLICES x channels x H x W, 255 for a pixel full of a tissue."""
    parameters = someone(seed, index)
    found = head(parameters, template, origin=corner(), spacing=SPACING, shape=STUDY.shape).numpy()
    parts, _ = ndimage.label(found[:3].sum(0) > 0.5)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    brain = ndimage.binary_dilation(parts == int(sizes.argmax()))
    water = found[2] * ~brain
    found[2] -= water
    inner = ventricles(parameters, template, found[2])
    found[2] -= inner
    found = np.concatenate([found, inner[None], water[None]])
    high = np.flatnonzero(found[:2].sum(axis=(0, 1, 2)) > 50)
    low, top = high[0], high[-1]
    rng = numpy_rng(seed, "heights", index)
    ends = low + (top - low) * np.array(RANGE)
    chosen = np.rint(np.sort(rng.uniform(*ends, SLICES))).astype(int)
    planes = np.moveaxis(found[..., chosen], -1, 0)
    return np.ascontiguousarray(np.rint(upright(planes).clip(0, 1) * 255).astype(np.uint8))


def main() -> int:
    """Write the slices, some subjects a file; what is there already is not made again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=160, help="subjects, in steps of 10")
    parser.add_argument("--seed", type=int, default=31000, help="of the population")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/tissue/slices"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    template, start = load_template(), time.monotonic()
    for first in range(0, options.n, STEP):
        path = options.output / f"{options.seed}-{first:05d}.npy"
        if path.exists():
            continue
        own = [slices_of(options.seed, index, template) for index in range(first, first + STEP)]
        with atomic_path(path) as temporary, temporary.open("wb") as handle:
            np.save(handle, np.concatenate(own), allow_pickle=False)
        print(f"{first + STEP} of {options.n}, {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
