"""Whole sessions of a reader in a real browser: by keyboard alone, by mouse, by pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from popgan.evidence.readers.answers import CRITERIA
from popgan.study.answers import read_answers
from popgan.study.database import existing
from popgan.study.schema import Study
from study.browsing import Keys, Reader, browsing, needs_browser, serving
from study.small_studies import make_study

pytestmark = [pytest.mark.slow, needs_browser, pytest.mark.xdist_group("browser-session")]
CASES = 20


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with browsing(tmp_path_factory.mktemp("profile")) as found:
        yield found


def study_of_20(folder: Path, **changes: object) -> Study:
    sizes = {"readers": 1, "real": 9, "synthetic": 9, "repeats": 2, "practice": 2}
    return make_study(folder / "run", **(sizes | changes))  # type: ignore[arg-type]


def scores_of(number: int) -> str:
    """Five digits that differ from case to case."""
    return "".join(str(1 + (number * 7 + place * 3) % 5) for place in range(5))


def judged(number: int) -> str:
    return f"{1 + number % 2}{1 + number % 3}"


def check(study: Study) -> None:
    """Everything that was typed is what the analysis reads."""
    answers, plan = read_answers(study), study.plan_of("R1")
    assert len(answers.ratings) == len(answers.judgements) == CASES
    found = {(r.case, r.repeat): [r.scores[c] for c in CRITERIA] for r in answers.ratings}
    for number, trial in enumerate(plan.trials["likert"], start=1):
        assert found[trial.cases[0], trial.repeat] == [int(key) for key in scores_of(number)]
    said = {(j.case, j.repeat): (j.says_real, j.confidence) for j in answers.judgements}
    for number, trial in enumerate(plan.trials["authenticity"], start=1):
        assert said[trial.cases[0], trial.repeat] == (number % 2 == 0, 1 + number % 3)
    assert all(rating.seconds > 0 for rating in answers.ratings)


def events(study: Study) -> list[str]:
    with existing(study) as connection:
        assert connection is not None
        return [kind for (kind,) in connection.execute("SELECT kind FROM event ORDER BY id")]


def test_a_whole_session_by_keyboard_alone(reader: Reader, tmp_path: Path) -> None:
    study = study_of_20(tmp_path, break_every=15)
    with serving(study) as served:
        reader.driver.get(served.links["R1"])
        reader.tab_to("button")
        reader.keys(Keys.ENTER)
        reader.one("#agree")
        reader.driver.get_log("browser")  # the page behind the link has no icon of its own
        reader.tab_to("#agree")
        reader.keys(Keys.SPACE)
        reader.tab_to("button.primary")
        reader.keys(Keys.ENTER)
        reader.wait_for("Display check")
        reader.tab_to("button.primary")
        reader.keys(Keys.ENTER)
        reader.wait_for("Practice", "h1")
        reader.tab_to("button.primary")
        reader.keys(Keys.ENTER)
        for number in (1, 2):
            reader.answer(number, "33333")
        for name, keys in (("Image quality", scores_of), ("Real or synthetic", judged)):
            reader.wait_for(name, "h1")
            reader.tab_to("button.primary")
            reader.keys(Keys.ENTER)
            for number in range(1, CASES + 1):
                reader.answer(number, keys(number))
        reader.wait_for("All your answers have arrived")
        assert reader.driver.get_log("browser") == []
    check(study)
    happened = events(study)
    assert happened[:2] == ["consent", "display_check"] and happened[-1] == "finish"
    assert happened.count("break") == happened.count("resume") == 2


def test_a_whole_session_by_mouse(reader: Reader, tmp_path: Path) -> None:
    study = study_of_20(tmp_path)

    def case(number: int, names: Iterable[str], keys: str) -> None:
        reader.wait_case(number)
        wanted = [f"input[name={n}][value='{key}']" for n, key in zip(names, keys, strict=True)]
        reader.clicks(*wanted, ".panel .buttons .primary")
        if reader.all("dialog.cover[open]"):
            reader.press("dialog.cover button")

    with serving(study) as served:
        reader.enter(served.links["R1"])
        reader.agree()
        reader.begin_block("Practice")
        for number in (1, 2):
            case(number, CRITERIA, "33333")
        reader.begin_block("Image quality")
        for number in range(1, CASES + 1):
            case(number, CRITERIA, scores_of(number))
        reader.begin_block("Real or synthetic")
        for number in range(1, CASES + 1):
            case(number, ("real", "confidence"), judged(number))
        reader.wait_for("All your answers have arrived")
    check(study)


def test_pairs_are_chosen_by_arrows_and_by_numbers(reader: Reader, tmp_path: Path) -> None:
    study = make_study(tmp_path / "run", readers=1, real=4, synthetic=4, repeats=0, kind="2afc")
    keys = [Keys.ARROW_LEFT + "3", "21", Keys.ARROW_RIGHT + "2", "13"]
    with serving(study) as served:
        reader.enter(served.links["R1"])
        reader.agree()
        reader.through_practice(1, "12")
        reader.begin_block("Which is real")
        assert len(reader.all("canvas.image")) == 2
        for number, pressed in enumerate(keys, start=1):
            reader.answer(number, pressed)
        reader.wait_for("All your answers have arrived")
    choices = read_answers(study).choices
    assert [choice.left_chosen for choice in choices] == [True, False, False, True]
    assert [choice.confidence for choice in choices] == [3, 1, 2, 3]
