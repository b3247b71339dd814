"""`popgan train`: train a planned model, or go on with it."""

from __future__ import annotations

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of

HELP = "Train a planned model; run it again to resume."


def train(
    context: typer.Context,
    folder: shared.RunFolder,
    name: shared.Name = None,
    restart: bool = typer.Option(False, "--restart", help="Train from the beginning."),
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    with shared.opened(folder, name, reporter) as model:
        from popgan.cohort.cohort import Cohort
        from popgan.stations.train import train as station

        plan, cohort = model.plan(), Cohort.open(folder)
        station(plan, cohort, name=model.name, restart=restart, reporter=reporter)
    shown.show([f"weights: {model.weights_path}"], {"weights": model.weights_path})
