"""Translators patient by patient: sign flips by brute force, Holm by another library, the words."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from popgan.evidence.compare.results import TranslatorPair
from popgan.evidence.compare.translators import Side, translator_notes, translator_pairs

PATIENTS = 8


def side(
    title: str, level: float, *, target: str = "FLAIR", trainings: int = 1, patients: int = PATIENTS
) -> Side:
    """Patients differ more than translators do; a training has a shift of its own."""
    heads = np.random.default_rng(0).normal(25, 2, patients)
    rng = np.random.default_rng(sum(map(ord, title)))
    psnr = [
        (heads + level + rng.normal(0, 0.3) + rng.normal(0, 0.5, patients)).tolist()
        for _ in range(trainings)
    ]
    ssim = [[1 - 10 ** (-value / 20) for value in values] for values in psnr]
    return Side(title, target, {"psnr": psnr, "ssim": ssim})


def exact_p(gaps: np.ndarray) -> float:
    """All sign patterns, one after the other."""
    means = [abs(float(np.dot(signs, gaps))) for signs in product((1, -1), repeat=len(gaps))]
    return float(np.mean(np.array(means) >= abs(gaps.sum()) - 1e-9))


def of(found: list[TranslatorPair], metric: str) -> list[TranslatorPair]:
    return [pair for pair in found if pair.metric == metric]


def test_differences_p_and_holm_are_those_of_independent_ways() -> None:
    sides = [side("a", 0), side("b", 0.4), side("c", 2.5, trainings=3)]
    found = translator_pairs(sides)
    for metric in ("psnr", "ssim"):
        means = [np.mean(one.numbers[metric], axis=0) for one in sides]
        gaps = [means[0] - means[1], means[0] - means[2], means[1] - means[2]]
        raw = [exact_p(gap) for gap in gaps]
        adjusted = multipletests(raw, method="holm")[1]
        for pair, gap, p, p_holm in zip(of(found, metric), gaps, raw, adjusted, strict=True):
            assert pair.difference.value == pytest.approx(gap.mean())
            assert pair.difference.low is not None and pair.difference.high is not None
            assert pair.difference.low < gap.mean() < pair.difference.high
            assert pair.test.p == pytest.approx(p)
            assert pair.test.p_holm == pytest.approx(p_holm)
            assert pair.share.value == (gap > 0).mean() and pair.share.n == PATIENTS
            assert pair.tie == (p_holm > 0.05)
            assert pair.test.n == pair.difference.n == PATIENTS
            assert "3 pairs" in pair.test.method
    assert [pair.trainings for pair in of(found, "psnr")] == [(1, 1), (1, 3), (1, 3)]


def test_the_better_one_is_named_whichever_stands_first() -> None:
    for sides in ([side("a", 0), side("b", 3)], [side("b", 3), side("a", 0)]):
        for pair in translator_pairs(sides):
            assert pair.better == "b" and not pair.tie
            assert pair.sentence.startswith("b makes FLAIR better than a (")
            assert "of 8 patients; p = 0.0078 after Holm" in pair.sentence


def test_translators_of_other_contrasts_are_no_pair_but_all_pairs_are_one_family() -> None:
    sides = [side("a", 0), side("b", 1), side("c", 0, target="T2w"), side("d", 2, target="T2w")]
    found = of(translator_pairs(sides), "psnr")
    assert [(pair.first, pair.second, pair.target) for pair in found] == [
        ("a", "b", "FLAIR"),
        ("c", "d", "T2w"),
    ]
    raw = [pair.test.p for pair in found]
    expected = multipletests(raw, method="holm")[1]
    assert [pair.test.p_holm for pair in found] == pytest.approx(list(expected))


def test_numbers_of_trainings_are_averaged_before_anything_is_tested() -> None:
    twice = Side("t", "FLAIR", {"psnr": [[20.0, 30.0, None], [22.0, 28.0, 25.0]]})
    assert twice.patients("psnr") == [21.0, 29.0, None]
    assert twice.patients("ssim") == [] and twice.trainings == 2


def test_equal_numbers_are_a_tie_and_half_a_patient_each() -> None:
    one = side("a", 0)
    for pair in translator_pairs([one, Side("b", one.target, one.numbers)]):
        assert pair.tie and pair.share.value == 0.5 and pair.test.p == 1.0
        assert "better for 4 of 8 patients" in pair.sentence


def test_with_too_few_patients_no_difference_can_be_shown_and_a_note_says_so() -> None:
    sides = [side(name, 4.0 * i, patients=6) for i, name in enumerate("abc")]
    found = translator_pairs(sides)
    for pair in found:
        assert pair.smallest_p == pytest.approx(2 / 2**6)
        assert pair.smallest_p_holm == pytest.approx(6 / 2**6) == pytest.approx(pair.test.p_holm)
        assert pair.tie
    notes = translator_notes(found)
    assert notes[0].startswith("Trained once: a, b, c.")
    assert "PSNR: with 6 patients and 3 pairs no difference can be shown" in notes[1]
    assert "at least 0.094" in notes[1]
    # One pair of the same patients can be told apart, and nothing is said.
    (first, _) = translator_pairs(sides[:2])
    assert not first.tie and not any("can be shown" in note for note in translator_notes([first]))


def test_fewer_than_three_patients_have_neither_interval_nor_test() -> None:
    found = translator_pairs([side("a", 0, patients=2), side("b", 4, patients=2)])
    for pair in found:
        assert pair.tie and pair.test.p is None and pair.difference.low is None
        assert pair.smallest_p_holm is None and "too few for a test" in pair.sentence
    assert "there is no test" in translator_notes(found)[1]


def test_p_after_holm_is_never_below_what_is_called_its_least() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        # Patients differ in number between pairs where one has no value.
        sides = []
        for name in "abcd":
            values: list[float | None] = rng.normal(25, 1, 7).tolist()
            values[:] = [None if rng.random() < 0.2 else value for value in values]
            sides.append(Side(name, "FLAIR", {"psnr": [values]}))
        for pair in translator_pairs(sides):
            if pair.test.p_holm is not None and pair.smallest_p_holm is not None:
                assert pair.test.p_holm >= pair.smallest_p_holm - 1e-12
