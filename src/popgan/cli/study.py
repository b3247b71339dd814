"""`popgan study`: the blinded reader study of a run, from its design to its analysis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popgan.cli import shared, study_analyse, study_serve
from popgan.cli.shared import settings_of
from popgan.errors import UserError
from popgan.stations.folder import locked, require_run

if TYPE_CHECKING:
    from popgan.study.create import Created

HELP = "A blinded reader study: radiologists judge real and synthetic images in the browser."
CREATE = "Choose and draw the images, and fix design and preregistration."

app = typer.Typer(
    help=HELP,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.command("create", help=CREATE)
def create(
    context: typer.Context,
    folder: shared.RunFolder,
    readers: Annotated[
        int, typer.Option("--readers", metavar="N", help="Readers; 5 recommended, 3 the least.")
    ] = 5,
    real: Annotated[
        str,
        typer.Option(
            "--real", metavar="N|auto", help="Real images of test patients; auto: up to 120."
        ),
    ] = "auto",
    synthetic: Annotated[
        int | None,
        typer.Option(
            "--synthetic", metavar="N", help="Synthetic images.  [default: 120; as real in 2afc]"
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats", metavar="N", help="Shown again.  [default: 30, or an eighth of all]"
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option("--models", metavar="A,B", help="Models.  [default: all that are trained]"),
    ] = None,
    design: Annotated[
        str,
        typer.Option("--design", metavar="KIND", help="likert+authenticity, or 2afc: pairs."),
    ] = "likert+authenticity",
    practice: Annotated[
        int, typer.Option("--practice", metavar="N", help="Images for practice, half real.")
    ] = 6,
    seed: shared.Seed = 0,
    contrast: Annotated[
        str | None, typer.Option("--contrast", metavar="NAME", help="Of several, the one shown.")
    ] = None,
    no_back: Annotated[
        bool, typer.Option("--no-back", help="Readers cannot go back to a case.")
    ] = False,
    no_mask: Annotated[
        bool, typer.Option("--no-mask", help="Leave what is outside the head as it is.")
    ] = False,
    margin: Annotated[
        float, typer.Option("--margin", metavar="SHARE", help="Of equivalence to chance.")
    ] = 0.1,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Of the study.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option("--texts", metavar="YAML", help="Translated words of the page.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Replace the study; answers are kept.")
    ] = False,
) -> None:
    """See CREATE."""
    shown = settings_of(context)
    reporter = shown.reporter()
    require_run(folder)
    wanted: dict[str, Any] = {
        **{"readers": readers, "real": _number(real), "synthetic": synthetic, "repeats": repeats},
        **{"models": _names(models), "kind": design, "practice": practice, "seed": seed},
        **{"contrast": contrast, "back": not no_back, "masked": not no_mask, "texts": texts},
        **{"margin": margin, "title": title},
    }
    shared.start(reporter)
    from popgan.study.build import Wanted
    from popgan.study.create import create as make

    with locked(folder):
        made = make(folder, Wanted(**wanted), restart=restart, reporter=reporter)
    shown.show(_told(made), _data(made))


def _number(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    raise UserError(f"--real {text} is not possible", do="give a number, or auto")


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UserError("--models names no model")
    return names


def _told(made: Created) -> list[str]:
    design, places = made.study.design, made.study.places
    drawn = ", ".join(f"{n} of {name}" for name, n in design.synthetic.items())
    lines = [
        f"study: {design.title}",
        f"{design.real} real images, synthetic {drawn}; {design.repeats} repeats, "
        f"{design.practice} for practice, {design.readers} readers",
        *made.advice,
    ]
    if made.moved:
        lines.append(f"the former study and its answers: {made.moved}")
    return [
        *lines,
        f"to deposit before readers are invited: {places.preregistration}",
        f"to edit before the first answer: {places.instructions}, {places.consent.name}",
        f"next: popgan study serve {places.run}",
    ]


def _data(made: Created) -> dict[str, Any]:
    places = made.study.places
    return {
        "study": places.shared,
        "design": made.study.design.model_dump(mode="json"),
        "preregistration": places.preregistration,
        "advice": made.advice,
        "moved": made.moved,
    }


app.command("serve", help=study_serve.HELP_SERVE)(study_serve.serve)
app.command("links", help=study_serve.HELP_LINKS)(study_serve.links)
app.command("lock", help=study_serve.HELP_LOCK)(study_serve.lock)
app.command("unlock", help=study_serve.HELP_UNLOCK)(study_serve.unlock)
app.command("status", help=study_serve.HELP_STATUS)(study_serve.status)
app.command("analyse", help=study_analyse.HELP)(study_analyse.analyse)
