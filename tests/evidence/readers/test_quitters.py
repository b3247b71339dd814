"""Readers who quit early, and studies with one reader: what is still said, and of whom."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from popgan.evidence.readers.answers import CRITERIA, REAL, Answers, Case
from popgan.evidence.readers.bootstrap import Clusters, crossed
from popgan.evidence.readers.results import ReaderStudyResult
from popgan.evidence.readers.sentences import (
    headline,
    model_sentence,
    primary,
    realism_sentence,
    share_words,
)
from popgan.evidence.readers.simulate import ReaderModel, simulate
from popgan.evidence.readers.suite import analyse
from popgan.evidence.readers.tables import NONE, Table

OPTIONS = {"margin": 0.1, "seed": 0, "replicates": 100}
READERS = ["R1", "R2", "R3", "R4"]


def cases_of(real: int, synthetic: dict[str, int], per_patient: int = 1) -> list[Case]:
    found = [Case(f"r{i:03}", REAL, f"p{i // per_patient:03}") for i in range(real)]
    for model, count in synthetic.items():
        found += [Case(f"{model}{i:03}", model, f"{model}{i:03}") for i in range(count)]
    return found


def simulated(readers: list[str], *, per_patient: int = 1) -> Answers:
    cases = cases_of(20, {"a": 10, "b": 10}, per_patient)
    return simulate(cases, ReaderModel(d_prime=0.5, missing=0), readers=readers, seed=4)


def without(answers: Answers, reader: str, keep: int) -> Answers:
    """The same with a reader who stopped after some answers of each block."""

    def cut(given: tuple) -> tuple:
        own = [one for one in given if one.reader == reader]
        own = [own[i] for i in np.random.default_rng(0).permutation(len(own))[:keep]]
        return tuple(one for one in given if one.reader != reader or one in own)

    return dataclasses.replace(
        answers,
        ratings=cut(answers.ratings),
        judgements=cut(answers.judgements),
        choices=cut(answers.choices),
    )


@pytest.fixture(scope="module")
def quit_early() -> ReaderStudyResult:
    return analyse(without(simulated(READERS), "R4", 3), **OPTIONS)


def test_a_reader_who_quits_early_takes_nothing_from_the_others(
    quit_early: ReaderStudyResult,
) -> None:
    answers = without(simulated(READERS), "R4", 0)
    others = analyse(dataclasses.replace(answers, readers=("R1", "R2", "R3")), **OPTIONS)
    assert quit_early.authenticity[0].equivalence.verdict != "not measurable"
    for one, other in zip(quit_early.authenticity, others.authenticity, strict=True):
        assert (one.balanced, one.auc, one.pooled) == (other.balanced, other.auc, other.pooled)
        assert (one.equivalence, one.equivalence_these) == (
            other.equivalence,
            other.equivalence_these,
        )
    assert quit_early.differences == others.differences
    assert quit_early.comparisons == others.comparisons
    assert quit_early.agreement == others.agreement
    assert [one.mean for one in quit_early.scores] == [one.mean for one in others.scores]
    assert quit_early.comparisons[0].test.n == 10


def test_a_reader_who_quits_early_is_named_and_keeps_a_row(quit_early: ReaderStudyResult) -> None:
    assert [row.reader for row in quit_early.authenticity[0].readers] == READERS
    assert quit_early.scores[0].by_reader["R4"] is not None or quit_early.scores[1].by_reader["R4"]
    said = [text for text in quit_early.warnings if "left out of means" in text]
    assert len(said) == 2
    assert all("R4 (3)" in text and "with most (40)" in text for text in said)


def test_a_reader_with_half_of_the_answers_counts() -> None:
    result = analyse(without(simulated(READERS), "R4", 20), **OPTIONS)
    assert result.authenticity[0].balanced.readers == 4
    assert not [text for text in result.warnings if "left out of means" in text]


def test_forced_choice_survives_a_reader_who_quits_early() -> None:
    cases = cases_of(30, {"a": 30})
    shown = [(f"r{i:03}", f"a{i:03}") for i in range(30)]
    pairs = dict.fromkeys(READERS, shown)
    answers = simulate(
        cases, ReaderModel(missing=0), readers=READERS, kind="2afc", pairs=pairs, seed=1
    )
    (found,) = analyse(without(answers, "R2", 4), **OPTIONS).forced_choice
    assert found.correct.readers == 3 and found.correct.any_readers.n == 90
    assert found.correct.any_readers.low is not None and len(found.readers) == 4


def test_nobody_is_left_out_where_all_stopped_alike() -> None:
    table = Table(
        ("x", "y", "z"), ("real",) * 3, ("p", "q", "r"), ("R1", "R2", "R3"),
        np.array([[1, 2, NONE], [NONE, 1, NONE], [NONE, NONE, NONE]]),
    )  # fmt: skip
    assert table.steady() == ("R1", "R2")
    assert table.by(["R1"]).rows == ("x",)


def test_one_reader_has_one_set_of_numbers() -> None:
    result = analyse(simulated(["R1"]), **OPTIONS)
    for part in result.authenticity:
        (row,) = part.readers
        assert part.equivalence_these == row.equivalence == part.pooled.equivalence
        assert headline(part.balanced) == row.balanced == part.pooled.balanced
        assert headline(part.auc) == row.auc
        assert part.equivalence.verdict == "not measurable"
    asked = primary(result)
    assert asked is not None and asked[1] == result.authenticity[0].readers[0].equivalence
    alone = result.authenticity[1].readers[0]
    said = model_sentence(result, "a")
    assert share_words(alone.balanced) in said and "cannot be judged" not in said


def test_one_reader_of_pairs_has_one_set_of_numbers() -> None:
    cases = cases_of(30, {"a": 30})
    pairs = {"R1": [(f"r{i:03}", f"a{i:03}") for i in range(30)]}
    answers = simulate(cases, ReaderModel(), readers=["R1"], kind="2afc", pairs=pairs, seed=1)
    (found,) = analyse(answers, **OPTIONS).forced_choice
    (row,) = found.readers
    assert (headline(found.correct), found.d_prime, found.left) == (
        row.correct,
        row.d_prime,
        row.left,
    )
    assert found.equivalence_these == row.equivalence


def test_one_patient_leaves_the_synthetic_side_its_interval() -> None:
    pooled = analyse(simulated(READERS, per_patient=99), **OPTIONS).authenticity[0].pooled
    assert pooled.sensitivity.low is not None
    assert pooled.specificity.low is None and "one patient" in str(pooled.specificity.reason)
    assert pooled.balanced.low is None


def test_the_gap_in_realism_says_for_which_readers_its_interval_is() -> None:
    several, alone = (analyse(simulated(names), **OPTIONS) for names in (READERS, ["R1"]))
    gap = next(d for d in several.differences if (d.criterion, d.model) == ("realism", "a"))
    span = f"{gap.any_readers.low:+.2f} to {gap.any_readers.high:+.2f}"
    assert f"95% interval for other readers {span}" in realism_sentence(several)
    own = realism_sentence(alone)
    assert "95% interval for these readers" in own and "other readers" not in own
    assert "these readers alone" in gap.odds_ratio.method and set(CRITERIA) >= {"realism"}


def test_what_is_said_of_other_readers_is_never_narrower_at_90_percent() -> None:
    narrower = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(12, 2)) + 0.4 * rng.normal(size=(12, 1))
        sums = np.stack([values, np.ones_like(values)], axis=-1)
        clusters = Clusters(["a"] * 12, replicates=60, seed=1, purpose="test")
        found = crossed(clusters, sums, lambda s: s[..., 0] / s[..., 1])
        for level in (0.9, 0.95):
            wide, inner = (s.interval(level) for s in (found.any_readers, found.these_readers))
            assert wide is not None and inner is not None
            narrower += wide[0] > inner[0] + 1e-9 or wide[1] < inner[1] - 1e-9
    assert narrower == 0
