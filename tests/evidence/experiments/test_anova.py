"""Analysis of variance against statsmodels: tables, a mixed model, and intervals that hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests

from popgan.evidence.experiments.anova import anova, anova_of_factors, eta2_interval
from popgan.evidence.experiments.results import AnovaRow, Replicate, Setting

LEVELS: dict[str, Setting] = {
    f"{a}{b}{c}": {"growth": a, "mixing": b, "loss": c}
    for a in (True, False)
    for b in (True, False)
    for c in ("r1", "r2", "gp")
}


def run(variant: str, seed: int, kid: float | None) -> Replicate:
    return Replicate(variant=variant, seed=seed, kid=kid, images=1, seconds=1)


def made(seed: int, variants: int = 6, seeds: int = 5, block: float = 0.02) -> list[Replicate]:
    rng = np.random.default_rng(seed)
    means, blocks = rng.normal(0.1, 0.02, variants), rng.normal(0, block, seeds)
    return [
        run(f"v{i}", k, float(means[i] + blocks[k] + rng.normal(0, 0.01)))
        for i in range(variants)
        for k in range(seeds)
    ]


def frame(runs: list[Replicate]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "variant": one.variant,
            "seed": str(one.seed),
            "kid": one.kid,
            **LEVELS.get(one.variant, {}),
        }
        for one in runs
        if one.kid is not None
    )


def by_term(rows: list[AnovaRow]) -> dict[str, AnovaRow]:
    return {row.term: row for row in rows}


def agree(row: AnovaRow, oracle: pd.Series) -> None:
    assert row.df == oracle["df"]
    assert row.sum_squares == pytest.approx(oracle["sum_sq"])
    assert row.f == pytest.approx(oracle["F"]) and row.p == pytest.approx(oracle["PR(>F)"])


@pytest.mark.parametrize("missing", [0, 7])
def test_the_table_is_that_of_type_two(missing: int) -> None:
    runs = made(0)
    for place in np.random.default_rng(1).permutation(len(runs))[:missing]:
        runs[place] = runs[place].model_copy(update={"kid": None})
    rows = by_term(anova(runs))
    oracle = anova_lm(smf.ols("kid ~ C(variant) + C(seed)", frame(runs)).fit(), typ=2)
    agree(rows["variant"], oracle.loc["C(variant)"])
    agree(rows["seed"], oracle.loc["C(seed)"])
    assert rows["rest"].df == oracle.loc["Residual", "df"]
    assert rows["rest"].sum_squares == pytest.approx(oracle.loc["Residual", "sum_sq"])
    assert rows["rest"].f is None


def test_a_mixed_model_with_a_random_seed_says_the_same_of_variants() -> None:
    runs = [one.model_copy(update={"kid": 10 * (one.kid or 0)}) for one in made(2, block=0.05)]
    rows = by_term(anova(runs))
    fit = smf.mixedlm("kid ~ C(variant)", frame(runs), groups="seed").fit(reml=True)
    # Against v0: REML's standard error is that of the block's mean square.
    square = rows["rest"].sum_squares / rows["rest"].df
    errors = fit.bse_fe.drop("Intercept")
    assert errors.to_numpy() == pytest.approx(np.sqrt(2 * square / 5), rel=1e-4)
    gaps = frame(runs).groupby("variant")["kid"].mean()
    assert fit.fe_params.drop("Intercept").to_numpy() == pytest.approx((gaps - gaps["v0"])[1:])
    columns = np.eye(len(fit.params))[1:6]
    assert rows["variant"].f == pytest.approx(float(fit.f_test(columns).fvalue), rel=1e-4)


@pytest.mark.parametrize("missing", [0, 9])
def test_factors_and_their_pairs_are_those_of_type_two(missing: int) -> None:
    rng = np.random.default_rng(3)
    runs = [run(name, seed, float(rng.normal(0.1, 0.02))) for name in LEVELS for seed in range(3)]
    for place in rng.permutation(len(runs))[:missing]:
        runs[place] = runs[place].model_copy(update={"kid": None})
    rows = anova_of_factors(LEVELS, runs)
    model = "kid ~ (C(growth) + C(mixing) + C(loss))**2 + C(seed)"
    oracle = anova_lm(smf.ols(model, frame(runs)).fit(), typ=2)
    oracle.index = oracle.index.str.replace(r"C\((\w+)\)", r"\1", regex=True).str.replace(
        ":", " x "
    )
    found = by_term(rows)
    pairs = ["growth x mixing", "growth x loss", "mixing x loss"]
    assert list(found) == ["growth", "mixing", "loss", *pairs, "seed", "rest"]
    for name in [*pairs, "growth", "mixing", "loss", "seed"]:
        agree(found[name], oracle.loc[name])
    adjusted = multipletests([row.p for row in rows if row.p is not None], method="holm")[1]
    assert [row.p_holm for row in rows if row.p is not None] == pytest.approx(adjusted)


def test_pairs_that_the_data_cannot_tell_apart_are_one_row() -> None:
    rng = np.random.default_rng(4)
    cells = [(a, b, c, a ^ b ^ c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    levels: dict[str, Setting] = {
        f"c{i}": dict(zip("abcd", map(bool, cell), strict=True)) for i, cell in enumerate(cells)
    }
    runs = [run(name, seed, float(rng.normal())) for name in levels for seed in range(3)]
    names = [row.term for row in anova_of_factors(levels, runs)]
    told = ["a x b or c x d", "a x c or b x d", "a x d or b x c"]
    assert names == ["a", "b", "c", "d", *told, "seed", "rest"]


def test_the_interval_inverts_the_noncentral_f() -> None:
    low, high = eta2_interval(4.0, 5, 20, 30)
    for end, tail in ((low, 0.975), (high, 0.025)):
        assert scipy.stats.ncf.cdf(4.0, 5, 20, 30 * end / (1 - end)) == pytest.approx(
            tail, abs=1e-6
        )
    assert eta2_interval(0.9, 5, 20, 30)[0] == 0
    assert eta2_interval(0.01, 5, 20, 30) == (0, 0)


def test_intervals_hold_the_true_share_and_omega_is_less_biased_than_eta() -> None:
    rng, hits, found = np.random.default_rng(5), 0, []
    means = np.linspace(-1, 1, 5)
    true = means.var() / (means.var() + 1)
    for _ in range(200):
        values = means[:, None] + rng.normal(0, 1, (5, 6)) + rng.normal(0, 2, 6)
        runs = [run(str(i), k, float(values[i, k])) for i in range(5) for k in range(6)]
        row = by_term(anova(runs))["variant"]
        assert row.low is not None and row.high is not None
        hits += row.low <= true <= row.high
        found.append((row.eta2, row.omega2))
    eta, omega = np.mean(np.array(found, float), axis=0)
    assert 0.91 <= hits / 200 <= 0.985
    assert abs(omega - true) < 0.03 < eta - true


def test_omega_is_what_its_closed_form_says() -> None:
    row = by_term(anova(made(6)))["variant"]
    assert row.f is not None and row.eta2 is not None
    assert row.omega2 == pytest.approx(5 * (row.f - 1) / (5 * (row.f - 1) + 30))
    assert row.eta2 == pytest.approx(5 * row.f / (5 * row.f + 20))


def test_what_cannot_be_analysed_gives_no_rows() -> None:
    assert anova(made(7, variants=1)) == [] and anova(made(7, seeds=1)) == [] and anova([]) == []
    assert anova([run("a", 0, 1.0), run("b", 1, 2.0), run("a", 1, None)]) == []
    assert anova_of_factors(LEVELS, [run(name, 0, 0.1) for name in list(LEVELS)[:3]]) == []


def test_without_any_rest_nothing_is_tested() -> None:
    runs = [run(v, seed, 0.1 + 0.01 * seed) for v in "ab" for seed in range(3)]
    rows = by_term(anova(runs))
    assert rows["seed"].f is None and rows["rest"].sum_squares == 0
    assert rows["variant"].sum_squares == pytest.approx(0, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(-50, 50))
def test_a_constant_changes_nothing_and_another_unit_only_the_squares(
    seed: int, shift: int
) -> None:
    runs = made(seed, variants=3, seeds=3)
    moved = [one.model_copy(update={"kid": 4 * ((one.kid or 0) + shift / 64)}) for one in runs]
    for a, b in zip(anova(runs), anova(moved), strict=True):
        assert b.sum_squares == pytest.approx(16 * a.sum_squares)
        if a.f is not None:
            assert (a.f, a.p, a.omega2) == pytest.approx((b.f, b.p, b.omega2), rel=1e-6)
