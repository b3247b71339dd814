"""Ablations of a tiny cohort: with trainings of a second, or with made-up ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from popgan.config.schema import Plan
from popgan.evidence.experiments.results import Outcome
from popgan.progress import Reporter
from popgan.seeds import numpy_rng
from popgan.tuning.ablation import Trainer, begin
from popgan.tuning.ablation_begin import AblateOptions
from popgan.tuning.ablation_study import AblationPlaces

TINY = {
    "network.channels": [16, 16],
    "network.latent_dim": 8,
    "train.precision": "fp32",
    "train.threads": 1,
    "train.init": "scratch",
}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings may be shorter than ten seconds."""
    monkeypatch.setattr("popgan.tuning.ablation_begin.LEAST_SECONDS", 0.0)


class Made:
    """Takes the place of `train_trial`: a score by plan and seed, and nothing is trained.

    Without averaging it is 0.2 worse, at the published rate 0.9.

    Attributes:
        trained: folder and plan of every training that came to its end.
        before: called with the plan before each.
    """

    def __init__(self) -> None:
        self.trained: list[tuple[Path, Plan]] = []
        self.before: Callable[[Plan], None] = lambda plan: None

    def __call__(self, folder: Path, plan: Callable[[], Plan], *_: Any, **more: Any) -> Outcome:
        made = plan()
        self.before(made)
        self.trained.append((folder, made))
        gap = 0.2 if made.train.ema_half_life == 1.0 else 0.0
        gap += 0.9 if made.train.lr_generator == 0.0001 else 0.0
        luck = float(numpy_rng(made.seed, "luck").normal(0, 0.02))
        own = float(numpy_rng(made.seed, repr(made.train)).normal(0, 0.005))
        images = made.train.images
        return Outcome(
            state="complete",
            kid=0.5 + gap + luck + own,
            error=0.01,
            coverage=0.8,
            coverage_floor=0.9,
            diversity=1.0,
            images=images,
            planned=images,
            seconds=1.0,
        )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Made-up trainings instead of real ones."""
    found = Made()
    monkeypatch.setattr("popgan.tuning.ablation.train_trial", found)
    return found


def options(**changes: Any) -> AblateOptions:
    """Of two seeds and a second or so for each training."""
    values: dict[str, Any] = {"preset": "quick", "seeds": 2, "budget": "60s", "overrides": TINY}
    return AblateOptions(**(values | changes))


def trainer(run: Path, name: str = "popgan", **changes: Any) -> Trainer:
    """A worker of such a study, which begins with it."""
    from popgan.cohort.cohort import Cohort

    places = AblationPlaces(run, name)
    study = begin(places, options(**changes), Reporter())
    return Trainer(places, study, Cohort.open(run), Reporter())
