"""`popgan plan`: the cohort and the machine, single values explained, what a study has found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from popgan import Cohort, UserError, make_plan, provenance
from popgan.config.preset import changed, load_preset, save_preset
from popgan.config.schema import Plan
from popgan.files import write_json
from popgan.training.probe import Measured
from small_runs import INGEST, Answer, call, snapshot, write_heads

SHORT = ("--set", "train.images=640")
WHY = "study popgan: KID 0.11 against 0.14"


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scans` and `run`, which holds a cohort and no plan; never change it."""
    folder = tmp_path_factory.mktemp("planned")
    write_heads(folder / "scans", 6)
    answer = call("ingest", folder / "scans", "-o", folder / "run", *INGEST)
    assert answer.status == 0, answer
    return folder


@pytest.fixture
def run(ingested: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ingested / "run", tmp_path / "run"))


def planned(run: Path, *words: object) -> Plan:
    answer = call("plan", run, *SHORT, *words, "-q")
    assert answer.status == 0, answer
    return Plan.load(run / "models/popgan/plan.yaml")


def explained(run: Path, name: str, *words: object) -> dict[str, Any]:
    answer = call("plan", run, "--explain", name, *words, "--json")
    assert answer.status == 0, answer
    return {one["name"]: one for one in answer.result["explained"]}


def refused(answer: Answer, *words: str) -> None:
    assert answer.status == 2, answer
    assert len(answer.err.strip().splitlines()) == 1 and answer.out == ""
    assert all(word in answer.line for word in words), answer.line


def found(run: Path, study: str = "popgan", **setting: object) -> Path:
    """What a study would leave in a run folder."""
    setting = setting or {"train.batch": 4, "preset.gamma_at_64": 0.5}
    preset = changed(load_preset("quick", "popgan"), setting, reason=WHY, tuned=True)
    path = run / "tune" / study / "preset.yaml"
    save_preset(path, preset, "popgan/quick")
    text = yaml.safe_dump({"name": study, "cohort": Cohort.open(run).hash})
    (path.parent / "study.yaml").write_text(text)
    return path


def test_a_plan_shows_the_cohort_and_the_machine_above_its_values(run: Path) -> None:
    answer = call("plan", run, *SHORT)
    lines = [line.rstrip() for line in answer.out.splitlines()]
    places = [lines.index(title) for title in ("the cohort", "the machine")]
    table = next(i for i, line in enumerate(lines) if line.startswith("name "))
    assert places[0] < places[1] < table
    assert any("signal to noise" in line for line in lines[: places[1]])
    assert any("cores" in line and "GiB" in line for line in lines[places[1] : table])
    told = call("plan", run, *SHORT, "--json").result
    assert told["cohort"]["version"] >= 2 and told["machine"]["cores"] >= 1
    # A plan of an older popgan has nothing beside it.
    (run / "models/popgan/machine.json").write_text("{")
    assert "the machine" not in call("plan", run, *SHORT).out


def test_more_threads_than_cores_are_told_of(run: Path) -> None:
    cores = provenance.usable_cores()
    told = call("plan", run, *SHORT, "--set", f"train.threads={cores + 1}")
    assert f"note: train.threads={cores + 1}, and {cores} cores can be used here" in told.err
    assert "train.threads=" not in call("plan", run, *SHORT, "--set", f"train.threads={cores}").err


def test_explaining_plans_if_there_is_none_and_never_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = explained(run, "train.gamma", *SHORT)["train.gamma"]
    assert first["value"] == pytest.approx(0.035 * 16**2 / 64**2, abs=1e-4)
    before = snapshot(run)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("nothing is planned or measured")

    monkeypatch.setattr("popgan.stations.plan.make_plan", never)
    monkeypatch.setattr("popgan.stations.speed.measure_patiently", never)
    again = explained(run, "train.gamma")["train.gamma"]
    assert again == first
    assert {one["preset"] for one in again["presets"]} == {"standard", "paper"}
    answer = call("plan", run, "--explain", "train.gamma", "--explain", "generate")
    text = " ".join(answer.out.split())
    assert "train.gamma 0.0022" in text and "generate.n 200" in text
    assert "why tuned: 0.035 at 64 x 64" in text and "allowed a number, 0 or more" in text
    assert f"change popgan plan {run} --set train.images=640 --set train.gamma=VALUE" in text
    assert set(explained(run, "train")) > {"train.batch", "train.init", "train.images"}
    assert snapshot(run) == before


def test_a_name_that_there_is_not_is_one_line_and_nothing_is_planned(run: Path) -> None:
    before = snapshot(run)
    refused(call("plan", run, "--explain", "train.gama"), "did you mean train.gamma?")
    assert snapshot(run) == before
    planned(run)
    refused(call("plan", run, "--explain", "train.path_length"), "no such value")


def test_explaining_another_plan_than_there_is_is_refused(run: Path) -> None:
    planned(run, "--preset", "standard")
    refused(call("plan", run, "--explain", "train", "--preset", "paper"), "standard, not paper")
    refused(call("plan", run, "--explain", "train", "--set", "train.batch=4"), "train.batch")
    assert explained(run, "train.batch", "--preset", "standard", *SHORT)
    before = snapshot(run)
    # A slip of the pen must not plan, and measure, another model.
    refused(call("plan", run, "--explain", "train", "--name", "popgam"), "(there: popgan)")
    assert snapshot(run) == before


def test_the_command_that_changes_a_value_repeats_what_was_asked_for(run: Path) -> None:
    words = ["--preset", "paper", "--set", "train.batch=6", "--seed", "3", "--name", "mine"]
    assert call("plan", run, *SHORT, *words).status == 0
    one = explained(run, "train.batch", "--name", "mine")["train.batch"]
    assert one["change"] == (
        f"popgan plan {run} --preset paper --seed 3 --name mine --set train.images=640 "
        "--set train.batch=VALUE"
    )
    assert one["facts"] == {} and one["reason"] == "set by the user"
    # What the user set is what the plan's own preset would decide otherwise.
    own = next(other for other in one["presets"] if other["preset"] == "paper")
    assert own["source"] == "rule" and "training slices" in own["reason"]
    # A plan that was made from Python knows as much.
    ledger = json.loads((run / "provenance.json").read_text())
    del ledger["stations"]["plan mine"]
    write_json(run / "provenance.json", ledger)
    again = explained(run, "train.batch", "--name", "mine")["train.batch"]
    assert sorted(again["change"].split()) == sorted(one["change"].split())
    # The only plan there is needs no name.
    assert explained(run, "train.batch")["train.batch"] == again


def test_what_a_study_of_the_run_measured_is_told_and_a_damaged_one_is_not(run: Path) -> None:
    plan = planned(run)
    assert explained(run, "train.gamma")["train.gamma"]["measured"] == []
    curve = {"name": "preset.gamma_at_64", "log": True, "values": [], "kids": []}
    sensitivity = {
        **{"n": 40, "failed": 0, "r2": 0.2, "r2_low": 0.1, "r2_high": 0.3, "noise": None},
        "importances": [
            {
                **{"name": "preset.gamma_at_64", "share": 0.31, "low": 0.2, "high": 0.4},
                **{"rank_low": 1, "rank_high": 2},
            },
            {
                **{"name": "train.batch", "share": 0.1, "low": 0, "high": 0.2},
                **{"rank_low": 2, "rank_high": 2},
            },
        ],
        "slices": [{**curve, "at": [0.1, 0.5], "marginal": [0.3, 0.2]}],
        "pairs": [],
    }
    result = {"recipe": "popgan", "cohort": plan.data.cohort, "sensitivity": sensitivity}
    for name, content in (
        ("good", result),
        ("later", {**result, "cohort": "0" * 64}),
        ("foreign", {**result, "recipe": "r3gan"}),
        ("empty", {**result, "sensitivity": None}),
        ("odd", {**result, "sensitivity": {"n": "many"}}),
        ("list", []),
    ):
        write_json(run / f"ablation/{name}/results.json", content)
    (run / "ablation/broken").mkdir()
    (run / "ablation/broken/results.json").write_text("{")
    one, other = explained(run, "train.gamma")["train.gamma"]["measured"]
    assert one == (
        "study good: preset.gamma_at_64 explains 31% of the variance of a forest's prediction of "
        "KID, in which weaker values come out too small (20% to 40% over resampled trials), rank "
        "1 to 2 of 2; 40 trials, R^2 of the forest 0.20, so low that the share means little; KID "
        "is predicted lowest at 0.5"
    )
    assert other.startswith("study later of another cohort: ")
    assert "rank 2 of 2" in explained(run, "train.batch")["train.batch"]["measured"][0]


def test_what_a_study_has_found_is_planned_and_marked(run: Path) -> None:
    path = found(run)
    plan = planned(run, "--preset", "tuned")
    assert (plan.preset, plan.train.batch) == ("tuned", 4)
    for name in ("train.batch", "train.gamma"):
        assert plan.decisions[name].source == "tuned" and WHY in plan.decisions[name].reason
    assert call("plan", run, *SHORT, "--preset", "tuned").err.count("unchanged, skipped") == 1
    # The report's page and the terminal show it as it is.
    assert "tuned: " + WHY in " ".join(call("plan", run, *SHORT, "--preset", "tuned").out.split())
    # Found again, otherwise: the plan follows.
    found(run, **{"train.batch": 6})
    assert planned(run, "--preset", "tuned").train.batch == 6
    # By another name, and from Python.
    found(run, "wide", **{"preset.channel_base": 512})
    made = make_plan(Cohort.open(run), preset="tuned:wide", overrides={"train.images": 640})
    assert made.decisions["network.channels"].source == "tuned"
    assert planned(run, "--preset", "tuned:wide").preset == "tuned:wide"
    # A plan's own preset may be gone when it is explained.
    shutil.rmtree(path.parent.parent)
    assert explained(run, "network.channels")["network.channels"]["source"] == "tuned"


def test_what_a_study_has_found_stands_beside_the_other_presets(run: Path) -> None:
    found(run)
    planned(run)
    others = {o["preset"]: o for o in explained(run, "train.batch")["train.batch"]["presets"]}
    assert others["tuned"] == {
        **{"preset": "tuned", "value": 4, "source": "tuned", "reason": WHY},
    }


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_study_that_there_is_not_is_one_line(verb: str, run: Path, ingested: Path) -> None:
    words = [verb, run] if verb == "plan" else [verb, ingested / "scans", "-o", run]
    before = snapshot(run)
    refused(call(*words, "--preset", "tuned"), "run `popgan tune RUN` first")
    refused(call(*words, "--preset", "tuned:../x"), "tuned:NAME")
    found(run, "first")
    refused(call(*words, "--preset", "tuned"), "tuned:first")
    (run / "tune/popgan").mkdir()
    (run / "tune/popgan/study.yaml").write_text("name: popgan\n")
    refused(call(*words, "--preset", "tuned"), "has not found anything yet", "popgan tune RUN")
    refused(call(*words, "--preset", "tuned", "--recipe", "r3gan"), "--recipe r3gan")
    refused(call(*words, "--preset", "tuned:first", "--recipe", "cgan"), "recipe popgan")
    (run / "tune/first/preset.yaml").write_text("extends: popgan/quick\nbatch: [")
    refused(call(*words, "--preset", "tuned:first"), "preset.yaml")
    shutil.rmtree(run / "tune")
    assert snapshot(run) == before


def test_a_study_of_another_cohort_is_used_only_by_its_name(run: Path) -> None:
    path = found(run)
    (path.parent / "study.yaml").write_text(f"cohort: {'a' * 64}\n")
    refused(call("plan", run, *SHORT, "--preset", "tuned", "-q"), "another cohort", "tuned:popgan")
    answer = call("plan", run, *SHORT, "--preset", "tuned:popgan")
    assert answer.status == 0 and "note: study popgan is of another cohort" in answer.err
    # Of one that does not say which cohort it is of, nothing is known against it.
    for text in ("", "[", "cohort: 3"):
        (path.parent / "study.yaml").write_text(text)
        assert planned(run, "--preset", "tuned").train.batch == 4
    with pytest.raises(UserError, match="none is named"):
        from popgan.run import RunOptions

        RunOptions(preset="tuned").check()


def test_the_main_line_asks_for_the_slices_that_a_study_is_of(run: Path) -> None:
    from popgan.run import RunOptions

    found(run)
    options = RunOptions(preset="tuned")
    options.check(run)
    assert options.ingest_options(run).resolution == 16
    assert RunOptions(preset="quick").ingest_options(run).resolution == 64


def test_a_dry_run_takes_what_a_study_has_found(
    run: Path, ingested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(run)
    before = snapshot(run)
    monkeypatch.setattr("popgan.stations.speed.SpeedProbe.__call__", lambda *_: [50.0, 50.0])
    words = [*INGEST[2:], *SHORT, "--preset", "tuned", "--dry-run", "-o", run, "--json"]
    answer = call("run", ingested / "scans", *words)
    assert answer.status == 0, answer
    plan = answer.result["plan"]
    assert (plan["data"]["height"], plan["train"]["batch"]) == (16, 4)
    assert plan["decisions"]["train.batch"]["source"] == "tuned"
    assert answer.result["machine"]["images_per_second"] == [50.0]
    assert answer.result["cohort"]["subjects"] == 6
    assert snapshot(run) == before
    json.dumps(answer.result)


@pytest.mark.parametrize(("share", "busy"), [(0.31, True), (0.95, False)])
def test_a_busy_machine_is_a_warning_and_part_of_the_reason(
    run: Path, monkeypatch: pytest.MonkeyPatch, share: float, busy: bool
) -> None:
    monkeypatch.setattr("popgan.stations.plan.seconds_a_snapshot", lambda *_: 1.0)
    monkeypatch.setattr(
        "popgan.stations.speed.measure_patiently",
        lambda *_, **__: Measured([50.0, 50.0], share, [50.0, 50.0]),
    )
    answer = call("plan", run, "--budget", "2m")
    assert answer.status == 0, answer
    assert ("warning: the machine is busy" in answer.err) == busy
    assert ("got 31% of the processor's time" in " ".join(answer.err.split())) == busy
    reason = Plan.load(run / "models/popgan/plan.yaml").decisions["train.images"].reason
    assert ("got 31% of the processor's time" in reason) == busy
    # The same wish keeps the plan, --restart measures again.
    assert "unchanged, skipped" in call("plan", run, "--budget", "2m").err
    again = call("plan", run, "--budget", "2m", "--restart")
    assert ("plan again with --restart" in " ".join(again.err.split())) == busy


@pytest.mark.parametrize(("gain", "words"), [(9.0, "several"), (2.0, "2.0"), (1.1, None)])
def test_a_busy_machine_is_left_a_core_where_that_trains_faster(
    run: Path, monkeypatch: pytest.MonkeyPatch, gain: float, words: str | None
) -> None:
    monkeypatch.setattr("popgan.stations.plan.seconds_a_snapshot", lambda *_: 1.0)
    asked: list[int] = []

    def measured(plan: Plan, *_: object, **__: object) -> Measured:
        asked.append(plan.train.threads)
        speeds = [50.0 * gain] * 2 if plan.train.threads == 2 else [50.0] * 2
        return Measured(speeds, 0.4, speeds)

    monkeypatch.setattr("popgan.stations.speed.measure_patiently", measured)
    answer = call("plan", run, "--budget", "2m", "--set", "train.threads=3")
    told = " ".join(answer.err.split())
    assert answer.status == 0 and asked == [3, 2]
    assert ("train.threads=2" in told) == (words is not None)
    assert f"--set train.threads=2 trains {words} times as fast" in told or words is None
    assert call("plan", run, "--set", "train.threads=1", "--name", "one").status == 0
    assert asked == [3, 2, 1], "one thread cannot be fewer"
