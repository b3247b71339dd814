"""Halving replayed: shares in closed form, curves that keep their ranks, and ones that do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.evidence.experiments.halving import Curve, Rule, curve_of, replay
from popgan.evidence.experiments.results import Point
from popgan.tuning.halving import goes_on

RUNGS = [1 / 9, 1 / 3]
RULES: tuple[Rule, ...] = ("promote", "stop")


def curve(*kids: float, images: int = 900) -> Curve:
    return Curve(kids=list(kids[:-1]), final=kids[-1], images=images)


def keeping(count: int) -> list[Curve]:
    """The first is best at every rung, the last worst."""
    return [curve(3.0 + i, 2.0 + i, 1.0 + i) for i in range(count)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("workers", [1, 4, 30])
def test_curves_that_keep_their_ranks_lose_nothing(rule: Rule, workers: int) -> None:
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(27).tolist()
        found = replay(keeping(27), RUNGS, 3, order=order, workers=workers, rule=rule)
        assert found.found == found.best == 0 and found.regret == 0
        assert found.share < 0.75


def test_the_share_of_the_papers_form_is_that_of_counting() -> None:
    # Best first: 9 to a ninth, 3 to a third, 1 to the end.
    found = replay(keeping(9), RUNGS, 3, rule="promote")
    assert found.reached == [9, 3, 1]
    assert found.share == pytest.approx((9 / 9 + 3 * (1 / 3 - 1 / 9) + 1 * (2 / 3)) / 9)
    assert found.images == pytest.approx(found.share * 8100)


def test_the_worst_first_is_what_asynchrony_costs() -> None:
    best, worst = (
        replay(keeping(9), RUNGS, 3, order=order, rule="promote")
        for order in (range(9), range(8, -1, -1))
    )
    assert worst.found == 0 and worst.share > best.share
    assert worst.reached[0] == 9 and worst.reached[1] > 3


def test_stopping_is_as_the_search_does_it() -> None:
    # Two go on because they are few; then one of three, here each that is the best so far.
    curves = [curve(5, 5, 5), curve(4, 4, 4), curve(6, 6, 6), curve(3, 3, 3), curve(4.5, 4, 4)]
    found = replay(curves, RUNGS, 3, rule="stop")
    assert found.reached == [5, 3, 3] and found.found == 3
    assert found.images == pytest.approx(900 * (3 + 2 / 9))


def test_the_replay_stops_whom_the_search_stops() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        # Few different values, so that some are equal.
        curves = [curve(*row) for row in rng.integers(1, 8, (12, 3)).astype(float).tolist()]
        there: list[list[float]] = [[], []]
        reached = [12, 0, 0]
        for one in curves:
            for rung in (0, 1):
                goes = goes_on(one.kids[rung], there[rung], 3)
                there[rung].append(one.kids[rung])
                if not goes:
                    break
                reached[rung + 1] += 1
        assert replay(curves, RUNGS, 3, rule="stop").reached == reached


def test_equal_values_go_on_together() -> None:
    found = replay([curve(1, 1, 1)] * 6, RUNGS, 3, rule="stop")
    assert found.share == 1 and found.reached == [6, 6, 6]


@pytest.mark.parametrize("rule", RULES)
def test_a_late_winner_is_missed_and_the_regret_says_by_how_much(rule: Rule) -> None:
    curves = [curve(1.0 + i, 1.0 + i, 0.5 + 0.01 * i) for i in range(26)]
    curves.append(curve(99, 99, 0.1))
    found = replay(curves, RUNGS, 3, rule=rule)
    assert found.best == 26 and found.best_kid == 0.1
    assert found.found == 0 and found.regret == pytest.approx(0.4)


def test_without_one_at_the_end_the_best_of_the_furthest_is_found() -> None:
    found = replay([curve(2, 2, 1), curve(1, 1, 2)], RUNGS, 3, rule="promote")
    assert found.reached == [2, 0, 0] and found.found == 1 and found.regret == 1
    assert found.share == pytest.approx(1 / 9)


def test_settings_of_different_length_cost_what_they_are_long() -> None:
    found = replay([curve(1, 1, 1, images=900), curve(2, 2, 2, images=90)], RUNGS, 2, rule="stop")
    assert found.full == 990 and found.images == pytest.approx(900 + 10)


def test_a_trial_becomes_a_curve_at_its_rungs() -> None:
    points = [
        Point(images=i, share=i / 100, seconds=i, kid=1 - i / 200, error=0)
        for i in (12, 34, 60, 100)
    ]
    found = curve_of(points, RUNGS, 0.51)
    assert found == Curve(kids=[1 - 0.06, 1 - 0.17], final=0.51, images=100)
    assert curve_of(points[:1], RUNGS, 0.5) is None and curve_of([], RUNGS, 0.5) is None


@pytest.mark.parametrize(
    ("rungs", "eta", "workers", "order"),
    [
        ([0.5, 0.2], 3, 1, None),
        ([0.0], 3, 1, None),
        ([1.0], 3, 1, None),
        ([0.5], 1, 1, None),
        ([0.5], 3, 0, None),
        ([0.5], 3, 1, [0, 0]),
    ],
)
def test_what_makes_no_sense_is_refused(
    rungs: list[float], eta: int, workers: int, order: list[int] | None
) -> None:
    curves = [Curve(kids=[1.0] * len(rungs), final=1, images=9)] * 2
    with pytest.raises(ValueError):
        replay(curves, rungs, eta, workers=workers, order=order)
    with pytest.raises(ValueError, match="a KID at each"):
        replay([curve(1, 1)], RUNGS, 3)


KIDS = st.lists(st.integers(1, 20).map(float), min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(KIDS, min_size=1, max_size=12),
    st.integers(1, 5),
    st.integers(2, 4),
    st.sampled_from(RULES),
)
def test_a_replay_never_uses_more_than_all_nor_finds_better_than_the_best(
    rows: list[list[float]], workers: int, eta: int, rule: Rule
) -> None:
    curves = [curve(*row) for row in rows]
    found = replay(curves, RUNGS, eta, workers=workers, rule=rule)
    assert 1 / 9 - 1e-9 <= found.share <= 1 + 1e-9 and found.regret >= 0
    assert found.reached == sorted(found.reached, reverse=True) and found.reached[0] == len(rows)
    assert found.kid == curves[found.found].final
