"""What is true in a simulated reader study: by formula, else by a large simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import norm

from popgan.evidence.readers.answers import REAL, Answers, Case
from popgan.evidence.readers.icc import mean_squares
from popgan.evidence.readers.kappa import fleiss, fleiss_sums, joint_counts, weighted_kappa
from popgan.evidence.readers.krippendorff import alpha, coincidences
from popgan.evidence.readers.likert import mean_score
from popgan.evidence.readers.signal import auc
from popgan.evidence.readers.simulate import ReaderModel, Traits, simulate, traits
from popgan.evidence.readers.tables import authenticity_table, says_synthetic, score_table

CRITERION = "realism"
MANY_IMAGES, OVER = 15000, 4  # of each source, in large simulations with few readers
MANY_READERS, FEWER_IMAGES, TIMES = 200, 750, 3  # in those with many
PAIRS_OF_READERS = 2000  # over whom formulas are averaged


def cases_of(
    real: int, synthetic: Mapping[str, int], per_patient: int = 1, start: int = 0
) -> list[Case]:
    """Cases of a study: real ones by patient, and each model's."""
    found = [
        Case(f"real-{i:05}", REAL, f"patient-{i // per_patient:05}")
        for i in range(start, start + real)
    ]
    for model, count in synthetic.items():
        names = [f"{model}-{i:05}" for i in range(start, start + count)]
        found += [Case(name, model, name) for name in names]
    return found


def d_prime_of(share: float, model: ReaderModel) -> float:
    """Mean d' at which readers in general have a mean balanced accuracy."""
    spread = math.sqrt(1 + model.d_prime_sd**2 / 4 + model.criterion_sd**2)
    return float(2 * norm.ppf(share) * spread)


def d_prime_of_choice(share: float, model: ReaderModel) -> float:
    """Mean d' at which readers in general choose right as often, without a left bias.

    A pair's evidence differs with variance 2; its reader's d' adds its own.
    """
    return float(norm.ppf(share) * math.sqrt(2 + model.d_prime_sd**2))


def detection(model: ReaderModel, d: float, c: float) -> dict[str, float]:
    """Truth of one reader with d' and c."""
    cuts = np.array([-math.inf, *(-s for s in model.sure[::-1]), 0, *model.sure, math.inf]) + c
    counts = np.stack([np.diff(norm.cdf(cuts + d / 2)), np.diff(norm.cdf(cuts - d / 2))])
    hits, right = norm.cdf(d / 2 - c), norm.cdf(d / 2 + c)
    return {
        "sensitivity": float(hits),
        "specificity": float(right),
        "balanced accuracy": float(hits + right) / 2,
        "d'": d,
        "criterion": c,
        "AUC": float(auc(counts)),
    }


def of_readers(model: ReaderModel, readers: Sequence[Traits]) -> dict[str, float]:
    """Means over given readers, for images in general."""
    d = model.detects("a")
    each = [detection(model, d + one.better, one.criterion) for one in readers]
    found = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    means = {
        source: float(
            np.mean([mean_score(model.score_shares(source, one.leniency)) for one in readers])
        )
        for source in (REAL, "a")
    }
    return found | {
        "mean score, real": means[REAL],
        "difference of scores": means[REAL] - means["a"],
        "odds ratio": math.exp(-model.shift.get("a", 0.0)),
    }


def of_any_readers(model: ReaderModel) -> dict[str, float]:
    """Means over very many readers, for images in general."""
    many = [traits(model, f"T{i}", 0) for i in range(PAIRS_OF_READERS)]
    # Traits enter in opposite pairs, so that their means are exact.
    mirrored = [
        Traits(-one.better, 2 * model.criterion - one.criterion, -one.leniency, one.pace)
        for one in many
    ]
    return of_readers(model, [*many, *mirrored])


def agreement(
    model: ReaderModel, readers: Sequence[str], reader_seed: int, *, per_patient: int = 1
) -> dict[str, float]:
    """Agreement of given readers about very many images, half of them real."""
    found = [
        _agreement(_large(model, readers, reader_seed, MANY_IMAGES, per_patient, seed=seed))
        for seed in range(OVER)
    ]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _agreement(answers: Answers) -> dict[str, float]:
    readers = answers.readers
    values = score_table(answers, CRITERION).values
    said = says_synthetic(authenticity_table(answers)).values
    again = score_table(answers, CRITERION, repeat=1).values
    counts, yes = _counts(values, 5), _counts(said, 2)
    pairs = [
        weighted_kappa(joint_counts(values[:, i], values[:, j], 5).sum(axis=0))
        for i in range(len(readers))
        for j in range(i)
    ]
    first = joint_counts(values[:, 0], values[:, 1], 5).sum(axis=0)
    own = joint_counts(values[:, 0], again[:, 0], 5).sum(axis=0)
    all_own = sum(
        joint_counts(values[:, i], again[:, i], 5).sum(axis=0) for i in range(len(readers))
    )
    return {
        "ICC(3,k)": mean_squares(values.astype(float)).mean,
        "weighted kappa, mean": float(np.mean(pairs)),
        "weighted kappa, a pair": float(weighted_kappa(first)),
        "Fleiss' kappa": float(fleiss(fleiss_sums(counts).sum(axis=0))),
        "alpha, ordinal": float(alpha(coincidences(counts).sum(axis=0), "ordinal")),
        "alpha, nominal": float(alpha(coincidences(yes).sum(axis=0), "nominal")),
        "repeats, exact, a reader": float(np.trace(own) / own.sum()),
        "repeats, kappa, a reader": float(weighted_kappa(own)),
        "repeats, exact, pooled": float(np.trace(all_own) / np.sum(all_own)),
        "repeats, kappa, pooled": float(weighted_kappa(np.asarray(all_own))),
    }


def icc_single(model: ReaderModel, *, per_patient: int = 1) -> float:
    """ICC(2,1) of very many readers about very many images, half of them real."""
    readers = [f"T{i}" for i in range(MANY_READERS)]
    found = []
    for seed in range(TIMES):
        answers = _large(model, readers, seed, FEWER_IMAGES, per_patient, seed=seed)
        found.append(mean_squares(score_table(answers, CRITERION).values.astype(float)).single)
    return float(np.mean(found))


def _large(
    model: ReaderModel,
    readers: Sequence[str],
    reader_seed: int,
    images: int,
    per_patient: int,
    seed: int,
) -> Answers:
    cases = cases_of(images, {"a": images}, per_patient)
    names = [case.name for case in cases]
    repeats = dict.fromkeys(readers, names) if len(readers) < 10 else None
    return simulate(
        cases, model, readers=readers, repeats=repeats, seed=seed, reader_seed=reader_seed
    )


def _counts(values: np.ndarray, levels: int) -> np.ndarray:
    return (values[..., None] == np.arange(1, levels + 1)).sum(axis=1).astype(float)
