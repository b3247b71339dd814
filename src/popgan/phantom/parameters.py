"""Everything that tells one phantom subject from another, drawn from (seed, index) alone.

Drawing is kept apart from applying: a subject can be described, changed by hand and made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from popgan.phantom.tissue import ORDER
from popgan.seeds import numpy_rng


@dataclass(frozen=True)
class SubjectParameters:
    """One subject.

    Attributes:
        seed, index: which subject; smooth random fields are drawn from them as well.
        age: years, 20 to 85.
        sex: "F" or "M".
        scale: size along x, y, z relative to the template.
        rotation: pose of the head, degrees about x (nodding), y (tilting), z (turning).
        shift: position of the head in the scanner, mm.
        warp: standard deviation of the smooth displacement, mm.
        ventricles: mm that the ventricles' walls are moved outward.
        atrophy: widening of the sulci; 0 as in the template, 1 much.
        folding: strength of the individual pattern of the cortex.
        gap: mm of CSF between brain and skull.
        skull: mm of bone.
        fat: mm of fat under the skin.
        skin: mm of skin and muscle.
        t1, t2: factors on the relaxation times, in the order of `tissue.ORDER`.
        bias: standard deviation of the logarithm of the bias field.
        noise: standard deviation of the noise, percent of the white matter's signal.
    """

    seed: int
    index: int
    age: float
    sex: Literal["F", "M"]
    scale: tuple[float, float, float]
    rotation: tuple[float, float, float]
    shift: tuple[float, float, float]
    warp: float
    ventricles: float
    atrophy: float
    folding: float
    gap: float
    skull: float
    fat: float
    skin: float
    t1: tuple[float, ...]
    t2: tuple[float, ...]
    bias: float
    noise: float


# The atlas is larger than people: these factors bring its width, length and height to those of
# 40 adults measured in IXI.
_MEAN_SCALE = (0.92, 0.93, 0.91)


def draw_subject(seed: int, index: int) -> SubjectParameters:
    """Draw subject `index` of the population `seed`; no other subject need be drawn."""
    rng = numpy_rng(seed, "phantom subject", index)

    def normal(mean: float, sd: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, sd), low, high))

    age = float(np.round(rng.uniform(20, 85), 1))
    sex: Literal["F", "M"] = "M" if rng.random() < 0.5 else "F"
    years = (age - 20) / 65
    # Men's heads are about 4 % larger in each direction; the rest is between persons.
    size = normal(1.02 if sex == "M" else 0.98, 0.03, 0.9, 1.1)
    scale = tuple(size * mean * normal(1, 0.03, 0.92, 1.08) for mean in _MEAN_SCALE)
    rotation = (normal(0, 6, -15, 15), normal(0, 2.5, -8, 8), normal(0, 3, -10, 10))
    shift = (normal(0, 4, -10, 10), normal(0, 5, -10, 10), normal(0, 4, -8, 8))
    return SubjectParameters(
        seed=seed,
        index=index,
        age=age,
        sex=sex,
        scale=(scale[0], scale[1], scale[2]),
        rotation=rotation,
        shift=shift,
        warp=normal(2.4, 0.4, 1.5, 3.5),
        ventricles=normal(-0.5 + 4.5 * years**2, 1.2, -2.0, 6.0),
        atrophy=normal(0.1 + 0.7 * years, 0.15, 0.0, 1.0),
        folding=normal(1.0, 0.2, 0.4, 1.6),
        gap=normal(1.5 + 1.5 * years, 0.6, 0.5, 5.0),
        skull=normal(6.0, 1.0, 4.0, 8.0),
        fat=normal(3.5, 1.0, 1.5, 6.5),
        skin=normal(1.8, 0.3, 1.2, 2.5),
        t1=tuple(normal(1, 0.04, 0.88, 1.12) for _ in ORDER),
        t2=tuple(normal(1, 0.04, 0.88, 1.12) for _ in ORDER),
        bias=normal(0.14, 0.05, 0.03, 0.3),
        noise=normal(3.0, 0.8, 1.5, 5.0),
    )
