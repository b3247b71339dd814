"""Half widths that cover what they promise, patient by patient, and survive JSON only if sound."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import spearmanr

from popgan.evidence.paired.uncertainty import Calibration, calibrate, measure

SIDE = 24


def patients(
    count: int, seed: int, *, slices: int = 6, unequal: float = 0.0, power: float = 1.0
) -> dict[str, object]:
    """Slices whose error grows with the spread of the passes, which is far too small itself."""
    rng = np.random.default_rng(seed)
    n = count * slices
    spread = rng.gamma(2, 0.004, (n, SIDE, SIDE))
    own = np.repeat(np.exp(unequal * rng.normal(size=count)), slices)[:, None, None]
    error = own * 3 * spread**power * rng.normal(size=spread.shape)
    truth = rng.uniform(0.2, 0.8, spread.shape)
    inside = np.zeros(spread.shape, bool)
    inside[:, 3:-3, 3:-3] = True
    return {
        "truth": truth.astype(np.float32),
        "image": (truth + error).astype(np.float32),
        "spread": spread.astype(np.float32),
        "inside": inside,
        "subjects": [f"s{i // slices}" for i in range(n)],
    }


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize("power", [0.5, 1.0, 1.5])
def test_the_share_that_was_promised_is_covered_in_every_patient(level, power) -> None:
    line = calibrate(**patients(8, 0, power=power), passes=10, level=level)
    found = measure(line, **patients(7, 1, power=power))
    assert found.coverage.mean == pytest.approx(level, abs=0.015)
    for value in found.coverage.patients:
        assert value == pytest.approx(level, abs=0.035)
    assert (found.level, found.passes, found.calibrated_on) == (level, 10, 8)


def test_coverage_holds_at_small_and_at_large_spread() -> None:
    line = calibrate(**patients(8, 0), passes=10)
    new = patients(7, 1, slices=20)
    covered = np.abs(new["image"] - new["truth"]) <= line.apply(new["spread"])
    ends = np.quantile(new["spread"], [0, 0.2, 0.5, 0.8, 0.95, 1])
    for low, high in pairwise(ends):
        part = (new["spread"] >= low) & (new["spread"] <= high)
        assert covered[part].mean() == pytest.approx(0.9, abs=0.03)


def test_coverage_is_that_of_patients_who_differ() -> None:
    """With patients of unequal error the mean over patients is still about what was promised."""
    means = []
    for seed in range(30):
        line = calibrate(**patients(8, seed, slices=3, unequal=0.3), passes=10)
        test = patients(8, 1000 + seed, slices=3, unequal=0.3)
        means.append(measure(line, **test).coverage.mean)
    assert np.mean(means) == pytest.approx(0.9, abs=0.02)  # one of them alone: within 0.08


def test_one_large_patient_does_not_rule() -> None:
    small, large = patients(6, 0, slices=2), patients(1, 1, slices=60)
    large["image"] = large["truth"] + 4 * (large["image"] - large["truth"])
    large["subjects"] = ["large"] * 60
    both = {
        key: small[key] + large[key]
        if key == "subjects"
        else np.concatenate([small[key], large[key]])
        for key in small
    }
    line = calibrate(**both, passes=10)
    assert line.patients == 7 and line.voxels % 7 == 0
    plain = np.quantile(np.abs(both["image"] - both["truth"])[both["inside"]], 0.9)
    alone = calibrate(**small, passes=10)
    middle = float(np.median(small["spread"]))
    width, expected = float(line.apply(middle)), float(alone.apply(middle))
    # Only one voxel in seven is the large patient's.
    assert expected < width < 0.75 * plain


def test_the_half_width_is_the_conformal_quantile_where_the_spread_is_all_the_same() -> None:
    """Nine errors and a promise of 80 %: the eighth of them, since 10 x 0.8 = 8."""
    errors = np.arange(1, 10) / 100
    line = calibrate(
        truth=np.zeros((1, 3, 3)),
        image=errors[::-1].reshape(1, 3, 3),
        spread=np.full((1, 3, 3), 0.02),
        inside=np.ones((1, 3, 3), bool),
        subjects=["a"],
        passes=5,
        level=0.8,
    )
    assert line.spread == [0.02] and line.half_width == [pytest.approx(0.08)]


def test_a_spread_of_zero_everywhere_gives_one_width_for_all() -> None:
    tuning, test = patients(5, 0), patients(5, 1)
    for group in (tuning, test):
        group["spread"] = np.zeros_like(group["spread"])
    line = calibrate(**tuning, passes=10)
    assert line.spread == [0] and len(line.half_width) == 1
    found = measure(line, **test)
    assert found.coverage.mean == pytest.approx(0.9, abs=0.02)
    assert found.rank_correlation.mean == 0
    assert line.apply(np.array([0.0, 1.0])).tolist() == [line.apply(np.zeros(1))[0]] * 2


def test_a_spread_that_is_often_zero_keeps_its_zeros_together() -> None:
    tuning = patients(5, 0)
    tuning["spread"][tuning["spread"] < 0.01] = 0
    line = calibrate(**tuning, passes=10)
    assert line.spread[0] == 0 and line.spread == sorted(set(line.spread))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 0.99))
def test_a_larger_spread_never_gives_a_smaller_width(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    spread = np.round(rng.exponential(0.02, (4, 16, 16)), rng.integers(2, 5))
    line = calibrate(
        np.zeros(spread.shape),
        rng.normal(0, 0.05, spread.shape),  # which has nothing to do with the spread
        spread,
        np.ones(spread.shape, bool),
        ["a", "a", "b", "b"],
        passes=4,
        level=level,
    )
    grid = line.apply(np.linspace(0, 1, 500))
    assert (np.diff(grid) >= 0).all() and grid.min() >= 0 and grid.max() <= 1


def test_beyond_anything_seen_the_width_grows_with_the_spread() -> None:
    line = Calibration(
        level=0.9, passes=8, patients=3, voxels=10, spread=[0.01, 0.02], half_width=[0.03, 0.05]
    )
    found = line.apply(np.array([0.0, 0.01, 0.015, 0.02, 0.04, 5.0]))
    assert found == pytest.approx([0.03, 0.03, 0.04, 0.05, 0.1, 1.0])


def test_coverage_in_lesions_is_told_apart() -> None:
    line = calibrate(**patients(8, 0), passes=10)
    new = patients(4, 1)
    lesions = np.zeros(new["truth"].shape, bool)
    lesions[:12, 8:12, 8:12] = True  # two patients of four
    new["image"] = new["truth"] + np.where(lesions, 5, 1) * (new["image"] - new["truth"])
    found = measure(line, **new, lesions=lesions)
    assert found.coverage_lesion.n == 2 and found.coverage_lesion.mean < 0.5
    assert found.coverage.mean > 0.85
    assert measure(line, **new).coverage_lesion is None


def test_rank_correlation_agrees_with_scipy() -> None:
    line, new = calibrate(**patients(8, 0), passes=10), patients(3, 1)
    found = measure(line, **new).rank_correlation
    inside = new["inside"][:6]
    width = line.apply(new["spread"][:6])[inside]
    error = np.abs(new["image"][:6].astype(float) - new["truth"][:6])[inside]
    assert found.patients[0] == pytest.approx(spearmanr(width, error).statistic)
    assert 0.2 < found.mean < 0.8


def test_the_width_is_in_unit_intensities() -> None:
    line, new = calibrate(**patients(8, 0), passes=10), patients(3, 1)
    found = measure(line, **new).width
    assert found.patients[1] == pytest.approx(line.apply(new["spread"][6:12][:, 3:-3, 3:-3]).mean())


def test_it_is_the_same_again_and_comes_back_from_json() -> None:
    tuning = patients(8, 0)
    line = calibrate(**tuning, passes=10)
    assert calibrate(**tuning, passes=10) == line
    assert Calibration.model_validate_json(line.model_dump_json()) == line


@pytest.mark.parametrize(
    "change",
    [
        {"half_width": [0.05, 0.03]},
        {"spread": [0.02, 0.02]},
        {"spread": [-0.1, 0.02]},
        {"half_width": [0.05]},
        {"spread": [], "half_width": []},
        {"level": 1.0},
        {"spread": [0.01, float("inf")]},
        {"voxels": 0},
        {"more": 1},
        {"schema_version": 2},
    ],
)
def test_a_damaged_file_is_refused(change: dict[str, object]) -> None:
    sound = {
        "level": 0.9,
        "passes": 8,
        "patients": 3,
        "voxels": 10,
        "spread": [0.01, 0.02],
        "half_width": [0.03, 0.05],
    }
    Calibration.model_validate_json(json.dumps(sound))
    with pytest.raises(ValidationError):
        Calibration.model_validate_json(json.dumps(sound | change))


def test_without_a_voxel_there_is_nothing_to_learn() -> None:
    tuning = patients(2, 0)
    tuning["inside"] = np.zeros_like(tuning["inside"])
    with pytest.raises(ValueError, match="no voxel"):
        calibrate(**tuning, passes=10)
