"""A tiny cohort, studies of it whose trials take a second, and cheap stand-ins for what is slow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popgan.cohort.cohort import Cohort
from popgan.evidence.experiments.results import SearchSpace
from popgan.progress import Reporter
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.worker import Worker
from small_runs import INGEST, call, write_heads

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


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of 16 numbers and a known speed, so that trials take a second."""
    monkeypatch.setattr("popgan.stations.snapshots.FeatureExtractor", Coarse)
    monkeypatch.setattr("popgan.tuning.planner.measure", lambda *_: [400.0, 200.0])


class Coarse:
    """Images shrunk to 4 x 4 as features."""

    identity: tuple[Any, ...] = ("coarse", 1)

    def __init__(self, **_: object) -> None:
        pass

    def __call__(
        self, images: np.ndarray, *, advance: Callable[[int], None] | None = None
    ) -> np.ndarray:
        n, c, h, w = images.shape
        return images.reshape(n, c * 4, h // 4, 4, w // 4).mean((2, 4)).reshape(n, -1)


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


def worker(run: Path, **changes: Any) -> Worker:
    """A worker of such a study."""
    return Worker(*study(run, **changes), Reporter())
