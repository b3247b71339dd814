"""Station plan: cohort and machine in, RUN/models/NAME/plan.yaml out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.config.schema import DataPlan, Plan
from popgan.device import best_device, has_fast_bf16
from popgan.errors import UserError
from popgan.planning.rules import MachineFacts, build_plan
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.source import CohortImages
from popgan.training.probe import measure

RULES_VERSION = 1  # raise when a rule changes, so that old plans are not taken for new ones


def make_plan(
    cohort: Cohort,
    *,
    preset: str = "quick",
    recipe: str = "popgan",
    budget: str | None = None,
    seed: int = 0,
    overrides: dict[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> Plan:
    """Decide every value of a training run; writes nothing.

    Args:
        cohort: the ingested cohort.
        preset: "quick", "standard" or "paper".
        recipe: name of a recipe.
        budget: training time such as "6m"; None takes the preset's.
        seed: seed of weights, order, latents and augmentation.
        overrides: values by dotted name, such as {"train.batch": 8}.
        reporter: told about the probe.

    Raises:
        UserError: an unknown name or an impossible value.
    """
    reporter = reporter or Reporter()
    chosen = find_recipe(recipe)
    device = best_device()
    images = CohortImages(cohort, "train")

    def probe(plan: Plan) -> list[float]:
        reporter.message("measuring the speed of training on this machine")
        with torch.random.fork_rng(devices=[]):
            return measure(plan, chosen.phases(plan), chosen.start(plan, device), images)

    data = DataPlan(
        height=cohort.height,
        width=cohort.width,
        contrasts=list(cohort.contrasts),
        train_slices=len(images),
        train_subjects=len(set(cohort.subjects("train"))),
        cohort=cohort.hash,
    )
    facts = MachineFacts(provenance.usable_cores(), device.type.upper(), has_fast_bf16())
    return build_plan(
        data,
        preset_name=preset,
        recipe=recipe,
        seed=seed,
        budget=budget,
        overrides=overrides or {},
        machine=facts,
        probe=probe,
    )


def plan_station(
    run: Path,
    *,
    name: str | None,
    preset: str,
    recipe: str,
    budget: str | None,
    seed: int,
    overrides: dict[str, Any],
    restart: bool,
    reporter: Reporter,
) -> Model:
    """Plan a model of a run, unless the same was asked before.

    A budget is turned into images once: asking again for the same plan keeps the number, even on
    a faster machine.

    Raises:
        UserError: a model of that name exists with another plan and `restart` is not set.
    """
    find_recipe(recipe)
    cohort = Cohort.open(run)
    model = Model(run, name or recipe)
    request = {
        "rules": RULES_VERSION,
        "cohort": cohort.hash,
        "preset": preset,
        "recipe": recipe,
        "budget": budget,
        "seed": seed,
        "overrides": overrides,
    }
    ledger, station = Ledger(run), f"plan {model.name}"
    if not restart and ledger.is_done(station, request):
        reporter.message(f"[{station}] unchanged, skipped")
        return model
    if not restart and model.plan_path.exists() and _has_training(model):
        raise UserError(
            f"model {model.name!r} was planned with other options or data",
            where=run,
            do="--restart trains it anew, --name NEW keeps both",
        )
    with ledger.station(station, request, [model.plan_path], reporter):
        plan = make_plan(
            cohort,
            preset=preset,
            recipe=recipe,
            budget=budget,
            seed=seed,
            overrides=overrides,
            reporter=reporter,
        )
        plan.save(model.plan_path)
    return model


def _has_training(model: Model) -> bool:
    return model.weights_path.exists() or any(model.checkpoints.glob("state-*.safetensors"))
