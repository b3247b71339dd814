from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import norm

from popgan.errors import UserError
from popgan.evidence.readers.answers import REAL, SCORES, Case
from popgan.evidence.readers.simulate import ReaderModel, simulate


def cases_of(real: int, synthetic: dict[str, int], per_patient: int = 1) -> list[Case]:
    found = [Case(f"r{i:04}", REAL, f"p{i // per_patient:04}") for i in range(real)]
    for model, count in synthetic.items():
        found += [Case(f"{model}{i:04}", model, f"{model}{i:04}") for i in range(count)]
    return found


def test_hits_and_false_alarms_are_those_of_signal_detection() -> None:
    model = ReaderModel(d_prime=1.2, d_prime_sd=0, criterion=0.3, criterion_sd=0)
    answers = simulate(cases_of(8000, {"a": 8000}), model, readers=["R1"], seed=1)
    share = {True: [], False: []}
    for judgement in answers.judgements:
        share[answers.cases[judgement.case].is_real].append(not judgement.says_real)
    assert np.mean(share[False]) == pytest.approx(norm.cdf(0.6 - 0.3), abs=0.02)
    assert np.mean(share[True]) == pytest.approx(norm.cdf(-0.6 - 0.3), abs=0.02)


def test_scores_follow_the_cumulative_logit_model_whatever_the_shares_of_noise() -> None:
    model = ReaderModel(shift={"a": -0.7}, leniency_sd=0, patient=0.2, image=0.4, view=0.2)
    answers = simulate(cases_of(8000, {"a": 8000}), model, readers=["R1"], seed=2)
    for source in (REAL, "a"):
        scores = [
            r.scores["realism"] for r in answers.ratings if answers.cases[r.case].source == source
        ]
        counts = Counter(scores)
        shares = [counts[score] / len(scores) for score in SCORES]
        np.testing.assert_allclose(shares, model.score_shares(source), atol=0.02)


def test_forced_choice_is_right_as_often_as_d_prime_says() -> None:
    model = ReaderModel(d_prime=1.0, d_prime_sd=0)
    cases = cases_of(8000, {"a": 8000})
    pairs = [(f"r{i:04}", f"a{i:04}") if i % 2 else (f"a{i:04}", f"r{i:04}") for i in range(8000)]
    answers = simulate(
        cases,
        model,
        readers=["R1"],
        kind="2afc",
        pairs={"R1": pairs},
        repeats={"R1": ["r0001"]},
        seed=3,
    )
    assert np.mean([c.correct for c in answers.choices]) == pytest.approx(
        norm.cdf(1 / np.sqrt(2)), abs=0.02
    )
    assert answers.planned == {"2afc": 8001}
    assert [c.repeat for c in answers.choices if c.real == "r0001"] == [0, 1]


def test_the_same_seed_gives_the_same_answers_in_whatever_order_cases_come() -> None:
    cases = cases_of(6, {"a": 6, "b": 5}, per_patient=2)
    options = {"readers": ["R1", "R2"], "repeats": {"R1": ["r0001", "a0002"]}, "seed": 4}
    first = simulate(cases, ReaderModel(), **options)
    again = simulate(cases[::-1], ReaderModel(), **options)
    assert first == again
    assert first != simulate(cases, ReaderModel(), **{**options, "seed": 5})
    assert len(first.ratings) == 2 * 17 + 2


def test_readers_agree_more_the_larger_the_image_s_share_and_repeats_with_the_view_s() -> None:
    cases = cases_of(400, {"a": 400})
    names = [case.name for case in cases]

    def correlations(**shares: float) -> tuple[float, float]:
        model = ReaderModel(patient=0, leniency_sd=0, **shares)
        found = simulate(cases, model, readers=["R1", "R2"], repeats={"R1": names}, seed=6)
        score = {(r.reader, r.case, r.repeat): r.scores["realism"] for r in found.ratings}
        one = [score["R1", name, 0] for name in names]
        other = [score["R2", name, 0] for name in names]
        again = [score["R1", name, 1] for name in names]
        return np.corrcoef(one, other)[0, 1], np.corrcoef(one, again)[0, 1]

    between, within = correlations(image=0.8, view=0.1)
    assert between > 0.65 and within > 0.75
    between, within = correlations(image=0.0, view=0.9)
    assert abs(between) < 0.1 and within > 0.75


def test_missing_answers_are_missing() -> None:
    found = simulate(cases_of(100, {"a": 100}), ReaderModel(missing=0.3), readers=["R1"], seed=7)
    assert 110 < len(found.ratings) < 170
    assert found.planned["likert"] == 200


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ReaderModel(image=0.9, view=0.3),
        lambda: ReaderModel(cuts=(1, 0, 2, 3)),
        lambda: ReaderModel(missing=2),
        lambda: ReaderModel(seconds=0),
        lambda: simulate([], ReaderModel(), readers=["R1"], kind="other", seed=0),
        lambda: simulate([], ReaderModel(), readers=["R1"], kind="2afc", seed=0),
        lambda: simulate([], ReaderModel(), readers=["R1"], repeats={"R1": ["x"]}, seed=0),
        lambda: simulate(
            cases_of(2, {}),
            ReaderModel(),
            readers=["R1"],
            kind="2afc",
            pairs={"R1": [("r0000", "r0001")]},
            seed=0,
        ),
    ],
)
def test_what_cannot_be_simulated_is_told_in_one_line(wrong) -> None:
    with pytest.raises(UserError):
        wrong()
