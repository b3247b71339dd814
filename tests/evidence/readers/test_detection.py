from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

from popgan.evidence.readers import signal
from popgan.evidence.readers.answers import REAL, Answers, Case, Judgement
from popgan.evidence.readers.detection import authenticity
from popgan.evidence.readers.results import Authenticity
from popgan.evidence.readers.tables import authenticity_table

OPTIONS = {"margin": 0.1, "seed": 0, "replicates": 100}
answered = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(1, 3)), min_size=1, max_size=30
)


def study(
    given: list[tuple[bool, bool, int]], *, readers: int = 1, per_patient: int = 1, seed: int = 0
) -> Answers:
    """One case for each (is real, says real, confidence); other readers answer at random."""
    rng = np.random.default_rng(seed)
    cases, judgements = {}, []
    for i, (real, says, sure) in enumerate(given):
        name = f"c{i:03}"
        cluster = f"p{i // per_patient}" if real else name
        cases[name] = Case(name, REAL if real else "gan", cluster)
        judgements.append(Judgement("R1", name, says, sure, seconds=5.0))
        judgements += [
            Judgement(f"R{r}", name, bool(rng.integers(2)), int(rng.integers(1, 4)), seconds=5.0)
            for r in range(2, readers + 1)
        ]
    return Answers(
        cases=cases,
        readers=tuple(f"R{r + 1}" for r in range(readers)),
        judgements=tuple(judgements),
        planned={"authenticity": len(given)},
    )


def analysed(answers: Answers, model: str | None = None) -> Authenticity:
    found = authenticity(authenticity_table(answers), model, **OPTIONS)
    assert found is not None
    return found


def worked_example() -> Answers:
    """25 synthetic, 20 of them recognised; 25 real, 15 of them called real."""
    given = [(False, i >= 20, 1 + i % 3) for i in range(25)]
    return study(given + [(True, i < 15, 1 + i % 3) for i in range(25)])


def test_a_worked_example_of_signal_detection() -> None:
    one = analysed(worked_example()).readers[0]
    assert (one.sensitivity.value, one.specificity.value) == (0.8, 0.6)
    assert one.accuracy.value == one.balanced.value == 0.7
    hits, alarms = norm.ppf(20.5 / 26), norm.ppf(10.5 / 26)
    assert one.d_prime.value == pytest.approx(hits - alarms)
    assert one.criterion.value == pytest.approx(-(hits + alarms) / 2)
    for measure, count in ((one.sensitivity, 20), (one.specificity, 15)):
        expected = proportion_confint(count, 25, method="wilson")
        assert (measure.low, measure.high) == pytest.approx(expected)
    expected = proportion_confint(35, 50, method="wilson")
    assert (one.accuracy.low, one.accuracy.high) == pytest.approx(expected)


@settings(max_examples=40)
@given(answered)
def test_auc_and_roc_are_those_of_sklearn_and_everything_stays_in_its_bounds(given) -> None:
    found = analysed(study(given))
    one = found.readers[0]
    truth = np.array([not real for real, _, _ in given])
    level = np.array([4 - sure if says else 3 + sure for _, says, sure in given])
    if truth.all() or not truth.any():
        assert one.auc.value is None and one.auc.reason and one.roc == []
        assert one.equivalence.verdict == "not measurable" and one.equivalence.reason
        return
    assert one.auc.value == pytest.approx(roc_auc_score(truth, level))
    alarms, hits, _ = roc_curve(truth, level, drop_intermediate=False)
    ours = {(round(p.false_alarms, 9), round(p.hits, 9)) for p in one.roc}
    assert {(round(a, 9), round(h, 9)) for a, h in zip(alarms, hits, strict=True)} <= (
        ours | {(0.0, 0.0), (1.0, 1.0)}
    )
    for measure in (one.sensitivity, one.specificity, one.balanced, one.auc, one.accuracy):
        assert 0 <= measure.value <= 1
        if measure.low is not None:
            assert 0 <= measure.low <= measure.value <= measure.high <= 1


@settings(max_examples=20)
@given(answered, st.randoms(use_true_random=False))
def test_order_of_cases_and_answers_changes_nothing(given, random) -> None:
    answers = study(given, readers=3)
    mixed = list(answers.judgements)
    random.shuffle(mixed)
    names = list(answers.cases)
    random.shuffle(names)
    other = Answers(
        cases={name: answers.cases[name] for name in names},
        readers=answers.readers,
        judgements=tuple(mixed),
    )
    assert analysed(answers) == analysed(other)


def test_calling_everything_the_other_way_round_mirrors_the_numbers() -> None:
    answers = worked_example()
    turned = Answers(
        cases=answers.cases,
        readers=answers.readers,
        judgements=tuple(
            Judgement(j.reader, j.case, not j.says_real, j.confidence) for j in answers.judgements
        ),
    )
    one, other = analysed(answers).readers[0], analysed(turned).readers[0]
    assert other.d_prime.value == pytest.approx(-one.d_prime.value)
    assert other.auc.value == pytest.approx(1 - one.auc.value)
    assert other.auc.high == pytest.approx(1 - one.auc.low)
    assert other.criterion.value == pytest.approx(-one.criterion.value)
    assert other.balanced.low == pytest.approx(1 - one.balanced.high)


def test_a_reader_who_always_says_real_is_at_chance_whatever_the_share_of_real_images() -> None:
    given = [(True, True, 2)] * 90 + [(False, True, 2)] * 30
    one = analysed(study(given)).readers[0]
    assert one.accuracy.value == 0.75
    assert one.balanced.value == 0.5 and one.auc.value == 0.5
    assert one.equivalence.verdict == "equivalent"


def test_images_of_one_patient_widen_intervals() -> None:
    # Each patient's images are all called right or all wrong.
    given = [(True, i // 5 % 2 == 0, 2) for i in range(60)] + [(False, False, 2)] * 40
    alone = analysed(study(given)).readers[0]
    shared = analysed(study(given, per_patient=5)).readers[0]
    assert shared.specificity.value == alone.specificity.value
    assert shared.specificity.high - shared.specificity.low > 1.8 * (
        alone.specificity.high - alone.specificity.low
    )
    assert "design effect" in shared.specificity.method
    assert shared.auc.high - shared.auc.low > alone.auc.high - alone.auc.low


def test_one_patient_alone_allows_no_interval_and_says_so() -> None:
    given = [(True, i % 2 == 0, 2) for i in range(20)] + [(False, False, 2)] * 20
    found = analysed(study(given, readers=3, per_patient=100))
    for measure in (found.readers[0].specificity, found.auc.any_readers, found.pooled.d_prime):
        assert measure.value is not None and measure.low is None and "patient" in measure.reason
    assert found.equivalence.verdict == "not measurable"
    assert found.readers[0].sensitivity.low is not None


def test_other_readers_widen_the_mean_and_one_reader_says_nothing_about_others() -> None:
    rng = np.random.default_rng(1)
    given = [(bool(i % 2), bool(rng.integers(2)), 1 + i % 3) for i in range(100)]
    several = analysed(study(given, readers=4))
    any_readers, these = several.balanced.any_readers, several.balanced.these_readers
    assert any_readers.value == these.value == several.pooled.balanced.value
    assert any_readers.high - any_readers.low >= these.high - these.low
    alone = analysed(study(given)).balanced
    assert alone.any_readers.low is None and "one reader" in alone.any_readers.reason
    assert alone.these_readers.low is not None


def test_a_model_is_compared_with_real_images_alone() -> None:
    answers = worked_example()
    cases = {
        name: Case(name, case.source if i % 2 else case.source.replace("gan", "other"), name)
        for i, (name, case) in enumerate(answers.cases.items())
    }
    found = authenticity_table(
        Answers(cases=cases, readers=answers.readers, judgements=answers.judgements)
    )
    one = authenticity(found, "gan", **OPTIONS)
    assert one is not None and one.model == "gan"
    assert (one.pooled.n_real, one.pooled.n_synthetic) == (25, 12)
    assert authenticity(found, None, **OPTIONS).pooled.n_synthetic == 25


def test_nobody_answered_is_no_result() -> None:
    answers = study([(True, True, 1)])
    empty = Answers(cases=answers.cases, readers=("R1",))
    assert authenticity(authenticity_table(empty), None, **OPTIONS) is None


def test_levels_give_the_textbook_auc_of_binormal_counts() -> None:
    cuts = np.array([-math.inf, -1, -0.4, 0, 0.4, 1, math.inf])
    counts = np.stack([np.diff(norm.cdf(cuts)), np.diff(norm.cdf(cuts - 1))])
    # Six levels lose a little of the area Phi(1 / sqrt 2) of the continuous scale.
    assert float(signal.auc(counts)) == pytest.approx(norm.cdf(1 / math.sqrt(2)), abs=0.02)
