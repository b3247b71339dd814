"""What a node of a Ray cluster is asked to do: train one trial, or measure the default's speed.

A node is told where the run folder lies and reads everything else there. Nothing but a few numbers
goes back through Ray.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from popgan._version import __version__
from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.experiments.results import Trial
from popgan.progress import Reporter
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.storage import Claim, Storage
from popgan.tuning.worker import Told, Worker


def train(config: dict[str, Any]) -> None:
    """Train one trial on this node, which may be any.

    Args:
        config: run folder, name and half of the study, number of its trials, version of popgan.

    Its last report to Ray holds `ended`, or `refused` with the reason.
    """
    answer: dict[str, Any] = {}

    def told(record: Trial, storage: Storage) -> None:
        answer.update(number=record.number, state=record.state, kid=record.kid)

    try:
        _worker(config, told).train_next(config["study"], config["most"])
        answer["ended"] = True
    except UserError as error:
        answer["refused"] = str(error)
    tune.report({**answer, "done": True})


def probe(config: dict[str, Any]) -> str:
    """Plan the default on this node, so that its speed is known; says why it cannot be, or ""."""
    try:
        worker = _worker(config)
        worker.planner.plan({}, worker.definition.seed)
    except UserError as error:
        return str(error)
    return ""


def _worker(config: dict[str, Any], told: Told = lambda record, storage: None) -> _OnNode:
    """A worker on this node.

    Raises:
        UserError: this node does not see the run folder, or has another popgan.
    """
    places = StudyPlaces(Path(config["run"]), config["name"])
    _check(places, config["version"])
    definition, cohort = Definition.load(places.definition), Cohort.open(places.run)
    return _OnNode(places, definition, cohort, Reporter(), told=told)


class _OnNode(Worker):
    """A worker that tells Ray of rungs as well, for its own dashboard."""

    def _judge(self, claim: Claim) -> Callable[[int, float], bool]:
        judge = super()._judge(claim)

        def judged(rung: int, kid: float) -> bool:
            stops = judge(rung, kid)
            tune.report({"number": claim.trial.number, "rung": rung, "kid": kid})
            return stops

        return judged


def _check(places: StudyPlaces, version: str) -> None:
    """Refuse what would go wrong on this node for every trial.

    Raises:
        UserError: it does not see the run folder, or has another popgan.
    """
    node = platform.node()
    if version != __version__:
        raise UserError(
            f"node {node} has popgan {__version__}, not {version}", do="install the same on all"
        )
    if not places.definition.exists():
        raise UserError(
            f"node {node} does not see it",
            where=places.definition,
            do="put the run folder where all nodes see it at the same path",
        )
