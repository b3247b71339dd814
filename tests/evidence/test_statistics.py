"""The grouped jackknife must agree with closed forms and keep subjects whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from popgan.errors import UserError
from popgan.evidence.statistics import (
    Estimate,
    Replicates,
    image_groups,
    interval,
    jackknife_variance,
    members,
    subject_groups,
)


def without_each(values: np.ndarray, groups: np.ndarray) -> Replicates:
    left = [values[groups != g].mean() for g in np.unique(groups)]
    return Replicates(np.array(left), np.bincount(groups))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=3, max_size=40))
def test_variance_of_a_mean_is_s_squared_over_n(numbers: list[float]) -> None:
    values = np.array(numbers)
    got = jackknife_variance(float(values.mean()), without_each(values, np.arange(len(values))))
    assert got == pytest.approx(values.var(ddof=1) / len(values), rel=1e-6, abs=1e-9)


def test_variance_with_equal_groups_is_that_of_group_means() -> None:
    values = np.random.default_rng(0).normal(size=60)
    groups = np.arange(60) % 12
    means = np.array([values[groups == g].mean() for g in range(12)])
    got = jackknife_variance(float(values.mean()), without_each(values, groups))
    assert got == pytest.approx(means.var(ddof=1) / 12)


def test_variance_with_unequal_groups_is_right_on_average() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(6), [2, 5, 9, 14, 20, 10])
    draws = rng.normal(size=(3000, 60))
    got = [jackknife_variance(float(v.mean()), without_each(v, groups)) for v in draws]
    assert np.mean(got) == pytest.approx(1 / 60, rel=0.05)


def test_interval_of_one_mean_is_student_s() -> None:
    values = np.random.default_rng(2).normal(3, 2, 15)
    low, high = interval(float(values.mean()), without_each(values, np.arange(15)))
    wanted = stats.t.interval(0.95, 14, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(wanted)


def test_interval_of_a_difference_is_welch_s() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 1, 8), rng.normal(1, 3, 21)
    shifted = Replicates(a.mean() - without_each(b, np.arange(21)).values, np.ones(21))
    first = Replicates(without_each(a, np.arange(8)).values - b.mean(), np.ones(8))
    low, high = interval(float(a.mean() - b.mean()), first, shifted)
    wanted = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (low, high) == pytest.approx((wanted.low, wanted.high))


def test_whole_subjects_carry_the_uncertainty() -> None:
    """With strong subject effects slices pretend to a precision that subjects do not have."""
    rng = np.random.default_rng(4)
    subjects = np.repeat([f"s{i}" for i in range(10)], 24)
    values = np.repeat(rng.normal(size=10), 24) + 0.1 * rng.normal(size=240)
    by_slice = jackknife_variance(float(values.mean()), without_each(values, np.arange(240)))
    groups = subject_groups(subjects)
    by_subject = jackknife_variance(float(values.mean()), without_each(values, groups))
    assert by_subject > 10 * by_slice


def test_interval_respects_the_range_of_the_statistic() -> None:
    wide = Replicates(np.array([0.2, 1.0, 0.6]), np.ones(3))
    assert interval(0.6, wide, bounds=(0, 1)) == (0, 1)
    assert interval(0.5, Replicates(np.array([0.5, 0.5]), np.ones(2))) == (0.5, 0.5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=200), st.integers(0, 5))
def test_subjects_stay_whole_and_groups_balanced(ids: list[int], seed: int) -> None:
    subjects = [f"sub-{i}" for i in ids]
    names = sorted(set(subjects))
    if len(names) < 2:
        with pytest.raises(UserError, match="subject"):
            subject_groups(subjects, seed=seed)
        return
    groups = subject_groups(subjects, seed=seed)
    group_of = {s: {int(g) for t, g in zip(subjects, groups, strict=True) if t == s} for s in names}
    assert all(len(found) == 1 for found in group_of.values())
    sizes = np.bincount([next(iter(found)) for found in group_of.values()])
    assert len(sizes) == min(20, len(names)) and sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(groups, subject_groups(subjects, seed=seed))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.permutations(range(10)))
def test_members_follow_images_and_not_names(ids: list[int], other: list[int]) -> None:
    subjects = [f"sub-{i}" for i in ids]
    names, member = members(subjects)
    assert list(names) == list(dict.fromkeys(subjects))
    assert [names[i] for i in member] == subjects
    # Whoever draws numbers of patients draws the same ones under other names.
    assert members([f"sub-{other[i]}" for i in ids])[1].tolist() == member.tolist()


def test_image_groups_are_balanced() -> None:
    sizes = np.bincount(image_groups(107))
    assert len(sizes) == 20 and sizes.max() - sizes.min() <= 1
    assert len(np.bincount(image_groups(7))) == 7


def test_an_estimate_survives_json_and_refuses_half_an_interval() -> None:
    facts = {"value": 0.1, "n_real": 5, "n_synthetic": 6, "n_subjects": 2, "method": "none"}
    estimate = Estimate(low=0.0, high=0.2, **facts)
    assert Estimate.model_validate_json(estimate.model_dump_json()) == estimate
    with pytest.raises(ValidationError):
        Estimate(low=0.0, high=None, **facts)
    with pytest.raises(ValidationError):
        Estimate(low=float("nan"), high=1.0, **facts)
