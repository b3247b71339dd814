"""`popgan plan`: decide every value of a training run, and show why."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popgan.cli import shared, values
from popgan.cli.shared import Settings, settings_of
from popgan.cli.stopping import begins_anew
from popgan.stations.folder import locked, require_run

if TYPE_CHECKING:
    from rich.console import Console

    from popgan.dry_run import Estimate
    from popgan.progress import Reporter
    from popgan.stations.model import Model

HELP = """Decide every value of a training run, each with its reason.

With --explain NAME: what is known about a value of the plan that there is."""


def plan(
    context: typer.Context,
    folder: shared.RunFolder,
    preset: shared.Preset = "quick",
    recipe: shared.RecipeName = "popgan",
    condition: shared.ConditionNames = None,
    with_masks: shared.WithMasks = False,
    init: shared.Init = None,
    sources: shared.Sources = None,
    target: shared.Target = None,
    name: shared.Name = None,
    budget: shared.Budget = None,
    seed: shared.Seed = 0,
    settings: shared.Set = None,
    restart: bool = typer.Option(False, "--restart", help="Replace the plan of a trained model."),
    explain: Annotated[
        list[str] | None,
        typer.Option(
            "--explain",
            metavar="NAME",
            help="Explain a value (train.gamma) or a section (train) of the plan; repeatable.",
        ),
    ] = None,
) -> None:
    """See HELP."""
    require_run(folder)
    drawing = {"--condition": condition, "--with-masks": with_masks, "--init": init}
    translation = values.translation_values(recipe, sources, target, drawing=drawing)
    shown = settings_of(context)
    overrides = values.plan_values(settings, condition, with_masks, init, translation)
    wishes = {"preset": preset, "recipe": recipe, "budget": budget, "seed": seed}
    reporter = shown.reporter()
    if explain:
        _explain(shown, folder, name, explain, wishes, overrides, restart=restart)
        return
    model = _planned(folder, name, wishes, overrides, reporter, restart=restart)
    from popgan.cohort.cohort import Cohort
    from popgan.cohort.preparation import read_record
    from popgan.dry_run import Estimate
    from popgan.stations.machine import load_machine

    fingerprint, machine = Cohort.open(folder).fingerprint, load_machine(model)
    estimate = Estimate(model.plan(), cohort=fingerprint, machine=machine)
    show_plan(shown, estimate, read_record(folder).get("steps", []))


def _planned(
    folder: Path,
    name: str | None,
    wishes: Mapping[str, Any],
    overrides: dict[str, Any],
    reporter: Reporter,
    *,
    restart: bool,
) -> Model:
    """A model with the plan that was asked for."""
    shared.start(reporter)
    from popgan.stations.plan import plan_station

    with begins_anew(), locked(folder):
        return plan_station(
            folder, name=name, overrides=overrides, restart=restart, reporter=reporter, **wishes
        )


def _explain(
    shown: Settings,
    folder: Path,
    name: str | None,
    asked: list[str],
    wishes: Mapping[str, Any],
    overrides: dict[str, Any],
    *,
    restart: bool,
) -> None:
    """Explain values of the plan that there is; if there is none, it is made first."""
    from popgan.cli.plan_explain import show_explanations
    from popgan.planning.explain import refuse_unknown_names
    from popgan.stations.explain import explain_model, planned_model, refuse_other_wishes

    model = None if restart else planned_model(folder, name, wishes["recipe"])
    if model is None:
        refuse_unknown_names(asked, wishes["recipe"])
        model = _planned(folder, name, wishes, overrides, shown.reporter(), restart=restart)
    else:
        refuse_other_wishes(model, {**wishes, **overrides})
    show_explanations(shown, model, explain_model(model, asked))


def show_plan(
    shown: Settings, estimate: Estimate, preparation: Sequence[dict[str, Any]] = ()
) -> None:
    """A table of values and reasons for people, the whole plan for machines.

    Args:
        shown: how results are shown.
        estimate: the plan.
        preparation: rows of what was done to the scans; see `popgan.cohort.preparation`.
    """
    if shown.as_json:
        data = {
            "plan": estimate.plan.model_dump(mode="json"),
            "seconds": estimate.seconds,
            "memory_gib": estimate.memory_gib,
            "images_per_second": estimate.speeds,
            "preparation": list(preparation),
            "cohort": dict(estimate.cohort),
            "machine": dict(estimate.machine),
        }
        shown.show([], data)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from popgan.config.schema import leaves

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "value", "why"):
        table.add_column(title, overflow="fold")
    for leaf, value in leaves(estimate.plan):
        decision = estimate.plan.decisions.get(leaf)
        source = "fact of the cohort" if leaf.startswith("data.") else "option"
        why = f"{decision.source}: {decision.reason}" if decision else source
        text = str(value)[:12] if leaf == "data.cohort" else str(value)
        table.add_row(leaf, Text(text), Text(why))
    # A file or a pipe has no width of its own.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    _show_facts(console, estimate)
    console.print(table)
    if preparation:
        done = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("preparation", "choice", "scans", "why"):
            done.add_column(title, overflow="fold")
        for row in preparation:
            why = f"{row['source']}: {row['reason']}"
            done.add_row(row["step"], Text(row["choice"]), str(row["scans"]), Text(why))
        console.print()
        console.print(done)
    if estimate.seconds is not None:
        speeds = ", ".join(f"{speed:.0f}" for speed in estimate.speeds)
        console.print(f"\ntraining time  {_duration(estimate.seconds)} ({speeds} images/s a level)")
        console.print(f"memory         {estimate.memory_gib:.1f} GiB")


def _show_facts(console: Console, estimate: Estimate) -> None:
    """What the plan is for, and what it was made on, in a few lines."""
    from rich.table import Table
    from rich.text import Text

    from popgan.cohort.fingerprint_words import cohort_rows
    from popgan.stations.machine import machine_rows

    cohort = cohort_rows(estimate.cohort) if estimate.cohort else []
    for title, rows in (("the cohort", cohort), ("the machine", machine_rows(estimate.machine))):
        if not rows:
            continue
        facts = Table(box=None, pad_edge=False, header_style="bold")
        facts.add_column(title, no_wrap=True)
        facts.add_column("", overflow="fold")
        for name, words in rows:
            facts.add_row(name, Text(words))
        console.print(facts)
        console.print()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.1f} days"
