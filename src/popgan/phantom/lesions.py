"""What is ill in a subject: multiple sclerosis or a tumour, drawn from (seed, index) alone.

Drawing needs the template, because lesions have places they prefer; applying is in `mixing.py`.
Positions are in template space (mm), volumes are those of the subject (ml).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.phantom.template import Template
from popgan.seeds import numpy_rng

KINDS = ("none", "ms", "tumour", "mixed")
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Ovoid:
    """One lesion of multiple sclerosis: `length` and `width` are half axes, mm."""

    centre: Vector
    axis: Vector
    length: float
    width: float


@dataclass(frozen=True)
class MultipleSclerosis:
    """Lesions of white matter.

    Attributes:
        volume: of all lesions together, ml.
        lesions: where they lie; all grow or shrink alike until the volume is right.
    """

    kind: ClassVar[str] = "ms"
    volume: float
    lesions: tuple[Ovoid, ...]


@dataclass(frozen=True)
class Tumour:
    """A glioma: necrosis within an enhancing rim within oedema.

    Attributes:
        volume: of rim and necrosis, ml.
        necrosis: share of that volume that is necrotic, 0 to 0.8.
        oedema: volume of the oedema around it, ml.
        centre: of the tumour, template mm.
        stretch: half axes relative to those of a ball of the same volume; their product is 1.
        roughness: how irregular the outline is, 0 to 0.4.
        mass: share of the tumour's volume by which it pushes the brain aside, 0 to 0.6.
        uptake: contrast agent in the rim, mmol/l; 0 for a tumour with an intact barrier.
    """

    kind: ClassVar[str] = "tumour"
    volume: float
    necrosis: float
    oedema: float
    centre: Vector
    stretch: Vector
    roughness: float
    mass: float
    uptake: float

    @property
    def radius(self) -> float:
        """Radius (mm) of a ball of the tumour's volume."""
        return float((1000 * self.volume * 3 / (4 * np.pi)) ** (1 / 3))


def draw_lesions(
    kind: str, seed: int, index: int, template: Template
) -> MultipleSclerosis | Tumour | None:
    """Draw what is ill in subject `index`.

    Args:
        kind: `none`, `ms`, `tumour`, or `mixed` (a third of subjects each).
        seed, index: which subject.
        template: whose white matter the lesions lie in.

    Raises:
        UserError: another kind.
    """
    if kind not in KINDS:
        raise UserError(
            f"the phantom has no lesions of kind {kind!r}", do=f"choose among {', '.join(KINDS)}"
        )
    if kind == "mixed":
        kind = str(numpy_rng(seed, "phantom group", index).choice(["none", "ms", "tumour"]))
    if kind == "none":
        return None
    rng = numpy_rng(seed, f"phantom {kind}", index)
    return _draw_ms(rng, template) if kind == "ms" else _draw_tumour(rng, template)


def _draw_ms(rng: np.random.Generator, template: Template) -> MultipleSclerosis:
    """5 to 40 ovoids in white matter, most of them at the ventricles and pointing away from them.

    Periventricular lesions follow the medullary veins ("Dawson's fingers").
    """
    depth = template.depth.values[0]
    white = _white(template)
    places = _positions(template)
    # Infratentorial lesions are fewer; a quarter of the weight falls far from the ventricles.
    weight = white**2 * (np.exp(-depth / 4.0) * (depth > 0) + 0.008)
    weight = np.where(places[2] > -25, weight, 0.3 * weight)
    count = int(np.clip(round(rng.lognormal(np.log(20), 0.5)), 5, 40))
    chosen = rng.choice(weight.size, count, p=weight.ravel() / weight.sum(), replace=False)
    slope = np.stack(np.gradient(depth))
    lesions = []
    for place in chosen:
        index = np.unravel_index(place, weight.shape)
        axis = slope[(slice(None), *index)] + rng.normal(0, 0.3, 3)
        axis /= max(float(np.linalg.norm(axis)), 1e-6)
        width = float(np.clip(rng.lognormal(np.log(3.0), 0.45), 1.3, 8.0))
        centre = [float(p[index]) + float(rng.uniform(-1, 1)) for p in places]
        length = width * float(rng.uniform(1.0, 2.2))
        lesions.append(Ovoid(_vector(centre), _vector(axis), length, width))
    whole = sum(4 / 3 * np.pi * one.length * one.width**2 for one in lesions) / 1000
    # Ovoids overlap, reach out of white matter, and heads are smaller than the atlas.
    return MultipleSclerosis(volume=float(round(0.6 * whole, 3)), lesions=tuple(lesions))


def _draw_tumour(rng: np.random.Generator, template: Template) -> Tumour:
    """A tumour of the cerebral hemispheres, far enough from skull and midline to lie there."""
    volume = float(np.clip(rng.lognormal(np.log(22), 0.6), 5, 70))
    radius = (1000 * volume * 3 / (4 * np.pi)) ** (1 / 3)
    x, y, z = _positions(template)
    weight = _white(template) ** 2
    weight = np.where((np.abs(x) > 0.8 * radius) & (np.abs(x) < 62 - 0.9 * radius), weight, 0)
    weight = np.where((z > -10) & (z < 62 - 0.8 * radius) & (y > -85) & (y < 55), weight, 0)
    place = np.unravel_index(rng.choice(weight.size, p=weight.ravel() / weight.sum()), weight.shape)
    low_grade = rng.random() < 0.25
    stretch = np.exp(rng.normal(0, 0.14, 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    return Tumour(
        volume=volume,
        necrosis=0.0 if low_grade else float(rng.uniform(0.15, 0.6)),
        oedema=volume * float(rng.uniform(0.2, 0.6) if low_grade else rng.uniform(0.7, 2.2)),
        centre=_vector([float(axis[place]) for axis in (x, y, z)]),
        stretch=_vector(stretch),
        roughness=float(rng.uniform(0.12, 0.26)),
        mass=float(rng.uniform(0.2, 0.6)),
        uptake=0.03 if low_grade else float(rng.uniform(0.3, 0.5)),
    )


def _white(template: Template) -> NDArray[np.float32]:
    """Fraction of white matter on the grid of depths."""
    step = round(template.depth.spacing / template.tissues.spacing)
    return template.tissues.values[0, ::step, ::step, ::step]


def _positions(template: Template) -> list[NDArray[np.float64]]:
    """Coordinates (mm) of the grid of depths."""
    field = template.depth
    axes = [
        start + field.spacing * np.arange(count)
        for start, count in zip(field.origin, field.values.shape[1:], strict=True)
    ]
    return list(np.meshgrid(*axes, indexing="ij"))


def _vector(values: NDArray[np.float64] | list[float]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
