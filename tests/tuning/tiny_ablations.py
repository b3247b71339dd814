"""Ablations of a tiny cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from popgan.progress import Reporter
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
