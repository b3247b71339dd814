"""How much the objective varies with the seed alone, and which differences are therefore ties."""

from __future__ import annotations

import math
from collections.abc import Sequence

from popgan.evidence.experiments.results import Spread


def spread_of(values: Sequence[float], others: Sequence[Sequence[float]] = ()) -> Spread | None:
    """The spread between trainings of one setting that differ in their seed alone.

    The interval of the standard deviation is the chi-square one. Few trainings say little: with
    three, the true one lies between 0.52 and 6.3 times what was found.

    Args:
        values: KID of each training of the default.
        others: the same of other settings that were trained with several seeds, and of trainings
            of the default that are not among `values`.

    Returns:
        None where no setting has two.
    """
    groups = [values, *others]
    sd = pooled_sd(groups)
    if sd is None:
        return None
    freedom = sum(max(len(group) - 1, 0) for group in groups)
    from scipy.stats import chi2

    high, low = (sd * math.sqrt(freedom / float(chi2.ppf(p, freedom))) for p in (0.025, 0.975))
    return Spread(values=list(values), sd=sd, tie=2 * sd, freedom=freedom, low=low, high=high)


def pooled_sd(groups: Sequence[Sequence[float]]) -> float | None:
    """Standard deviation within groups, with one degree of freedom less for each group.

    Args:
        groups: values of one setting each; those with fewer than two say nothing.

    Returns:
        None where no group says anything.
    """
    squares, freedom = 0.0, 0
    for group in groups:
        mean = math.fsum(group) / max(len(group), 1)
        squares += math.fsum((value - mean) ** 2 for value in group)
        freedom += max(len(group) - 1, 0)
    return math.sqrt(squares / freedom) if freedom else None


def tie_bound(sd: float, n_a: int = 1, n_b: int = 1) -> float:
    """Difference of two means below which they are a tie: 2 SD * sqrt((1/n_a + 1/n_b) / 2).

    For two single trainings these are the 2 SD of one training that our plan names. That is a rule
    of thumb and no test at 5 %: the difference itself varies by sqrt(2) SD, so 2 SD are 1.41
    standard errors, and two settings that are equal differ by more 16 % of the time (normal
    values, SD known; 23 % where the SD comes from five seeds). With more trainings a side the bound
    shrinks as the standard error does, so this share stays the same.

    Args:
        sd: between seeds.
        n_a, n_b: trainings behind each mean.
    """
    return 2 * sd * math.sqrt((1 / n_a + 1 / n_b) / 2)


def tied(a: float, b: float, spread: Spread, n_a: int = 1, n_b: int = 1) -> bool:
    """Whether two means differ by less than `tie_bound`, or not at all.

    Args:
        a, b: KID, means of n_a and n_b trainings.
    """
    return a == b or abs(a - b) < tie_bound(spread.sd, n_a, n_b)
