"""Tells in the pixels themselves: background, grey levels, spectrum.

They are named and not forbidden: to find what is wrong with an image is what readers are there
for. But whoever runs a study should know whether readers may judge the anatomy or the noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import ndimage

from popgan.evidence.statistics import Replicates, image_groups, interval
from popgan.study.classifier import auc, informative, scores
from popgan.study.render import head_mask

Floats = NDArray[np.float64]
BANDS = 8
_GRIDS = (257, 16)  # steps of images of 8 and of 12 bits


class Tell(BaseModel):
    """How well a program tells real from synthetic by one kind of tell.

    Attributes:
        name: of the tell.
        auc: cross-validated, patients kept together.
        low, high: 95 % interval with patients as units; None with fewer than two patients.
        warning: whether the interval lies above chance.
        words: what that means, and what can be done.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    auc: float
    low: float | None
    high: float | None
    warning: bool
    words: str


_WORDS = {
    "background": "the rim of background that is left around the head tells them apart: mean, "
    "spread, or exact zeros. Readers who brighten the image may see it. Brains without their skull "
    "(ingest without --keep-skull) have an empty background; longer training helps, too",
    "grey levels": "the grey levels tell them apart: steps between values, or how many are at the "
    "maximum. A display does not show such steps; only clipped areas can be seen",
    "spectrum": "sharpness or texture tells them apart. That is what readers see as blur or "
    "pattern, and part of what they are asked to judge",
}


def find_tells(
    images: Sequence[NDArray[np.uint16]],
    real: NDArray[np.bool_],
    clusters: Sequence[str],
    seed: int,
) -> list[Tell]:
    """All tells of a study's images.

    Args:
        images: the stimuli as readers get them, H x W.
        real: of each, whether it is a patient's.
        clusters: of each, the patient, or the image itself.
        seed: of the folds.
    """
    kinds = {"background": background, "grey levels": grey_levels, "spectrum": spectrum}
    return [
        _tell(name, np.array([measure(image) for image in images]), real, clusters, seed)
        for name, measure in kinds.items()
    ]


def background(image: NDArray[np.uint16]) -> list[float]:
    """Mean, spread and share of zeros of the rim around the head, a few pixels wide."""
    values = image.astype(np.float64) / 65535
    inner = head_mask(values, margin=0)
    rim = ndimage.binary_dilation(inner, iterations=max(1, round(0.03 * max(image.shape)))) & ~inner
    around = values[rim] if rim.any() else np.zeros(1)
    return [float(around.mean()), float(around.std()), float((around == 0).mean())]


def grey_levels(image: NDArray[np.uint16]) -> list[float]:
    """Distinct levels, gaps between them, shares on coarse grids and at the maximum."""
    inside = image[image > 0].astype(np.int64)
    if inside.size < 2:
        return [0.0] * (5 + len(_GRIDS))
    levels, counts = np.unique(inside, return_counts=True)
    gaps = np.diff(levels) if len(levels) > 1 else np.zeros(1)
    on_grid = [float((inside % step == 0).mean()) for step in _GRIDS]
    at_top = float((inside == inside.max()).mean())
    shares = [len(levels) / inside.size, at_top, float(counts.max() / inside.size)]
    return [*shares, float(np.log1p(gaps.min())), float(np.log1p(np.median(gaps))), *on_grid]


def spectrum(image: NDArray[np.uint16]) -> list[float]:
    """Logarithm of the power in rings of spatial frequency, as shares; the last is the finest."""
    values = image.astype(np.float64) / 65535
    rows, columns = values.shape
    window = np.outer(np.hanning(rows), np.hanning(columns))
    power = np.abs(np.fft.fft2((values - values.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None]) / 0.5
    ring = np.minimum((radius * BANDS).astype(int), BANDS - 1)
    sums = np.bincount(ring.ravel(), power.ravel(), BANDS)
    return [float(value) for value in np.log10(sums / (sums.sum() or 1) + 1e-12)]


def _tell(
    name: str, features: Floats, real: NDArray[np.bool_], clusters: Sequence[str], seed: int
) -> Tell:
    columns = informative(features)
    patients = np.unique(np.asarray(clusters)[real])
    value, low, high = 0.5, None, None
    if columns.shape[1]:
        both = np.column_stack([columns, (columns - columns.mean(0)) ** 2])
        folds = _folds(real, clusters, seed)
        value = _measured(both, folds, real)
        if len(patients) > 1:
            low, high = _interval(value, both, folds, real, clusters, seed)
    elif len(patients) > 1:
        low = high = 0.5
    warning = low is not None and low > 0.5
    words = _WORDS[name] if warning else "not seen"
    if low is None:
        words = "one patient: there is no interval"
    return Tell(name=name, auc=value, low=low, high=high, warning=warning, words=words)


def _folds(real: NDArray[np.bool_], clusters: Sequence[str], seed: int) -> NDArray[np.intp]:
    """Patients over folds, and synthetic images too, so that each fold has both."""
    folds = np.zeros(len(real), np.intp)
    names, member = np.unique(np.asarray(clusters)[real], return_inverse=True)
    folds[real] = image_groups(len(names), max_groups=5, seed=seed)[member]
    folds[~real] = image_groups(int((~real).sum()), max_groups=5, seed=seed)
    if len(names) == 1:  # no patient is left to learn from: images of the one
        folds[real] = np.arange(real.sum()) % 5
    return folds


def _measured(features: Floats, folds: NDArray[np.intp], real: NDArray[np.bool_]) -> float:
    labels = real[:, None]
    return float(auc(scores(features, folds, labels, kernel=False), labels)[0])


def _interval(
    value: float,
    features: Floats,
    folds: NDArray[np.intp],
    real: NDArray[np.bool_],
    clusters: Sequence[str],
    seed: int,
) -> tuple[float, float]:
    """Jackknife over patients and over groups of synthetic images; the classifier learns anew."""
    _, member = np.unique(np.asarray(clusters)[real], return_inverse=True)
    samples = []
    for kind, groups in ((real, member), (~real, image_groups(int((~real).sum()), seed=seed))):
        place = np.full(len(real), -1)
        place[kind] = groups
        if place.max() < 1:
            continue
        kept = [place != i for i in range(place.max() + 1)]
        values = [_measured(features[keep], folds[keep], real[keep]) for keep in kept]
        samples.append(Replicates(np.array(values), np.array([(~keep).sum() for keep in kept])))
    return interval(value, *samples, bounds=(0.0, 1.0))
