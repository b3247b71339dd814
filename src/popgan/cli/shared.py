"""What the verbs share: settings, the reporter that fits them, showing results, common options."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from popgan.errors import UserError
from popgan.progress import JsonReporter, Reporter, RichReporter


@dataclass(frozen=True)
class Settings:
    """Global options of the command line."""

    as_json: bool = False
    debug: bool = False
    quiet: bool = False

    def reporter(self) -> Reporter:
        """Bars on a terminal, JSON lines for machines and logs, nothing when quiet."""
        if self.quiet:
            return Reporter()
        if self.as_json or not sys.stderr.isatty():
            return JsonReporter() if self.as_json else LineReporter()
        return RichReporter()

    def show(self, lines: list[str], data: dict[str, Any]) -> None:
        """Print a result: for people, or as one JSON object."""
        typer.echo(json.dumps(data, default=str) if self.as_json else "\n".join(lines))


class LineReporter(JsonReporter):
    """Plain lines for a log file: messages as they are, progress every ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0

    def _write(self, **record: object) -> None:
        event = record.get("event")
        if event in ("message", "warning"):
            prefix = "warning: " if event == "warning" else ""
            sys.stderr.write(f"{prefix}{record['text']}\n")
        elif event == "progress":
            import time

            if time.monotonic() - self._last < 10:
                return
            self._last = time.monotonic()
            known = ("event", "task", "total", "done")
            figures = "  ".join(f"{k} {v}" for k, v in record.items() if k not in known)
            total = float(str(record["total"])) or 1.0
            share = float(str(record["done"])) / total
            sys.stderr.write(f"{record['task']} {share:.0%}  {figures}\n")
        sys.stderr.flush()


def settings_of(context: typer.Context) -> Settings:
    """The global options given before (or after) the verb."""
    return context.obj if isinstance(context.obj, Settings) else Settings()


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.", show_default=False)]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Name of the model; the recipe's by default.", show_default=False),
]
Preset = Annotated[str, typer.Option("--preset", help="quick, standard or paper.")]
RecipeName = Annotated[str, typer.Option("--recipe", help="Kind of model.")]
Budget = Annotated[
    str | None,
    typer.Option("--budget", help="Training time: 90s, 6m, 1h30m.  [default: the preset's]"),
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of the run.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a value of the plan; repeatable."),
]
Resolution = Annotated[
    int | None, typer.Option("--resolution", help="Side of the slices.  [default: the preset's]")
]
Contrast = Annotated[
    str | None,
    typer.Option("--contrast", help="T1w, or T1w,FLAIR for several.  [default: most frequent]"),
]
Subjects = Annotated[
    str | None,
    typer.Option("--subjects", help="Pictures only: REGEX or TSV that says whose a file is."),
]
Slices = Annotated[int | None, typer.Option("--slices", help="Slices a volume.  [default: 24]")]


def ingest_values(
    contrast: str | None, resolution: int | None, subjects: str | None, slices: int | None
) -> dict[str, Any]:
    """Options of ingest that the user gave."""
    given: dict[str, Any] = {
        "contrasts": contrast.split(",") if contrast else None,
        "resolution": resolution,
        "subjects": subjects,
        "slices": slices,
    }
    return {name: value for name, value in given.items() if value is not None}


def require_run(folder: Path) -> None:
    """Refuse a run folder that does not exist.

    Raises:
        UserError: there is no such folder.
    """
    if not folder.is_dir():
        raise UserError("is not a run folder", where=folder, do="`popgan ingest` makes one")
