"""Station plan: cohort and machine in, RUN/models/NAME/plan.yaml out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.config.condition import Condition
from popgan.config.fields import fields_of, problem_with
from popgan.config.masks import ALL
from popgan.config.network import KINDS, loss_problem
from popgan.config.preset import Preset
from popgan.config.schema import DataPlan, Plan
from popgan.device import best_device, has_fast_bf16
from popgan.errors import UserError
from popgan.planning.budget import check_budget
from popgan.planning.condition import find_conditions
from popgan.planning.draft import refuse_unknown
from popgan.planning.facts import CohortFacts, MachineFacts
from popgan.planning.masks import FoundMasks, find_masks
from popgan.planning.recipes import find_rules
from popgan.planning.rules import build_plan
from popgan.planning.translation import check_contrasts
from popgan.planning.trial import Trial
from popgan.progress import Reporter
from popgan.recipes.start import Start, what_fits
from popgan.recipes.table import find_recipe
from popgan.stations.ledger import Ledger
from popgan.stations.machine import machine_record, save_machine
from popgan.stations.model import Model
from popgan.stations.pairs import slice_distance, training_images
from popgan.stations.presets import check_study, find_preset
from popgan.stations.registered import check_cohort
from popgan.stations.snapshots import seconds_a_snapshot
from popgan.stations.speed import SpeedProbe

MASKS = "network.masks"
RULES_VERSION = 7  # raise when a rule changes, so that old plans are not taken for new ones


def make_plan(
    cohort: Cohort,
    *,
    preset: str | Preset = "quick",
    recipe: str = "popgan",
    budget: str | None = None,
    seed: int = 0,
    overrides: dict[str, Any] | None = None,
    reporter: Reporter | None = None,
    probe: SpeedProbe | None = None,
) -> Plan:
    """Decide every value of a training run; writes nothing.

    Args:
        cohort: the ingested cohort.
        preset: one of the recipe's, such as "quick", "standard" or "paper"; "tuned" for what a
            study of the run has found, "tuned:NAME" for the study NAME; or a preset itself.
        recipe: name of a recipe.
        budget: training time such as "6m"; None takes the preset's.
        seed: seed of weights, order, latents and augmentation.
        overrides: values by dotted name, such as {"train.batch": 8}.
        reporter: told about the probe.
        probe: measures speed, and remembers what it has measured; a new one by default.

    Raises:
        UserError: an unknown name or an impossible value; a study that there is not, or one of
            another cohort.
    """
    reporter, overrides = reporter or Reporter(), overrides or {}
    find_recipe(recipe)
    check_overrides(overrides, recipe)
    named = preset if isinstance(preset, str) else preset.name
    if isinstance(preset, str):
        chosen = find_preset(preset, recipe, cohort.run)
        check_study(chosen, named, cohort.hash, reporter)
        preset = chosen.preset
    rules = find_rules(recipe)
    if rules.translates:
        sources, target = check_contrasts(overrides, cohort.contrasts)
        check_cohort(cohort, sources, target, reporter)
    masks = find_masks(cohort, overrides.get(MASKS))
    if masks.labels:
        cohort, overrides = cohort.mapped(), _resolved(overrides, masks)
    told = overrides.get("network.condition", rules.condition)
    conditions, notes = find_conditions(cohort, told)
    machine = measure_machine()
    for note in [*masks.notes, *notes, *_crowded(overrides, machine)]:
        reporter.message(f"note: {note}")
    probe = probe or SpeedProbe()
    probe.prepare(lambda plan: training_images(plan, cohort), reporter)
    data = _data(cohort, conditions, masks, translates=rules.translates)
    return build_plan(
        data,
        preset_name=named,
        preset=preset,
        recipe=recipe,
        seed=seed,
        budget=budget,
        overrides=overrides,
        machine=machine,
        facts=CohortFacts.of(cohort.fingerprint),
        probe=probe,
        trial=Trial(
            len(set(cohort.subjects("tuning"))),
            lambda: _seconds_a_snapshot(cohort, probe, data, translates=rules.translates),
            lambda: (probe.micro_batch, probe.memory_gib) if probe.micro_batch else None,
            lambda: probe.busy,
        ),
        prior=what_prior_fits,
    )


def _data(
    cohort: Cohort, conditions: list[Condition], masks: FoundMasks, *, translates: bool
) -> DataPlan:
    """Facts of a cohort that its networks depend on."""
    return DataPlan(
        height=cohort.height,
        width=cohort.width,
        contrasts=list(cohort.contrasts),
        train_slices=len(cohort.indices("train")),
        train_subjects=len(set(cohort.subjects("train"))),
        cohort=cohort.hash,
        conditions=conditions,
        skull=cohort.skull,
        label_map=masks.kind,
        masks=masks.labels,
        unmapped=masks.unmapped,
        slice_distance=slice_distance(cohort) if translates else None,
    )


def _crowded(overrides: dict[str, Any], machine: MachineFacts) -> list[str]:
    """A note where more threads are asked for than can run at once."""
    threads = overrides.get("train.threads", 0)
    if threads <= machine.cores:
        return []
    return [
        f"train.threads={threads}, and {machine.cores} cores can be used here: "
        "threads will wait for each other"
    ]


def measure_machine() -> MachineFacts:
    """What rules need to know of this machine."""
    known, gpu = provenance.machine(), None
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
    return MachineFacts(
        known["cores"],
        best_device().type.upper(),
        has_fast_bf16(),
        processor=known["cpu"],
        memory_gib=known["memory_gib"],
        gpu=gpu.name if gpu else None,
        gpu_memory_gib=round(gpu.total_memory / 2**30, 1) if gpu else None,
    )


def _seconds_a_snapshot(
    cohort: Cohort, probe: SpeedProbe, data: DataPlan, *, translates: bool
) -> float:
    """How long measuring a snapshot takes; a translator passes the tuning split once.

    A training step runs its networks forward and, at twice the cost, backward, and the
    discriminator as well: a translation takes less than a third of it.
    """
    if translates:
        return len(cohort.indices("tuning")) / (3 * probe.speeds[-1])
    return seconds_a_snapshot(len(data.contrasts), (data.height, data.width))


def what_prior_fits(plan: Plan) -> Start | None:
    """What of the physics prior a plan's networks can take."""
    recipe = find_recipe(plan.recipe)
    with torch.random.fork_rng(devices=[]):
        return what_fits(plan, recipe.generator(plan), recipe.discriminator(plan))


def _resolved(overrides: dict[str, Any], masks: FoundMasks) -> dict[str, Any]:
    """What the user set, with labels in the order in which they are drawn."""
    if overrides[MASKS] == ALL:  # which labels these are is then a rule's decision
        return {name: value for name, value in overrides.items() if name != MASKS}
    return overrides | {MASKS: [mask.value for mask in masks.labels]}


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
    probe: SpeedProbe | None = None,
) -> Model:
    """Plan a model of a run, unless the same was asked before.

    A budget is turned into images once: asking again for the same plan keeps the number, even on
    a faster machine.

    Raises:
        UserError: an impossible value, or a trained model of that name exists with another plan
            and `restart` is not set.
    """
    find_recipe(recipe)
    check_overrides(overrides, recipe, budget)
    digest = find_preset(preset, recipe, run).digest
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
    asked = {"preset": preset, "recipe": recipe, "budget": budget, "seed": seed, **overrides}
    if digest is not None:  # another search may find something else
        request, asked = request | {"tuned": digest}, asked | {"study": digest[:12]}
    ledger, station = Ledger(run), f"plan {model.name}"
    if not restart and ledger.is_done(station, request):
        reporter.message(f"[{station}] unchanged, skipped")
        return model
    if not restart and model.plan_path.exists() and model.has_training():
        changes = "; ".join(ledger.changes(station, asked)) or "other data or rules"
        raise UserError(
            f"model {model.name!r} was planned otherwise ({changes})",
            where=run,
            do="repeat the former options to go on with it, or add --restart to train it anew, or "
            "--name NEW to keep both",
        )
    probe = probe or SpeedProbe()
    with ledger.station(station, request, [model.plan_path], reporter, asked=asked):
        plan = make_plan(
            cohort,
            preset=preset,
            recipe=recipe,
            budget=budget,
            seed=seed,
            overrides=overrides,
            reporter=reporter,
            probe=probe,
        )
        # Only now, when the new plan is known to be possible, may the old training go.
        if restart:
            model.clear(reporter)
        plan.save(model.plan_path)
        save_machine(model, machine_record(measure_machine(), plan, probe.speeds))
    return model


def check_overrides(overrides: dict[str, Any], recipe: str, budget: str | None = None) -> None:
    """Refuse what no plan of the recipe can have, before hours of work.

    Raises:
        UserError: an unknown name, a value of the wrong type or range, or a budget that is no time
            or is given beside a number of images.
    """
    check_budget(budget, overrides)
    kind = find_rules(recipe).kind
    fields = fields_of(kind)
    refuse_unknown(overrides, list(fields))
    for name, value in overrides.items():
        if (name, value) == (MASKS, ALL):
            continue
        problem = problem_with(fields[name], value)
        if problem is None and name == "train.loss":
            problem = loss_problem(KINDS[kind], value)
        if problem:
            raise UserError(f"--set {name}={value}: {problem}")
