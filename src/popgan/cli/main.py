"""The command `popgan`: verbs, global options, and what happens to errors.

Nothing heavy is imported before a verb runs, so that `popgan --help` answers at once.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from popgan._version import __version__
from popgan.cli import doctor, evaluate, generate, ingest, phantom, plan, report, run, train
from popgan.cli.shared import Settings
from popgan.errors import UserError

app = typer.Typer(
    name="popgan",
    help="A folder of brain MRI in; a synthetic data set, and the evidence of how good it is, out."
    " For research, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command("run", help=run.HELP)(run.run)
app.command("ingest", help=ingest.HELP)(ingest.ingest)
app.command("plan", help=plan.HELP)(plan.plan)
app.command("train", help=train.HELP)(train.train)
app.command("generate", help=generate.HELP)(generate.generate)
app.command("evaluate", help=evaluate.HELP)(evaluate.evaluate)
app.command("report", help=report.HELP)(report.report)
app.command("phantom", help=phantom.HELP)(phantom.phantom)
app.command("doctor", help=doctor.HELP)(doctor.doctor)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"popgan {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show version.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Results as one JSON object, progress as JSON lines.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of all errors.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show results only.")] = False,
) -> None:
    context.obj = Settings(as_json=as_json, debug=debug, quiet=quiet)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the process ends with the status.

    Status 0: done; 2: the user can fix it, one line says how; 130: interrupted, resumable;
    1: a bug of popgan.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    arguments = _hoist(arguments)
    debug, as_json = "--debug" in arguments, "--json" in arguments
    try:
        app(args=arguments, standalone_mode=True)
    except UserError as error:
        if debug:
            raise
        _fail(str(error), as_json, 2)
    except KeyboardInterrupt:
        if debug:
            raise
        _fail("Interrupted; the same command continues where it stopped.", as_json, 130)
    except Exception as error:
        if debug:
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        _fail(f"This is a bug of popgan ({text}); --debug shows where.", as_json, 1)


def _hoist(arguments: list[str]) -> list[str]:
    """Let global flags stand after the verb too, where people write them."""
    flags = [a for a in arguments if a in ("--json", "--debug", "--quiet", "-q")]
    return flags + [a for a in arguments if a not in ("--json", "--debug", "--quiet", "-q")]


def _fail(text: str, as_json: bool, status: int) -> None:
    if as_json:
        record: dict[str, Any] = {"error": text, "status": status}
        typer.echo(json.dumps(record))
    else:
        typer.echo(f"popgan: {text}", err=True)
    sys.exit(status)
