"""Membership attacks on released images: who was in the training set, patient by patient?

Each attack scores a real image by how much synthetic images gather around it, in a feature space:

    GAN-Leaks             minus the distance to the nearest synthetic image (Chen et al. 2020)
    calibrated GAN-Leaks  the same, less the distance to the nearest image of a reference set
    Monte-Carlo           share of synthetic images within eps, the median of the distances above
                          (Hilprecht et al. 2019)
    DOMIAS                log density of synthetic over that of reference images, on principal
                          components (van Breugel et al. 2023); Gaussian, or a Gaussian kernel

A reference set is a third group of patients whom neither generator nor test has seen. The slices of
a patient become one score: their mean, and their maximum (the same, and left out, where every
patient has one image).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.evidence.fidelity.nearest import nearest_features
from popgan.evidence.fidelity.prdc import squared_distances
from popgan.evidence.privacy import roc
from popgan.evidence.privacy.results import Aggregate, Attack, AttackName
from popgan.evidence.statistics import members

Floats = NDArray[np.float64]
Features = NDArray[np.floating]
Density = Literal["gaussian", "kernel"]

AGGREGATES: tuple[Aggregate, ...] = ("mean", "max")
COMPONENTS = 8
_BLOCK = 512
_RIDGE = 1e-3  # of the mean variance, on the diagonal


def gan_leaks(images: Features, synthetic: Features, reference: Features | None = None) -> Floats:
    """Minus the distance to the nearest synthetic image; calibrated with a reference set.

    Args:
        images: N x D, whose membership is asked. synthetic: S x D. reference: R x D.
    """
    score = -nearest_features(images, synthetic).nearness
    if reference is None:
        return score
    return np.asarray(score + nearest_features(images, reference).nearness)


def monte_carlo(images: Features, synthetic: Features, eps: float | None = None) -> Floats:
    """Share of synthetic images within eps of each image.

    Args:
        images: N x D. synthetic: S x D.
        eps: radius; the median distance of the images to the nearest synthetic one by default.
    """
    if eps is None:
        eps = float(np.median(nearest_features(images, synthetic).nearness))
    x, y = np.asarray(images, np.float64), np.asarray(synthetic, np.float64)
    found = np.empty(len(x))
    for start in range(0, len(x), _BLOCK):
        near = squared_distances(x[start : start + _BLOCK], y) <= eps**2
        found[start : start + _BLOCK] = near.mean(1)
    return found


def domias(
    images: Features,
    synthetic: Features,
    reference: Features,
    *,
    components: int = COMPONENTS,
    density: Density = "gaussian",
) -> Floats:
    """Log density of synthetic images over that of reference images at each image.

    Components are those of synthetic and reference images together, as many as the smaller set
    can carry (a tenth of its size).

    Args:
        images: N x D. synthetic: S x D. reference: R x D.
        components: dimensions of the embedding.
        density: a Gaussian, or a sum of Gaussians about each image of Scott's width.
    """
    both = np.concatenate([np.asarray(synthetic, np.float64), np.asarray(reference, np.float64)])
    centre = both.mean(0)
    least = min(len(synthetic), len(reference))
    axes = _axes(both - centre, max(1, min(components, *both.shape, least // 10)))
    x, s, r = (
        (np.asarray(part, np.float64) - centre) @ axes for part in (images, synthetic, reference)
    )
    log_density = _gaussian if density == "gaussian" else _kernel
    return log_density(x, s) - log_density(x, r)


def attacks(
    train: Features,
    train_subjects: Sequence[str],
    heldout: Features,
    heldout_subjects: Sequence[str],
    synthetic: Features,
    reference: Features | None = None,
    *,
    delta: float = roc.DELTA,
    seed: int = 0,
) -> tuple[list[Attack], dict[str, float]]:
    """All attacks that the sets allow, by patient, and how exposed each training patient is.

    Args:
        train: N x D with a patient each: members. heldout: M x D: others. synthetic: S x D.
        reference: R x D of patients on neither side; without it two attacks fall away.
        delta: of the empirical epsilon.
        seed: of the control's halves.

    Returns:
        Attacks, and patient -> mean over attacks of the score in standard deviations of the others.

    Raises:
        UserError: a patient on both sides.
    """
    if set(train_subjects) & set(heldout_subjects):
        raise UserError("patients are both members and others, so no attack can be measured")
    images = np.concatenate([np.asarray(train, np.float64), np.asarray(heldout, np.float64)])
    found: list[Attack] = []
    exposed: list[Floats] = []
    here, there = np.asarray(train_subjects, dtype=str), np.asarray(heldout_subjects, dtype=str)
    several = 2 if len(np.unique(here)) + len(np.unique(there)) < len(images) else 1
    for name, values in _scores(images, synthetic, reference).items():
        for how in AGGREGATES[:several]:
            of = np.mean if how == "mean" else np.max
            scores = roc.Scores(
                roc.per_patient(values[: len(here)], here, of),
                roc.per_patient(values[len(here) :], there, of),
            )
            found.append(attack_of(name, how, scores, delta, seed))
            scale = float(scores.others.std()) or 1.0
            exposed.append((scores.members - scores.others.mean()) / scale)
    mean = np.mean(exposed, 0)
    return found, {str(n): float(v) for n, v in zip(members(here)[0], mean, strict=True)}


def _scores(
    images: Floats, synthetic: Features, reference: Features | None
) -> dict[AttackName, Floats]:
    found: dict[AttackName, Floats] = {
        "GAN-Leaks": gan_leaks(images, synthetic),
        "Monte-Carlo": monte_carlo(images, synthetic),
    }
    if reference is not None:
        found["calibrated GAN-Leaks"] = gan_leaks(images, synthetic, reference)
        found["DOMIAS"] = domias(images, synthetic, reference)
    return found


def attack_of(
    name: AttackName,
    how: Aggregate,
    scores: roc.Scores,
    delta: float = roc.DELTA,
    seed: int = 0,
) -> Attack:
    """What an attack's scores amount to, one a patient; its control halves the members by seed."""
    rate, p_rate = roc.tpr(scores)
    return Attack(
        name=name,
        aggregate=how,
        members=len(scores.members),
        others=len(scores.others),
        auc=roc.auc(scores),
        p=roc.p_auc(scores),
        tpr=rate,
        p_tpr=p_rate,
        epsilon=roc.epsilon(scores, delta),
        control=roc.control(scores.members, seed=seed),
    )


def _axes(centred: Floats, count: int) -> Floats:
    """The first principal axes of N x D numbers, D x count; 0 where there is no spread left.

    From the smaller of both products of the matrix with itself: of thousands of images and
    features, a few components are wanted, and a whole decomposition takes minutes.
    """
    from scipy.linalg import eigh

    wide = len(centred) < centred.shape[1]
    product = centred @ centred.T if wide else centred.T @ centred
    last = len(product) - 1
    values, axes = eigh(product, subset_by_index=(last - count + 1, last))
    values, axes = values[::-1], axes[:, ::-1]
    if wide:
        axes = centred.T @ axes
    length = np.linalg.norm(axes, axis=0)
    kept = (values > 1e-12 * max(float(values[0]), 1e-300)) & (length > 0)
    return np.asarray(np.where(kept, axes / np.where(kept, length, 1.0), 0.0))


def _gaussian(x: Floats, sample: Floats) -> Floats:
    """Log density of a Gaussian fitted to a sample."""
    covariance = np.atleast_2d(np.cov(sample, rowvar=False)) if len(sample) > 1 else None
    if covariance is None:
        covariance = np.eye(sample.shape[1])
    size = len(covariance)
    covariance = covariance + np.eye(size) * max(_RIDGE * np.trace(covariance) / size, 1e-12)
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, (x - sample.mean(0)).T)
    spread = float(np.log(np.diag(factor)).sum())
    return np.asarray(-0.5 * (white**2).sum(0) - spread - size / 2 * np.log(2 * np.pi))


def _kernel(x: Floats, sample: Floats) -> Floats:
    """Log density of Gaussians about each of a sample, with Scott's (1992) width, in blocks."""
    from scipy.special import logsumexp

    count, size = sample.shape
    covariance = np.atleast_2d(np.cov(sample, rowvar=False)) * count ** (-2 / (size + 4))
    covariance = covariance + np.eye(size) * max(_RIDGE * np.trace(covariance) / size, 1e-12)
    factor = np.linalg.cholesky(covariance)
    white, bank = np.linalg.solve(factor, x.T).T, np.linalg.solve(factor, sample.T).T
    found = np.empty(len(x))
    for start in range(0, len(x), _BLOCK):
        near = squared_distances(white[start : start + _BLOCK], bank)
        found[start : start + _BLOCK] = logsumexp(-0.5 * near, axis=1)
    spread = float(np.log(np.diag(factor)).sum())
    return np.asarray(found - np.log(count) - spread - size / 2 * np.log(2 * np.pi))
