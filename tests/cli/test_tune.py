"""`popgan tune`: what a user sees of a search, from the first line to the preset that is found."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import psutil
import pytest
import yaml

from popgan import find_model
from popgan.evidence.experiments.results import TuneResult
from popgan.training.probe import Measured
from popgan.tuning.planner import Planner
from small_runs import INGEST, Answer, call, leavings, sets, start, write_heads
from tuning.tiny_searches import Made, cheap, heads, made, own_run

_ = (heads, own_run, cheap, made)

TINY = ("--set", "network.channels=[16, 16]", "--set", "network.latent_dim=8")
TINY += ("--set", "train.precision=fp32", "--set", "train.threads=1", "--init", "scratch")
SEARCH = ("--search", "train.lr_generator", "--search", "train.batch=4,8")
SEARCH += ("--search", "train.batch", "--preset", "quick")


@pytest.fixture
def slow_machine(cheap: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-five seconds are 180 images, so that a short budget is a matter of seconds here."""
    monkeypatch.setattr(
        Planner, "_measured", lambda *_, **__: Measured([8.0, 8.0], 1.0, [8.0, 8.0])
    )


def tune(run: Path, *more: object) -> Answer:
    return call("tune", run, *TINY, *SEARCH, *more)


@pytest.mark.usefixtures("slow_machine")
def test_a_search_says_what_it_does_and_leaves_a_preset_that_plans_use(
    own_run: Path, made: Made
) -> None:
    answer = tune(own_run, "--trials", 6, "--budget", "8m")
    assert answer.status == 0, answer
    assert answer.err.count("trial   ") >= 6 and "KID" in answer.err
    for words in ("6 trials of", "seeds alone: SD", "what it changes", "all trials:", "next:"):
        assert words in answer.out
    found = TuneResult.model_validate_json((own_run / "tune/popgan/results.json").read_text())
    assert [one.name for one in found.space] == ["train.lr_generator", "train.batch"]
    assert len([one for one in found.trials if one.purpose != "final"]) == 6
    # The same command has nothing left to do, and says the same.
    again = tune(own_run, "--trials", 6, "--budget", "8m")
    assert again.status == 0 and "trial   " not in again.err
    assert again.out == answer.out and len(made.trained) == len(found.trials)
    preset = yaml.safe_load((own_run / "tune/popgan/preset.yaml").read_text())
    assert preset["extends"] == "popgan/quick"
    assert preset["values"]["network.latent_dim"][0] == 8  # held, and part of what was found
    planned = call("plan", own_run, "--preset", "tuned", "--set", "train.images=400", *TINY)
    assert planned.status == 0, planned
    plan = find_model(own_run, "popgan").plan()
    assert plan.preset == "tuned"
    chosen = found.finals.candidates[found.finals.chosen].setting if found.finals else {}
    assert {n for n, d in plan.decisions.items() if d.source == "tuned"} >= set(chosen) & {
        *("train.lr_generator", "train.batch")
    }
    # It is a default to search around, under another name.
    words = ("--preset", "tuned", "--trials", 1, "--budget", "8m")
    assert "--name" in call("tune", own_run, *TINY, *words).line
    after = call("tune", own_run, *TINY, *words, "--name", "second")
    assert after.status == 0, after
    assert "note: the default is what study popgan had found beyond popgan/quick" in after.err
    assert after.out.endswith(f"next: popgan plan {own_run} --preset tuned:second\n")
    assert (
        TuneResult.model_validate_json((own_run / "tune/second/results.json").read_text()).preset
        == "tuned:popgan"
    )
    assert not leavings(own_run)


@pytest.mark.usefixtures("slow_machine")
def test_a_budget_too_short_for_the_default_says_which_is_enough(own_run: Path, made: Made) -> None:
    refused = tune(own_run, "--trials", 4, "--budget", "5m")
    assert refused.status == 2 and "4 trials and the final need 22.7 s each" in refused.line
    enough = refused.line.partition("grant ")[2].partition(" ")[0]
    assert tune(own_run, "--trials", 4, "--budget", enough).status == 0


@pytest.mark.usefixtures("slow_machine")
def test_a_study_goes_on_with_its_own_options_only(own_run: Path, made: Made) -> None:
    assert tune(own_run, "--trials", 1, "--budget", "8m").status == 0
    answer = tune(own_run, "--trials", 2, "--budget", "8m")
    assert answer.status == 2 and "trials 2, was 1" in answer.line
    assert "--name" in answer.line
    assert call("tune", own_run).status == 0  # nothing asked: go on with what there is
    typed = call("tune", own_run, "--preset", "standard")  # asked, though it is the default
    assert typed.status == 2 and "preset standard, was quick" in typed.line
    joined = call("tune", own_run, "--join", "--trials", 9)
    assert joined.status == 2 and "trials 9, was 1" in joined.line
    assert tune(own_run, "--trials", 1, "--budget", "8m", "--name", "second").status == 0
    assert (own_run / "tune/second/results.json").exists()


@pytest.mark.usefixtures("cheap")
def test_bad_options_are_one_line_and_leave_nothing(own_run: Path) -> None:
    cases: list[tuple[tuple[object, ...], str]] = [
        (("--budget", "1m"), "is too short"),
        (("--budget", "soon"), "is not a time"),
        (("--trials", 0), "--trials 0"),
        (("--workers", 0), "--workers 0"),
        (("--recipe", "pix2pix"), "cannot be tuned"),
        (("--recipe", "nonsense"), "cannot be tuned"),
        (("--preset", "nonsense"), "unknown preset"),
        (("--preset", "tuned"), "holds no study popgan"),
        (("--preset", "tuned:first"), "holds no study first"),
        (("--search", "train.batsh"), "did you mean train.batch"),
        (("--search", "train.batch=9:1"), "no range"),
        (("--set", "train.lr_generator=0.1", "--search", "train.lr_generator"), "nothing is left"),
        (("--name", "../x"), "not usable"),
        (("--join",), "holds no study"),
    ]
    for options, words in cases:
        answer = call("tune", own_run, *options)
        assert answer.status == 2, (options, answer)
        assert words in answer.line, (options, answer.line)
    assert not (own_run / "tune").exists()
    assert "is not a run folder" in call("tune", own_run.parent).line


@pytest.mark.usefixtures("cheap")
def test_a_damaged_study_or_result_is_one_line(own_run: Path) -> None:
    folder = own_run / "tune/popgan"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text("trials: [")
    assert call("tune", own_run).status == 2
    (folder / "study.yaml").write_text(yaml.safe_dump({"name": "x"}))
    assert "is no study of popgan" in call("tune", own_run).line


@pytest.mark.slow
def test_two_workers_and_one_that_is_killed_lose_nothing(heads: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(heads, tmp_path / "run"))
    options = ("--trials", 3, "--budget", "12m", "--workers", 2)
    first = start("tune", run, *TINY, *SEARCH, *options)
    trials = run / "private/tune/popgan/search"
    end = time.monotonic() + 300
    while time.monotonic() < end and len(list(trials.glob("*/log.csv"))) < 2:
        assert first.poll() is None, first.communicate()
        time.sleep(0.2)
    children = psutil.Process(first.pid).children()
    children[0].kill()
    _, err = first.communicate(timeout=600)
    assert first.returncode == 0, err
    assert "another takes its place" in err
    found = json.loads((run / "tune/popgan/results.json").read_text())
    search = [one for one in found["trials"] if one["purpose"] != "final"]
    assert [one["number"] for one in search] == list(range(3))
    assert all(one["state"] != "running" for one in search)
    assert len({one["worker"] for one in search}) >= 2


@pytest.mark.parametrize("name", ["train.images=400", "train.ticks=8", "train.snapshots=2"])
def test_what_follows_from_the_study_is_refused_and_not_ignored(own_run: Path, name: str) -> None:
    answer = tune(own_run, "--set", name)
    assert answer.status == 2 and f"--set {name.partition('=')[0]}: in a study it" in answer.line
    assert not (own_run / "tune").exists()


def test_one_that_joins_is_one_worker(own_run: Path) -> None:
    answer = call("tune", own_run, "--join", "--workers", 4)
    assert answer.status == 2 and "--join is one worker" in answer.line


@pytest.mark.slow
@pytest.mark.usefixtures("slow_machine")
def test_the_main_line_searches_first_if_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("popgan.tuning.begin.TRIALS", 2)
    scans = write_heads(tmp_path / "scans", 16)
    options = ("-o", tmp_path / "run", "--no-audit", *INGEST)
    values = [*sets(train__images=48), "--init", "scratch", "--tune"]
    answer = call("run", scans, *options, *values, "8m")
    assert answer.status == 0, answer
    plan = find_model(tmp_path / "run").plan()
    assert plan.preset == "tuned"
    assert "How the parameters were found" in (tmp_path / "run/report.html").read_text()
    again = call("run", scans, *options, *values, "8m")
    assert "[train popgan] unchanged, skipped" in again.err
    assert "budget 9m, was 8m" in call("run", scans, *options, *values, "9m").line
    translates = ("--recipe", "pix2pix", "--from", "T1w", "--to", "T2w")
    assert "cannot be tuned" in call("run", scans, *options, *translates, "--tune", "1h").line
    tuned = call("run", scans, *options, "--preset", "tuned", "--tune", "1h")
    assert "around a preset, not around tuned" in tuned.line
