"""The verdict follows its written thresholds and never calls noise a result."""

from typing import Any

import pytest

from popgan.evidence.fidelity.results import FidelityResult, Metric, Spectra
from popgan.evidence.fidelity.verdict import verdict
from popgan.evidence.statistics import Estimate


def metric(name: str, value: float, half: float, floor: float, junk: float, **more: Any) -> Metric:
    estimate = Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n_real=100,
        n_synthetic=100,
        n_subjects=10,
        method="test",
    )
    return Metric(
        name=name,
        title=name,
        unit="",
        better="lower",
        value=estimate,
        floor=floor,
        ceilings={"mean image": junk, "noise": junk},
        how_to_read="-",
        **more,
    )


def result(
    value: float, half: float = 0.02, *, mean: float = 1.69, ratio: float = 1, pairs: float = 0.5
) -> FidelityResult:
    line = [0.0]
    return FidelityResult(
        backbone={},
        seed=0,
        image_shape=[1, 1, 1],
        n_train=1,
        n_reference=1,
        n_synthetic=1,
        n_matched=1,
        n_train_subjects=1,
        n_reference_subjects=1,
        metrics=[
            metric("kid", value, half, 0.01, mean, floor_low=-0.01, floor_high=0.03),
            metric("nearest_ratio", ratio, 0.05, 1, 1),
            metric("ms_ssim", pairs, 0.02, 0.5, 1, floor_low=0.47, floor_high=0.53),
        ],
        warnings=[],
        spectra=Spectra(frequency=line, synthetic=line, reference=line, mean_image=line),
        nearest=[],
        synthetic_mean=[[line]],
        synthetic_std=[[line]],
    )


@pytest.mark.parametrize(
    ("value", "half", "level"),
    [
        (0.012, 0.02, "close to real"),
        (-0.01, 0.02, "close to real"),
        (0.012, 0.3, "in between"),  # uncertain: the upper end is far from the floor
        (0.13, 0.03, "in between"),
        (0.63, 0.05, "in between"),
        (0.9, 0.05, "poor"),
        (2.5, 0.1, "poor"),
        (1.6, 0.9, "poor"),  # a wide interval that stays clear of the floor
        (0.4, 0.6, "not measurable"),
    ],
)
def test_level_by_threshold(value: float, half: float, level: str) -> None:
    assert verdict(result(value, half)).level == level


def test_a_cohort_that_cannot_tell_the_mean_image_gives_no_verdict() -> None:
    judged = verdict(result(0.02, mean=0.025))
    assert judged.level == "not measurable" and "too small or too uniform" in judged.sentence


def test_the_sentence_carries_the_numbers() -> None:
    sentence = verdict(result(0.31, 0.05)).sentence
    for part in ("KID 0.31", "95 % CI 0.26 to 0.36", "0.010", "1.69", "18% of the way"):
        assert part in sentence


def test_worse_than_the_mean_image_is_not_said_to_be_near_it() -> None:
    near, beyond = verdict(result(1.2, 0.05)).sentence, verdict(result(2.5, 0.05)).sentence
    assert "nearer to one average head" in near
    assert "further from real images than one average head" in beyond and "nearer" not in beyond


def test_a_small_but_certain_difference_is_admitted() -> None:
    assert "not chance" in verdict(result(0.08, 0.02)).sentence
    assert "not chance" not in verdict(result(0.03, 0.02)).sentence


def test_cautions_for_copying_and_for_missing_variety() -> None:
    assert "look for copies" in verdict(result(0.01, ratio=0.9)).sentence
    assert "look for copies" not in verdict(result(0.01, ratio=0.97)).sentence
    assert "variety" in verdict(result(0.01, pairs=0.6)).sentence
