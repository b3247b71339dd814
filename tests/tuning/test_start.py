"""A study that starts from what an earlier one has found: its default, its record, its result."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from popgan.cohort.cohort import Cohort
from popgan.config.preset import changed, load_preset, read_preset, save_preset
from popgan.errors import UserError
from popgan.evidence.experiments.results import Candidate, Finals
from popgan.files import sha256_file
from popgan.progress import Reporter
from popgan.tuning.ablation import begin as begin_ablation
from popgan.tuning.ablation_study import AblationPlaces
from popgan.tuning.begin import TuneOptions
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.prologue import joined
from popgan.tuning.search import _write_preset as save_found
from popgan.tuning.search import begin, tune
from popgan.tuning.worker import Worker
from tuning.tiny_ablations import options as ablate_options
from tuning.tiny_searches import HELD, Made, Told, cheap, heads, made, own_run

_ = (heads, own_run, cheap, made)
pytestmark = pytest.mark.usefixtures("cheap")
WHY = "study first: KID 0.11 against 0.14"
FOUND: dict[str, Any] = {"train.batch": 4, "train.lr_generator": 0.002, "preset.gamma_at_64": 0.5}


def earlier(run: Path, study: str = "first", *, cohort: str | None = None) -> Path:
    """What a study would leave in a run folder."""
    path = run / "tune" / study / "preset.yaml"
    preset = changed(load_preset("quick", "popgan"), FOUND, reason=WHY, tuned=True)
    save_preset(path, preset, "popgan/quick")
    record = {"name": study, "cohort": cohort or Cohort.open(run).hash}
    path.with_name("study.yaml").write_text(yaml.safe_dump(record))
    return path


def options(**changes: Any) -> TuneOptions:
    values: dict[str, Any] = {"preset": "tuned:first", "trials": 2, "budget": "9m"}
    search = ["train.lr_generator", "train.batch", "train.loss"]
    return TuneOptions(**(values | {"overrides": HELD, "search": search} | changes))


def test_what_was_found_is_the_default_and_stays_it_whatever_becomes_of_the_earlier_study(
    own_run: Path, made: Made
) -> None:
    path, told = earlier(own_run), Told()
    digest, places = sha256_file(path), StudyPlaces(own_run, "second")
    definition = begin(places, options(), told)
    assert definition.preset == "tuned:first" and definition.start is not None
    start = definition.start
    assert (start.study, start.digest, start.extends) == ("first", digest, "popgan/quick")
    assert start.cohort == definition.cohort
    assert (definition.default["train.batch"], definition.default["train.lr_generator"]) == (
        *(FOUND["train.batch"], FOUND["train.lr_generator"]),
    )
    expected = "note: the default is what study first had found beyond popgan/quick: "
    assert told.said[0].startswith(expected), "not what popgan's own search has found"
    assert set(told.said[0].removeprefix(expected).split(", ")) == set(FOUND)
    assert Definition.load(places.definition) == definition

    shutil.rmtree(path.parent)
    found = tune(own_run, options(), name="second")
    assert len(made.trained) == len(found.trials) and found.preset == "tuned:first"
    default = made.trained[0][1].train
    assert (default.batch, default.lr_generator) == (4, 0.002)
    assert default.gamma == pytest.approx(0.5 * 16 * 16 / 64**2, abs=1e-4)
    # Presets of the recipe itself are tried beside it, that which it all began with among them.
    assert {"train.batch": 8, "train.lr_generator": 0.00428} in definition.warm


def test_the_preset_of_the_second_study_holds_what_both_have_found(own_run: Path) -> None:
    earlier(own_run)
    places, held = StudyPlaces(own_run, "second"), {**HELD, "train.batch": 8}
    held["network.condition"] = []
    wanted = options(overrides=held, search=["train.lr_generator"])
    definition = begin(places, wanted, Reporter())
    best = Candidate(
        trial=1, setting={"train.lr_generator": 0.001}, searched=0.4, values=[0.4], mean=0.4
    )
    finals = Finals(seeds=[9], candidates=[best], chosen=0, reason="so it is")
    save_found(places, definition, SimpleNamespace(trials=[], finals=finals))  # type: ignore[arg-type]
    assert yaml.safe_load(places.preset.read_text())["extends"] == "popgan/quick"
    preset = read_preset(places.preset, "popgan")
    assert preset.values["train.lr_generator"][0] == 0.001 and preset.batch == 8
    assert preset.tuned["preset.gamma_at_64"] == WHY and preset.gamma_at_64 == 0.5
    assert preset.tuned["train.lr_generator"].startswith("study second, ")
    assert "train.batch" not in preset.tuned, "it was held, and is found no more"
    assert preset.values["network.condition"][0] == []
    assert definition.notes[-1] == (
        "no preset can hold network.channels, train.level_shares: give --set again where what is "
        "found is used"
    )
    assert preset.summary.endswith("; it began with what study first had found")


def test_a_worker_needs_nothing_but_the_definition(own_run: Path) -> None:
    path = earlier(own_run)
    places = StudyPlaces(own_run, "second")
    begin(places, options(), Reporter())
    shutil.rmtree(path.parent)
    one = Worker(places, Definition.load(places.definition), Cohort.open(own_run), Reporter())
    assert one.planner.preset.gamma_at_64 == 0.5
    assert one.planner.plan({}, 0).train.batch == 4


def test_parts_of_what_was_found_can_be_ablated(own_run: Path) -> None:
    earlier(own_run)
    places = AblationPlaces(own_run, "found")
    wanted = ablate_options(preset="tuned:first", budget="30m", seeds=1)
    study = begin_ablation(places, wanted, Reporter())
    assert study.start is not None and study.start.preset.batch == 4
    assert study.notes[0].startswith("the default is what study first had found")
    assert any(one.name == "no EMA" and not one.impossible for one in study.variants)


def test_a_start_that_is_not_possible_is_one_line_and_nothing_begins(own_run: Path) -> None:
    def refused(words: str, **changes: Any) -> None:
        name = str(changes.pop("name", "second"))
        with pytest.raises(UserError, match=words) as caught:
            begin(StudyPlaces(own_run, name), options(**changes), Reporter())
        assert "\n" not in str(caught.value)
        assert not (own_run / "tune/second").exists()

    refused("holds no study first that values could be taken from")
    earlier(own_run)
    refused("was found for recipe popgan, and this is recipe r3gan", recipe="r3gan", search=[])
    earlier(own_run, "popgan", cohort="f" * 64)
    with pytest.raises(UserError, match="study popgan is of another cohort"):
        begin(StudyPlaces(own_run, "second"), options(preset="tuned"), Reporter())
    told = Told()
    begin(StudyPlaces(own_run, "third"), options(preset="tuned:popgan"), told)
    assert "is of another cohort" in told.said[0]
    # `tuned` is short for the study of the recipe's name, and means the same.
    begin(StudyPlaces(own_run, "third"), options(preset="tuned"), Reporter())


def test_a_study_does_not_go_on_with_another_default_under_the_same_name(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, wanted = StudyPlaces(own_run, "second"), options(preset="quick")
    study = begin(places, wanted, Reporter())
    assert begin(places, wanted, Reporter()) == study and study.default_hash
    later = changed(load_preset("quick", "popgan"), FOUND, reason="of a later popgan", tuned=True)
    monkeypatch.setattr("popgan.tuning.study.load_preset", lambda name, recipe: later)
    for open_it in (lambda: begin(places, wanted, Reporter()), lambda: joined(places, Definition)):
        with pytest.raises(UserError, match="another popgan, whose preset quick had other values"):
            open_it()


def test_a_study_cannot_start_from_itself(own_run: Path) -> None:
    earlier(own_run)
    places = StudyPlaces(own_run, "again")
    begin(places, options(), Reporter())
    with pytest.raises(UserError, match=r"begun otherwise \(preset tuned:again, was tuned:first\)"):
        begin(places, options(preset="tuned:again"), Reporter())
