"""Which models of a run are compared, which repeat a recipe, and what each was given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.compare.results import Budget, Curve
from popgan.files import sha256_value
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model, find_model
from popgan.stations.story import warn_of_other_plan
from popgan.training.log import Row, read_log

POINTS = 200
"""Most points of a curve."""
_CURVES = ("loss_generator", "loss_discriminator", "accuracy_real", "accuracy_fake")


@dataclass(frozen=True)
class Entrant:
    """A trained model that takes part.

    Attributes:
        model: where it lies. plan: its plan. weights: SHA-256 of its weights.
        kind: what it was asked for but for its seed: replicates share it.
    """

    model: Model
    plan: Plan
    weights: str
    kind: str

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.name


@dataclass(frozen=True)
class Team:
    """Trainings that were asked for alike but for their seed.

    Attributes:
        title: what tables call it.
        members: with different seeds, in the order of seeds.
        doubles: with a seed that a member has; they are no further replicates.
    """

    title: str
    members: tuple[Entrant, ...]
    doubles: tuple[Entrant, ...]


def entrants(run: Path, names: Sequence[str], cohort: Cohort, reporter: Reporter) -> list[Entrant]:
    """The models to compare: those that are named, or all that are trained on this cohort.

    Args:
        run: the run folder.
        names: none takes all; what cannot take part is then told and left out.
        cohort: the run's cohort.
        reporter: told what is left out.

    Raises:
        UserError: a named model does not exist, is not trained or belongs to another cohort, or
            fewer than two can take part.
    """
    found: list[Entrant] = []
    every = sorted(path.parent.name for path in run.glob("models/*/plan.yaml"))
    for name in dict.fromkeys(names) or every:
        try:
            found.append(_entrant(find_model(run, name), cohort))
            warn_of_other_plan(found[-1].model, reporter)
        except UserError as error:
            if names:
                raise
            said = str(error).removeprefix(f"{run}: ").split("; ")[0].rstrip(".")
            reporter.message(f"left out: {said}")
    if len(found) < 2:
        raise _too_few(run, found, every, named=bool(names))
    return found


def _too_few(
    run: Path, found: Sequence[Entrant], every: Sequence[str], *, named: bool
) -> UserError:
    """Say what to do: name a model that is trained, train one that is planned, or plan one."""
    there = f"only {found[0].name!r} is" if found else "none of its models is"
    others = [find_model(run, name) for name in every if name not in {one.name for one in found}]
    trained = [model.name for model in others if model.weights_path.exists()]
    planned = [model.name for model in others if not model.weights_path.exists()]
    if named and trained:
        do = f"name another one too (there: {', '.join(trained)})"
    elif planned:
        do = f"train what is planned: popgan train RUN --name {planned[0]}"
    else:
        do = "train another with another --recipe, --preset or --seed, and a --name of its own"
    return UserError(
        f"comparing takes two trained models, and {there} trained and named", where=run, do=do
    )


def _entrant(model: Model, cohort: Cohort) -> Entrant:
    plan, weights = model.plan(), model.weights_hash()
    model.require_cohort(cohort.hash)
    return Entrant(model, plan, weights, _kind(model, plan))


def _kind(model: Model, plan: Plan) -> str:
    """What was asked for but the seed, as a hash.

    Where a budget in minutes was asked for, the numbers of images that follow from it may differ a
    little between seeds; so what counts is what was asked, and the values of the plan only where
    nothing says so.
    """
    known = Ledger(model.run).stations().get(f"plan {model.name}")
    if known is not None and known.asked.get("recipe") == plan.recipe:
        asked = {name: value for name, value in known.asked.items() if name != "seed"}
        return sha256_value({"asked": asked, "preset": plan.preset})
    outside = {"decisions", "seed", "generate", "evaluate"}
    return sha256_value(plan.model_dump(mode="json", exclude=outside, exclude_none=True))


def teams(found: Sequence[Entrant]) -> list[Team]:
    """Models in groups of one kind; the titles of groups differ."""
    kinds: dict[str, list[Entrant]] = {}
    for entrant in found:
        kinds.setdefault(entrant.kind, []).append(entrant)
    plain = [f"{own[0].plan.recipe} {own[0].plan.preset}" for own in kinds.values()]
    made = []
    for title, own in zip(plain, kinds.values(), strict=True):
        members: dict[int, Entrant] = {}
        for entrant in own:
            members.setdefault(entrant.plan.seed, entrant)
        doubles = [entrant for entrant in own if members[entrant.plan.seed] is not entrant]
        ordered = tuple(members[seed] for seed in sorted(members))
        # The names of models are the user's own words for what is different.
        unique = title if plain.count(title) == 1 else f"{title} ({own[0].name})"
        made.append(Team(unique, ordered, tuple(doubles)))
    return made


def double_notes(found: Sequence[Team]) -> list[str]:
    """That a seed which was trained twice is one training."""
    return [
        f"{entrant.name} repeats seed {entrant.plan.seed} of {team.title}: it is no further "
        "training and does not count as one."
        for team in found
        for entrant in team.doubles
    ]


def budget_of(entrant: Entrant) -> Budget:
    """What a training was given and took."""
    model, plan = entrant.model, entrant.plan
    stations = Ledger(model.run).stations()
    planned, trained = (stations.get(f"{verb} {model.name}") for verb in ("plan", "train"))
    rows = _rows(model)
    asked = planned.asked.get("budget") if planned is not None else None
    return Budget(
        asked=None if asked is None else str(asked),
        images=plan.train.images,
        # The log's, because it adds up over interruptions.
        seconds=round(rows[-1]["seconds"], 1) if rows else None,
        parameters=parameters(plan),
        processor=str(trained.machine.get("cpu", "")) if trained is not None else "",
        threads=plan.train.threads,
    )


def parameters(plan: Plan) -> int:
    """Weights of a plan's generator."""
    with torch.random.fork_rng(devices=[]):
        generator = find_recipe(plan.recipe).generator(plan)
    return sum(weight.numel() for weight in generator.parameters())


def curve_of(model: Model) -> Curve | None:
    """The training log, thinned; None where there is none."""
    rows = _rows(model)
    if not rows:
        return None
    chosen = np.unique(np.linspace(0, len(rows) - 1, POINTS).round().astype(int))
    thin = [rows[int(place)] for place in chosen]
    return Curve(
        images=[row["images"] for row in thin],
        **{name: [_known(row[name]) for row in thin] for name in _CURVES},
    )


def _rows(model: Model) -> list[Row]:
    return read_log(model.log_path) if model.log_path.exists() else []


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
