"""What goes wrong in a scan: thick slices, motion, Gibbs ringing, ghosts and spikes.

Every artefact arises where it arises in a scanner: thick slices before encoding, everything else
in k-space. How much is asked of each (`Artefacts`) is kept apart from applying it; where chance
decides (when the head moves, where a spike falls) the generator handed in decides.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from popgan.errors import UserError
from popgan.phantom.template import Field
from popgan.phantom.values import mapping, number, only
from popgan.phantom.warp import grid_points, rotation_matrix, sample
from popgan.seeds import numpy_rng

PHASE = 1
"""Axis of phase encoding: anterior-posterior, as in most brain scans."""


@dataclass(frozen=True)
class Ghosting:
    """Every `ghosts`-th line of k-space is weaker by `strength` (0 to 1) and out of phase."""

    ghosts: int = 2
    strength: float = 0.15


@dataclass(frozen=True)
class Spikes:
    """`count` points of k-space hold an electric discharge, `strength` of k-space's maximum.

    The image gets a wave each, whose amplitude is `strength` of the mean over the field of view.
    """

    count: int = 1
    strength: float = 0.4


@dataclass(frozen=True)
class Motion:
    """The head moves `moves` times by about `degrees` and `mm` (standard deviations)."""

    moves: int = 2
    degrees: float = 2.0
    mm: float = 1.5


@dataclass(frozen=True)
class Gibbs:
    """Only this share of k-space is sampled in plane, along each axis; the rest is zero."""

    kept: float = 0.6


@dataclass(frozen=True)
class ThickSlices:
    """Axial slices of this thickness (mm), resampled to the grid of the other scans."""

    mm: float = 5.0


@dataclass(frozen=True)
class Artefacts:
    """What spoils a scan; None leaves an artefact out."""

    thick_slices: ThickSlices | None = None
    motion: Motion | None = None
    gibbs: Gibbs | None = None
    ghosting: Ghosting | None = None
    spikes: Spikes | None = None

    def described(self) -> dict[str, dict[str, float]]:
        """Those that are there, as plain values."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}


NONE = Artefacts()
_TYPES = {
    "thick_slices": ThickSlices,
    "motion": Motion,
    "gibbs": Gibbs,
    "ghosting": Ghosting,
    "spikes": Spikes,
}
_RANGES = {
    "ghosts": (2, 32),
    "count": (1, 100),
    "moves": (1, 20),
    "strength": (0.0, 1.0),
    "degrees": (0.0, 45.0),
    "kept": (0.1, 1.0),
    "mm": (0.0, 30.0),
}
_WHOLE = {"ghosts", "count", "moves"}


def artefacts_from(content: Any, *, where: str) -> Artefacts:
    """Artefacts from a protocol file: names with their settings, or `{}` for the usual strength.

    Raises:
        UserError: unknown names, or values out of range.
    """
    made = {}
    asked = mapping({} if content is None else content, where)
    only(asked, _TYPES, where)
    for name, given in asked.items():
        values = mapping({} if given is None else given, f"{where}: {name}")
        only(values, [f.name for f in dataclasses.fields(_TYPES[name])], f"{where}: {name}")
        for key, value in values.items():
            number(value, f"{where}: {name}: {key}", *_RANGES[key])
            if key in _WHOLE and value != int(value):
                raise UserError(f"{value} is not a whole number", where=f"{where}: {name}: {key}")
        made[name] = _TYPES[name](**values)
    return Artefacts(**made)


def draw_artefacts(seed: int, index: int, contrast: str, *, share: float) -> Artefacts:
    """One artefact of usual strength in a `share` (0 to 1) of scans, none in the others."""
    rng = numpy_rng(seed, f"phantom artefacts {contrast}", index)
    if rng.random() >= share:
        return NONE
    grade = float(rng.uniform(0.6, 1.6))
    drawn: dict[str, Any] = {
        "thick_slices": ThickSlices(mm=round(float(rng.uniform(4, 6)), 1)),
        "motion": Motion(int(rng.integers(1, 4)), 2.0 * grade, 1.5 * grade),
        "gibbs": Gibbs(kept=round(float(rng.uniform(0.5, 0.7)), 2)),
        "ghosting": Ghosting(int(rng.integers(2, 5)), 0.15 * grade),
        "spikes": Spikes(int(rng.integers(1, 3)), 0.4 * grade),
    }
    name = str(rng.choice(list(drawn)))
    return Artefacts(**{name: drawn[name]})


def acquire(
    clean: NDArray[np.float32], artefacts: Artefacts, *, spacing: float, rng: np.random.Generator
) -> NDArray[Any]:
    """The image that reconstruction gives before noise.

    Args:
        clean: X x Y x Z, the undisturbed image.
        artefacts: what spoils it.
        spacing: voxel size, mm.
        rng: decides when the head moves and where spikes fall.

    Returns:
        float32, or complex64 where k-space was disturbed; the same shape.
    """
    if artefacts.thick_slices is not None:
        clean = thicken(clean, artefacts.thick_slices.mm / spacing)
    in_k_space = (artefacts.motion, artefacts.gibbs, artefacts.ghosting, artefacts.spikes)
    if in_k_space == (None, None, None, None):
        return clean
    space = fft.fftshift(fft.fftn(clean.astype(np.float32)))
    if artefacts.motion is not None:
        _move(space, clean, artefacts.motion, spacing, rng)
    if artefacts.gibbs is not None:
        _truncate(space, artefacts.gibbs.kept)
    if artefacts.ghosting is not None:
        _ghost(space, artefacts.ghosting, rng)
    if artefacts.spikes is not None:
        _spike(space, artefacts.spikes, rng)
    return np.asarray(fft.ifftn(fft.ifftshift(space)), dtype=np.complex64)


def thicken(clean: NDArray[np.float32], slices: float) -> NDArray[np.float32]:
    """Average over slices of a thickness (in slices, axis 2), then back by linear interpolation.

    A slice profile is taken as a box, whose ends count for the share that lies in it.
    """
    if slices <= 1:
        return clean
    depth = clean.shape[2]
    total = np.concatenate(
        [np.zeros((*clean.shape[:2], 1)), np.cumsum(clean, axis=2, dtype=np.float64)], axis=2
    )
    centres = np.arange(slices / 2, depth, slices)
    low, high = (np.clip(centres + side * slices / 2, 0, depth) for side in (-1, 1))
    thick = (_at(total, high) - _at(total, low)) / (high - low)
    back = (np.arange(depth) + 0.5 - centres[0]) / slices
    return _at(thick, np.clip(back, 0, len(centres) - 1)).astype(np.float32)


def _at(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear interpolation along axis 2."""
    low = np.clip(places.astype(int), 0, max(values.shape[2] - 2, 0))
    high = np.minimum(low + 1, values.shape[2] - 1)
    share = places - low
    return values[:, :, low] * (1 - share) + values[:, :, high] * share


def _move(
    space: NDArray[np.complex64],
    clean: NDArray[np.float32],
    motion: Motion,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    """Lines of k-space are read one after the other; each shows the head where it is just then.

    The pose in which the centre of k-space is read stays, so that labels lie on the image.
    """
    lines = space.shape[PHASE]
    times = np.sort(rng.uniform(0.05, 0.95, motion.moves))
    bounds = [0, *(int(t * lines) for t in times), lines]
    central = int(np.searchsorted(times, 0.5))
    for part in range(motion.moves + 1):
        turn, shift = rng.normal(0, motion.degrees, 3), rng.normal(0, motion.mm, 3)
        if part == central or bounds[part] == bounds[part + 1]:
            continue
        moved = fft.fftshift(fft.fftn(_posed(clean, turn, shift, spacing)))
        space[:, bounds[part] : bounds[part + 1]] = moved[:, bounds[part] : bounds[part + 1]]


def _posed(
    clean: NDArray[np.float32],
    turn: NDArray[np.float64],
    shift: NDArray[np.float64],
    spacing: float,
) -> NDArray[np.float32]:
    """The image turned about its middle (degrees) and shifted (mm)."""
    middle = [-(side - 1) * spacing / 2 for side in clean.shape]
    origin = (middle[0], middle[1], middle[2])
    points = grid_points(origin, spacing, (clean.shape[0], clean.shape[1], clean.shape[2]))
    matrix = rotation_matrix((float(turn[0]), float(turn[1]), float(turn[2])))
    points = (points - torch.from_numpy(shift.astype(np.float32))) @ torch.from_numpy(
        matrix.astype(np.float32)
    )
    return sample(Field(clean[None], origin, spacing), points)[0].numpy()


def _truncate(space: NDArray[np.complex64], kept: float) -> None:
    """Zero the outer part of k-space in plane."""
    for axis in (0, 1):
        side = space.shape[axis]
        outside = np.abs(np.arange(side) - side // 2) > kept * side / 2
        space[(slice(None),) * axis + (outside,)] = 0


def _ghost(space: NDArray[np.complex64], ghosting: Ghosting, rng: np.random.Generator) -> None:
    """Make every n-th line weaker and turn its phase, as breathing and unsteady gains do."""
    first = int(rng.integers(ghosting.ghosts))
    factor = (1 - ghosting.strength) * np.exp(1j * ghosting.strength * rng.uniform(-1, 1))
    space[:, first :: ghosting.ghosts] *= np.complex64(factor)


def _spike(space: NDArray[np.complex64], spikes: Spikes, rng: np.random.Generator) -> None:
    """Add points of great amplitude, well away from the centre."""
    peak = np.abs(space).max()
    for _ in range(spikes.count):
        place = tuple(
            int(side / 2 + rng.choice([-1, 1]) * rng.uniform(0.06, 0.35) * side)
            for side in space.shape
        )
        space[place] += np.complex64(spikes.strength * peak * np.exp(2j * np.pi * rng.random()))
