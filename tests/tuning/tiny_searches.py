"""A tiny cohort and studies of it whose trials take a second."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from popgan.cohort.cohort import Cohort
from popgan.evidence.experiments.results import SearchSpace
from popgan.tuning.definition import Definition, StudyPlaces
from small_runs import INGEST, SETTINGS, call, write_heads

SPACE = [
    SearchSpace(name="train.lr_generator", low=0.0005, high=0.01, log=True),
    SearchSpace(name="train.batch", choices=[4, 8]),
    SearchSpace(name="train.loss", choices=["rpgan", "lsgan"]),
    SearchSpace(
        name="preset.gamma_at_64", low=0.1, high=1.0, log=True, unless={"train.loss": "lsgan"}
    ),
]
DEFAULT = {
    "train.lr_generator": 0.003,
    "train.batch": 8,
    "train.loss": "rpgan",
    "preset.gamma_at_64": 0.25,
}
HELD = {
    "network.channels": [16, 16],
    "network.latent_dim": 8,
    "train.precision": "fp32",
    "train.level_shares": [0.2, 0.8],
    "train.init": "scratch",
}
_made: dict[str, Path] = {}


@pytest.fixture(scope="session")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with nothing but a cohort of 16 subjects; never change it."""
    if "run" not in _made:
        folder = tmp_path_factory.mktemp("heads")
        answer = call("ingest", write_heads(folder / "scans", 16), "-o", folder / "run", *INGEST)
        assert answer.status == 0, answer
        _made["run"] = folder / "run"
    return _made["run"]


@pytest.fixture
def own_run(heads: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(heads, tmp_path / "run"))


def study(run: Path, **changes: Any) -> tuple[StudyPlaces, Definition, Cohort]:
    """A study of a tiny cohort, written to the run folder."""
    cohort = Cohort.open(run)
    places = StudyPlaces(run, str(changes.pop("name", "popgan")))
    values: dict[str, Any] = {
        **{"name": places.name, "recipe": "popgan", "preset": "quick", "cohort": cohort.hash},
        **{"seed": 0, "overrides": HELD, "seconds": 1.0, "trials": 5, "spread": 2},
        **{"finalists": 1, "final_seeds": 2, "rungs": [7, 12], "threads": 1, "space": SPACE},
        **{"default": DEFAULT},
    }
    definition = Definition.model_validate(values | changes)
    places.make()
    definition.save(places.definition)
    return places, definition, cohort


__all__ = ["SETTINGS", "heads", "own_run", "study"]
