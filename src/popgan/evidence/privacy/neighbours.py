"""Nearest-neighbour ratio: do synthetic images lie nearer to training than to held-out patients?

The more patients, the nearer the nearest one is, so both sides must have equally many. Instead of
drawing random subsets of the larger side, the mean over ALL its subsets is taken, which has a
closed form: among T patients sorted by distance, the r-th is the nearest of a random subset of h
with probability C(T - r, h - 1) / C(T, h). Expected without memorising: ratio 1, share 1/2.

Patients are the unit. Intervals: a jackknife over the patients of each side and over synthetic
images. P-value of the share: patients are dealt to both sides anew; if the generator knows nothing
of its training patients, each deal is as likely. The reverse proves nothing: sets that pass this
have been broken by membership attacks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.evidence.fidelity.nearest import nearest_features
from popgan.evidence.privacy.results import Neighbours
from popgan.evidence.readers.results import Measure
from popgan.evidence.statistics import MAX_GROUPS, Replicates, image_groups, interval, members
from popgan.seeds import numpy_rng
from popgan.wording import counted

Floats = NDArray[np.float64]

DEALS = 999
_IMAGES = 2000  # that a deal of patients looks at
_DEPTH = 128  # nearest patients that a deal looks at
_TINY = 1e-12
_GROUPS_LEAST = 3


def neighbours(
    synthetic: NDArray[np.floating],
    train: NDArray[np.floating],
    train_subjects: Sequence[str],
    heldout: NDArray[np.floating],
    heldout_subjects: Sequence[str],
    *,
    deals: int = DEALS,
    seed: int = 0,
) -> Neighbours:
    """Compare the nearness of synthetic images to training and to held-out patients.

    Args:
        synthetic: S x D features. train: N x D, heldout: M x D, with a patient for each row.
        deals: permutations of patients for the p-value.
        seed: of deals and of the groups of the jackknife.

    Raises:
        UserError: no patient on one of the sides.
    """
    to_train = by_patient(synthetic, train, train_subjects)
    to_heldout = by_patient(synthetic, heldout, heldout_subjects)
    side = min(to_train.shape[1], to_heldout.shape[1])
    if not side:
        raise UserError("there are no held-out or no training patients to compare with")
    logs, nearer = _compare(to_train, to_heldout, side)
    left = [
        _without(to_train, to_heldout, 0, seed),
        _without(to_train, to_heldout, 1, seed),
        _without_images(logs, nearer, seed),
    ]
    log_ratio, part = float(logs.mean()), float(nearer.mean())
    of_ratio = _measure(log_ratio, [pair[0] for pair in left], side, (-math.inf, math.inf), True)
    of_share = _measure(part, [pair[1] for pair in left], side, (0.0, 1.0), False)
    p = _dealt(to_train, to_heldout, deals, seed)
    return Neighbours(
        ratio=of_ratio,
        share=of_share,
        p=p,
        subjects=side,
        images=len(synthetic),
        sentence=_sentence(of_ratio, of_share, p),
    )


def by_patient(
    query: NDArray[np.floating], bank: NDArray[np.floating], subjects: Sequence[str]
) -> Floats:
    """Distance of each query row to the nearest row of each patient, N x patients."""
    names, member = members(subjects)
    found = np.empty((len(query), len(names)))
    for s in range(len(names)):
        found[:, s] = nearest_features(query, bank[member == s]).nearness
    return found


def chance_of_rank(total: int, drawn: int) -> Floats:
    """Probability that the nearest of a random subset has rank 1 .. total among all."""
    from scipy.special import gammaln

    rank = np.arange(1, total + 1)
    left = total - rank
    weights = np.zeros(total)
    ok = left >= drawn - 1

    def choose(n: Floats | int, k: int) -> Floats:
        return np.asarray(gammaln(np.add(n, 1)) - gammaln(k + 1) - gammaln(np.subtract(n, k) + 1))

    weights[ok] = np.exp(choose(left[ok].astype(float), drawn - 1) - choose(total, drawn))
    return weights


def _compare(to_train: Floats, to_heldout: Floats, side: int) -> tuple[Floats, Floats]:
    """Mean log ratio, and chance to be nearer to training, of each image over all subsets."""
    here, there = np.sort(to_train, 1), np.sort(to_heldout, 1)
    of_here = chance_of_rank(here.shape[1], side)
    of_there = chance_of_rank(there.shape[1], side)
    logs = np.log(np.maximum(here, _TINY)) @ of_here - np.log(np.maximum(there, _TINY)) @ of_there
    if there.shape[1] == side:
        return logs, _tail(here, there[:, 0], of_here)
    return logs, 1 - _tail(there, here[:, 0], of_there)


def _tail(many: Floats, one: Floats, weights: Floats) -> Floats:
    """Chance that the nearest of a random subset of many is nearer than one; ties count half."""
    below = np.concatenate([[0.0], np.cumsum(weights)])
    less, equal = (many < one[:, None]).sum(1), (many <= one[:, None]).sum(1)
    return np.asarray((below[less] + below[equal]) / 2)


def _without(
    to_train: Floats, to_heldout: Floats, of: int, seed: int
) -> tuple[Replicates, Replicates]:
    """Log ratio and share without each group of patients of one side."""
    sides = [to_train, to_heldout]
    count = sides[of].shape[1]
    groups = image_groups(count, seed=seed)
    logs, shares, sizes = [], [], []
    for g in range(min(count, MAX_GROUPS) if count > 1 else 0):
        kept = [table[:, groups != g] if k == of else table for k, table in enumerate(sides)]
        log, nearer = _compare(kept[0], kept[1], min(kept[0].shape[1], kept[1].shape[1]))
        logs.append(log.mean())
        shares.append(nearer.mean())
        sizes.append((groups == g).sum())
    weights = np.array(sizes)
    return Replicates(np.array(logs), weights), Replicates(np.array(shares), weights)


def _without_images(logs: Floats, nearer: Floats, seed: int) -> tuple[Replicates, Replicates]:
    groups = image_groups(len(logs), seed=seed)
    sizes = np.bincount(groups)
    if len(sizes) < 2:
        return Replicates(np.array([]), np.array([])), Replicates(np.array([]), np.array([]))
    kept = len(logs) - sizes
    return tuple(  # type: ignore[return-value]
        Replicates((v.sum() - np.bincount(groups, v)) / kept, sizes) for v in (logs, nearer)
    )


def _measure(
    value: float, samples: list[Replicates], side: int, bounds: tuple[float, float], logs: bool
) -> Measure:
    """A value with the interval of its replicates; a ratio is worked out as a logarithm."""
    shown = math.exp(value) if logs else value
    method = "jackknife over patients of both sides and synthetic images, 95 %"
    of = "patients on each side"
    if min(len(sample.values) for sample in samples) < _GROUPS_LEAST:
        reason = "fewer than three patients on a side, or three images, have no interval"
        return Measure(value=shown, n=side, of=of, method=method, reason=reason)
    low, high = interval(value, *samples, bounds=bounds)
    if logs:
        low, high = math.exp(low), math.exp(min(high, 50.0))
    return Measure(value=shown, low=low, high=high, n=side, of=of, method=method)


def _dealt(to_train: Floats, to_heldout: Floats, deals: int, seed: int) -> float:
    """One-sided p-value of the share over deals of patients to both sides, and the true one."""
    rng = numpy_rng(seed, "deals of patients")
    images = min(_IMAGES, len(to_train))
    some = np.sort(rng.permutation(len(to_train))[:images])
    sizes = (to_train.shape[1], to_heldout.shape[1])
    # In random order, so that ties favour no side.
    columns = rng.permutation(sum(sizes))
    held = columns >= sizes[0]
    table = np.concatenate([to_train[some], to_heldout[some]], 1)[:, columns]
    order = np.argsort(table, axis=1)[:, :_DEPTH]
    reached = np.concatenate([[0.0], np.cumsum(chance_of_rank(max(sizes), min(sizes)))])
    larger_is_train = sizes[0] >= sizes[1]

    def nearer(labels: NDArray[np.bool_]) -> float:
        ends = labels[order] if larger_is_train else ~labels[order]
        before = np.where(ends.any(1), ends.argmax(1), order.shape[1])
        won = float(reached[np.minimum(before, max(sizes))].mean())
        return won if larger_is_train else 1 - won

    seen = nearer(held)
    as_large = sum(nearer(rng.permutation(held)) >= seen - 1e-12 for _ in range(deals))
    return (as_large + 1) / (deals + 1)


def _sentence(ratio: Measure, part: Measure, p: float) -> str:
    """The finding in plain words."""
    patients = counted(part.n, "patient", "patients")
    text = (
        f"{part.value:.1%} of the synthetic images are nearer to training than to held-out "
        f"patients (50 % expected, {patients} on each side"
    )
    if part.low is not None and part.high is not None:
        text += f", 95 % CI {part.low:.1%} to {part.high:.1%}"
    return f"{text}, p = {p:.2g}); distance ratio {ratio.value:.3f} (1 expected)."
