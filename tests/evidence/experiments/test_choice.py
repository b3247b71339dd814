"""The final: who wins, who is a tie, and what happens where trainings failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.evidence.experiments import choice
from popgan.evidence.experiments.choice import Finalist, choose_final
from popgan.evidence.experiments.results import Finals, Setting
from popgan.evidence.experiments.spread import spread_of

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "tune.md"
SEEDS = [101, 102, 103]
DEFAULT = [0.130, 0.134, 0.138]


def default(*values: float | None) -> Finalist:
    return Finalist(None, {}, 0.133, values or DEFAULT)


def trial(number: int, *values: float | None, changes: int = 1) -> Finalist:
    setting: Setting = {f"x{i}": 1 for i in range(changes)}
    return Finalist(number, setting, 0.08, values)


def final(*candidates: Finalist, first: Finalist | None = None) -> Finals:
    first = first or default()
    return choose_final(SEEDS[: len(first.values)], first, candidates)


def test_a_clearly_better_setting_is_chosen_and_the_reason_has_the_numbers() -> None:
    found = final(trial(3, 0.128, 0.131, 0.141), trial(7, 0.090, 0.092, 0.091))
    assert found.candidates[found.chosen].trial == 7
    assert found.reason == (
        "trial 7 over 3 fresh seeds: KID 0.091, the default 0.134; "
        "difference 0.043 (95 % 0.036 to 0.050)"
    )


def test_intervals_are_those_of_two_groups() -> None:
    values = [0.101, 0.092, 0.115]
    found = final(trial(7, *values)).candidates[1]
    oracle = scipy.stats.ttest_ind(values, DEFAULT).confidence_interval()
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))
    assert found.mean == pytest.approx(np.mean(values))


def test_a_tie_keeps_the_default() -> None:
    found = final(trial(7, 0.10, 0.15, 0.11))
    assert found.chosen == 0
    assert found.reason.startswith(
        "the default stays: a tie, the interval includes 0; the best of the others, trial 7 over 3"
    )


def test_a_difference_that_seeds_alone_may_bring_is_a_tie_however_even_it_is() -> None:
    # Both are steady by chance, and another candidate shows how much seeds may bring.
    found = final(
        trial(7, 0.090, 0.091, 0.092),
        trial(8, 0.1, 0.2, 0.3),
        first=default(0.109, 0.110, 0.111),
    )
    assert found.candidates[1].high is not None and found.candidates[1].high < 0
    assert found.chosen == 0 and "what seeds alone may bring" in found.reason


def test_no_better_setting_keeps_the_default() -> None:
    found = final(trial(7, 0.15, 0.16, 0.17))
    assert found.chosen == 0 and "no candidate is better" in found.reason


def test_of_settings_that_are_tied_the_one_that_changes_least_is_chosen() -> None:
    found = final(
        trial(7, 0.089, 0.091, 0.090, changes=9), trial(8, 0.091, 0.090, 0.092, changes=2)
    )
    assert found.candidates[found.chosen].trial == 8


def test_an_unsteady_setting_does_not_stand_in_the_way_of_a_steady_one() -> None:
    # The lower mean is a tie with the default, the other is not.
    found = final(trial(7, 0.02, 0.14, 0.08), trial(8, 0.084, 0.085, 0.086))
    assert found.candidates[found.chosen].trial == 8


def test_with_one_seed_the_known_spread_decides() -> None:
    first, better = default(0.134), trial(7, 0.100)
    narrow, wide = spread_of([0.130, 0.134]), spread_of([0.10, 0.20])
    assert choose_final([1], first, [better], narrow).chosen == 1
    assert choose_final([1], first, [better], wide).chosen == 0
    found = choose_final([1], first, [better])
    assert found.chosen == 0 and "how much seeds differ is not known" in found.reason
    assert found.candidates[1].low is None


def test_a_choice_by_one_seed_says_that_a_single_seed_was_compared() -> None:
    narrow = spread_of([0.130, 0.134])
    for kid, chosen in ((0.100, 1), (0.133, 0)):
        found = choose_final([1], default(0.134), [trial(7, kid)], narrow)
        assert found.chosen == chosen
        assert found.reason.endswith(" (a single seed each, so no interval)")
    assert "single seed" not in final(trial(7, 0.090, 0.092, 0.091)).reason


@pytest.mark.parametrize("values", [(0.05, None, None), (None, None, 0.05)])
def test_one_training_a_side_left_by_failures_keeps_the_default(
    values: tuple[float | None, ...],
) -> None:
    # Another candidate and the search know well how little seeds bring; that gives no interval.
    found = choose_final(
        SEEDS,
        default(0.134, None, None),
        [trial(7, *values), trial(8, 0.200, 0.201, 0.202)],
        spread_of([0.130, 0.134]),
    )
    assert found.candidates[1].low is None and found.chosen == 0
    assert found.reason.startswith(
        "the default stays: failures left one training a side, which gives no interval; the best "
        "of the others, trial 7 over 3 fresh seeds: KID 0.050, the default 0.134"
    )


def test_a_setting_that_fails_more_often_than_the_default_is_not_chosen() -> None:
    found = final(trial(7, 0.05, None, 0.05), trial(8, 0.091, 0.092, 0.090))
    assert found.candidates[found.chosen].trial == 8
    assert found.candidates[1].values == [0.05, None, 0.05]
    alone = final(trial(7, 0.05, None, 0.05))
    assert alone.chosen == 0 and "trial 7 failed with 1 of 3 seeds" in alone.reason


def test_a_default_that_always_fails_gives_way_to_what_does_not() -> None:
    found = final(
        trial(7, 0.2, None, 0.2), trial(8, 0.3, 0.3, 0.3), first=default(None, None, None)
    )
    assert found.candidates[found.chosen].trial == 8
    assert found.candidates[0].mean is None
    assert found.reason == "the default failed with all 3 seeds; trial 8: KID 0.300"


def test_a_default_that_fails_at_times_is_compared_on_the_seeds_that_are_left() -> None:
    found = final(trial(7, 0.090, 0.092, 0.091), first=default(0.130, None, 0.134))
    assert found.candidates[found.chosen].trial == 7
    assert "the default failed with 1 of 3 seeds" in found.reason
    oracle = scipy.stats.ttest_ind([0.090, 0.092, 0.091], [0.130, 0.134]).confidence_interval()
    assert found.candidates[1].low == pytest.approx(oracle.low)


def test_without_a_single_score_the_default_stays() -> None:
    found = final(trial(7, None, None, None), first=default(None, None, None))
    assert found.chosen == 0 and found.reason.startswith(
        "the default stays: every candidate failed"
    )
    assert final().chosen == 0


@pytest.mark.parametrize(
    ("better", "least", "most"), [(0.0, 0.02, 0.08), (2.0, 0.38, 0.56), (3.0, 0.70, 0.88)]
)
def test_equal_settings_rarely_replace_the_default_and_better_ones_often_do(
    better: float, least: float, most: float
) -> None:
    changed = sum(found.chosen != 0 for found in simulated((better, 0.0, 0.0), 400))
    assert least < changed / 400 < most


def simulated(better: Sequence[float], count: int) -> Iterator[Finals]:
    """Finals of three candidates with three seeds, better by so many SD between seeds."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        values = rng.normal(0.1, 0.01, (4, 3))
        values[1:] -= 0.01 * np.array(better)[:, None]
        rest = [trial(i, *row) for i, row in enumerate(values[1:].tolist())]
        yield final(*rest, first=default(*values[0].tolist()))


@pytest.mark.parametrize(
    ("better", "told"), [((3.0, 0.0, 0.0), 95), ((2.0, 0.0, 0.0), 92), ((1.0, 1.0, 1.0), 81)]
)
def test_the_interval_of_what_was_chosen_holds_its_true_gain_as_often_as_is_told(
    better: tuple[float, ...], told: int
) -> None:
    held = []
    for found in simulated(better, 600):
        if found.chosen:
            one, gain = found.candidates[found.chosen], 0.01 * better[found.chosen - 1]
            assert one.low is not None and one.high is not None
            held.append(one.low <= -gain <= one.high)
    assert len(held) > 100 and np.mean(held) == pytest.approx(told / 100, abs=0.05)
    for text in (choice.__doc__, HOW_TO.read_text(encoding="utf-8")):
        assert text is not None and f"{told} % " in " ".join(text.split())


def test_where_none_is_better_whatever_is_chosen_has_a_wrong_interval() -> None:
    chosen = [one.candidates[one.chosen] for one in simulated((0.0,) * 3, 400) if one.chosen]
    assert chosen and all(one.high is not None and one.high < 0 for one in chosen)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 400), min_size=3, max_size=3), min_size=2, max_size=5),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_candidates_decides_nothing(rows: list[list[int]], random: object) -> None:
    values = [[value / 1000 for value in row] for row in rows]
    first = default(*values[0])
    rest = [trial(i, *row, changes=i) for i, row in enumerate(values[1:])]
    mixed = list(rest)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = final(*rest, first=first), final(*mixed, first=first)
    means = [np.mean(row) for row in values[1:]]
    if len(set(means)) == len(means):
        assert one.candidates[one.chosen].trial == other.candidates[other.chosen].trial
