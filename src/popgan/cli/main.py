"""The command `popgan`: verbs, global options, and what happens to errors.

Nothing heavy is imported before a verb runs, so that `popgan --help` answers at once.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Annotated, Any, NoReturn

import typer

from popgan._version import __version__
from popgan.cli import (
    ablate,
    audit,
    compare,
    doctor,
    evaluate,
    generate,
    ingest,
    phantom,
    plan,
    report,
    run,
    study,
    train,
    translate,
    tune,
)
from popgan.cli.shared import Settings
from popgan.cli.stopping import StoppedError, is_of_interruption, terminable
from popgan.errors import UserError, is_out_of_memory

app = typer.Typer(
    name="popgan",
    help="A folder of brain MRI in; a synthetic data set, and the evidence of how good it is, out."
    " For research, not for diagnosis.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command("run", help=run.HELP)(run.run)
app.command("ingest", help=ingest.HELP)(ingest.ingest)
app.command("plan", help=plan.HELP)(plan.plan)
app.command("tune", help=tune.HELP)(tune.tune)
app.command("ablate", help=ablate.HELP)(ablate.ablate)
app.command("train", help=train.HELP)(train.train)
app.command("generate", help=generate.HELP)(generate.generate)
app.command("translate", help=translate.HELP)(translate.translate)
app.command("evaluate", help=evaluate.HELP)(evaluate.evaluate)
app.command("audit", help=audit.HELP)(audit.audit)
app.command("compare", help=compare.HELP)(compare.compare)
app.command("report", help=report.HELP)(report.report)
app.add_typer(study.app, name="study")
app.command("phantom", help=phantom.HELP)(phantom.phantom)
app.command("doctor", help=doctor.HELP)(doctor.doctor)

_FLAGS = ("--json", "--debug", "--quiet", "-q")
_BUG, _INTERRUPTED = 1, 130


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

    Status 0: done; 2: the user can fix it, one line says how; 130: interrupted, the same command
    goes on or begins anew; 1: a bug of popgan.
    """
    arguments = _hoist(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    flags = arguments[: sum(argument in _FLAGS for argument in arguments)]
    debug, as_json = "--debug" in flags, "--json" in flags
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name of a file need not be text; better shown with escapes than not at all.
        sys.stdout.reconfigure(errors="backslashreplace")
    stopped = "the same command goes on where it stopped."
    came: list[int] = []
    try:
        with terminable() as came:
            status = app(args=arguments, prog_name="popgan", standalone_mode=False)
    except StoppedError as stop:
        status, stopped = _INTERRUPTED, str(stop)
    except (KeyboardInterrupt, typer.Abort):
        status = _INTERRUPTED
    except Exception as error:
        line, status = _explain(error)
        if debug and not _is_usage(error):
            raise
        if status != _BUG or not (came and is_of_interruption(error)):
            _fail(line, status, as_json)
        status = _INTERRUPTED
    if status == _INTERRUPTED:
        _fail(f"interrupted; {stopped}", _INTERRUPTED, as_json)
    sys.exit(status if isinstance(status, int) else 0)


def _hoist(arguments: list[str]) -> list[str]:
    """Let global flags stand after the verb too, where people write them."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    flags = [a for a in arguments[:end] if a in _FLAGS]
    return flags + [a for a in arguments[:end] if a not in _FLAGS] + arguments[end:]


def _is_usage(error: Exception) -> bool:
    """Whether typer did not understand the command line.

    By what it can do, because typer has moved the class between modules.
    """
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _explain(error: Exception) -> tuple[str, int]:
    """One line and a status for any exception."""
    if isinstance(error, UserError):
        return str(error), 2
    if _is_usage(error):
        context: Any = getattr(error, "ctx", None)
        verb = context.command_path if context else "popgan"
        text = " ".join(error.format_message().split()).rstrip(".")  # type: ignore[attr-defined]
        join = "" if text.endswith("?") else ";"
        return f"{text[:1].lower()}{text[1:]}{join} `{verb} --help` shows what is possible.", 2
    if is_out_of_memory(error):
        return (
            "the memory is not enough; close other programs, or take a smaller --resolution or a "
            "smaller --set train.batch.",
            2,
        )
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"this is a bug of popgan ({text}); --debug shows where.", _BUG


def _fail(text: str, status: int, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"error": text, "status": status}))
    else:
        typer.echo(f"popgan: {text}", err=True)
    sys.exit(status)
