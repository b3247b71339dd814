"""How many snapshots fit, and what is done about memory."""

from __future__ import annotations

import pytest

from popgan.planning.trial import MOST, SHARE, Trial, snapshots_within


def trial(subjects: int = 6, seconds: float = 2.0) -> Trial:
    return Trial(subjects, lambda: seconds, lambda: None)


def test_measuring_snapshots_stays_within_its_share_of_the_time() -> None:
    for budget in (60.0, 120.0, 360.0, 3600.0):
        count, cost, reason = snapshots_within(trial(seconds=3.0), 10**6, budget)
        assert count * cost <= SHARE * budget
        assert count == 0 or 2 <= count <= MOST
        assert "3.0 s a snapshot" in reason


def test_without_a_measured_time_images_are_the_measure() -> None:
    assert snapshots_within(trial(), 96, None)[0] == 0
    assert snapshots_within(trial(), 38_000, None)[0] == 7
    assert snapshots_within(trial(), 1_200_000, None)[0] == MOST


@pytest.mark.parametrize("subjects", [0, 1, 2])
def test_too_few_subjects_choose_nothing(subjects: int) -> None:
    count, _, reason = snapshots_within(trial(subjects), 10**6, 3600.0)
    assert count == 0
    assert "luck" in reason


def test_time_is_not_measured_in_vain() -> None:
    def never() -> float:
        raise AssertionError

    assert snapshots_within(Trial(1, never, lambda: None), 10**6, 60.0)[0] == 0
    assert snapshots_within(Trial(9, never, lambda: None), 10**5, None)[0] == MOST
    assert snapshots_within(None, 10**6, 60.0)[0] == 0
