"""A study is analysed as it was registered, once it is locked; rehearsals never mix with it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from popgan.cli.study_analyse import told
from popgan.errors import UserError
from popgan.evidence.readers.answers import Answers
from popgan.evidence.readers.record import parse_analysis
from popgan.evidence.readers.sentences import sentences
from popgan.files import read_json, sha256_file, write_json
from popgan.report.readers import ReaderContent, readers_claim, readers_view
from popgan.stations.model import Model
from popgan.stations.readers import load_readers
from popgan.stations.report import write_report
from popgan.study.analyse import analyse_study
from popgan.study.answers import read_answers
from popgan.study.database import changing, set_setting, setting
from popgan.study.leak_notes import LeakNotes, leak_notes
from popgan.study.registered import check_registered
from popgan.study.rehearsal import save_rehearsal
from popgan.study.schema import Places, Study
from small_runs import call, finished
from study.answered_studies import answer, answered, register, simulated
from study.small_studies import make_study

__all__ = ["finished"]
SIZES = {"readers": 3, "real": 8, "synthetic": 8, "repeats": 3, "size": (4, 4)}
FAST = {"replicates": 60}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a study that was answered, locked and analysed; never change it."""
    run = tmp_path_factory.mktemp("locked") / "run"
    answered(run, make_study(run, **SIZES), seed=1, d_prime=1.5)
    analyse_study(run, **FAST)
    return run


@pytest.fixture
def copy(locked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(locked, tmp_path / "run"))


@pytest.fixture
def open_study(tmp_path: Path) -> Study:
    """A study that is registered, without answers."""
    study = make_study(tmp_path / "run", **SIZES)
    register(study)
    return study


def stored(run: Path):
    path = Places(run).analysis
    return parse_analysis(read_json(path), where=path)


def test_the_truth_stays_closed_before_the_lock(open_study: Study) -> None:
    run = open_study.places.run
    answer(open_study, simulated(open_study), locked=False)
    with pytest.raises(UserError, match=r"not locked.*popgan study lock"):
        analyse_study(run, **FAST)
    assert not open_study.places.analysis.exists()


def test_an_interim_look_is_marked_everywhere_and_exports_no_truth(open_study: Study) -> None:
    run = open_study.places.run
    answer(open_study, simulated(open_study), locked=False)
    made = analyse_study(run, interim=True, **FAST)
    assert made.analysis.status == "interim" and made.analysis.facts.locked is None
    assert "INTERIM" in made.checklist.read_text()
    assert "INTERIM" in read_json(made.answers[1])["marking"]
    assert "source" not in made.answers[0].read_text().splitlines()[0]


def test_a_study_without_answers_says_so(open_study: Study) -> None:
    with pytest.raises(UserError, match="no reader has answered"):
        analyse_study(open_study.places.run, interim=True)


def test_a_rehearsal_lies_apart_and_needs_no_lock(open_study: Study) -> None:
    save_rehearsal(open_study, simulated(open_study))
    made = analyse_study(open_study.places.run, rehearsal=True, **FAST)
    assert made.path == open_study.places.shared / "rehearsal" / "analysis.json"
    assert made.analysis.marking.startswith("REHEARSAL")
    assert not open_study.places.analysis.exists()
    assert made.analysis.facts.first_answer is None


def test_a_rehearsal_that_was_put_in_the_place_of_a_study_is_refused(copy: Path) -> None:
    record = read_json(Places(copy).analysis) | {"status": "rehearsal"}
    write_json(Places(copy).analysis, record)
    with pytest.raises(UserError, match="simulated answers"):
        load_readers(Model(copy, "popgan"))


def test_what_was_found_is_what_readers_answered(locked: Path) -> None:
    found, answers = stored(locked), read_answers(Study.open(locked))
    for reader in found.result.authenticity[0].readers:
        mine = [j for j in answers.judgements if j.reader == reader.reader and not j.repeat]
        right = [j.says_real == answers.cases[j.case].is_real for j in mine]
        assert reader.accuracy.value == pytest.approx(np.mean(right))
    realism = {s.source: s for s in found.result.scores if s.criterion == "realism"}
    scores = [
        r.scores["realism"]
        for r in answers.ratings
        if not r.repeat and answers.cases[r.case].is_real
    ]
    assert realism["real"].mean.value == pytest.approx(np.mean(scores))
    assert realism["real"].counts == [scores.count(score) for score in range(1, 6)]


def test_the_record_names_what_it_rests_on(locked: Path) -> None:
    found, places = stored(locked), Places(locked)
    facts = found.facts
    assert found.status == "final"
    assert facts.design == Study.open(locked).design.hash()
    assert facts.preregistration == sha256_file(places.preregistration.with_suffix(".json"))
    assert facts.first_answer == "2026-11-03T00:00:00.000+00:00"
    assert facts.last_answer > facts.first_answer
    assert facts.locked == "2026-11-21T10:00:00.000+00:00"
    assert facts.outcomes["detection"] == "primary"
    assert {"popgan", "scipy"} <= set(facts.versions)


def test_no_pseudonym_and_no_path_leaves_with_the_results(locked: Path) -> None:
    places = Places(locked)
    for name in ("analysis.json", "answers.csv", "answers.json", "checklist.md"):
        text = (places.shared / name).read_text()
        assert "sub-" not in text
        assert str(locked) not in text


def test_the_same_answers_give_the_same_numbers(copy: Path) -> None:
    before = stored(copy)
    analyse_study(copy, **FAST)
    assert stored(copy) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("preregistration.json", '"margin": 0.1', '"margin": 0.2'),
        ("preregistration.json", "H1 (primary)", "H1 (exploratory)"),
        ("preregistration.md", "equivalent to chance", "different from chance"),
        ("preregistration.md", "## Sizes", "## Other sizes"),
        ("design.json", '"repeats": 3', '"repeats": 2'),
        ("instructions.md", "Look", "Do not look"),
    ],
)
def test_a_study_that_was_changed_is_refused(copy: Path, name: str, old: str, new: str) -> None:
    path = Places(copy).shared / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match="changed"):
        analyse_study(copy, **FAST)


def test_a_truth_other_than_the_committed_one_is_refused(open_study: Study) -> None:
    places = open_study.places
    key = read_json(places.key)
    key["stimuli"][0]["source"], key["stimuli"][-1]["source"] = "popgan", "real"
    write_json(places.key, key)
    with pytest.raises(UserError, match="commits to"):
        analyse_study(places.run, interim=True)


@pytest.mark.parametrize("name", ["preregistration.json", "preregistration.md"])
def test_nothing_is_analysed_without_the_preregistration(copy: Path, name: str) -> None:
    (Places(copy).shared / name).unlink()
    with pytest.raises(UserError, match=name):
        analyse_study(copy, **FAST)


@pytest.mark.parametrize("name", ["preregistration.json", "preregistration.md"])
def test_nor_is_a_rehearsal(open_study: Study, name: str) -> None:
    (open_study.places.shared / name).unlink()
    with pytest.raises(UserError, match="is missing"):
        analyse_study(open_study.places.run, rehearsal=True)


def test_readers_who_stopped_are_kept_and_the_rest_is_told_alone(open_study: Study) -> None:
    answers = simulated(open_study, seed=2)
    cut = Answers(
        answers.cases,
        answers.readers,
        answers.ratings,
        tuple(j for j in answers.judgements if j.reader != "R3" or not j.repeat),
        planned=answers.planned,
    )
    answer(open_study, cut)
    found = analyse_study(open_study.places.run, **FAST).analysis
    assert found.completed == ["R1", "R2"]
    assert found.completers is not None
    assert found.completers.readers == ["R1", "R2"]
    assert len(found.result.authenticity[0].readers) == 3


def test_a_forced_choice_study_is_analysed_too(tmp_path: Path) -> None:
    run = tmp_path / "run"
    answered(run, make_study(run, kind="2afc", **SIZES), d_prime=1.0)
    found = analyse_study(run, **FAST).analysis
    assert found.facts.kind == "2afc"
    assert found.result.forced_choice and not found.result.authenticity
    assert "chose the real one" in sentences(found.result)[0]


def test_the_command_shows_a_table_and_honest_sentences(copy: Path) -> None:
    (copy / ".popgan-lock").touch()
    said = call("study", "analyse", copy, "--replicates", 100, "-q")
    assert said.status == 0, said
    found = stored(copy).result
    assert sentences(found)[0] in said.out
    for reader in found.authenticity[0].readers:
        row = next(line for line in said.out.splitlines() if line.startswith(reader.reader))
        assert f"{100 * reader.sensitivity.value:.0f}%" in row
        assert f"{reader.d_prime.value:.2f}" in row
    assert "indistinguishable" not in said.out


@pytest.mark.xdist_group("finished run")
def test_the_report_is_written_anew_with_the_numbers_of_the_study(
    finished: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished / "run", tmp_path / "run"))
    model = Model(run, "popgan")
    weights = {"popgan": model.weights_hash()}
    answered(run, make_study(run, models=weights, **SIZES), seed=4, d_prime=1.5)
    assert "No reader study was made" in (run / "report.html").read_text()
    found = analyse_study(run, **FAST).analysis
    page = write_report(model)[0].read_text()
    content = load_readers(model)
    assert content is not None and content.about == "these weights"
    tested, answer_given = readers_claim(content)
    assert tested and answer_given in page
    for reader in found.result.authenticity[0].readers:
        for measure in (reader.d_prime, reader.criterion, reader.auc):
            value = "–" if measure.value is None else f"{measure.value:.2f}".replace("-", "\u2212")
            assert f'<span class="whole">{value}</span>' in page
    for word in ("sub-0", *(s.case for s in Study.open(run).key.stimuli)):
        assert word not in page
    time = (run / "report.html").stat().st_mtime_ns
    write_report(model)
    assert (run / "report.html").stat().st_mtime_ns == time
    record = read_json(Places(run).analysis)
    record["facts"]["models"]["popgan"] = "f" * 64
    write_json(Places(run).analysis, record)
    content = load_readers(model)
    assert content is not None and content.about == "other weights"
    assert not readers_claim(content)[0]


def test_what_the_leak_test_named_is_told_with_the_results(open_study: Study) -> None:
    save_rehearsal(open_study, simulated(open_study))
    found = {
        "design": open_study.design.hash(),
        "channels": [{"leaks": False}],
        "tells": [
            {"warning": True, "words": "the rim tells them apart"},
            {"warning": False, "words": "the spectrum tells nothing"},
        ],
    }
    write_json(open_study.places.leaks, found)
    facts = analyse_study(open_study.places.run, rehearsal=True, **FAST).analysis.facts
    assert facts.leak_test == "passed"
    assert len(facts.notes) == 1 and "the rim tells them apart." in facts.notes[0]
    write_json(open_study.places.leaks, found | {"design": "0" * 64})
    assert leak_notes(open_study) == LeakNotes("not made", [])


def test_answers_after_the_truth_was_opened_are_told(open_study: Study) -> None:
    run = open_study.places.run
    answers = simulated(open_study)
    answer(open_study, answers, locked=False)
    analyse_study(run, interim=True, **FAST)
    with changing(open_study) as connection:
        set_setting(connection, "revealed", "2026-11-03T00:30:00.000+00:00")
        set_setting(connection, "revealed_after", "31")
        set_setting(connection, "locked", "2026-11-21T10:00:00.000+00:00")
    facts = analyse_study(run, **FAST).analysis.facts
    late = len(answers.ratings) + len(answers.judgements) - 31
    assert facts.notes == [
        f"{late} answers came after the truth had been opened "
        "(2026-11-03T00:30:00.000+00:00) and may not be blind."
    ]


def test_an_answer_after_the_truth_was_opened_counts_though_the_clock_went_back(
    open_study: Study,
) -> None:
    run, answers = open_study.places.run, simulated(open_study)
    answer(open_study, answers, locked=False)
    analyse_study(run, interim=True, **FAST)
    with changing(open_study) as connection:
        connection.execute(
            "INSERT INTO answer (reader, block, trial, uuid, content, complete, shown_ms,"
            " client_time, received, monotonic, clock_back) SELECT reader, block, trial, 'late',"
            " content, 1, 1, client_time, '2020-01-01T00:00:00.000+00:00', 0, 0"
            " FROM answer WHERE id = 1"
        )
        set_setting(connection, "locked", "2026-11-21T10:00:00.000+00:00")
    (note,) = analyse_study(run, **FAST).analysis.facts.notes
    assert note.startswith("1 answer came after the truth had been opened")


def test_the_truth_is_opened_before_any_answer_is_read(
    open_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(open_study, simulated(open_study))
    seen = []

    def look(study: Study) -> Answers:
        with changing(study) as connection:
            seen.append(setting(connection, "revealed"))
        return read_answers(study)

    monkeypatch.setattr("popgan.study.analyse.read_answers", look)
    assert analyse_study(open_study.places.run, **FAST).analysis.status == "final"
    assert seen[0] is not None


def test_a_refused_analysis_opens_nothing(open_study: Study) -> None:
    answer(open_study, simulated(open_study), locked=False)
    with pytest.raises(UserError, match="not locked"):
        analyse_study(open_study.places.run, **FAST)
    with changing(open_study) as connection:
        assert setting(connection, "revealed") is None


@pytest.mark.parametrize("part", ["hypotheses", "analysis", "outcomes"])
def test_an_edit_of_both_papers_before_the_first_answer_is_no_preregistration(
    open_study: Study, part: str
) -> None:
    paper = open_study.places.preregistration
    path = paper.with_suffix(".json")
    record = read_json(path)
    old, new = record[part][0], record[part][0] + " Or not."
    write_json(path, record | {part: [new, *record[part][1:]]})
    paper.write_text(paper.read_text().replace(old, new))
    answer(open_study, simulated(open_study))
    with pytest.raises(UserError, match=f"does not hold the {part} that popgan registers"):
        analyse_study(open_study.places.run, **FAST)


def test_images_that_were_exchanged_before_the_first_answer_are_not_those_registered(
    open_study: Study,
) -> None:
    check_registered(open_study)
    one, other = sorted(open_study.places.stimuli.iterdir())[:2]
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    with pytest.raises(UserError, match="other images than those registered"):
        check_registered(open_study)


def test_blanks_of_the_preregistration_may_be_filled(open_study: Study) -> None:
    paper = open_study.places.preregistration
    text = paper.read_text()
    assert "- Investigators and affiliation: \n" in text
    paper.write_text(text.replace("affiliation: ", "affiliation: A. Reader, Somewhere"))
    answer(open_study, simulated(open_study))
    assert analyse_study(open_study.places.run, **FAST).analysis.status == "final"


def test_seeds_that_draw_the_images_again_are_told_after_the_lock_alone(
    open_study: Study,
) -> None:
    run = open_study.places.run
    answer(open_study, simulated(open_study), locked=False)
    assert analyse_study(run, interim=True, **FAST).analysis.facts.generator_seeds == []
    with changing(open_study) as connection:
        set_setting(connection, "locked", "2026-11-21T10:00:00.000+00:00")
    assert analyse_study(run, **FAST).analysis.facts.generator_seeds == [1]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("one reader", {"readers": 1}),
        ("one answer", {}),
        ("all alike", {}),
        ("one image each", {"real": 1, "synthetic": 1, "repeats": 0}),
    ],
)
def test_a_study_that_shows_little_is_analysed_and_says_so(
    tmp_path: Path, name: str, sizes: dict[str, int]
) -> None:
    run = tmp_path / "run"
    study = make_study(run, **(SIZES | sizes))
    register(study)
    given = simulated(study)
    if name == "one answer":
        given = replace(given, ratings=given.ratings[:1], judgements=())
    if name == "all alike":
        same = tuple(replace(j, says_real=True, confidence=3) for j in given.judgements)
        given = replace(given, judgements=same)
    answer(study, given)
    found = analyse_study(run, **FAST).analysis
    said = " ".join(told(found))
    assert "equivalence to guessing within 10 points is shown" not in said
    assert {"one reader": "for that reader alone", "one answer": "real images"}.get(
        name, "cannot be judged"
    ) in said
    content = ReaderContent(found, "these weights", "popgan")
    assert readers_view(content) is not None
    assert readers_claim(content)[0]
