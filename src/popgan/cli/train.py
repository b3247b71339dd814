"""`popgan train`: train a planned model, or go on with it; on several processes if asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from popgan.cli import shared
from popgan.cli.helpers import MOST_PROCESSES, Helpers
from popgan.cli.shared import settings_of
from popgan.errors import UserError
from popgan.progress import Reporter

if TYPE_CHECKING:
    from popgan.stations.model import Model

HELP = """Train a planned model; run it again to resume.

On several GPUs or processes of one machine with --processes N, or under torchrun."""


def train(
    context: typer.Context,
    folder: shared.RunFolder,
    name: shared.Name = None,
    restart: bool = typer.Option(False, "--restart", help="Train from the beginning."),
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            metavar="N",
            min=1,
            max=MOST_PROCESSES,
            help="Processes that share the work, each with a GPU of its own where there are any.",
        ),
    ] = 1,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    # Known before anything heavy is imported.
    follows = os.environ.get("RANK", "0") != "0" and "MASTER_PORT" in os.environ
    with _opened(folder, name, Reporter() if follows else reporter, follows) as model:
        from popgan.cohort.cohort import Cohort
        from popgan.stations.train import check_share
        from popgan.stations.train import train as station
        from popgan.training.processes import ALONE, Processes, joined, processes_of_environment

        plan, cohort = model.plan(), Cohort.open(folder)
        mine = processes_of_environment()
        if mine and mine.count > 1 and processes > 1:
            raise UserError("both torchrun and --processes given", do="give one of them")
        helpers = None
        if mine is None and processes > 1:
            check_share(plan, Processes(0, processes))
            helpers = Helpers(processes - 1, ["train", str(folder), "--name", model.name])
        with helpers or nullcontext():
            mine = mine or (Processes(0, processes) if helpers else ALONE)
            with joined(mine, helpers.check if helpers else lambda: None):
                station(
                    plan,
                    cohort,
                    name=model.name,
                    restart=restart,
                    reporter=reporter,
                    processes=mine,
                )
    if not follows:
        shown.show([f"weights: {model.weights_path}"], {"weights": model.weights_path})


@contextmanager
def _opened(folder: Path, name: str | None, reporter: Reporter, follows: bool) -> Iterator[Model]:
    """The model; the folder is locked by the first process alone."""
    if not follows:
        with shared.opened(folder, name, reporter, trained=False) as model:
            yield model
        return
    from popgan.stations.model import find_model

    yield find_model(folder, name)
