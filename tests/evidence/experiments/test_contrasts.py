"""Contrasts of an ablation against SciPy and statsmodels, and what they say of failures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from popgan.evidence.experiments.contrasts import contrasts
from popgan.evidence.experiments.results import Contrast, Replicate, Variant

Values = Sequence[float | None]
KINDS = {"default": "default", "no growing": "out", "no mixing": "out", "bare": "bare"}


def variants(**more: str) -> list[Variant]:
    return [
        Variant.model_validate({"name": name, "kind": kind, "setting": {}})
        for name, kind in {**KINDS, **more}.items()
    ]


def runs(values: dict[str, Values], reason: str = "") -> list[Replicate]:
    return [
        Replicate(
            variant=name, seed=seed, kid=kid, images=1, seconds=1, reason="" if kid else reason
        )
        for name, row in values.items()
        for seed, kid in enumerate(row)
    ]


def table(seed: int, n: int = 5) -> dict[str, Values]:
    rng = np.random.default_rng(seed)
    block = rng.normal(0, 0.02, n)
    means = {"default": 0.10, "no growing": 0.13, "no mixing": 0.105, "bare": 0.2}
    return {name: (m + block + rng.normal(0, 0.01, n)).tolist() for name, m in means.items()}


def by_name(found: list[Contrast]) -> dict[str, Contrast]:
    return {one.variant: one for one in found}


def array(values: Values) -> NDArray[np.float64]:
    return np.array(values, np.float64)


def test_difference_interval_and_p_are_those_of_a_paired_t_test() -> None:
    values = table(0)
    for one in contrasts(variants(), runs(values)):
        oracle = scipy.stats.ttest_rel(array(values[one.variant]), array(values["default"]))
        interval = oracle.confidence_interval()
        assert one.p == pytest.approx(oracle.pvalue)
        assert (one.low, one.high) == pytest.approx((interval.low, interval.high))
        assert one.difference == pytest.approx((interval.low + interval.high) / 2)
        assert one.n == 5 and one.failed == 0 and one.base == "default"


def test_g_is_the_mean_over_the_spread_of_the_pairs_with_hedges_correction() -> None:
    values = table(1)
    gaps = array(values["bare"]) - array(values["default"])
    exact = math.gamma(2) / math.gamma(1.5) / math.sqrt(2)
    found = by_name(contrasts(variants(), runs(values)))["bare"]
    assert found.g == pytest.approx(exact * gaps.mean() / gaps.std(ddof=1))


def test_the_chance_to_be_worse_is_that_of_mann_and_whitney() -> None:
    values = {**table(2), "no mixing": [0.1, 0.2, 0.1, 0.3, 0.1], "default": [0.1, 0.2] * 2 + [0.1]}
    found = by_name(contrasts(variants(), runs(values)))["no mixing"]
    u = scipy.stats.mannwhitneyu(array(values["no mixing"]), array(values["default"])).statistic
    assert found.worse == pytest.approx(u / 25)


def test_the_exact_p_tries_all_signs_and_says_how_small_it_can_get() -> None:
    values = table(3)
    for one in contrasts(variants(), runs(values)):
        oracle = scipy.stats.permutation_test(
            (array(values[one.variant]), array(values["default"])),
            lambda a, b: abs(float(np.mean(a - b))),
            permutation_type="samples",
            alternative="greater",
            n_resamples=np.inf,
        )
        assert one.p_exact == pytest.approx(oracle.pvalue)
        assert one.p_exact_least == 0.0625


def test_holm_is_over_all_contrasts() -> None:
    found = contrasts(variants(), runs(table(4)))
    oracle = multipletests([one.p for one in found], method="holm")[1]
    assert [one.p_holm for one in found] == pytest.approx(oracle)


def test_a_part_put_in_is_held_against_the_bare_model() -> None:
    values = {**table(5), "growing alone": [0.15, 0.16, 0.15, 0.14, 0.15]}
    found = by_name(contrasts(variants(**{"growing alone": "in"}), runs(values)))["growing alone"]
    assert found.base == "bare"
    assert found.difference == pytest.approx(
        array(values["growing alone"]).mean() - array(values["bare"]).mean()
    )
    assert found.words.startswith("better by 0.0") and found.words.endswith("with it alone")


def test_a_variant_that_names_its_base_is_held_against_that() -> None:
    values = {**table(6), "ada": [0.2, 0.21, 0.2, 0.22, 0.2]}
    ada = Variant(name="ada", kind="added", setting={}, base="no mixing")
    found = by_name(contrasts([*variants(), ada], runs(values)))["ada"]
    assert found.base == "no mixing" and found.words.endswith("with it")
    gap = array(values["ada"]).mean() - array(values["no mixing"]).mean()
    assert found.difference == pytest.approx(gap)
    lost = ada.model_copy(update={"base": "gone"})
    assert by_name(contrasts([*variants(), lost], runs(values)))["ada"].n == 0


def test_cells_of_a_design_are_no_contrasts() -> None:
    found = contrasts(variants(**{"cell 1": "factorial"}), runs(table(6)))
    assert [one.variant for one in found] == ["no growing", "no mixing", "bare"]


def test_words_say_what_was_shown_and_what_was_not() -> None:
    base = [0.10, 0.11, 0.12, 0.11, 0.10]
    sure = [0.131, 0.139, 0.151, 0.139, 0.131]
    level = [0.095, 0.116, 0.111, 0.118, 0.094]
    rows = runs({"default": base, "no growing": sure, "no mixing": level})
    found = by_name(contrasts(variants(), rows))
    assert found["no growing"].words == "worse by 0.030 (95 % 0.029 to 0.032) without it"
    assert found["no mixing"].words == "no difference shown: -0.001 (95 % -0.011 to 0.008)"


def test_what_does_not_survive_holm_is_not_called_shown() -> None:
    base = [0.10, 0.11, 0.12, 0.11, 0.10]
    faint = [0.12, 0.12, 0.125, 0.125, 0.105]
    names = {f"no {i}": "out" for i in range(8)}
    rows = runs({"default": base, **dict.fromkeys(names, faint)})
    found = by_name(contrasts(variants(**names), rows))["no 0"]
    assert found.low is not None and found.low > 0
    assert found.words.startswith("no difference shown after Holm's correction over 8 contrasts")


def test_failures_are_counted_and_said() -> None:
    values = table(7)
    values["no growing"] = [None, *values["no growing"][1:]]
    found = by_name(contrasts(variants(), runs(values, "it diverged")))["no growing"]
    assert found.n == 4 and found.failed == 1
    assert found.words.endswith("; 1 of 5 trainings failed: it diverged")
    oracle = scipy.stats.ttest_rel(array(values["no growing"][1:]), array(values["default"][1:]))
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.base_mean == pytest.approx(array(values["default"][1:]).mean())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"no growing": [None] * 5}, "all 5 trainings failed: it diverged"),
        ({"no growing": []}, "not trained"),
        (
            {"default": [None] * 5},
            "nothing to compare with: default has no score with the same seeds",
        ),
    ],
)
def test_without_a_pair_there_are_words_and_no_numbers(
    values: dict[str, Values], words: str
) -> None:
    found = by_name(contrasts(variants(), runs({**table(8), **values}, "it diverged")))
    one = found["no growing"]
    assert one.words == words and one.n == 0
    assert {one.mean, one.difference, one.low, one.g, one.worse, one.p, one.p_holm} == {None}


def test_a_part_without_a_bare_model_has_nothing_to_be_held_against() -> None:
    some = [one for one in variants(**{"growing alone": "in"}) if one.kind != "bare"]
    rows = runs({"default": [0.1, 0.2], "growing alone": [0.1, 0.2]})
    found = by_name(contrasts(some, rows))["growing alone"]
    assert found.base == "bare" and found.n == 0 and "nothing to compare with" in found.words


def test_what_cannot_be_trained_says_why() -> None:
    some = [
        *variants(),
        Variant(name="paper", kind="paper", setting={}, impossible="128 px need 128"),
    ]
    found = by_name(contrasts(some, runs(table(9))))["paper"]
    assert found.words == "cannot be trained here: 128 px need 128"


def test_one_seed_shows_nothing() -> None:
    found = by_name(contrasts(variants(), runs({k: v[:1] for k, v in table(10).items()})))["bare"]
    assert found.n == 1 and found.low is None and found.p is None and found.g is None
    assert found.words.startswith("one seed shows nothing: worse by")


def test_a_variant_that_trains_to_the_same_values_does_not_differ() -> None:
    values = table(11)
    found = by_name(contrasts(variants(), runs({**values, "no mixing": values["default"]})))
    one = found["no mixing"]
    assert one.difference == 0 and one.p == 1 and one.g is None and one.worse == 0.5
    assert one.words == "no difference shown: 0.000 (95 % 0.000 to 0.000)"


ROWS = st.lists(st.integers(50, 300), min_size=4, max_size=4)


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS, ROWS, st.integers(-40, 40), st.randoms(use_true_random=False))
def test_a_constant_and_the_order_of_trainings_change_nothing(
    base: list[int], one: list[int], other: list[int], shift: int, random: object
) -> None:
    values = {"default": base, "no growing": one, "no mixing": other}
    rows = runs({name: [v / 1024 for v in row] for name, row in values.items()})
    moved = runs({name: [(v + shift) / 1024 for v in row] for name, row in values.items()})
    random.shuffle(moved)  # type: ignore[attr-defined]
    for a, b in zip(contrasts(variants(), rows), contrasts(variants(), moved), strict=True):
        assert (a.difference, a.low, a.high, a.p, a.p_exact, a.p_holm, a.g, a.worse) == (
            b.difference, b.low, b.high, b.p, b.p_exact, b.p_holm, b.g, b.worse,
        )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS)
def test_another_unit_scales_the_difference_and_nothing_else(
    base: list[int], one: list[int]
) -> None:
    values = {"default": base, "no growing": one}
    rows = runs({name: [v / 1024 for v in row] for name, row in values.items()})
    larger = runs({name: [v / 16 for v in row] for name, row in values.items()})
    a, b = contrasts(variants(), rows)[0], contrasts(variants(), larger)[0]
    assert (a.p, a.p_exact, a.g, a.worse) == (b.p, b.p_exact, b.g, b.worse)
    for x, y in ((a.difference, b.difference), (a.low, b.low), (a.high, b.high)):
        assert x is not None and y is not None and 64 * x == pytest.approx(y)
