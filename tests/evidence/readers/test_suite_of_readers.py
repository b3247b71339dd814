from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from popgan.errors import UserError
from popgan.evidence.readers.answers import (
    CRITERIA,
    REAL,
    Answers,
    Case,
    Choice,
    Judgement,
    Rating,
)
from popgan.evidence.readers.results import ReaderStudyResult
from popgan.evidence.readers.simulate import ReaderModel, simulate
from popgan.evidence.readers.suite import analyse
from popgan.evidence.readers.timing import median_time

OPTIONS = {"margin": 0.1, "seed": 0, "replicates": 100}


def cases_of(real: int, synthetic: dict[str, int], per_patient: int = 1) -> list[Case]:
    found = [Case(f"r{i:03}", REAL, f"p{i // per_patient:03}") for i in range(real)]
    for model, count in synthetic.items():
        found += [Case(f"{model}{i:03}", model, f"{model}{i:03}") for i in range(count)]
    return found


def leaves(value: Any) -> Iterator[Any]:
    """Every value of a JSON tree."""
    if isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    else:
        yield value


@pytest.fixture(scope="module")
def answers() -> Answers:
    cases = cases_of(24, {"a": 12, "b": 12})
    names = [case.name for case in cases]
    return simulate(
        cases,
        ReaderModel(d_prime=0.8, shift={"a": -1.0}),
        readers=["R1", "R2", "R3"],
        repeats={"R1": names[::4], "R2": names[1::4]},
        seed=3,
    )


@pytest.fixture(scope="module")
def result(answers: Answers) -> ReaderStudyResult:
    return analyse(answers, **OPTIONS)


def test_a_whole_study_has_every_part(result: ReaderStudyResult) -> None:
    assert [part.model for part in result.authenticity] == [None, "a", "b"]
    assert len(result.scores) == 5 * 3 and len(result.differences) == 5 * 2
    assert [one.criterion for one in result.comparisons] == list(CRITERIA)
    assert [one.criterion for one in result.agreement] == [*CRITERIA, "authenticity"]
    assert len(result.repeats) == 6 * 3
    assert len(result.timing) == 2 * 4
    assert result.forced_choice == []
    assert all(one.test.p_holm >= one.test.p for one in result.differences)
    block = result.flow.blocks[0]
    assert (block.planned, block.given, block.analysed, block.repeats) == (180, 168, 144, 24)
    assert (block.started, block.completed, block.missing) == (3, 2, 12)
    assert result.flow.clusters == {"a": 12, "b": 12, "real": 24}


def test_a_result_survives_json(result: ReaderStudyResult) -> None:
    assert ReaderStudyResult.model_validate_json(result.model_dump_json()) == result
    numbers = [leaf for leaf in leaves(result.model_dump()) if isinstance(leaf, float)]
    assert all(math.isfinite(number) for number in numbers)


def test_the_same_seed_gives_the_same_result_whatever_the_order_of_answers(
    answers: Answers, result: ReaderStudyResult
) -> None:
    mixed = dataclasses.replace(
        answers,
        cases=dict(reversed(answers.cases.items())),
        ratings=answers.ratings[::-1],
        judgements=answers.judgements[::-1],
    )
    assert analyse(mixed, **OPTIONS) == result


def test_names_of_readers_are_names_only(answers: Answers, result: ReaderStudyResult) -> None:
    new = {"R1": "X", "R2": "Y", "R3": "Z"}
    renamed = dataclasses.replace(
        answers,
        readers=tuple(new.values()),
        ratings=tuple(dataclasses.replace(r, reader=new[r.reader]) for r in answers.ratings),
        judgements=tuple(dataclasses.replace(j, reader=new[j.reader]) for j in answers.judgements),
    )
    found = analyse(renamed, **OPTIONS)
    assert found.authenticity[0].balanced == result.authenticity[0].balanced
    assert found.differences == result.differences
    assert found.agreement[0].krippendorff == result.agreement[0].krippendorff


def test_repeats_count_as_no_further_cases(answers: Answers, result: ReaderStudyResult) -> None:
    once = dataclasses.replace(
        answers,
        ratings=tuple(r for r in answers.ratings if r.repeat == 0),
        judgements=tuple(j for j in answers.judgements if j.repeat == 0),
    )
    found = analyse(once, **OPTIONS)
    assert found.repeats == []
    for part in ("authenticity", "scores", "differences", "comparisons", "agreement", "timing"):
        assert getattr(found, part) == getattr(result, part)


def test_forced_choice_finds_d_prime_and_the_pull_of_the_left() -> None:
    cases = cases_of(300, {"a": 300})
    pairs = [(f"r{i:03}", f"a{i:03}")[:: 1 if i % 2 else -1] for i in range(300)]
    found = analyse(
        simulate(
            cases,
            ReaderModel(d_prime=1.0, d_prime_sd=0, left_bias=0.8),
            readers=["R1", "R2"],
            kind="2afc",
            pairs=dict.fromkeys(["R1", "R2"], pairs),
            repeats={"R1": ["r001", "r002"]},
            seed=1,
        ),
        **OPTIONS,
    )
    (part,) = found.forced_choice
    assert found.authenticity == [] and found.scores == []
    left = part.readers[0].left
    expected = (norm.cdf(1.8 / 2**0.5) + norm.cdf(-0.2 / 2**0.5)) / 2
    assert left.low < expected < left.high and left.low > 0.5
    one = part.readers[0]
    assert one.d_prime.low < one.d_prime.value < one.d_prime.high
    assert one.d_prime.value == pytest.approx(2**0.5 * norm.ppf(one.correct.value), abs=0.02)
    assert part.equivalence.verdict == "different" and part.correct.any_readers.n == 600
    assert [one.criterion for one in found.repeats] == ["2afc", "2afc"]
    assert [one.block for one in found.timing] == ["2afc"] * 3


def same_everywhere(cases: list[Case], readers: list[str]) -> Answers:
    return Answers(
        cases={case.name: case for case in cases},
        readers=tuple(readers),
        ratings=tuple(
            Rating(r, c.name, dict.fromkeys(CRITERIA, 4), k)
            for r in readers
            for c in cases
            for k in (0, 1)
        ),
        judgements=tuple(
            Judgement(r, c.name, True, 3, k) for r in readers for c in cases for k in (0, 1)
        ),
        planned={"likert": 2 * len(cases), "authenticity": 2 * len(cases)},
    )


def pairs_of(count: int, *, right: bool) -> Answers:
    cases = cases_of(count, {"a": count})
    return Answers(
        cases={case.name: case for case in cases},
        readers=("R1",),
        choices=tuple(Choice("R1", f"r{i:03}", f"a{i:03}", right, 1, True) for i in range(count)),
    )


def some(answers: Answers, keep: int) -> Answers:
    return dataclasses.replace(
        answers, ratings=answers.ratings[:keep], judgements=answers.judgements[:keep]
    )


DEGENERATE = {
    "nothing at all": Answers(cases={}, readers=()),
    "nobody answered": Answers(
        cases={c.name: c for c in cases_of(4, {"a": 4})},
        readers=("R1", "R2"),
        planned={"likert": 8, "authenticity": 8},
    ),
    "all answers the same": same_everywhere(cases_of(6, {"a": 6}), ["R1", "R2", "R3"]),
    "real images alone": same_everywhere(cases_of(6, {}), ["R1", "R2"]),
    "synthetic images alone": same_everywhere(cases_of(0, {"a": 3, "b": 3}), ["R1", "R2"]),
    "one case": same_everywhere(cases_of(1, {}), ["R1"]),
    "one patient": simulate(
        cases_of(8, {"a": 8}, per_patient=8), ReaderModel(), readers=["R1", "R2"], seed=1
    ),
    "one reader": simulate(cases_of(8, {"a": 8}), ReaderModel(), readers=["R1"], seed=1),
    "one answer": some(
        simulate(cases_of(4, {"a": 4}), ReaderModel(), readers=["R1", "R2"], seed=1), 1
    ),
    "one reader and a bit": some(
        simulate(cases_of(9, {"a": 9}), ReaderModel(), readers=["R1", "R2"], seed=1), 20
    ),
    "most answers missing": simulate(
        cases_of(12, {"a": 6, "b": 6}), ReaderModel(missing=0.8), readers=["R1", "R2"], seed=2
    ),
    "perfect readers": simulate(
        cases_of(12, {"a": 12}), ReaderModel(d_prime=40, d_prime_sd=0), readers=["R1", "R2"], seed=2
    ),
    "a model with one image": simulate(
        cases_of(6, {"a": 6, "b": 1}), ReaderModel(), readers=["R1", "R2", "R3"], seed=2
    ),
    "every choice right": pairs_of(8, right=True),
    "every choice wrong": pairs_of(8, right=False),
    "one choice": pairs_of(1, right=True),
    "answers of strangers about strangers": Answers(
        cases={c.name: c for c in cases_of(2, {"a": 2})},
        readers=("R1",),
        ratings=(Rating("R9", "r000", dict.fromkeys(CRITERIA, 1)),),
        judgements=(Judgement("R1", "unknown", True, 1),),
        choices=(Choice("R1", "r000", "unknown", True, 1, True),),
    ),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_studies_give_reasons_and_never_fail(name: str) -> None:
    found = analyse(DEGENERATE[name], **OPTIONS)
    assert ReaderStudyResult.model_validate_json(found.model_dump_json()) == found
    assert found.warnings or name in {"all answers the same", "a model with one image"}


@settings(max_examples=15)
@given(st.data())
def test_any_small_study_is_analysed(data: st.DataObject) -> None:
    cases = cases_of(
        data.draw(st.integers(0, 4)), {"a": data.draw(st.integers(0, 4)), "b": 1}, per_patient=2
    )
    names = [case.name for case in cases]
    which = st.sampled_from(names)
    reader = st.sampled_from(["R1", "R2", "R3"])
    scores = st.fixed_dictionaries({name: st.integers(1, 5) for name in CRITERIA})
    ratings = st.builds(Rating, reader, which, scores, st.integers(0, 1), st.floats(0, 9))
    judgements = st.builds(Judgement, reader, which, st.booleans(), st.integers(1, 3))
    found = analyse(
        Answers(
            cases={case.name: case for case in cases},
            readers=("R1", "R2", "R3"),
            ratings=tuple(data.draw(st.lists(ratings, max_size=25))),
            judgements=tuple(data.draw(st.lists(judgements, max_size=25))),
        ),
        **OPTIONS,
    )
    for part in found.agreement:
        for measure in (part.icc_single, part.weighted_kappa, part.krippendorff, part.fleiss):
            assert measure is None or measure.value is None or measure.value <= 1 + 1e-9


def test_settings_out_of_range_are_told_in_one_line(answers: Answers) -> None:
    for wrong in ({"margin": 0}, {"margin": 0.5}, {"replicates": 3}):
        with pytest.raises(UserError):
            analyse(answers, **{**OPTIONS, **wrong})


def test_the_median_time_has_the_interval_of_the_sign_test() -> None:
    found = median_time([float(i) for i in range(1, 26)])
    # Conover 1999, table A3: n = 25, the 8th and the 18th value.
    assert (found.low, found.value, found.high) == (8, 13, 18)
    assert median_time([3.0, 1.0]).low is None
    assert median_time([]).value is None
