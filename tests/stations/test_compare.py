"""Models of a run against the same patients: replicates, the paper's table, translators."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import popgan
from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.compare.results import HEADING, Comparison, Errors, UnpairedRow
from popgan.evidence.features import FeatureExtractor, cached_features
from popgan.evidence.fidelity.kid import kid
from popgan.evidence.statistics import owners_of
from popgan.files import sha256_file
from popgan.progress import Reporter
from popgan.stations.compare import compare
from popgan.stations.compared import (
    COMPARE_VERSION,
    comparable,
    comparison_path,
    comparison_state,
    load_comparison,
)
from popgan.stations.contenders import entrants, teams
from popgan.stations.evidence import PAIRED_VERSION, evaluation_seed
from popgan.stations.model import Model
from small_runs import call, sets
from translated_runs import translated

__all__ = ["translated"]
pytestmark = pytest.mark.xdist_group("translated")
N = 12


@pytest.fixture(scope="module")
def run(translated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a translator with four models that draw: a recipe three times, another once."""
    run = tmp_path_factory.mktemp("compared") / "run"
    shutil.copytree(translated / "run", run)
    shutil.rmtree(run / "private" / "checkpoints", ignore_errors=True)
    for name, recipe, seed in (
        *((f"popgan-{seed}", "popgan", seed) for seed in (2, 0, 1)),
        ("other", "r3gan", 0),
    ):
        options = ("--recipe", recipe, "--name", name, "--seed", seed)
        answer = call("plan", run, *options, *sets(train__images=32, train__ticks=2))
        assert answer.status == 0, answer
        model = popgan.find_model(run, name)
        popgan.train(model.plan(), Cohort.open(run), name=name)
    return run


@pytest.fixture(scope="module")
def found(run: Path) -> Comparison:
    return compare(run, n=N)


def row_of(found: Comparison, kind: str) -> UnpairedRow:
    assert found.unpaired is not None
    (row,) = [row for row in found.unpaired.rows if row.kind == kind]
    return row


def test_seeds_of_a_recipe_are_one_group_and_its_replicates(found: Comparison) -> None:
    groups = {group.title: group for group in found.groups}
    assert groups["popgan quick"].seeds == [0, 1, 2]
    assert groups["popgan quick"].models == ["popgan-0", "popgan-1", "popgan-2"]
    assert groups["popgan quick"].seed_deviation is not None
    assert groups["r3gan quick"].seed_deviation is None
    (pair,) = found.headline
    assert {pair.first, pair.second} == set(groups)
    assert pair.unit == "held-out subjects"  # one side was trained once
    assert any("Trained once: r3gan quick" in note for note in found.notes)


def test_the_distance_is_that_of_the_very_images_that_are_evaluated(
    run: Path, found: Comparison
) -> None:
    model, cohort = popgan.find_model(run, "popgan-0"), Cohort.open(run)
    images = popgan.synthesise(model, N, seed=evaluation_seed(model.plan()))
    extractor = FeatureExtractor()
    real = cached_features(cohort.images("test"), extractor, run / "cache")
    owners = owners_of(cohort.subjects("test"))
    expected = kid(real, extractor(images), x_owners=owners)
    (row,) = [row for row in found.models if row.name == "popgan-0"]
    assert row.kid.value == pytest.approx(expected, rel=1e-4)
    assert row.kid.low is not None and row.kid.n == found.reference_subjects
    assert row.weights == sha256_file(model.weights_path)


def test_budgets_stand_beside_the_numbers(found: Comparison) -> None:
    for row in found.models:
        assert row.budget.images == 32 and row.budget.parameters > 1000
        assert row.budget.seconds is not None and row.budget.seconds > 0
        assert row.curve is not None and row.curve.images[-1] == 32
        assert len(row.curve.loss_generator) == len(row.curve.images)
    assert found.equal_budget is True and "images shown" in found.budget_sentence


def test_the_papers_table_has_the_rows_that_show_its_worth(found: Comparison) -> None:
    assert found.unpaired is not None
    assert found.unpaired.heading == HEADING == "Unpaired: not evidence of quality"
    assert "3.01 dB" in found.unpaired.why
    assert [row.name for row in found.unpaired.rows if row.kind == "model"] == [
        row.name for row in found.models
    ]
    mean, real = row_of(found, "mean image"), row_of(found, "real against real")
    copies = row_of(found, "copies of the training set")
    # The flaw, on real slices: the mean image beats real images.
    assert (mean.random.psnr.value or 0) > (real.random.psnr.value or 0) + 2
    assert copies.nearest_train.mse.value == 0 and copies.nearest_train.psnr.value is None
    assert copies.nearest_held_out.psnr.value is not None
    assert copies.kid == real.kid == found.floor
    assert mean.kid.value is not None and mean.kid.value == found.mean_image
    errors: list[Errors] = [mean.random, real.random, real.nearest_train]
    assert all(found.mse.low is not None for found in errors)


def test_a_translator_has_its_true_numbers_in_a_block_of_its_own(found: Comparison) -> None:
    (row,) = found.translators
    assert row.recipe == "mustgan" and row.target == "FLAIR" and row.trivial
    assert {(s.metric, s.region) for s in row.scores} >= {("psnr", "brain"), ("mse", "field")}
    assert row.name not in {row.name for row in found.models}
    assert row.name not in {member for group in found.groups for member in group.models}


def test_the_same_comparison_is_not_made_twice(run: Path, found: Comparison) -> None:
    before = comparison_path(run).stat().st_mtime_ns
    assert compare(run, n=N) == found
    assert comparison_path(run).stat().st_mtime_ns == before
    assert load_comparison(run) == found and comparison_state(run) == "current"


def test_a_comparison_names_no_patient_and_no_path(run: Path, found: Comparison) -> None:
    text = comparison_path(run).read_text()
    cohort = Cohort.open(run)
    for subject in {info.subject for info in cohort.slices}:
        assert subject not in text
    assert str(run) not in text


def test_a_comparison_of_other_weights_is_stale(
    run: Path, found: Comparison, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("features-*"))
    shutil.copy(Model(copy, "popgan-1").weights_path, Model(copy, "popgan-0").weights_path)
    assert load_comparison(copy) is None and comparison_state(copy) == "stale"
    comparison_path(copy).unlink()
    assert load_comparison(copy) is None and comparison_state(copy) == "none"
    comparison_path(copy).write_text(json.dumps({"models": 1}))
    with pytest.raises(UserError, match="compare again"):
        load_comparison(copy)


def test_a_comparison_by_other_measures_is_stale(
    run: Path, found: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found.version == COMPARE_VERSION and found.paired_version == PAIRED_VERSION
    for name in ("COMPARE_VERSION", "PAIRED_VERSION"):
        with monkeypatch.context() as other:
            other.setattr(f"popgan.stations.compared.{name}", 99)
            assert load_comparison(run) is None and comparison_state(run) == "stale", name
    assert comparison_state(run) == "current"


def test_a_file_from_before_there_were_versions_is_stale(
    run: Path, found: Comparison, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("features-*"))
    old = json.loads(comparison_path(copy).read_text())
    for name in ("version", "paired_version", "translator_pairs", "translator_notes"):
        del old[name]
    comparison_path(copy).write_text(json.dumps(old))
    assert load_comparison(copy) is None and comparison_state(copy) == "stale"


def test_a_seed_that_is_trained_twice_is_one_replicate(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("features-*"))
    shutil.copytree(Model(copy, "popgan-1").folder, Model(copy, "popgan-9").folder)
    ledger = json.loads((copy / "provenance.json").read_text())
    ledger["stations"]["plan popgan-9"] = ledger["stations"]["plan popgan-1"]
    (copy / "provenance.json").write_text(json.dumps(ledger))
    names = ["popgan-0", "popgan-1", "popgan-9"]
    (team,) = teams(entrants(copy, names, Cohort.open(copy), Reporter()))
    assert [entrant.name for entrant in team.members] == ["popgan-0", "popgan-1"]
    assert [entrant.name for entrant in team.doubles] == ["popgan-9"]


def test_what_cannot_take_part_is_one_line(run: Path, tmp_path: Path) -> None:
    assert comparable(run) == ["mustgan", "other", "popgan-0", "popgan-1", "popgan-2"]
    answer = call("compare", run, "popgan-0", "nobody")
    assert answer.status == 2 and "no model 'nobody'" in answer.line
    answer = call("compare", run, "popgan-0")
    assert answer.status == 2 and "two trained models" in answer.line
    assert "name another one too (there: mustgan, other, popgan-1, popgan-2)" in answer.line
    copy = tmp_path / "run"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("features-*"))
    Model(copy, "popgan-1").weights_path.unlink()
    answer = call("compare", copy, "popgan-0", "popgan-1")
    assert answer.status == 2 and "'popgan-1' is not trained yet" in answer.line
    plan = Model(copy, "popgan-2").plan()
    other = plan.model_copy(update={"data": plan.data.model_copy(update={"cohort": "0" * 64})})
    other.save(Model(copy, "popgan-2").plan_path)
    answer = call("compare", copy, "popgan-0", "popgan-2")
    assert answer.status == 2 and "another cohort" in answer.line
    told: list[str] = []

    class Listening(Reporter):
        def message(self, text: str) -> None:
            told.append(text)

    left = entrants(copy, [], Cohort.open(copy), Listening())
    assert [entrant.name for entrant in left] == ["mustgan", "other", "popgan-0"]
    assert [text.split(" is ")[0].split(" belongs")[0] for text in told] == [
        "left out: model 'popgan-1'",
        "left out: model 'popgan-2'",
    ]


def test_the_terminal_shows_every_block(run: Path, found: Comparison) -> None:
    answer = call("compare", run, "-n", N)
    assert answer.status == 0
    for words in (
        "held-out images of 3 subjects",
        "UNPAIRED: NOT EVIDENCE OF QUALITY",
        "copies of the training set",
        "identical",
        "TRANSLATORS: TRUE PAIRED NUMBERS",
        "SD between seeds",
        str(comparison_path(run)),
    ):
        assert words in answer.out, words
    assert max(map(len, answer.out.splitlines()[:-1])) <= 110
    assert call("compare", run, "-n", N, "--json").result["schema_version"] == 1


def test_held_out_images_are_searched_for_when_asked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("popgan.stations.compare_inversion.STEPS", 2)
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    found = compare(copy, ["popgan-0", "other"], n=N, inversion=True)
    assert [row.name for row in found.inversions] == ["popgan-0", "other"]
    assert all(np.isfinite(row.attack.heldout_error.value or np.nan) for row in found.inversions)
    # What was searched holds all that one without a search holds.
    assert compare(copy, ["popgan-0", "other"], n=N).inversions == found.inversions
    shown = call("compare", copy, "popgan-0", "other", "-n", N)
    assert "INVERSION" in shown.out
    seen = {(row.attack.steps, row.attack.members, row.attack.others) for row in found.inversions}
    assert len(seen) == 1
    steps, members, others = seen.pop()
    assert steps == 2 and f"{others} and {members}" in shown.out
