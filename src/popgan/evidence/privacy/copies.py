"""Search for copies: synthetic images that are nearer to a training image than real ones ever are.

Three ways of being alike, each as a distance (0 for an exact copy) with its own null from held-out
patients: correlation after alignment as sqrt(2 - 2r), SSIM after alignment as sqrt(1 - SSIM), and
the distance of the features. What a flag means is in `null.py`.

A blurred image is near to every head, so a blurred generator would be accused of copying. Where
synthetic images are less sharp than held-out ones, the latter are therefore also compared blurred
to the same sharpness, and the nearer of both counts. Without a way to get their features that is
left out for the third measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.fidelity.nearest import nearest_features
from popgan.evidence.privacy.alignment import best_matches
from popgan.evidence.privacy.bounds import rate_at_most
from popgan.evidence.privacy.cases import Cases, check_apart, check_images
from popgan.evidence.privacy.null import Null
from popgan.evidence.privacy.results import CopyMeasure, CopyMeasureName, CopySearch, Flag
from popgan.evidence.readers.results import Measure
from popgan.wording import counted

Floats = NDArray[np.float64]
Images = NDArray[np.float32]
Embed = Callable[[Images], NDArray[np.floating]]

NAMES: tuple[CopyMeasureName, ...] = ("correlation", "ssim", "embedding")
ALPHA = 0.0125
"""Chance of calling an honest generator a copier, by this search as a whole."""
_SAMPLE = 256  # images whose sharpness is measured
_STEPS = 12
_SHARP = 0.97  # relative sharpness above which nothing is blurred


def shows_copies(found: CopySearch) -> bool:
    """Whether a search alone fails a generator: a copy beyond doubt, or more flags than chance."""
    return found.clear > 0 or found.p <= ALPHA / 2


@dataclass(frozen=True)
class Likeness:
    """Distance of N images to the nearest training image by each measure, and which one it is."""

    distances: dict[CopyMeasureName, Floats]
    index: dict[CopyMeasureName, NDArray[np.intp]]


def likeness(images: Images, features: NDArray[np.floating], train: Cases) -> Likeness:
    """Compare images N x C x H x W and their features N x D with the training images."""
    match = best_matches(images, train.images)
    near = nearest_features(features, train.features)
    distances: dict[CopyMeasureName, Floats] = {
        "correlation": np.sqrt(np.maximum(0, 2 - 2 * match.correlation)),
        "ssim": np.sqrt(1 - match.ssim),
        "embedding": near.nearness,
    }
    index: dict[CopyMeasureName, NDArray[np.intp]] = {
        "correlation": match.index,
        "ssim": match.ssim_index,
        "embedding": near.index.astype(np.intp),
    }
    return Likeness(distances, index)


class CopyFinder:
    """What copies are judged by: training images, and how near held-out patients come to them.

    Args:
        train: what the generator learnt from.
        heldout: patients whom it has never seen.
        sharpness: of the images to be judged, see `sharpness`; None if that does not matter.
        embed: features N x D of images N x C x H x W, the same as those given.

    Raises:
        UserError: a patient on both sides.
    """

    def __init__(
        self,
        train: Cases,
        heldout: Cases,
        sharpness: float | None = None,
        embed: Embed | None = None,
    ) -> None:
        check_apart(train, heldout)
        self.train, self.heldout = train, heldout
        found = likeness(heldout.images, heldout.features, train)
        distances = dict(found.distances)
        self.blur = 0.0 if sharpness is None else blur_to(heldout.images, sharpness)
        if self.blur:
            images = blurred(heldout.images, self.blur)
            features = heldout.features if embed is None else embed(images)
            soft = likeness(images, features, train).distances
            distances = {name: np.minimum(distances[name], soft[name]) for name in NAMES}
        self.nulls = {name: Null(distances[name], heldout.subjects) for name in NAMES}

    def flagged(self, found: Likeness) -> dict[CopyMeasureName, NDArray[np.bool_]]:
        """Which images are flagged by each measure."""
        return {name: found.distances[name] < self.nulls[name].threshold for name in NAMES}

    def clear(self, found: Likeness) -> dict[CopyMeasureName, NDArray[np.bool_]]:
        """Which images are nearer than chance gives one of so many, by each measure."""
        return {
            name: (found.distances[name] < self.nulls[name].threshold)
            & (
                self.nulls[name].chance(found.distances[name])
                <= ALPHA / 2 / (len(NAMES) * len(found.distances[name]))
            )
            for name in NAMES
        }

    def search(
        self, images: Images, features: NDArray[np.floating]
    ) -> tuple[CopySearch, list[Flag]]:
        """Search synthetic images for copies; the flags name patients and are private."""
        check_images(images, features)
        found = likeness(images, features, self.train)
        flagged, clear = self.flagged(found), self.clear(found)
        measures = [self._measure(name, flagged[name], clear[name]) for name in NAMES]
        either = np.any([flagged[name] for name in NAMES], axis=0)
        sure = int(np.any([clear[name] for name in NAMES], axis=0).sum())
        p = min(1.0, len(NAMES) * min(m.p_excess for m in measures))
        bound = sum(m.false_alarms.high or 0.0 for m in measures)
        rate = rate_at_most(int(either.sum()), len(images), "synthetic images")
        result = CopySearch(
            measures=measures,
            flagged=rate,
            clear=sure,
            expected=min(1.0, bound) * len(images),
            p=p,
            train_subjects=self.train.patients,
            heldout_subjects=self.heldout.patients,
            heldout_images=len(self.heldout.images),
            blur=self.blur,
            sentence=_sentence(rate, sure, p, self.nulls["correlation"], self.heldout.patients),
        )
        return result, self._flags(found, flagged, clear)

    def _measure(
        self, name: CopyMeasureName, flagged: NDArray[np.bool_], clear: NDArray[np.bool_]
    ) -> CopyMeasure:
        null = self.nulls[name]
        hits = int(flagged.sum())
        return CopyMeasure(
            name=name,
            threshold=null.threshold,
            quantile=null.quantile,
            false_alarms=rate_at_most(null.alarms, self.heldout.patients, "held-out patients"),
            flagged=rate_at_most(hits, len(flagged), "synthetic images"),
            p_excess=null.excess(hits, len(flagged)),
            clear=int(clear.sum()),
        )

    def _flags(
        self,
        found: Likeness,
        flagged: dict[CopyMeasureName, NDArray[np.bool_]],
        clear: dict[CopyMeasureName, NDArray[np.bool_]],
    ) -> list[Flag]:
        flags = []
        for name in NAMES:
            for i in np.flatnonzero(flagged[name]):
                at = int(found.index[name][i])
                flags.append(
                    Flag(
                        synthetic=int(i),
                        measure=name,
                        train=at,
                        subject=str(self.train.subjects[at]),
                        distance=float(found.distances[name][i]),
                        clear=bool(clear[name][i]),
                    )
                )
        return sorted(flags, key=lambda flag: (flag.synthetic, flag.measure))


def sharpness(images: Images) -> float:
    """Mean squared difference of neighbouring pixels over twice the variance of all pixels.

    It is measured on at most 256 images, evenly spread; 0 for flat images, 1 for white noise.
    """
    some = np.asarray(images[:: max(1, len(images) // _SAMPLE)], np.float64)
    variance = float(some.var(axis=(1, 2, 3)).mean())
    steps = float((np.diff(some, axis=-1) ** 2).mean() + (np.diff(some, axis=-2) ** 2).mean())
    return float(steps / (4 * variance)) if variance > 0 else 0.0


def blurred(images: Images, sigma: float) -> Images:
    """Images smoothed by a Gaussian of sigma pixels."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(images, (0, 0, sigma, sigma), mode="nearest"), np.float32)


def blur_to(images: Images, wanted: float) -> float:
    """Sigma in pixels by which images must be blurred to be only so sharp; 0 if they are not."""
    some = images[:: max(1, len(images) // _SAMPLE)]
    if wanted >= _SHARP * sharpness(some):
        return 0.0
    low, high = 0.0, float(min(images.shape[-2:])) / 8
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if sharpness(blurred(some, middle)) > wanted:
            low = middle
        else:
            high = middle
    return high


def _sentence(rate: Measure, clear: int, p: float, null: Null, patients: int) -> str:
    """The finding in plain words."""
    flags = round((rate.value or 0.0) * rate.n)
    images = counted(rate.n, "synthetic image", "synthetic images")
    text = (
        f"{flags} of {images} nearer to a training image than the nearest held-out images are "
        f"(at most {rate.high or 0:.3%} of all that the generator makes, one-sided 95 %)."
    )
    if clear:
        text += f" {counted(clear, 'of them is a copy', 'of them are copies')} beyond doubt."
    if p <= ALPHA / 2:
        text += f" So many cannot be chance (p = {p:.1g})."
    if null.quantile < 0.998:
        few = len(null.distances)
        text += (
            f" With {counted(few, 'held-out image', 'held-out images')} of "
            f"{counted(patients, 'patient', 'patients')} no more than the {null.quantile:.1%} "
            "point of honest likeness is known, so a flag may be a false alarm in up to "
            f"{null.bound():.0%} of honest images."
        )
    return text
