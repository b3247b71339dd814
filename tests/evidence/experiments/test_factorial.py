"""Two-level designs by brute force, and their effects against statsmodels."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from popgan.evidence.experiments.designs import aliases, design, resolution
from popgan.evidence.experiments.factorial import chains, factorial, untold
from popgan.evidence.experiments.results import FactorEffect, Replicate

NAMES = ["growth", "mixing", "bank", "r1", "ema", "ada", "noise", "style"]
Floats = NDArray[np.float64]


def signs(factors: list[str], effect: tuple[str, ...] | list[str]) -> Floats:
    """Column of an effect, one sign a setting."""
    return np.array(
        [np.prod([1.0 if cell[name] else -1.0 for name in effect]) for cell in design(factors)]
    )


def all_effects(factors: list[str]) -> list[tuple[str, ...]]:
    return [names for size in range(1, len(factors) + 1) for names in combinations(factors, size)]


@pytest.mark.parametrize(
    ("count", "cells", "wanted"),
    [(3, 8, 5), (4, 16, 5), (5, 16, 5), (6, 32, 6), (7, 32, 4), (8, 32, 4)],
)
def test_designs_have_the_size_and_resolution_that_a_search_of_all_words_finds(
    count: int, cells: int, wanted: int
) -> None:
    factors = NAMES[:count]
    words = [e for e in all_effects(factors) if abs(signs(factors, e).sum()) == cells]
    assert len(design(factors)) == cells == 2**count // (len(words) + 1)
    shortest = min(map(len, words), default=None)
    assert resolution(factors) == wanted == (shortest or max(5, count + 1))


@pytest.mark.parametrize("count", range(3, 9))
def test_settings_are_different_and_the_default_comes_first(count: int) -> None:
    cells = design(NAMES[:count])
    assert all(cells[0].values())
    assert len({tuple(cell.values()) for cell in cells}) == len(cells)
    assert all(list(cell) == NAMES[:count] for cell in cells)


@pytest.mark.parametrize("count", range(3, 9))
def test_every_factor_is_on_in_half_of_the_settings_whatever_another_is(count: int) -> None:
    factors = NAMES[:count]
    columns = np.stack([signs(factors, [name]) for name in factors])
    assert np.array_equal(columns @ columns.T, len(design(factors)) * np.eye(count))


@pytest.mark.parametrize("count", [5, 6, 7, 8])
def test_aliases_are_the_effects_with_the_same_column(count: int) -> None:
    factors = NAMES[:count]
    columns = {e: signs(factors, e) for e in all_effects(factors)}
    for own in (e for e in columns if len(e) <= 2):
        alike = {
            e for e in columns if e != own and len(e) <= 3 and (columns[e] == columns[own]).all()
        }
        assert {tuple(names) for names in aliases(factors, own)} == alike


def test_seven_factors_have_the_fewest_words_of_four_that_there_can_be() -> None:
    # Minimum aberration of 2^(7-2): one word of length 4 (Fries & Hunter 1980).
    factors = NAMES[:7]
    words = [e for e in all_effects(factors) if abs(signs(factors, e).sum()) == 32]
    assert sorted(map(len, words)) == [4, 5, 5]
    # 2^(8-3): three of length 4.
    words = [e for e in all_effects(NAMES) if abs(signs(NAMES, e).sum()) == 32]
    assert sorted(map(len, words))[:4] == [4, 4, 4, 5]


@pytest.mark.parametrize("wrong", [["a", "b"], list("abcdefghi"), ["a", "a", "b"]])
def test_too_few_too_many_or_doubled_factors_are_refused(wrong: list[str]) -> None:
    with pytest.raises(ValueError, match="3 to 8 different ones"):
        design(wrong)


def cells_of(factors: list[str]) -> dict[str, dict[str, bool]]:
    return {f"cell {i}": cell for i, cell in enumerate(design(factors))}


def trained(
    factors: list[str], effects: dict[tuple[str, ...], float], *, noise: float, seeds: int = 3
) -> list[Replicate]:
    rng, found = np.random.default_rng(0), []
    blocks = rng.normal(0, 0.02, seeds)
    for place, name in enumerate(cells_of(factors)):
        mean = 0.2 + sum(size / 2 * signs(factors, e)[place] for e, size in effects.items())
        for seed in range(seeds):
            kid = float(mean + blocks[seed] + rng.normal(0, noise))
            found.append(Replicate(variant=name, seed=seed, kid=kid, images=1, seconds=1))
    return found


def by_name(effects: list[FactorEffect]) -> dict[tuple[str, ...], FactorEffect]:
    return {tuple(one.factors): one for one in effects}


def test_effects_are_found_as_they_were_made() -> None:
    factors = NAMES[:5]
    made = {("growth",): -0.04, ("bank",): 0.01, ("growth", "r1"): 0.02}
    found = factorial(factors, cells_of(factors), trained(factors, made, noise=0))
    assert found.resolution == 5 and found.cells == 16 and found.missing == 0 and not found.note
    effects = by_name(found.effects)
    assert len(effects) == 15 and list(effects)[:5] == [(name,) for name in factors]
    for name, one in effects.items():
        assert one.effect == pytest.approx(made.get(name, 0), abs=1e-12)
        assert one.effect == pytest.approx(difference_of_halves(factors, name, made), abs=1e-12)


def difference_of_halves(
    factors: list[str], name: tuple[str, ...], made: dict[tuple[str, ...], float]
) -> float:
    column = signs(factors, name)
    values = sum((size / 2 * signs(factors, e) for e, size in made.items()), np.zeros(len(column)))
    return float(values[column > 0].mean() - values[column < 0].mean())


@pytest.mark.parametrize("lost", [0, 5])
def test_intervals_are_those_of_least_squares_with_the_seed_as_a_block(lost: int) -> None:
    factors = NAMES[:5]
    runs = trained(factors, {("growth",): -0.04}, noise=0.02)
    for place in np.random.default_rng(1).permutation(len(runs))[:lost]:
        runs[place] = runs[place].model_copy(update={"kid": None})
    found = factorial(factors, cells_of(factors), runs)
    assert found.missing == lost
    known = [one for one in runs if one.kid is not None]
    places = [int(one.variant.split()[1]) for one in known]
    names = list(by_name(found.effects))
    columns = [signs(factors, name)[places] / 2 for name in names]
    blocks = [[float(one.seed == seed) for one in known] for seed in range(3)]
    fit = sm.OLS([one.kid for one in known], np.array([*columns, *blocks]).T).fit()
    for i, one in enumerate(found.effects):
        assert one.effect == pytest.approx(fit.params[i])
        assert (one.low, one.high) == pytest.approx(tuple(fit.conf_int()[i]))
        assert one.p == pytest.approx(fit.pvalues[i])
    adjusted = multipletests([one.p for one in found.effects], method="holm")[1]
    assert [one.p_holm for one in found.effects] == pytest.approx(adjusted)


def test_of_pairs_that_cannot_be_told_apart_one_stands_for_all_and_names_them() -> None:
    factors = NAMES[:7]
    found = factorial(factors, cells_of(factors), trained(factors, {}, noise=0.01))
    effects = by_name(found.effects)
    pairs = [name for name in effects if len(name) == 2]
    hidden = {tuple(other) for name in pairs for other in effects[name].aliases if len(other) == 2}
    assert len(hidden) == 3 and not hidden & set(pairs)
    assert set(pairs) | hidden == set(combinations(factors, 2))


def test_what_missing_cells_leave_untold_is_left_out_and_said() -> None:
    factors = NAMES[:5]
    runs = [
        one if one.variant not in {"cell 3", "cell 9"} else one.model_copy(update={"kid": None})
        for one in trained(factors, {("growth",): -0.04}, noise=0.001)
    ]
    found = factorial(factors, cells_of(factors), runs)
    # Fifteen effects and a mean, but fourteen settings: each effect is mixed with another.
    assert len(found.effects) < 15
    assert found.note.startswith("missing trainings leave")
    assert found.missing == 6 and found.lost == ["cell 3", "cell 9"]


def mains_by_statsmodels(factors: list[str], runs: list[Replicate]) -> Any:
    """Main effects and the seed as a block, whatever else the design was made for."""
    places = [int(one.variant.split()[1]) for one in runs]
    table = pd.DataFrame({name: signs(factors, [name])[places] / 2 for name in factors})
    table["kid"], table["seed"] = [one.kid for one in runs], [str(one.seed) for one in runs]
    return smf.ols(f"kid ~ C(seed) + {' + '.join(factors)}", table).fit()


@pytest.mark.parametrize("failed", [False, True], ids=["never trained", "all seeds failed"])
@pytest.mark.parametrize("interaction", [0.0, 0.08])
def test_a_lost_cell_of_a_saturated_design_leaves_main_effects_that_assume_no_interactions(
    failed: bool, interaction: float
) -> None:
    factors = NAMES[:5]
    made = {("growth",): -0.04, ("bank",): 0.01, ("growth", "r1"): interaction}
    runs = trained(factors, made, noise=0.01, seeds=5)
    known = [one for one in runs if one.variant != "cell 7"]
    gone = [one.model_copy(update={"kid": None}) for one in runs if one.variant == "cell 7"]
    found = factorial(factors, cells_of(factors), [*known, *gone] if failed else known)
    assert found.missing == 5 and found.lost == ["cell 7"]
    assert [one.factors for one in found.effects] == [[name] for name in factors]
    assert all(one.assumed for one in found.effects)
    fit = mains_by_statsmodels(factors, known)
    for one in found.effects:
        name = one.factors[0]
        assert one.effect == pytest.approx(fit.params[name])
        assert (one.low, one.high) == pytest.approx(tuple(fit.conf_int().loc[name]))
        assert one.p == pytest.approx(fit.pvalues[name], abs=1e-12)
    adjusted = multipletests([fit.pvalues[name] for name in factors], method="holm")[1]
    assert [one.p_holm for one in found.effects] == pytest.approx(adjusted, abs=1e-12)
    assert "leave 10 effects untold: growth x mixing, " in found.note
    assert "5 main effects are told on the assumption that the interactions untold" in found.note
    # The assumption is held against cells that are free of each other.
    table = pd.DataFrame({"kid": [one.kid for one in known]})
    table["cell"], table["seed"] = [o.variant for o in known], [str(o.seed) for o in known]
    _, p, _ = smf.ols("kid ~ C(seed) + C(cell)", table).fit().compare_f_test(fit)
    assert (p < 0.05) == (interaction > 0)
    assert f"lack of fit, p = {p:.2g}" in found.note
    assert ("trainings speak against it" in found.note) == (interaction > 0)


def left_of_four(case: str, cell: dict[str, bool]) -> bool:
    if case == "a pair":
        return not (cell["growth"] and cell["mixing"])
    three = cell["mixing"] and cell["r1"] and cell["bank"]
    return not three and (cell["r1"] or cell["bank"])


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")
@pytest.mark.parametrize(
    ("case", "mains", "pairs"),
    [
        ("a pair", ["growth", "mixing"], [("growth", "mixing")]),
        ("three", ["bank", "r1"], [("mixing", "bank"), ("mixing", "r1"), ("bank", "r1")]),
    ],
)
def test_where_some_cells_are_lost_what_can_be_told_without_an_assumption_stays_so(
    case: str, mains: list[str], pairs: list[tuple[str, ...]]
) -> None:
    factors = NAMES[:4]
    cells = cells_of(factors)
    runs = trained(factors, {("growth",): -0.04, ("mixing", "r1"): 0.03}, noise=0.01, seeds=4)
    known = [one for one in runs if left_of_four(case, cells[one.variant])]
    found = factorial(factors, cells, runs=known)
    effects = by_name(found.effects)
    assert [name[0] for name, one in effects.items() if one.assumed] == mains
    whole = [*((name,) for name in factors), *combinations(factors, 2)]
    assert list(effects) == [name for name in whole if name not in pairs]
    # With cells like this there is nothing that the assumption could be held against.
    assert ("these trainings cannot say" in found.note) == (case == "a pair")
    places = [int(one.variant.split()[1]) for one in known]
    blocks = [[float(one.seed == seed) for one in known] for seed in range(4)]
    for assumed, names in ((False, whole), (True, list(effects))):
        # The columns of the whole model are not all free; what can be told is the same anyway.
        columns = [signs(factors, name)[places] / 2 for name in names]
        fit = sm.OLS([one.kid for one in known], np.array([*columns, *blocks]).T).fit()
        for i, name in enumerate(names):
            if name in effects and effects[name].assumed == assumed:
                one = effects[name]
                assert one.effect == pytest.approx(fit.params[i])
                assert (one.low, one.high) == pytest.approx(tuple(fit.conf_int()[i]))


def test_main_effects_of_a_lost_cell_have_the_error_that_they_are_said_to_have() -> None:
    factors, made = NAMES[:5], {("growth",): -0.02, ("r1",): 0.01}
    cells, rng = cells_of(factors), np.random.default_rng(2)
    kept = [one for one in trained(factors, made, noise=0) if one.variant != "cell 0"]
    hits, count = 0, 200
    for _ in range(count):
        runs = [o.model_copy(update={"kid": (o.kid or 0) + rng.normal(0, 0.01)}) for o in kept]
        for one in factorial(factors, cells, runs).effects:
            hits += one.low <= made.get(tuple(one.factors), 0.0) <= one.high
    # 1000 intervals: 95 %, and four standard errors about it.
    assert hits / (5 * count) == pytest.approx(0.95, abs=0.03)


def test_a_factor_that_no_cell_has_left_is_not_told_and_assumed_by_nothing() -> None:
    factors = NAMES[:5]
    cells = cells_of(factors)
    runs = [one for one in trained(factors, {}, noise=0.01) if cells[one.variant]["growth"]]
    found = factorial(factors, cells, runs)
    assert [one.factors for one in found.effects] == [[name] for name in factors[1:]]
    assert "untold: growth, growth x mixing" in found.note


def test_trainings_that_were_never_begun_are_missing() -> None:
    factors = NAMES[:5]
    runs = trained(factors, {}, noise=0.01, seeds=2)
    found = factorial(factors, cells_of(factors), runs, seeds=range(5))
    assert found.missing == 48 and found.lost == []
    assert factorial(factors, cells_of(factors), [], seeds=[0]).missing == 16


@pytest.mark.parametrize("count", range(3, 9))
def test_only_five_factors_lose_effects_with_a_single_cell(count: int) -> None:
    factors = NAMES[:count]
    cells = cells_of(factors)
    assert untold(chains(factors), cells) == []
    for gone in cells:
        left = {name: cell for name, cell in cells.items() if name != gone}
        assert len(untold(chains(factors), left)) == (15 if count == 5 else 0)


def test_one_seed_of_a_saturated_design_tells_nothing_from_chance() -> None:
    factors = NAMES[:5]
    found = factorial(factors, cells_of(factors), trained(factors, {}, noise=0.01, seeds=1))
    assert found.effects == [] and "tell effects from chance" in found.note
    assert factorial(factors, cells_of(factors), []).note == "no training has a score"
