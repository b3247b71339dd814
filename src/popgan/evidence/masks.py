"""Are synthetic masks like real ones, and do they belong to their images? Arrays in, results out.

Three figures a label, each of synthetic and of held-out real images: how often an image shows it,
how large it is where it does, and the step in brightness across its rim. The step is what tells
whether a mask lies on what it names: masks that are swapped among the synthetic images keep their
frequency and their size, and lose the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from popgan.evidence import independent
from popgan.evidence.statistics import Estimate, Replicates, interval, subject_groups
from popgan.seeds import numpy_rng

RING = 2
"""Pixels around a label that its inside is compared with."""
SEEN = 0.02
"""Difference of steps, of the full range, below which there is nothing to follow."""

Images = NDArray[np.float32]
Codes = NDArray[np.uint8]
Statistic = Callable[[NDArray[np.float64]], np.floating[Any]]


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StepMeasure(_Result):
    """The step in brightness from a label's surroundings to its inside, in one contrast."""

    contrast: str
    synthetic: Estimate | None = Field(description="None where no synthetic image shows the label")
    real: Estimate | None
    swapped: float | None = Field(description="synthetic, each with the mask of another image")

    @property
    def follows(self) -> float | None:
        """How far the synthetic step is on the way from swapped masks (0) to real ones (1).

        None where it is not measured, or real masks have hardly another step than swapped ones.
        """
        if self.synthetic is None or self.real is None or self.swapped is None:
            return None
        way = self.real.value - self.swapped
        return (self.synthetic.value - self.swapped) / way if abs(way) >= SEEN else None


class MaskMeasure(_Result):
    """One label."""

    value: int
    name: str
    share_synthetic: Estimate = Field(description="share of the images that show the label")
    share_real: Estimate
    area_synthetic: Estimate | None = Field(description="median share of the pixels, where shown")
    area_real: Estimate | None
    steps: list[StepMeasure]


class MaskResult(_Result):
    """All labels."""

    n_synthetic: int
    n_real: int
    n_subjects: int
    labels: list[MaskMeasure]
    warnings: list[str]


@dataclass(frozen=True)
class _People:
    """Who is behind each real image, and in which group of the jackknife."""

    names: NDArray[np.str_]
    groups: NDArray[np.int64]


def measure_masks(
    *,
    images: Images,
    codes: Codes,
    real_images: Images,
    real_codes: Codes,
    real_subjects: Sequence[str],
    labels: Sequence[tuple[int, str]],
    contrasts: Sequence[str],
    seed: int = 0,
) -> MaskResult:
    """Compare synthetic masks with real ones.

    Args:
        images: S x C x H x W in [-1, 1], synthetic.
        codes: S x H x W, place of a pixel's label among `labels`, from 1; 0 is none.
        real_images, real_codes: the same of M held-out images that all have a map.
        real_subjects: M names.
        labels: value and name of each.
        contrasts: C names.
        seed: of groups and of the swap.

    Raises:
        UserError: fewer than two real subjects.
    """
    people = _People(np.asarray(real_subjects, str), subject_groups(real_subjects, seed=seed))
    # Every image gets the mask of its neighbour in a circle through all: none keeps its own.
    circle = numpy_rng(seed, "swapped masks").permutation(len(codes))
    swapped = np.empty_like(codes)
    swapped[circle] = codes[np.roll(circle, 1)]
    measured = []
    for code, (value, name) in enumerate(labels, start=1):
        inside, other, real = codes == code, swapped == code, real_codes == code
        steps = [
            StepMeasure(
                contrast=contrast,
                synthetic=independent.mean(rim_steps(images[:, c], inside)),
                real=_of_subjects(rim_steps(real_images[:, c], real), people, np.mean),
                swapped=_plain_mean(rim_steps(images[:, c], other)),
            )
            for c, contrast in enumerate(contrasts)
        ]
        shown, real_shown = inside.any((1, 2)), real.any((1, 2))
        measured.append(
            MaskMeasure(
                value=value,
                name=name,
                share_synthetic=independent.share(shown),
                share_real=_share_of_subjects(real_shown, people),
                area_synthetic=independent.median(_areas(inside)),
                area_real=_of_subjects(_areas(real), people, np.median, bounds=(0, 1)),
                steps=steps,
            )
        )
    return MaskResult(
        n_synthetic=len(codes),
        n_real=len(real_codes),
        n_subjects=len(np.unique(people.names)),
        labels=measured,
        warnings=[text for label in measured for text in _warnings(label)],
    )


def rim_steps(images: Images, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean inside a mask minus mean within `RING` pixels around it, as a share of the full range.

    Args:
        images: n x H x W in [-1, 1].
        inside: n x H x W.

    Returns:
        n values; NaN where the mask is empty or fills the image.
    """
    from scipy.ndimage import binary_dilation

    cross = np.zeros((1, 3, 3), np.bool_)
    cross[0, 1, :] = cross[0, :, 1] = True
    ring = binary_dilation(inside, cross, iterations=RING) & ~inside
    means = []
    for part in (inside, ring):
        count = part.sum((1, 2))
        total = np.where(part, images, 0.0).sum((1, 2), dtype=np.float64)
        means.append(np.divide(total, count, out=np.full(len(part), np.nan), where=count > 0))
    return (means[0] - means[1]) / 2


def _areas(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the pixels of each image; NaN where there is none."""
    shares = inside.mean((1, 2))
    return np.where(shares > 0, shares, np.nan)


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _plain_mean(values: NDArray[np.float64]) -> float | None:
    known = _known(values)
    return float(known.mean()) if len(known) else None


def _share_of_subjects(shown: NDArray[np.bool_], people: _People) -> Estimate:
    """A share of real images; where all are alike, the jackknife sees no spread: no interval."""
    found = _of_subjects(shown.astype(np.float64), people, np.mean, bounds=(0, 1))
    assert found is not None
    if 0 < found.value < 1:
        return found
    what = "all images show it" if found.value else "no image shows it"
    return found.model_copy(update={"low": None, "high": None, "method": f"no interval: {what}"})


def _of_subjects(
    values: NDArray[np.float64],
    people: _People,
    statistic: Statistic,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate | None:
    """A statistic of the known values of real images, by the jackknife over subjects."""
    there = np.isfinite(values)
    known, whose = values[there], people.groups[there]
    if len(known) == 0:
        return None
    value, present = float(statistic(known)), np.unique(whose)
    low = high = None
    method = f"no interval of {len(known)} images of {len(present)} groups of subjects"
    if len(present) > 1 and len(known) >= independent.LEAST:
        without = np.array([float(statistic(known[whose != group])) for group in present])
        sizes = np.array([(whose == group).sum() for group in present])
        low, high = interval(value, Replicates(without, sizes), bounds=bounds)
        method = "delete-a-group jackknife over subjects"
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_real=len(known),
        n_synthetic=0,
        n_subjects=len(np.unique(people.names[there])),
        method=method,
    )


def _warnings(label: MaskMeasure) -> list[str]:
    """What a reader must not overlook."""
    found, real = label.share_synthetic.value, label.share_real.value
    if found == 0 and real > 0:
        return [f"{label.name}: {real:.0%} of real images show it, and no synthetic one does."]
    follows = [step for step in label.steps if step.follows is not None]
    if not follows:
        return []
    clearest = max(follows, key=_contrast_of)
    share = clearest.follows
    if share is None or share >= 0.5:
        return []
    return [
        f"{label.name}: its masks follow the image little. Its rim in {clearest.contrast} has gone "
        f"{max(0.0, share):.0%} of the way from swapped masks to real ones."
    ]


def _contrast_of(step: StepMeasure) -> float:
    """How much there is to follow in a contrast."""
    assert step.real is not None
    assert step.swapped is not None
    return abs(step.real.value - step.swapped)
