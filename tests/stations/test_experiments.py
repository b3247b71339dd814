"""Results of experiments on disk: read back whole, refused when damaged, tables for any program."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import made_experiments as made
import pytest

from popgan.errors import UserError
from popgan.evidence.experiments.results import Point
from popgan.progress import Reporter
from popgan.stations.experiments import (
    ablation_names,
    ablation_path,
    experiment_inputs,
    experiments_content,
    load_ablation,
    load_tune,
    save_result,
    tune_names,
    tune_path,
)
from popgan.stations.experiments_csv import (
    write_contrasts,
    write_points,
    write_runs,
    write_sensitivity,
    write_trials,
)
from popgan.stations.model import find_model
from popgan.stations.report import write_report
from small_runs import finished

__all__ = ["finished"]


class _Heard(Reporter):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_what_is_saved_is_read_back_whole(tmp_path: Path) -> None:
    tune, ablation = made.tuned(), made.ablated()
    assert load_tune(tmp_path, "popgan") is None
    assert load_ablation(tmp_path, "popgan") is None
    save_result(tune, tune_path(tmp_path, "popgan"))
    save_result(ablation, ablation_path(tmp_path, "popgan"))
    assert load_tune(tmp_path, "popgan") == tune
    assert load_ablation(tmp_path, "popgan") == ablation
    assert (tune_names(tmp_path), ablation_names(tmp_path)) == (["popgan"], ["popgan"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not readable JSON"),
        ("[]", "is not a result of a search"),
        ('{"name": "x"}', "recipe: Field required"),
        (None, "is of version 7 of the results"),
    ],
)
def test_a_damaged_file_is_one_line_that_says_which_and_what_to_do(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tune_path(tmp_path, "popgan")
    path.parent.mkdir(parents=True)
    if content is None:
        content = json.dumps(made.tuned(trials=4, version=7).model_dump(mode="json"))
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        load_tune(tmp_path, "popgan")
    line = str(caught.value)
    assert said in line
    assert line.startswith(f"{path}: ")
    assert line.endswith(
        "remove it and run `popgan tune` again: trainings that are complete are not lost."
    )
    assert "\n" not in line


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a b"])
def test_a_name_cannot_lead_out_of_the_run_folder(tmp_path: Path, name: str) -> None:
    for path in (tune_path, ablation_path):
        with pytest.raises(UserError, match="not usable as a folder"):
            path(tmp_path, name)


def test_a_page_shows_its_own_recipe_and_the_study_of_its_name_first(tmp_path: Path) -> None:
    for name, recipe in (("a", "popgan"), ("popgan", "popgan"), ("r3gan", "r3gan")):
        found = made.tuned(trials=4, finals=None, name=name, recipe=recipe)
        save_result(found, tune_path(tmp_path, name))
    shown = experiments_content(tmp_path, "popgan")
    assert (shown["tune"].name, shown["other_tunes"]) == ("popgan", ["a"])
    assert (shown["ablation"], shown["other_ablations"]) == (None, [])
    assert experiments_content(tmp_path, "r3gan")["tune"].name == "r3gan"
    assert experiments_content(tmp_path, "dcgan")["tune"] is None


def test_a_new_trial_makes_the_report_new(tmp_path: Path) -> None:
    seen: list[Any] = [experiment_inputs(tmp_path)]
    save_result(made.tuned(trials=4, finals=None), tune_path(tmp_path, "popgan"))
    seen.append(experiment_inputs(tmp_path))
    save_result(made.tuned(trials=5, finals=None), tune_path(tmp_path, "popgan"))
    seen.append(experiment_inputs(tmp_path))
    save_result(made.ablated(seeds=1), ablation_path(tmp_path, "wide"))
    seen.append(experiment_inputs(tmp_path))
    assert all(one != other for one, other in itertools.pairwise(seen))
    assert experiment_inputs(tmp_path) == seen[-1]


@pytest.mark.xdist_group("finished run")
def test_a_report_shows_the_search_of_its_recipe_and_follows_it(
    finished: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished / "run", tmp_path / "run"))
    model = find_model(run)
    result = made.tuned(trials=4, finals=None, recipe="popgan", space=[])
    save_result(result, tune_path(run, "popgan"))
    page, _ = write_report(model)
    assert "How the parameters were found" in page.read_text()
    assert "was made on other data" in page.read_text()
    assert json.loads((run / "report.json").read_text())["tune"]["preset"] == result.preset
    heard = _Heard()
    write_report(model, reporter=heard)
    assert heard.said == ["[report] unchanged, skipped"]
    tune_path(run, "popgan").unlink()
    write_report(model)
    assert "How the parameters were found" not in page.read_text()


def test_trials_are_a_table_with_rungs_and_settings(tmp_path: Path) -> None:
    result = made.tuned()
    write_trials(result, tmp_path / "trials.csv")
    table = rows(tmp_path / "trials.csv")
    assert len(table) == len(result.trials)
    for row, trial in zip(table, result.trials, strict=True):
        assert int(row["number"]) == trial.number
        assert (row["state"], row["reason"]) == (trial.state, trial.reason)
        assert row["kid"] == ("" if trial.kid is None else repr(trial.kid))
        first = next((point.kid for point in trial.points), None)
        assert row["kid_at_0.45"] == ("" if first is None else repr(first))
        for one in result.space:
            value = trial.setting.get(one.name)
            shown = str(value).lower() if isinstance(value, bool) else value
            assert row[one.name] == ("" if value is None else str(shown))


def test_runs_and_contrasts_are_tables_of_unrounded_figures(tmp_path: Path) -> None:
    result = made.ablated()
    variant = result.variants[1].model_copy(update={"setting": {"train.batch": 4}})
    result = result.model_copy(update={"variants": [result.variants[0], variant]})
    write_runs(result, tmp_path / "runs.csv")
    table = rows(tmp_path / "runs.csv")
    assert len(table) == len(result.runs)
    paper = [row for row in table if row["variant"] == "paper"]
    assert {(row["kind"], row["train.batch"]) for row in paper} == {("paper", "4")}
    failed = [row for row in table if not row["kid"]]
    assert [row["reason"] for row in failed] == ["out of memory"]
    write_contrasts(result, tmp_path / "contrasts.csv")
    for row, contrast in zip(rows(tmp_path / "contrasts.csv"), result.contrasts, strict=True):
        assert float(row["difference"]) == contrast.difference
        assert float(row["low"]) == contrast.low
        assert row["words"] == contrast.words


def test_every_point_of_a_figure_is_in_a_table(tmp_path: Path) -> None:
    tune, ablation = made.tuned(), made.ablated()
    write_points(tune, tmp_path / "points.csv")
    assert len(rows(tmp_path / "points.csv")) == sum(len(t.points) for t in tune.trials)
    write_points(ablation, tmp_path / "points.csv")
    assert rows(tmp_path / "points.csv")[0]["variant"] == "default"
    assert ablation.sensitivity is not None
    write_sensitivity(ablation.sensitivity, tmp_path / "sensitivity.csv")
    table = rows(tmp_path / "sensitivity.csv")
    for one in ablation.sensitivity.slices:
        own = [row for row in table if row["name"] == one.name]
        assert [float(r["kid"]) for r in own if r["what"] == "trial"] == one.kids
        assert [float(r["kid"]) for r in own if r["what"] == "prediction"] == one.marginal
    cells = [float(row["kid"]) for row in table if row["what"] == "pair prediction"]
    assert cells == [kid for p in ablation.sensitivity.pairs for line in p.grid for kid in line]
    shares = [float(row["share"]) for row in table if row["what"] == "importance"]
    assert shares == [one.share for one in ablation.sensitivity.importances]


def test_no_text_of_a_table_is_a_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    result = made.tuned(trials=4, finals=None)
    bad = result.trials[0].model_copy(update={"reason": "=HYPERLINK(1)", "kid": -0.25})
    write_trials(result.model_copy(update={"trials": [bad]}), tmp_path / "trials.csv")
    (row,) = rows(tmp_path / "trials.csv")
    assert (row["reason"], row["kid"]) == ("'=HYPERLINK(1)", "-0.25")


def test_a_table_is_whole_or_absent(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("no folder")
    with pytest.raises(UserError, match="cannot be written"):
        write_trials(made.tuned(trials=4), tmp_path / "full" / "trials.csv")
    write_trials(made.tuned(trials=4), tmp_path / "trials.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "trials.csv"]


def test_a_rung_is_measured_with_the_step_that_passes_it(tmp_path: Path) -> None:
    """Steps are batches: at 45 % of 280 images, eight a step, 128 have been seen."""
    result = made.tuned()
    points = [Point(images=128, share=128 / 280, seconds=1.0, kid=0.25, error=0.01)]
    points.append(Point(images=256, share=256 / 280, seconds=2.0, kid=0.125, error=0.01))
    trial = result.trials[0].model_copy(update={"points": points})
    write_trials(
        result.model_copy(update={"trials": [trial], "rungs": [0.2, 0.45]}), tmp_path / "trials.csv"
    )
    (row,) = rows(tmp_path / "trials.csv")
    assert (row["kid_at_0.2"], row["kid_at_0.45"]) == ("", "0.25")
