"""`popgan plan`: decide every value of a training run, and show why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from popgan.cli import shared, values
from popgan.cli.shared import Settings, settings_of
from popgan.stations.folder import locked, require_run

if TYPE_CHECKING:
    from popgan.dry_run import Estimate

HELP = "Decide every value of a training run, each with its reason."


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
) -> None:
    """See HELP."""
    require_run(folder)
    drawing = {"--condition": condition, "--with-masks": with_masks, "--init": init}
    translation = values.translation_values(recipe, sources, target, drawing=drawing)
    shown = settings_of(context)
    reporter = shown.reporter()
    shared.start(reporter)
    from popgan.cohort.preparation import read_record
    from popgan.dry_run import Estimate
    from popgan.stations.plan import plan_station

    with locked(folder):
        model = plan_station(
            folder,
            name=name,
            preset=preset,
            recipe=recipe,
            budget=budget,
            seed=seed,
            overrides=values.plan_values(settings, condition, with_masks, init, translation),
            restart=restart,
            reporter=reporter,
        )
        preparation = read_record(folder).get("steps", [])
    show_plan(shown, Estimate(model.plan()), preparation)


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


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.1f} days"
