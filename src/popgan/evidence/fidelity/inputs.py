"""The material of an assessment: checked images, their features, and junk to hold them against.

Everything random (which images make up a matched subset, the noise images) comes from the seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from popgan.errors import UserError
from popgan.evidence.features import Extractor, cached_features
from popgan.evidence.fidelity.nearest import Nearest, nearest_pixels
from popgan.evidence.fidelity.spectrum import radial_spectra
from popgan.evidence.statistics import image_groups, owners_of, subject_groups
from popgan.progress import Reporter
from popgan.seeds import numpy_rng

MIN_IMAGES = 10
MAX_NOISE = 256
FEW_SUBJECTS = 20
FEW_SYNTHETIC = 500
_BLOCK = 256  # images looked at at once: a whole set has no temporary copy beside it


class LeftOutError(Exception):
    """A measure that this material does not carry; the words, a sentence, say why."""


@dataclass(frozen=True)
class ImageSet:
    """Images N x C x H x W in [-1, 1], their features N x D and their jackknife groups."""

    images: np.ndarray
    features: np.ndarray
    groups: np.ndarray
    subjects: list[str] | None = None

    @cached_property
    def owners(self) -> np.ndarray | None:
        """N numbers of subjects; None where every image is its own draw."""
        return None if self.subjects is None else owners_of(self.subjects)

    def take(self, indices: np.ndarray) -> ImageSet:
        """A subset; its groups are kept (and renumbered where one has vanished)."""
        if np.array_equal(indices, np.arange(len(self.images))):
            return self  # all of it: no copy
        _, groups = np.unique(self.groups[indices], return_inverse=True)
        subjects = None if self.subjects is None else [self.subjects[i] for i in indices]
        return ImageSet(self.images[indices], self.features[indices], groups, subjects)


@dataclass(frozen=True)
class Material:
    """What the metrics are computed from.

    `matched_*`: random subsets of equal size of the synthetic and of the training images, for
    metrics whose bias depends on the number. `matched_rows`: which synthetic images these are.
    `mean_image`: the training mean, repeated (one image in memory). It needs no noise added:
    nothing here inverts a covariance. `noise`: independent Gaussian pixels with the training
    images' mean and deviation for each contrast, clipped to the range; at most 256. `identity`: of
    the feature network. `cache`, `reporter`: for measures with features of their own.
    """

    train: ImageSet
    reference: ImageSet
    synthetic: ImageSet
    matched_train: ImageSet
    matched_synthetic: ImageSet
    mean_image: ImageSet
    noise: ImageSet
    clipped: float
    seed: int
    matched_rows: np.ndarray
    identity: dict[str, Any]
    cache: Path | None = None
    reporter: Reporter = field(default_factory=Reporter)

    @property
    def junk(self) -> dict[str, ImageSet]:
        """The ceilings by name."""
        return {"mean image": self.mean_image, "noise": self.noise}

    @cached_property
    def nearest_training(self) -> Nearest:
        """The training image most like each synthetic one, in pixels."""
        return nearest_pixels(self.synthetic.images, self.train.images)

    @cached_property
    def synthetic_spectra(self) -> np.ndarray:
        """Radial spectra of all synthetic images, dB."""
        return radial_spectra(self.synthetic.images)

    @cached_property
    def reference_spectra(self) -> np.ndarray:
        """Radial spectra of the held-out real images, dB."""
        return radial_spectra(self.reference.images)


def gather(
    real_train: np.ndarray,
    real_reference: np.ndarray,
    synthetic: np.ndarray,
    train_subjects: Sequence[str],
    reference_subjects: Sequence[str],
    extractor: Extractor,
    *,
    seed: int,
    cache: Path | None,
    reporter: Reporter,
) -> Material:
    """Check the images, compute all features and draw the subsets.

    Raises:
        UserError: see `check`.
    """
    check(real_train, real_reference, synthetic, train_subjects, reference_subjects)
    synthetic, clipped = _within_range(synthetic)
    matched = min(len(synthetic), len(real_train))
    mean = real_train.mean(0, dtype=np.float64, keepdims=True).astype(np.float32)
    noise = _noise(real_train, min(matched, MAX_NOISE), seed)
    sources = [real_train, real_reference, synthetic, mean, noise]
    features = []
    with reporter.task("features", total=sum(len(images) for images in sources)) as task:
        for images in sources:
            features.append(cached_features(images, extractor, cache, advance=task.advance))
    train = ImageSet(
        real_train,
        features[0],
        subject_groups(train_subjects, seed=seed),
        [str(name) for name in train_subjects],
    )
    reference = ImageSet(
        real_reference,
        features[1],
        subject_groups(reference_subjects, seed=seed),
        [str(name) for name in reference_subjects],
    )
    fake = ImageSet(synthetic, features[2], image_groups(len(synthetic), seed=seed))
    rows = _subset(len(synthetic), matched, seed, "matched synthetic")
    return Material(
        train=train,
        reference=reference,
        synthetic=fake,
        matched_train=train.take(_subset(len(real_train), matched, seed, "matched training")),
        matched_synthetic=fake.take(rows),
        mean_image=ImageSet(
            np.broadcast_to(mean, (matched, *mean.shape[1:])),
            np.broadcast_to(features[3], (matched, features[3].shape[1])),
            np.zeros(matched, np.int64),
        ),
        noise=ImageSet(noise, features[4], image_groups(len(noise), seed=seed)),
        clipped=clipped,
        seed=seed,
        matched_rows=rows,
        identity=extractor.identity,
        cache=cache,
        reporter=reporter,
    )


def _within_range(images: np.ndarray) -> tuple[np.ndarray, float]:
    """Images clipped to [-1, 1], float32, and the share of pixels that were; no copy if none."""
    outside = sum(int((np.abs(block) > 1 + 1e-6).sum()) for block in blocks(images))
    beyond = any(bool((np.abs(block) > 1).any()) for block in blocks(images))
    if beyond or images.dtype != np.float32:
        images = np.clip(images, -1, 1).astype(np.float32)
    return images, outside / images.size


def blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    """Images, a few hundred at a time, so that nothing as large as the set lies beside it."""
    for start in range(0, len(images), _BLOCK):
        yield images[start : start + _BLOCK]


def _subset(count: int, size: int, seed: int, purpose: str) -> np.ndarray:
    return np.sort(numpy_rng(seed, f"{purpose} images").permutation(count)[:size])


def _noise(train: np.ndarray, count: int, seed: int) -> np.ndarray:
    centre = train.mean((0, 2, 3), dtype=np.float64)[None, :, None, None]
    squares = sum(((block - centre) ** 2).sum((0, 2, 3)) for block in blocks(train))
    width = np.sqrt(squares / (train.size // train.shape[1]))[None, :, None, None]
    normal = numpy_rng(seed, "noise images").standard_normal((count, *train.shape[1:]))
    return np.clip(centre + width * normal, -1, 1).astype(np.float32)


def check(
    real_train: np.ndarray,
    real_reference: np.ndarray,
    synthetic: np.ndarray,
    train_subjects: Sequence[str],
    reference_subjects: Sequence[str],
) -> None:
    """Refuse material that cannot be assessed.

    Raises:
        UserError: fewer than ten images in a set; images of different size; a value that is not
            a finite number; real images outside [-1, 1]; a subject name missing; fewer than two
            subjects in a real set, or one that has all images but one; a subject both in training
            and held out.
    """
    sets = {"training": real_train, "held-out": real_reference, "synthetic": synthetic}
    for name, images in sets.items():
        if images.ndim != 4:
            raise UserError(f"{name} images of shape {images.shape}", do="give N x C x H x W")
        if len(images) < MIN_IMAGES:
            raise UserError(
                f"{len(images)} {name} images where {MIN_IMAGES} or more are needed to evaluate",
                do="add images (for real ones: subjects, or slices for each subject)",
            )
        if images.shape[1:] != real_train.shape[1:]:
            raise UserError(
                f"{name} images are {_size(images)} but training images are {_size(real_train)}",
                do="compare images with the same contrasts and the same size",
            )
        finite = np.concatenate([np.isfinite(block).all((1, 2, 3)) for block in blocks(images)])
        if not finite.all():
            bad = int(np.flatnonzero(~finite)[0])
            real = "repair or drop it"
            drawn = "the model that drew it has diverged: train again with lower learning rates"
            raise UserError(
                f"{name} image {bad} contains NaN or infinity",
                do=drawn if name == "synthetic" else real,
            )
        highest = max(float(np.abs(block).max()) for block in blocks(images))
        if name != "synthetic" and highest > 1.001:
            raise UserError(f"{name} images leave the range [-1, 1]", do="normalise them first")
    _check_subjects("training", real_train, train_subjects)
    _check_subjects("held-out", real_reference, reference_subjects)
    shared = sorted(set(map(str, train_subjects)) & set(map(str, reference_subjects)))
    if shared:
        raise UserError(
            f"{len(shared)} subjects are both in training and held out, {shared[0]} for one",
            do="split by subject; an overlap makes every comparison look better than it is",
        )


def _check_subjects(name: str, images: np.ndarray, subjects: Sequence[str]) -> None:
    if len(subjects) != len(images):
        raise UserError(f"{len(subjects)} subject names for {len(images)} {name} images")
    if len(set(map(str, subjects))) < 2:
        raise UserError(
            f"the {name} images come from one subject",
            do="evaluate on two or more subjects; slices of one subject are not independent",
        )
    if len(subjects) - max(Counter(map(str, subjects)).values()) < 2:
        raise UserError(
            f"all {name} images but one come from one subject",
            do="give two images or more without any one subject, so that each can be left out",
        )


def _size(images: np.ndarray) -> str:
    contrasts, height, width = images.shape[1:]
    return f"{height} x {width} with {contrasts} contrast{'s' if contrasts > 1 else ''}"


def cautions(material: Material) -> list[str]:
    """Sentences about what this material cannot support."""
    found = []
    reference, synthetic = material.reference, material.synthetic
    subjects = len(set(reference.subjects or []))
    if subjects < FEW_SUBJECTS:
        found.append(
            f"Only {subjects} held-out subjects: intervals are wide and may hide real differences."
        )
    smallest = min(len(reference.images), len(material.matched_synthetic.images))
    dimension = reference.features.shape[1]
    if smallest <= dimension:
        found.append(
            f"Frechet distance from {smallest} images in {dimension} dimensions is mostly bias: "
            "read it only beside its floor."
        )
    if len(synthetic.images) < FEW_SYNTHETIC:
        found.append(
            f"Only {len(synthetic.images)} synthetic images: {FEW_SYNTHETIC} or more are advised."
        )
    if material.clipped > 0:
        found.append(f"{material.clipped:.3%} of synthetic pixels lay outside [-1, 1]: clipped.")
    pictures = {hash(np.round(image, 3).tobytes()) for image in synthetic.images}
    repeated = len(synthetic.images) - len(pictures)
    if repeated:
        found.append(f"{repeated} synthetic images repeat another one: the generator collapsed.")
    return found
