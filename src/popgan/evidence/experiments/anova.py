"""Analysis of variance with the seed as a block: which terms explain how much of the KID.

Sums of squares are of type II: what a term adds to all terms that do not contain it. They come from
least squares, so cells may be missing. On complete data this is the textbook table, and its test of
the variant is also that of a mixed model with a random seed: there REML gives the same differences
and the same standard errors, as long as it finds that seeds differ at all.

Partial eta^2 is SS / (SS + SS rest), which is too large in small samples; omega^2 is less so. The
interval inverts the noncentral F distribution (Steiger 2004): of the noncentralities under which
the F found is neither among the largest nor among the smallest 2.5 %, turned into eta^2 =
lambda / (lambda + N) of N trainings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.experiments.results import AnovaRow, Replicate, Setting
from popgan.evidence.readers.holm import holm

Floats = NDArray[np.float64]
LEVEL = 0.95
SEED, REST = "seed", "rest"
_ROUNDING = 1e-10
"""Share of the sum of squares below which what is left is rounding."""


@dataclass(frozen=True)
class _Term:
    """Columns of the model that are tested together.

    Attributes:
        factors: that make it up; a term contains another if it has all its factors.
        columns: N x K.
        also: terms that these data cannot tell from it.
    """

    factors: frozenset[str]
    name: str
    columns: Floats
    also: tuple[str, ...] = ()


def anova(runs: Sequence[Replicate]) -> list[AnovaRow]:
    """Variant and seed, without an interaction: there is one training a cell.

    Args:
        runs: of all variants; those without a score are left out.

    Returns:
        Rows "variant", "seed", "rest"; none where fewer than two variants or seeds are left, or
        nothing is left for the rest.
    """
    known = [(run, run.kid) for run in runs if run.kid is not None]
    variants, seeds = [run.variant for run, _ in known], [run.seed for run, _ in known]
    if len(set(variants)) < 2 or len(set(seeds)) < 2:
        return []
    terms = [_main("variant", variants), _main(SEED, seeds)]
    return _table(np.array([kid for _, kid in known], np.float64), terms)


def anova_of_factors(levels: Mapping[str, Setting], runs: Sequence[Replicate]) -> list[AnovaRow]:
    """Factors, their interactions in pairs, and the seed as a block.

    Interactions that the data cannot tell apart are one row, named "a x b or c x d".

    Args:
        levels: of each variant, {factor: level}, the same factors in all.
        runs: of them; those without a score and those of other variants are left out.

    Returns:
        Factors in their order, then pairs, "seed" where there are several, "rest"; none where
        nothing is left for the rest.
    """
    known = [(run, run.kid) for run in runs if run.kid is not None and run.variant in levels]
    if not known:
        return []
    names = list(next(iter(levels.values())))
    mains = {name: _main(name, [levels[run.variant][name] for run, _ in known]) for name in names}
    pairs = [_interaction(mains[a], mains[b]) for a, b in combinations(names, 2)]
    seed = _main(SEED, [run.seed for run, _ in known])
    terms = _told_apart([*mains.values(), seed, *pairs])
    # The seed's row stands last, but nothing is aliased with it before an interaction is.
    terms.sort(key=lambda term: term.name == SEED)
    return _table(np.array([kid for _, kid in known], np.float64), terms)


def _main(name: str, levels: Sequence[object]) -> _Term:
    """A term with a column for each level but the first."""
    known = list(dict.fromkeys(levels))
    columns = [[float(level == one) for level in levels] for one in known[1:]]
    shaped = np.array(columns, np.float64).reshape(len(known) - 1, len(levels)).T
    return _Term(frozenset({name}), name, shaped)


def _interaction(first: _Term, second: _Term) -> _Term:
    products = first.columns[:, :, None] * second.columns[:, None]
    columns = products.reshape(len(products), -1)
    return _Term(first.factors | second.factors, f"{first.name} x {second.name}", columns)


def _told_apart(terms: Sequence[_Term]) -> list[_Term]:
    """Terms that add something to those before them; others lend their names to their aliases."""
    kept: list[_Term] = []
    for term in terms:
        before = _basis([one.columns for one in kept], len(term.columns))
        after = _basis([one.columns for one in (*kept, term)], len(term.columns))
        if after.shape[1] > before.shape[1]:
            kept.append(term)
            continue
        for i, one in enumerate(kept):
            # Apart from their main effects, which the model has anyway.
            parts = [x.columns for x in kept if x.factors < one.factors | term.factors]
            alone = _basis([*parts, one.columns], len(term.columns)).shape[1]
            both = _basis([*parts, one.columns, term.columns], len(term.columns)).shape[1]
            without = _basis([*parts, term.columns], len(term.columns)).shape[1]
            if len(one.factors) > 1 and alone == both == without:
                kept[i] = _Term(one.factors, one.name, one.columns, (*one.also, term.name))
    return kept


def _table(values: Floats, terms: Sequence[_Term]) -> list[AnovaRow]:
    n = len(values)
    centred = values - values.mean()
    total = float(centred @ centred)
    left, rank = _left(centred, terms)
    freedom = n - rank
    if freedom < 1:
        return []
    rest = left if left > _ROUNDING * total else 0.0
    rows = []
    for term in terms:
        others = [one for one in terms if not one.factors >= term.factors]
        without, rank_without = _left(centred, others)
        added, rank_with = _left(centred, [*others, term])
        if rank_with > rank_without:
            squares = max(0.0, without - added)
            rows.append(_row(term, rank_with - rank_without, squares, freedom, rest, n))
    adjusted = iter(holm([row.p for row in rows if row.p is not None]))
    rows = [
        row if row.p is None else row.model_copy(update={"p_holm": next(adjusted)}) for row in rows
    ]
    return [*rows, AnovaRow(term=REST, df=freedom, sum_squares=rest)]


def _row(term: _Term, df: int, squares: float, freedom: int, rest: float, n: int) -> AnovaRow:
    from scipy.special import fdtrc

    name = " or ".join((term.name, *term.also))
    if rest <= 0:  # nothing to test against
        return AnovaRow(term=name, df=df, sum_squares=squares)
    f = squares / df / (rest / freedom)
    low, high = eta2_interval(f, df, freedom, n)
    return AnovaRow(
        term=name,
        df=df,
        sum_squares=squares,
        f=f,
        p=float(fdtrc(df, freedom, f)),
        eta2=squares / (squares + rest),
        low=low,
        high=high,
        omega2=max(0.0, df * (f - 1) / (df * (f - 1) + n)),
    )


def eta2_interval(f: float, df: int, freedom: int, n: int) -> tuple[float, float]:
    """95 % interval of the partial eta^2 of a population, 0 .. 1.

    Args:
        f: statistic. df, freedom: degrees of freedom of the term and of the rest.
        n: trainings.
    """
    ends = [_noncentrality(f, df, freedom, tail) for tail in ((1 + LEVEL) / 2, (1 - LEVEL) / 2)]
    low, high = (end / (end + n) for end in ends)
    return low, high


def _noncentrality(f: float, df: int, freedom: int, tail: float) -> float:
    """The noncentrality under which P(F <= f) is `tail`; 0 where even that makes it smaller."""
    from scipy.optimize import brentq
    from scipy.special import fdtr
    from scipy.stats import ncf

    if f <= 0 or fdtr(df, freedom, f) <= tail:
        return 0.0
    highest = df * f + 10.0
    while ncf.cdf(f, df, freedom, highest) > tail:
        highest *= 2
    return float(brentq(lambda at: ncf.cdf(f, df, freedom, at) - tail, 1e-9, highest))


def _left(centred: Floats, terms: Sequence[_Term]) -> tuple[float, int]:
    """Sum of squares that terms and a constant leave, and the rank of the model."""
    basis = _basis([term.columns for term in terms], len(centred))
    rest = centred - basis @ (basis.T @ centred)
    return float(rest @ rest), basis.shape[1]


def _basis(blocks: Sequence[Floats], n: int) -> Floats:
    """Orthonormal columns that span a constant and all blocks."""
    columns = np.concatenate([np.ones((n, 1)), *blocks], axis=1)
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > math.sqrt(np.finfo(np.float64).eps) * sizes[0]]
