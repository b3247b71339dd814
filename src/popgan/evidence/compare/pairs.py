"""Every pair of groups of models: difference, effect, chance to win, tests, Holm, and the words.

A group is one training, or several of one recipe with different seeds. Where both sides have
several, trainings are the replicates: the spread between them is what another training would bring,
and the spread between held-out subjects is added to it, so that an interval speaks of other
trainings on other patients. Where a side has only one, no spread between trainings is known; then
the interval is over subjects and drawn images, and speaks of these weights alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.compare import effects
from popgan.evidence.compare.exact import flips, permutations
from popgan.evidence.compare.results import MetricName, Pair, Unit
from popgan.evidence.compare.scores import Scored
from popgan.evidence.compare.words import sentence
from popgan.evidence.readers.holm import with_holm
from popgan.evidence.readers.results import Measure, Test
from popgan.evidence.statistics import Replicates, jackknife_variance, welch

Floats = NDArray[np.float64]
LEVEL = 0.95
ALPHA = 0.05
SUBJECTS: Unit = "held-out subjects"
TRAININGS: Unit = "trainings"
LOWER_IS_BETTER: dict[MetricName, bool] = {"kid": True, "clipped_coverage": False}


@dataclass(frozen=True)
class Contender:
    """A group in one metric.

    Attributes:
        title: its name.
        seeds: of its trainings, all different.
        scored: of each training.
    """

    title: str
    seeds: tuple[int, ...]
    scored: tuple[Scored, ...]

    @property
    def values(self) -> Floats:
        """A value a training."""
        return np.array([one.value for one in self.scored])

    @property
    def mean(self) -> float:
        """Over its trainings."""
        return float(self.values.mean())

    @property
    def reference(self) -> Replicates:
        """Its mean without each group of held-out subjects."""
        mean = np.mean([one.reference.values for one in self.scored], axis=0)
        return Replicates(mean, self.scored[0].reference.sizes)

    def spread(self, *, about: str) -> list[tuple[float, int]]:
        """Variances of its mean and their degrees of freedom, but for the reference's.

        Args:
            about: "trainings" for the spread between them, in which that of the drawn images is
                contained; "images" for the latter alone.
        """
        count = len(self.scored)
        if about == "trainings":
            return [(float(self.values.var(ddof=1)) / count, count - 1)]
        return [
            (
                jackknife_variance(one.value, one.synthetic) / count**2,
                len(one.synthetic.values) - 1,
            )
            for one in self.scored
        ]


def pairs(
    contenders: Sequence[Contender], metric: MetricName, subjects: int, *, seed: int = 0
) -> list[Pair]:
    """All pairs of groups in a metric, with Holm's correction over all of them.

    Args:
        contenders: groups measured against one reference.
        metric: which one `scored` holds.
        subjects: held-out subjects of the reference.
        seed: of permutations, where there are too many to try.
    """
    found = [
        _pair(first, second, metric, subjects, seed)
        for first, second in combinations(contenders, 2)
    ]
    corrected = with_holm([pair.test for pair in found])
    return [_judged(pair, test, len(found)) for pair, test in zip(found, corrected, strict=True)]


def mean_of(group: Contender, subjects: int) -> Measure:
    """Mean of a group with its interval."""
    several = len(group.scored) > 1
    counts = (len(group.scored),) if several else ()
    parts = [_reference_part(group.mean, group.reference)]
    parts += group.spread(about="trainings" if several else "images")
    of = _sample(counts, subjects)
    return _interval(group.mean, parts, of, _method(group.reference, counts, subjects))


def _pair(
    first: Contender, second: Contender, metric: MetricName, subjects: int, seed: int
) -> Pair:
    several = min(len(first.scored), len(second.scored)) > 1
    counts = (len(first.scored), len(second.scored)) if several else ()
    gap = first.mean - second.mean
    both = Replicates(first.reference.values - second.reference.values, first.reference.sizes)
    parts = [_reference_part(gap, both)]
    matched = several and sorted(first.seeds) == sorted(second.seeds)
    if matched:
        paired = _by_seed(first) - _by_seed(second)
        parts.append((float(paired.var(ddof=1)) / len(paired), len(paired) - 1))
    else:
        about = "trainings" if several else "images"
        parts += [*first.spread(about=about), *second.spread(about=about)]
    unit = TRAININGS if several else SUBJECTS
    of = _sample(counts, subjects)
    difference = _interval(gap, parts, of, _method(both, counts, subjects, paired=matched))
    exact: tuple[Test | None, float | None] = (None, None)
    if matched:
        exact = flips(_by_seed(first) - _by_seed(second), unit, seed=seed)
    elif several:
        exact = permutations(first.values, second.values, unit, seed=seed)
    effect, chance = _sizes(first, second, LOWER_IS_BETTER[metric], several)
    return Pair(
        first=first.title,
        second=second.title,
        metric=metric,
        unit=unit,
        difference=difference,
        effect=effect,
        superiority=chance,
        test=_student(gap, parts, of, counts, subjects),
        exact=exact[0],
        smallest_p=exact[1],
        tie=True,
        better=None,
        sentence="",
    )


def _judged(pair: Pair, test: Test, count: int) -> Pair:
    """A pair after Holm's correction: a tie or not, and in words."""
    gap = pair.difference.value or 0.0
    tie = test.p_holm is None or test.p_holm > ALPHA or gap == 0
    first_is_better = (gap < 0) == LOWER_IS_BETTER[pair.metric]
    better = None if tie else pair.first if first_is_better else pair.second
    method = f"{test.method}; Holm over {count} pair{'' if count == 1 else 's'} of this metric"
    judged = pair.model_copy(
        update={
            "test": test.model_copy(update={"method": method}),
            "tie": tie,
            "better": better,
        }
    )
    return judged.model_copy(update={"sentence": sentence(judged)})


def _sizes(
    first: Contender, second: Contender, lower_is_better: bool, several: bool
) -> tuple[Measure, Measure]:
    """Effect size and chance to win."""
    if several:
        return (
            effects.effect(first.values, second.values, TRAININGS),
            effects.superiority(
                first.values, second.values, lower_is_better=lower_is_better, of=TRAININGS
            ),
        )
    one, other = _of_subjects(first), _of_subjects(second)
    if one is None or other is None:
        reason = "this metric has no value for a single subject"
        nothing = effects.missing(0, SUBJECTS, "none", reason)
        return nothing, nothing
    gaps = one - other
    wins = ((gaps < 0) if lower_is_better else (gaps > 0)) + 0.5 * (gaps == 0)
    return effects.paired_effect(gaps, SUBJECTS), effects.share_of_units(wins.tolist(), SUBJECTS)


def _of_subjects(group: Contender) -> Floats | None:
    found = [one.of_subjects for one in group.scored if one.of_subjects is not None]
    return np.mean(found, axis=0) if len(found) == len(group.scored) else None


def _by_seed(group: Contender) -> Floats:
    """Values in the order of seeds."""
    return group.values[np.argsort(group.seeds)]


def _reference_part(value: float, without: Replicates) -> tuple[float, int]:
    return jackknife_variance(value, without), len(without.values) - 1


def _sample(trainings: tuple[int, ...], subjects: int) -> tuple[int, Unit]:
    """What was varied, and how many of it: trainings where a spread between them is known."""
    return (sum(trainings), TRAININGS) if trainings else (subjects, SUBJECTS)


def _interval(
    value: float, parts: Sequence[tuple[float, int]], sample: tuple[int, Unit], method: str
) -> Measure:
    from scipy.special import stdtrit

    (n, of), (variance, freedom) = sample, welch(*zip(*parts, strict=True))
    if variance <= 0:
        reason = "the value is the same without any one group"
        return effects.missing(n, of, method, reason, value)
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * variance**0.5
    return Measure(value=value, low=value - half, high=value + half, n=n, of=of, method=method)


def _student(
    gap: float,
    parts: Sequence[tuple[float, int]],
    sample: tuple[int, Unit],
    trainings: tuple[int, ...],
    subjects: int,
) -> Test:
    from scipy.special import stdtr

    (n, of), (variance, freedom) = sample, welch(*zip(*parts, strict=True))
    if variance <= 0:
        reason = "there is no spread to test against"
        return Test(statistic=None, p=None, n=n, of=of, method="Student's t", reason=reason)
    t = gap / variance**0.5
    p = min(1.0, 2 * float(stdtr(freedom, -abs(t))))
    method = f"Student's t with {freedom:.1f} degrees of freedom, two-sided"
    if trainings:
        method += f"; spread between trainings and between {subjects} {SUBJECTS}"
    return Test(statistic=t, p=p, n=n, of=of, method=method)


def _method(
    reference: Replicates, trainings: tuple[int, ...], subjects: int, *, paired: bool = False
) -> str:
    """How an interval came about, in words."""
    groups = f"delete-a-group jackknife over {subjects} {SUBJECTS} ({len(reference.values)} groups)"
    if not trainings:
        return f"{groups} and over drawn images; Student t, 95 %; about these weights"
    count = " and ".join(map(str, trainings))
    how = ", paired by seed" if paired else ""
    return f"{groups} and spread between {count} trainings{how}; Student t, 95 %"
