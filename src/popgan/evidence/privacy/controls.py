"""Planted copies: an audit that does not find them has no power, whatever else it says.

Training images are copied exactly and in the ways in which a generator's memory is imperfect, each
with a random strength:

    shift      up to a sixteenth of the image in rows and columns
    mirror     left and right exchanged
    rotation   2 to 5 degrees to either side
    gain       intensities times 0.8 to 1.2
    noise      white, standard deviation 2 to 4 % of the range
    blur       Gaussian of 0.5 to 1 pixel
    combined   half of all of these but the mirror, at once

Interpolations (the mean of images of two patients, 30 to 70 %) are planted and reported too, but
no copies: whether they are found does not decide about power.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.evidence.privacy.bounds import share
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.copies import NAMES, CopyFinder, Images, likeness
from popgan.evidence.privacy.results import Control
from popgan.evidence.statistics import members
from popgan.seeds import numpy_rng

EACH = 20
"""Copies of each kind: 160 copies in all."""
FOUND = 0.95
"""Share of planted copies that must be found."""
INTERPOLATION = "interpolation"
_Change = Callable[[Images, float, np.random.Generator], Images]


@dataclass(frozen=True)
class Planted:
    """Copies with how they were made and the patients whom they show.

    Attributes:
        images: N x C x H x W. kinds: N. sources: N, the patients (two for interpolations).
    """

    images: Images
    kinds: list[str]
    sources: list[tuple[str, ...]]


def plant(train: Cases, *, each: int = EACH, seed: int = 0) -> Planted:
    """Make copies of training images, `each` of every kind and of interpolations.

    Patients take turns, so that every patient is copied before one is copied twice.

    Args:
        train: what is copied.
        each: how many of each kind, at least one.
        seed: of the choice and of the strengths.
    """
    if each < 1:
        raise UserError("at least one copy of each kind must be planted")
    rng = numpy_rng(seed, "planted copies")
    order = _turns(train.subjects, each * (len(CHANGES) + 2), rng)
    images: list[NDArray[np.floating]] = []
    kinds: list[str] = []
    sources: list[tuple[str, ...]] = []
    for k, (kind, change) in enumerate(CHANGES.items()):
        for at in order[k * each : (k + 1) * each]:
            images.append(np.clip(change(train.images[at], 1.0, rng), -1, 1))
            kinds.append(kind)
            sources.append((str(train.subjects[at]),))
    pairs = order[len(CHANGES) * each :].reshape(2, each).T
    for one, other in pairs:
        who = (str(train.subjects[one]), str(train.subjects[other]))
        if who[0] == who[1]:
            continue
        part = rng.uniform(0.3, 0.7)
        images.append(part * train.images[one] + (1 - part) * train.images[other])
        kinds.append(INTERPOLATION)
        sources.append(who)
    return Planted(np.asarray(images, np.float32), kinds, sources)


def measure_power(
    finder: CopyFinder, planted: Planted, features: NDArray[np.floating]
) -> list[Control]:
    """Share of planted copies that are flagged for the right patient: all copies, then each kind.

    Args:
        finder: the search as it is used on the synthetic images.
        planted: the copies. features: N x D, theirs.
    """
    found = likeness(planted.images, features, finder.train)
    flagged = finder.flagged(found)
    hit = np.array(
        [
            any(
                flagged[name][i] and str(finder.train.subjects[found.index[name][i]]) in who
                for name in NAMES
            )
            for i, who in enumerate(planted.sources)
        ]
    )
    kinds = np.array(planted.kinds)
    copies = kinds != INTERPOLATION

    def row(kind: str, among: NDArray[np.bool_]) -> Control:
        found = share(int(hit[among].sum()), int(among.sum()), "planted images")
        return Control(kind=kind, copies=kind != INTERPOLATION, found=found)

    return [row("all copies", copies)] + [row(k, kinds == k) for k in dict.fromkeys(planted.kinds)]


def has_power(controls: Sequence[Control]) -> bool:
    """Whether at least 95 % of all planted copies were found; False if none were planted."""
    return any(
        row.kind == "all copies" and row.found.value is not None and row.found.value >= FOUND
        for row in controls
    )


def _turns(subjects: Sequence[str], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Places of images, patient after patient in random order, until there are enough."""
    names, member = members(subjects)
    places = [np.flatnonzero(member == s) for s in range(len(names))]
    found: list[int] = []
    while len(found) < count:
        found.extend(int(rng.choice(places[s])) for s in rng.permutation(len(names)))
    return np.array(found[:count], np.intp)


def _exact(image: Images, strength: float, rng: np.random.Generator) -> Images:
    return image


def _shift(image: Images, strength: float, rng: np.random.Generator) -> Images:
    most = [max(1, round(strength * (n // 16))) for n in image.shape[-2:]]
    down, right = (int(rng.integers(-n, n + 1)) for n in most)
    return np.roll(image, (down, right), (-2, -1))


def _mirror(image: Images, strength: float, rng: np.random.Generator) -> Images:
    return image[..., ::-1]


def _rotation(image: Images, strength: float, rng: np.random.Generator) -> Images:
    from scipy.ndimage import rotate

    angle = strength * rng.uniform(2, 5) * rng.choice([-1, 1])
    return np.asarray(rotate(image, angle, (-2, -1), reshape=False, order=1, mode="nearest"))


def _gain(image: Images, strength: float, rng: np.random.Generator) -> Images:
    return (image + 1) * (1 + strength * rng.uniform(-0.2, 0.2)) - 1


def _noise(image: Images, strength: float, rng: np.random.Generator) -> Images:
    grain = strength * rng.uniform(0.04, 0.08) * rng.normal(size=image.shape)
    return image + grain.astype(np.float32)


def _blur(image: Images, strength: float, rng: np.random.Generator) -> Images:
    from scipy.ndimage import gaussian_filter

    width = strength * rng.uniform(0.5, 1)
    return np.asarray(gaussian_filter(image, (0, width, width), mode="nearest"))


def _combined(image: Images, strength: float, rng: np.random.Generator) -> Images:
    for change in (_shift, _rotation, _gain, _blur, _noise):
        image = change(image, strength / 2, rng)
    return image


CHANGES: dict[str, _Change] = {
    "exact": _exact,
    "shift": _shift,
    "mirror": _mirror,
    "rotation": _rotation,
    "gain": _gain,
    "noise": _noise,
    "blur": _blur,
    "combined": _combined,
}
