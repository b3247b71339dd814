"""A study begins with nothing but what it is about, whatever an earlier one has left."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.experiments.results import Candidate, Finals, Setting, Trial, TuneResult
from popgan.progress import Reporter
from popgan.tuning.ablation import begin as begin_ablation
from popgan.tuning.ablation_study import AblationPlaces
from popgan.tuning.begin import TuneOptions, define
from popgan.tuning.definition import StudyPlaces
from popgan.tuning.search import begin
from popgan.tuning.storage import SEARCH, Storage
from popgan.tuning.warm import warm_starts
from tuning.tiny_ablations import options as ablate_options
from tuning.tiny_ablations import short
from tuning.tiny_searches import DEFAULT, HELD, SPACE, Told, cheap, heads, own_run, study

_ = (heads, own_run, cheap, short)
pytestmark = pytest.mark.usefixtures("cheap")


def options(*search: str) -> TuneOptions:
    held = {**HELD, "train.threads": 1}
    return TuneOptions(preset="quick", trials=2, budget="9m", overrides=held, search=search)


def test_a_search_begun_anew_finds_nothing_of_one_that_was_removed(own_run: Path) -> None:
    places = StudyPlaces(own_run, "popgan")
    stale = places.trial(SEARCH, 0) / "plan.yaml"
    stale.parent.mkdir(parents=True)
    stale.write_text("of a study that was removed")
    places.speeds.write_text('{"default": [1.0, 1.0]}')
    definition = begin(places, options("train.batch"), Reporter())
    assert not stale.exists() and "400" in places.speeds.read_text()
    kept = places.trial(SEARCH, 0) / "plan.yaml"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert begin(places, options("train.batch"), Reporter()) == definition
    assert kept.exists(), "going on removes nothing"


@pytest.mark.usefixtures("short")
def test_an_ablation_begun_anew_finds_nothing_of_one_that_was_removed(own_run: Path) -> None:
    places = AblationPlaces(own_run, "popgan")
    wanted = ablate_options(budget="10m", seeds=1)
    cell = begin_ablation(places, wanted, Reporter()).cells()[0]
    ended = places.private / "ended" / f"{cell.name}.json"
    ended.parent.mkdir()
    ended.write_text("{}")
    shutil.rmtree(places.folder)
    begin_ablation(places, wanted, Reporter())
    assert not ended.exists()


def test_trials_without_a_study_are_not_taken_for_those_of_a_new_one(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    Storage(places, definition).enqueue_defaults()
    places.definition.unlink()
    with pytest.raises(UserError, match=r"no study.yaml that says what they are of; remove the"):
        begin(places, options("train.batch"), Reporter())


def test_a_trial_taken_over_or_asked_for_holds_nothing_of_another_study(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    storage = Storage(places, definition)
    storage.enqueue_defaults()
    plan = places.trial(SEARCH, 0) / "plan.yaml"
    plan.parent.mkdir(parents=True)
    plan.write_text("left by another search")
    for wanted in (False, True):
        claim = storage.claim(SEARCH, 5)
        assert claim is not None and claim.trial.number == 0
        claim.lock.close()
        assert plan.exists() == wanted, "what it has left itself is gone on with"
        plan.touch()
    places.definition.write_text(places.definition.read_text() + "# another one\n")
    claim = Storage(places, definition).claim(SEARCH, 5)
    assert claim is not None and claim.trial.number == 0 and not plan.exists()


def earlier(default: Setting, trials: Sequence[Trial], found: Setting | None = None) -> TuneResult:
    """A search of four trials around some default."""
    one = Candidate(trial=1, setting=found or {}, searched=0.4, values=[0.4], mean=0.4)
    return TuneResult(
        name="first",
        recipe="popgan",
        preset="quick",
        shape=(32, 32),
        subjects=9,
        slices=90,
        tuning_subjects=3,
        tuning_slices=30,
        seconds=1.0,
        rungs=[],
        space=[one.model_copy(update={"default": default.get(one.name)}) for one in SPACE],
        trials=list(trials),
        finals=None if found is None else Finals(seeds=[9], candidates=[one], chosen=0, reason=""),
    )


def tried(number: int, kid: float | None, setting: Setting, state: str = "complete") -> Trial:
    values = {"number": number, "kid": kid, "setting": setting, "state": state}
    return Trial.model_validate({"purpose": "sampled", "seed": number, **values})


def test_what_an_earlier_search_found_is_tried_beside_the_values_that_it_had() -> None:
    before = {**DEFAULT, "train.batch": 4, "train.lr_generator": 0.002}

    def warm(one: TuneResult) -> list[Setting]:
        known = warm_starts(SPACE, DEFAULT, "popgan", [])
        return [more for more in warm_starts(SPACE, DEFAULT, "popgan", [one]) if more not in known]

    own = {"train.batch": 4, "train.lr_generator": 0.002}
    assert warm(earlier(before, [], {"train.loss": "lsgan"})) == [{**own, "train.loss": "lsgan"}]
    assert warm(earlier(before, [], {})) == [own], "its default stayed, and is another one"
    # Of a search without a final the best trial counts, unless its score was bought.
    trials = [
        tried(1, 0.1, {"train.loss": "lsgan"}, "infeasible"),
        tried(2, 0.3, {"train.lr_generator": 0.001}),
        tried(3, 0.4, {}),
        tried(4, None, {}, "pruned"),
    ]
    assert warm(earlier(before, trials)) == [{**own, "train.lr_generator": 0.001}]
    assert warm(earlier(before, trials[:1])) == []


def test_bounds_that_leave_the_default_out_are_widened_and_the_user_is_told(own_run: Path) -> None:
    told, wishes = Told(), ("train.lr_generator=5e-3:8e-3", "train.batch=16,32", "train.lr_end")
    definition = begin(StudyPlaces(own_run, "popgan"), options(*wishes), told)
    space = {one.name: one for one in definition.space}
    rate, batch = space["train.lr_generator"], space["train.batch"]
    assert (rate.high, batch.choices) == (0.008, [16, 32, 8])
    assert rate.low == definition.default["train.lr_generator"]
    notes = [text for text in told.said if "because it holds the default" in text]
    assert notes == [
        f"note: train.lr_generator is searched within {rate.low:g} to 0.008, because it holds the "
        "default",
        "note: train.batch is searched within 16, 32, 8, because it holds the default",
    ]


def test_what_lies_beside_a_search_and_cannot_be_read_blocks_none(own_run: Path) -> None:
    for name in ("popgan.bak", "damaged"):
        path = own_run / "tune" / name / "results.json"
        path.parent.mkdir(parents=True)
        path.write_text("{")
    told = Told()
    definition = begin(StudyPlaces(own_run, "popgan"), options("train.batch"), told)
    (note,) = [text for text in told.said if "damaged" in text]
    assert note.startswith("note: what search damaged has found is not tried (")
    assert "popgan.bak" not in " ".join(told.said) and definition.space


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("network.dropout=0.2:3", "--search network.dropout: 3 is not possible"),
        ("train.batch=8,0", "--search train.batch: 0 is not possible"),
        ("train.batch=-4", "--search train.batch: -4 is not possible"),
        ("train.batch=8.5", "--search train.batch: 8.5 is not possible"),
        ("train.batch=8.5:16", "--search train.batch: 8.5 is not possible"),
        ("train.batch=1e9", r"--search train.batch: 1e\+09 is not possible"),
        ("train.loss=rpgan,foo", "--search train.loss: foo is not possible"),
        ("train.loss=@foo", "--search train.loss: @foo is not possible"),
        ("train.lr_generator=-1:1", "--search train.lr_generator: -1 is not possible"),
        ("train.lr_generator=1e-3,2", "--search train.lr_generator: 2 is not possible"),
        ("preset.ema_share=0.5:5", "--search preset.ema_share: 5 is not possible"),
        ("train.batch=8,300,1000", r"--search train.batch: 300 .*the plan would have \d+ \("),
    ],
)
def test_values_that_no_plan_can_have_are_refused_before_a_search_begins(
    heads: Path, wish: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        define(StudyPlaces(tmp_path, "popgan"), Cohort.open(heads), options(wish))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("held", "idle"),
    [
        ({"train.gamma": 0.5}, ["preset.gamma_at_64"]),
        ({"train.ema_half_life": 500.0}, ["preset.ema_share"]),
        ({"augmentation.method": "none"}, ["augmentation.method", "augmentation.probability"]),
        ({"train.loss": "wgan-gp"}, ["train.loss", "preset.gamma_at_64", "train.r2"]),
    ],
)
def test_nothing_is_searched_that_what_is_held_leaves_no_effect(
    heads: Path, tmp_path: Path, held: dict[str, Any], idle: list[str]
) -> None:
    whole = define(StudyPlaces(tmp_path, "popgan"), Cohort.open(heads), options())
    wanted = replace(options(), overrides={**options().overrides, **held})
    found = define(StudyPlaces(tmp_path, "popgan"), Cohort.open(heads), wanted)
    names = [one.name for one in whole.space if one.name not in idle]
    assert [one.name for one in found.space] == names
    assert all(any(name in note for note in found.notes) for name in idle)


def test_a_search_of_what_cannot_count_is_refused(heads: Path, tmp_path: Path) -> None:
    wanted = options("augmentation.probability")
    wanted = replace(wanted, overrides={**wanted.overrides, "augmentation.method": "none"})
    with pytest.raises(UserError, match="nothing is left to search"):
        define(StudyPlaces(tmp_path, "popgan"), Cohort.open(heads), wanted)


def test_bounds_and_values_that_are_possible_are_searched(heads: Path, tmp_path: Path) -> None:
    wanted = options(
        *("train.lr_generator=1e-3,5e-3", "train.batch=4:16", "augmentation.probability=0.1:0.4"),
        *("network.dropout=0:0.6", "train.r2=true"),
    )
    definition = define(StudyPlaces(tmp_path, "popgan"), Cohort.open(heads), wanted)
    space = {one.name: one for one in definition.space}
    assert space["train.lr_generator"].choices == [0.001, 0.005, 0.00428]
    assert (space["network.dropout"].high, space["train.batch"].whole) == (0.6, True)


def test_a_search_of_the_default_alone_grants_no_time_for_a_final(
    heads: Path, tmp_path: Path
) -> None:
    alone, more = (
        define(StudyPlaces(tmp_path, "popgan"), Cohort.open(heads), replace(options(), trials=n))
        for n in (1, 4)
    )
    # One training in the time of four, and of up to twelve that four may bring.
    assert alone.seconds > 4 * more.seconds


def test_workers_that_share_a_gpu_share_its_time(
    heads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(**more: Any) -> float:
        wanted = replace(options(), **more)
        return define(StudyPlaces(tmp_path, "popgan"), Cohort.open(heads), wanted).seconds

    one, two = seconds(workers=1), seconds(workers=2)
    assert 1.7 * one < two <= 2 * one  # they cannot share the last training
    monkeypatch.setattr("popgan.tuning.prologue.side_by_side", lambda workers: min(workers, 1))
    assert seconds(workers=2) == pytest.approx(one, rel=0.1)
    assert seconds(workers=2, beside=2) == pytest.approx(two, rel=0.1)
