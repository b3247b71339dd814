"""The verdict on a translator follows from intervals against every trivial way, and no more."""

from __future__ import annotations

from typing import Literal

import pytest

from popgan.evidence.paired.results import (
    Comparison,
    MethodRow,
    PairedResult,
    PatientMean,
    Score,
    Uncertainty,
)
from popgan.evidence.paired.verdict import paired_verdict

Ends = tuple[float, float | None, float | None]


def mean(
    value: float, low: float | None = None, high: float | None = None, n: int = 6
) -> PatientMean:
    return PatientMean(mean=value, low=low, high=high, patients=[value] * n)


def found(
    gaps: dict[str, Ends],
    *,
    without: dict[str, Ends] | None = None,
    lesion: tuple[float, float] | None = None,
    uncertainty: Uncertainty | None = None,
) -> PairedResult:
    """Measurements with so large differences of PSNR to baselines, and to the model without."""
    scores = [Score(metric="psnr", region="brain", value=mean(24.0, 23.0, 25.0))]
    if lesion is not None:
        for region, value in zip(("lesion", "outside lesion"), lesion, strict=True):
            scores.append(Score(metric="mae", region=region, value=mean(value, n=4)))  # type: ignore[arg-type]
    rows = [MethodRow(name="mustgan", kind="model", scores=scores)]
    kinds: list[tuple[dict[str, Ends], Literal["baseline", "without a source"]]] = [
        (gaps, "baseline"),
        (without or {}, "without a source"),
    ]
    rows += [MethodRow(name=n, kind=kind, scores=[]) for some, kind in kinds for n in some]
    comparisons = [
        Comparison(
            against=name, metric=metric, region="brain", difference=mean(*ends), p=None, p_holm=None
        )
        for some, _ in kinds
        for name, ends in some.items()
        for metric in ("psnr",)
    ]
    return PairedResult(
        model="mustgan",
        sources=["T1w", "T1wCE"],
        target="FLAIR",
        normalisation="none",
        n_patients=6,
        n_slices=60,
        n_patients_with_lesion=4,
        image_shape=[8, 8],
        seed=0,
        rows=rows,
        comparisons=comparisons,
        uncertainty=uncertainty,
    )


@pytest.mark.parametrize(
    ("gaps", "level"),
    [
        ({"copy": (5.0, 4.0, 6.0), "line": (1.0, 0.2, 1.8)}, "better than every baseline"),
        ({"copy": (5.0, 4.0, 6.0), "line": (1.0, -0.2, 2.2)}, "tied with a baseline"),
        ({"copy": (5.0, 4.0, 6.0), "line": (1.0, 0.0, 2.0)}, "tied with a baseline"),
        ({"copy": (5.0, 4.0, 6.0), "line": (-1.0, -1.8, -0.2)}, "worse than a baseline"),
        ({"copy": (-0.1, -0.4, 0.2), "line": (-1.0, -1.8, -0.2)}, "worse than a baseline"),
        ({"copy": (5.0, None, None), "line": (1.0, None, None)}, "not measurable"),
        ({}, "not measurable"),
    ],
)
def test_the_level_follows_from_the_intervals_against_every_baseline(
    gaps: dict[str, Ends], level: str
) -> None:
    assert paired_verdict(found(gaps)).level == level


def test_the_sentence_names_the_hardest_rival_and_its_interval() -> None:
    better = paired_verdict(found({"copy": (5.0, 4.0, 6.0), "line": (1.0, 0.2, 1.8)})).sentence
    assert "24.00 dB (95 % CI 23.00 to 25.00) over 6 test patients" in better
    assert "each of 2 trivial ways; 1.00 dB above line (95 % CI 0.20 to 1.80)" in better
    worse = paired_verdict(found({"line": (-1.0, -1.8, -0.2)})).sentence
    assert "1.00 dB below line (95 % CI -1.80 to -0.20)" in worse
    tied = paired_verdict(found({"a": (0.5, -1, 2), "b": (0.2, -1, 2), "c": (3, 2, 4)})).sentence
    assert "not shown to be nearer to the true images than a and b" in tied


def test_the_model_without_a_source_is_no_rival() -> None:
    result = found({"line": (1.0, 0.2, 1.8)}, without={"mustgan without T1w": (-2.0, -3.0, -1.0)})
    assert paired_verdict(result).level == "better than every baseline"


def test_no_verdict_speaks_of_lesions_as_if_they_were_tested() -> None:
    sentence = paired_verdict(found({"line": (1.0, 0.2, 1.8)}, lesion=(0.12, 0.04))).sentence
    assert "The mean error is 0.120 inside lesions and 0.040 outside (4 patients)." in sentence
    assert sentence.endswith("None of this shows that lesions are neither missed nor invented.")


@pytest.mark.parametrize(
    ("high", "lesion", "said"),
    [
        (0.86, None, "they hold 84% in the brain."),
        (0.92, None, ""),
        (0.92, 0.8, "they hold 60% within lesions."),
        (0.86, 0.8, "they hold 84% in the brain and 60% within lesions."),
        (0.86, 0.95, "they hold 84% in the brain."),
    ],
)
def test_intervals_that_are_too_narrow_are_named(
    high: float, lesion: float | None, said: str
) -> None:
    spread = Uncertainty(
        level=0.9,
        passes=10,
        calibrated_on=5,
        coverage=mean(0.84, 0.82, high),
        coverage_lesion=None if lesion is None else mean(0.6, 0.4, lesion),
        width=mean(0.05),
        rank_correlation=mean(0.3),
    )
    sentence = paired_verdict(found({"line": (1.0, 0.2, 1.8)}, uncertainty=spread)).sentence
    assert ("too narrow: meant to hold 90% of the true intensities" in sentence) == bool(said)
    assert said in sentence
