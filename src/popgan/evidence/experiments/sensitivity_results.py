"""Which values matter, as data: shares of variance, slices, pairs."""

from __future__ import annotations

from popgan.evidence.experiments.search_results import Result, Value


class Importance(Result):
    """How much of the variance of a forest's prediction a value explains.

    By functional ANOVA (fANOVA; Hutter et al., 2014). A forest smooths, so values
    that matter less come out smaller than their share of the variance of the objective itself.

    Attributes:
        name: of the value.
        share: of the variance of the forest's prediction, 0 .. 1.
        low, high: scatter of it, the middle 95 % over bootstrap samples of the trials; no interval
            for the true share, for they do not show the forest's bias.
        rank_low, rank_high: the same for its rank (1 = most important).
        ped: PED-ANOVA (Watanabe et al., 2023), which asks about the best quarter of the trials, as
            a share of the sum over all values; None where trials are too few.
    """

    name: str
    share: float
    low: float
    high: float
    rank_low: int
    rank_high: int
    ped: float | None = None


class Slice(Result):
    """The objective over one value.

    Attributes:
        name: of the value.
        log: whether the axis is logarithmic.
        values, kids: one pair a trial.
        at, marginal: the forest's mean prediction over all other values.
    """

    name: str
    log: bool
    values: list[Value]
    kids: list[float]
    at: list[Value]
    marginal: list[float]


class Pair(Result):
    """How two values act together (fANOVA).

    Attributes:
        first, second: names.
        share: of the variance of the forest's prediction that they explain only together.
        first_at, second_at: places of the grid.
        grid: predicted KID, one row a place of `first_at`.
    """

    first: str
    second: str
    share: float
    first_at: list[Value]
    second_at: list[Value]
    grid: list[list[float]]


class Sensitivity(Result):
    """What matters, from trials that fill the space.

    Attributes:
        n: complete trials.
        failed: trials without a score; they are not in the forest.
        r2: of the forest on trials it has not seen (out of bag); below 0.3 shares mean little.
        r2_low, r2_high: 95 % bootstrap interval. All three are None where trials are too few for
            a forest; then there are no importances, and `caution` says so.
        noise: share of the variance that seeds alone explain, where the spread is known.
        importances: most important first.
        slices: the same order.
        pairs: largest share first.
        caution: in words, empty where there is none.
    """

    n: int
    failed: int
    r2: float | None
    r2_low: float | None
    r2_high: float | None
    noise: float | None
    importances: list[Importance]
    slices: list[Slice]
    pairs: list[Pair]
    caution: str = ""
