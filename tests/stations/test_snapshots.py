"""Which snapshot is exported."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

from plans import tiny_plan
from popgan.evidence.fidelity.kid import kid_with_replicates
from popgan.stations import snapshots
from popgan.stations.snapshots import IMAGES, TuningScale, seconds_a_snapshot
from popgan.training.guard import Score

SUBJECTS = 5


@pytest.fixture
def scale() -> TuningScale:
    names = [f"s{index // 8}" for index in range(8 * SUBJECTS)]
    cohort = types.SimpleNamespace(subjects=lambda split: names)
    return TuningScale(tiny_plan(), cohort)  # type: ignore[arg-type]


def scored(scale: TuningScale, offsets: list[float], noise: float = 0.0) -> list[Score]:
    """Scores of generators whose features are off by so much, of one set of latents."""
    rng = np.random.default_rng(0)
    subject = rng.standard_normal((SUBJECTS, 16))[np.arange(8 * SUBJECTS) // 8]
    real = subject + rng.standard_normal((8 * SUBJECTS, 16))
    fake = rng.standard_normal((IMAGES, 16)) * 1.4
    found = []
    for index, offset in enumerate(offsets):
        moved = fake + offset + noise * rng.standard_normal((IMAGES, 16))
        kid, a, b = kid_with_replicates(real, scale.subjects, moved, scale.images)
        found.append(
            Score(
                images=1000 * (index + 1),
                value=kid,
                without_subjects=a.values.tolist(),
                without_images=b.values.tolist(),
            )
        )
    return found


def test_the_last_is_taken_when_it_is_the_nearest(scale: TuningScale) -> None:
    choice = scale.choose(scored(scale, [2.0, 1.0, 0.0]))
    assert choice.images == 3000
    assert "the last of 3 snapshots" in choice.text


def test_an_earlier_one_is_taken_when_it_is_surely_nearer(scale: TuningScale) -> None:
    choice = scale.choose(scored(scale, [2.0, 0.0, 2.0]))
    assert choice.images == 2000
    assert "2000 images" in choice.text


def test_noise_is_no_reason_to_go_back(scale: TuningScale) -> None:
    rng = np.random.default_rng(1)
    early = 0
    for _ in range(15):
        offsets = [float(x) for x in 0.02 * rng.standard_normal(6)]
        scores = scored(scale, offsets, noise=0.3)
        early += scale.choose(scores).images != 6000
        assert min(score.value for score in scores) <= scores[-1].value
    # Six equal snapshots: the lowest number is an earlier one five times in six.
    assert early <= 5


def test_one_snapshot_is_no_choice(scale: TuningScale) -> None:
    assert scale.choose(scored(scale, [1.0])).images == 1000


def test_a_moment_in_which_others_have_the_cores_does_not_make_snapshots_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = {"wall": 0.0, "own": 0.0}
    shares = [1.0, 0.05, 0.9]  # of warming up, of a disturbed moment, of a quiet one

    class Slow:
        def __init__(self, **_: Any) -> None:
            pass

        def __call__(self, images: np.ndarray) -> None:
            clock["own"] += 0.01 * len(images)
            clock["wall"] += 0.01 * len(images) / shares.pop(0)

    times = types.SimpleNamespace(
        perf_counter=lambda: clock["wall"], thread_time=lambda: clock["own"]
    )
    monkeypatch.setattr(snapshots, "time", times)
    monkeypatch.setattr(snapshots, "FeatureExtractor", Slow)
    monkeypatch.setattr(snapshots, "best_device", lambda: types.SimpleNamespace(type="cpu"))
    assert seconds_a_snapshot(1, (16, 16)) == pytest.approx(0.01 * IMAGES / 0.9)
    assert shares == []
