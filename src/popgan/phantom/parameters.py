"""Everything that tells one phantom subject from another, drawn from (seed, index) alone.

Drawing is kept apart from applying: a subject can be described, changed by hand and made again.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from popgan.errors import UserError
from popgan.phantom.lesions import MultipleSclerosis, Tumour
from popgan.phantom.tissue import ALL
from popgan.seeds import numpy_rng

YOUNGEST, OLDEST = 20.0, 85.0


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
        asymmetry: share of the displacement's variance in which the two sides differ.
        ventricles: mm that the ventricles' walls are moved outward.
        atrophy: widening of the sulci; 0 as in the template, 1 much.
        folding: strength of the individual pattern of the cortex.
        cortex: mm by which the cortex is thicker than the template's.
        gap: mm of CSF between brain and skull.
        skull: mm of bone.
        fat: mm of fat under the skin.
        skin: mm of skin and muscle.
        t1, t2: factors on the relaxation times, in the order of `tissue.ALL`.
        bias: standard deviation of the logarithm of the bias field.
        noise: standard deviation of the noise, percent of the white matter's signal.
        lesions: what is ill, or None.
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
    asymmetry: float
    cortex: float
    lesions: MultipleSclerosis | Tumour | None = None

    @property
    def group(self) -> str:
        """healthy, ms or tumour."""
        return "healthy" if self.lesions is None else self.lesions.kind


# The atlas is larger than people: these factors bring its width, length and height to those of
# 40 adults measured in IXI.
_MEAN_SCALE = (0.92, 0.93, 0.91)
_WIDENING = 1.2  # mm by which the space between brain and skull widens from 20 to 85 years
_RADIUS = 65.0  # mm, of a ball about as large as a brain
_LIMITS = {
    "ventricles": (-4.0, 10.0),
    "atrophy": (0.0, 1.3),
    "gap": (0.3, 5.0),
    "cortex": (-1.3, 0.6),
}


def draw_subject(seed: int, index: int) -> SubjectParameters:
    """Draw subject `index` of the population `seed`; no other subject need be drawn.

    `at_age` makes the same person older or younger.
    """
    rng = numpy_rng(seed, "phantom subject", index)

    def normal(mean: float, sd: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, sd), low, high))

    age = float(np.round(rng.uniform(YOUNGEST, OLDEST), 1))
    sex: Literal["F", "M"] = "M" if rng.random() < 0.5 else "F"
    usual = _usual(age)
    # Men's heads are about 4 % larger in each direction; the rest is between persons.
    size = normal(1.02 if sex == "M" else 0.98, 0.024, 0.9, 1.1)
    size *= _shrinkage(age)
    scale = tuple(size * mean * normal(1, 0.02, 0.94, 1.06) for mean in _MEAN_SCALE)
    rotation = (normal(0, 4, -12, 12), normal(0, 1.8, -6, 6), normal(0, 2.2, -8, 8))
    shift = (normal(0, 3, -8, 8), normal(0, 3, -8, 8), normal(0, 3, -8, 8))
    drawn: dict[str, Any] = {
        "warp": normal(1.4, 0.25, 0.8, 2.2),
        "ventricles": normal(usual["ventricles"], 2.2, *_LIMITS["ventricles"]),
        "atrophy": normal(usual["atrophy"], 0.15, *_LIMITS["atrophy"]),
        "folding": normal(1.0, 0.2, 0.4, 1.6),
        "gap": normal(usual["gap"], 0.4, *_LIMITS["gap"]),
        "skull": normal(6.0, 1.0, 4.0, 8.0),
        "fat": normal(3.5, 1.0, 1.5, 6.5),
        "skin": normal(1.8, 0.3, 1.2, 2.5),
    }
    factors = [normal(1, 0.04, 0.88, 1.12) for _ in range(2 * len(ALL))]
    return SubjectParameters(
        seed=seed,
        index=index,
        age=age,
        sex=sex,
        scale=(scale[0], scale[1], scale[2]),
        rotation=rotation,
        shift=shift,
        t1=tuple(factors[: len(ALL)]),
        t2=tuple(factors[len(ALL) :]),
        bias=normal(0.08, 0.03, 0.02, 0.2),
        noise=normal(2.5, 0.7, 1.2, 4.5),
        asymmetry=normal(0.35, 0.07, 0.1, 0.6),
        cortex=normal(usual["cortex"], 0.15, *_LIMITS["cortex"]),
        **drawn,
    )


def at_age(parameters: SubjectParameters, age: float) -> SubjectParameters:
    """The same person at another age; what was changed by hand stays changed by as much.

    Raises:
        UserError: an age outside 20 to 85 years.
    """
    before, after = _usual(parameters.age), _usual(age)
    moved = {name: getattr(parameters, name) + after[name] - before[name] for name in before}
    moved = {name: float(np.clip(value, *_LIMITS[name])) for name, value in moved.items()}
    shrunk = _shrinkage(age) / _shrinkage(parameters.age)
    x, y, z = (side * shrunk for side in parameters.scale)
    return dataclasses.replace(parameters, age=age, scale=(x, y, z), **moved)


def _shrinkage(age: float) -> float:
    """Size of the brain at an age relative to that at 52.5 years.

    An adult's skull does not grow: what the fluid around the brain gains, the brain loses.
    """
    years = (age - YOUNGEST) / (OLDEST - YOUNGEST)
    return 1 - _WIDENING * (years - 0.5) / _RADIUS


def _usual(age: float) -> dict[str, float]:
    """What is usual at an age: ventricles and sulci widen, the cortex thins.

    Set so that grey matter and ventricles go with age as in 40 adults measured in IXI. The size
    of the brain goes with age as well: `_shrinkage`.
    """
    if not YOUNGEST <= age <= OLDEST:
        raise UserError(
            f"a phantom of {age:g} years is not possible", do=f"give {YOUNGEST:g} to {OLDEST:g}"
        )
    years = (age - YOUNGEST) / (OLDEST - YOUNGEST)
    return {
        "ventricles": -1.8 + 5.0 * years**2,
        "atrophy": 0.05 + 0.95 * years,
        "gap": 0.4 + _WIDENING * years,
        "cortex": -0.35 - 0.45 * years,
    }
