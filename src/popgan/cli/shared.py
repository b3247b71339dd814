"""What the verbs share: settings, the reporter that fits them, showing results, common options."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popgan.errors import UserError
from popgan.progress import JsonReporter, LineReporter, Reporter
from popgan.stations.folder import locked, require_run

if TYPE_CHECKING:
    from popgan.stations.model import Model


MOST_WORKERS = 256
_PATIENCE = 5.0  # seconds


@dataclass(frozen=True)
class Settings:
    """Global options of the command line."""

    as_json: bool = False
    debug: bool = False
    quiet: bool = False

    def reporter(self) -> Reporter:
        """Bars on a terminal, plain lines in a log, JSON lines for machines, or nothing."""
        if self.quiet:
            return Reporter()
        if self.as_json:
            return JsonReporter()
        if not sys.stderr.isatty():
            return LineReporter()
        from popgan.terminal import RichReporter

        return RichReporter()

    def show(self, lines: list[str], data: dict[str, Any]) -> None:
        """Print a result: for people, or as one JSON object."""
        typer.echo(json.dumps(data, default=str) if self.as_json else "\n".join(lines))


def settings_of(context: typer.Context) -> Settings:
    """The global options given before (or after) the verb."""
    return context.obj if isinstance(context.obj, Settings) else Settings()


def typed(context: typer.Context) -> frozenset[str]:
    """Options of the verb that stand on the command line, whatever they say."""
    return frozenset(
        name
        for name in context.params
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    )


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.", show_default=False)]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the model; the recipe's by default.",
        show_default=False,
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="quick, standard or paper; stylegan2 has auto as well; tuned after popgan tune.",
    ),
]
RecipeName = Annotated[
    str,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="Kind of model: popgan, stylegan2, r3gan, dcgan, cgan; pix2pix and mustgan translate "
        "contrasts.",
    ),
]
Sources = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="NAMES", help="Contrasts to translate from, by commas: T1w,T1wCE."
    ),
]
Target = Annotated[
    str | None, typer.Option("--to", metavar="NAME", help="Contrast to translate to: FLAIR.")
]
ConditionNames = Annotated[
    str | None,
    typer.Option(
        "--condition",
        metavar="NAMES",
        help="What both networks are told: label, height, or covariates, by commas.",
    ),
]
WithMasks = Annotated[
    bool,
    typer.Option(
        "--with-masks", help="Draw images with their masks: the labels of the cohort's label map."
    ),
]
Init = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="phantom|scratch",
        help="Start from weights learnt from phantoms, or from random ones.  "
        "[default: phantom where it fits]",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget", metavar="TIME", help="Training time: 90s, 6m, 1h30m.  [default: the preset's]"
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, max=2**31 - 1, help="Seed of the run.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a value of the plan; repeatable."),
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        metavar="N",
        help="Processes that open files, each within limits; 0: none but this one.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="A file that cannot be used is an error.")]


def parse_workers(text: str) -> int | None:
    """A number of workers; None for `auto`.

    Raises:
        UserError: neither.
    """
    if text == "auto":
        return None
    if text.isascii() and text.isdigit() and int(text) <= MOST_WORKERS:
        return int(text)
    raise UserError(f"--workers {text} is not possible", do=f"give auto or 0 to {MOST_WORKERS}")


def start(reporter: Reporter) -> None:
    """Import what is heavy; a sign of life, because that takes seconds, on a busy disk minutes."""
    patience = threading.Timer(_PATIENCE, reporter.message, ["loading libraries ..."])
    patience.daemon = True
    patience.start()
    try:
        with reporter.task("starting", None):
            importlib.import_module("popgan.run")
    finally:
        patience.cancel()


@contextmanager
def opened(
    folder: Path, name: str | None, reporter: Reporter, *, trained: bool = True
) -> Iterator[Model]:
    """A model of a run folder, with the folder locked.

    Args:
        folder: the run folder.
        name: of the model; None where there is no choice.
        reporter: shows progress.
        trained: whether a model that is only planned is no choice beside a trained one.

    Raises:
        UserError: not a run folder, no such model, or another popgan works there.
    """
    # Before anything heavy is imported, so that a slip of the pen is answered at once.
    require_run(folder)
    start(reporter)
    from popgan.stations.model import find_model
    from popgan.stations.story import warn_of_other_plan

    with locked(folder):
        model = find_model(folder, name, trained=trained)
        if trained:
            warn_of_other_plan(model, reporter)
        yield model
