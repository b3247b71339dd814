"""A tiny cohort, studies of it whose trials take a second, and stand-ins for what is slow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.evidence.experiments.results import Outcome, Point, SearchSpace, Trial
from popgan.progress import Reporter
from popgan.seeds import numpy_rng
from popgan.training.probe import Measured
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.planner import Planner
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
    monkeypatch.setattr(
        Planner, "_measured", lambda *_, **__: Measured([400.0, 200.0], 1.0, [400.0, 200.0])
    )


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


class Told(Reporter):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


class Made:
    """Takes the place of `train_trial`: a score by plan and seed, and nothing is trained.

    Without averaging it is 0.2 worse, at the published rate 0.9. Half of the images come to a score
    that is 0.1 higher; there it is judged at each rung.

    Attributes:
        trained: folder and plan of every training that came to its end.
        before: called with the plan before each.
    """

    def __init__(self) -> None:
        self.trained: list[tuple[Path, Plan]] = []
        self.before: Callable[[Plan], None] = lambda plan: None

    def __call__(
        self,
        folder: Path,
        plan: Callable[[], Plan],
        cohort: Cohort,
        *,
        rungs: list[int],
        judge: Callable[[int, float], bool],
        **_: Any,
    ) -> Outcome:
        made = plan()
        self.before(made)
        self.trained.append((folder, made))
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        gap = 0.2 if made.train.ema_half_life == 1.0 else 0.0
        gap += 0.9 if made.train.lr_generator == 0.0001 else 0.0
        luck = float(numpy_rng(made.seed, "luck").normal(0, 0.02))
        own = float(numpy_rng(made.seed, repr(made.train)).normal(0, 0.005))
        kid, images = 0.5 + gap + luck + own, made.train.images
        points = [
            Point(images=int(part * images), share=part, seconds=part, kid=kid + more, error=0.01)
            for part, more in ((0.5, 0.1), (1.0, 0.0))
        ]
        if any(judge(place, points[0].kid) for place, _ in enumerate(rungs)):
            half = points[:1]
            return Outcome(state="pruned", points=half, images=half[0].images, planned=images)
        return Outcome(
            state="complete",
            kid=kid,
            error=0.01,
            coverage=0.8,
            coverage_floor=0.9,
            diversity=1.0,
            points=points,
            images=images,
            planned=images,
            seconds=1.0,
        )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Made-up trainings instead of real ones."""
    found = Made()
    for module in ("ablation", "worker"):
        monkeypatch.setattr(f"popgan.tuning.{module}.train_trial", found)
    return found


def trial(number: int, kid: float | None, **more: Any) -> Trial:
    """A trial that has ended, sampled and complete unless it is said otherwise."""
    values: dict[str, Any] = {
        **{"number": number, "purpose": "sampled", "setting": {"a": number}, "seed": number},
        **{"state": "complete", "kid": kid, "coverage": 0.5, "coverage_floor": 0.9},
        **{"diversity": 1.0},
    }
    return Trial.model_validate(values | more)


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
