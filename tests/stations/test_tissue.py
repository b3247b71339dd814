"""Anatomy as a part of an evaluation: stored with the other measurements, or why it is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from popgan.evidence.tissue import suite
from popgan.stations.evaluate import evaluate
from popgan.stations.evidence import load_evaluation
from popgan.stations.model import Model
from small_runs import finished

__all__ = ["finished"]  # a fixture
pytestmark = pytest.mark.xdist_group("finished run")


def test_images_too_small_to_outline_are_stored_as_not_measured(finished: Path) -> None:
    found = load_evaluation(Model(finished / "run", "popgan"))
    assert found is not None
    assert found.tissue.reliability is None
    assert "of 16 pixels" in found.tissue.not_measured


def test_tissues_are_measured_with_the_model_and_stored(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(finished / "run", tmp_path / "run"))
    monkeypatch.setattr(suite, "SMALLEST", 16)
    evaluate(Model(run, "popgan"), n=14)
    found = load_evaluation(Model(run, "popgan")).tissue
    assert found.not_measured is None
    assert found.contrast == "T1w"
    assert found.reliability.synthetic.n_synthetic == 14
    assert found.n_train_subjects > 0
