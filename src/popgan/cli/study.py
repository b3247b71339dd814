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
    from popgan.study.leaks import LeakTest

HELP = "A blinded reader study: radiologists judge real and synthetic images in the browser."
LEAK_TEST = "Look for ways to tell real from synthetic without the anatomy; exit 2 if there are."
SIMULATE = "Draw answers from a reader model, to rehearse the analysis; real ones stay untouched."
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
        typer.Option("--models", metavar="A,B", help="Models.  [default: all that draw images]"),
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
    from popgan.study.build import StudyOptions
    from popgan.study.create import create_study

    with locked(folder):
        made = create_study(folder, StudyOptions(**wanted), restart=restart, reporter=reporter)
    shown.show(_told(made), _data(made))


@app.command("leak-test", help=LEAK_TEST)
def leak_test(context: typer.Context, folder: shared.RunFolder) -> None:
    """See LEAK_TEST."""
    shown = settings_of(context)
    reporter = shown.reporter()
    require_run(folder)
    from popgan.files import write_json
    from popgan.study.leaks import find_leaks
    from popgan.study.schema import Study

    study = Study.open(folder)
    with reporter.task("looking for leaks", None):
        found = find_leaks(study)
    data = found.model_dump(mode="json")
    write_json(study.places.leaks, data)
    if not (shown.as_json and found.leaking):
        shown.show(leak_table(found), data)
    found.refuse(folder)


@app.command("simulate", help=SIMULATE)
def simulate(
    context: typer.Context,
    folder: shared.RunFolder,
    dprime: Annotated[
        float, typer.Option("--dprime", help="How well readers tell them apart; 0 is chance.")
    ] = 0.5,
    shift: Annotated[
        float, typer.Option("--shift", help="Scores of synthetic images, in logits; 0 is equal.")
    ] = -0.3,
    readers: Annotated[
        int | None, typer.Option("--readers", metavar="N", help="Fewer than the study invites.")
    ] = None,
    missing: Annotated[
        float, typer.Option("--missing", metavar="SHARE", help="Of answers that are never given.")
    ] = 0.0,
    seed: shared.Seed = 0,
    studies: Annotated[
        int, typer.Option("--studies", metavar="N", help="So many, each with its own seed.")
    ] = 1,
) -> None:
    """See SIMULATE."""
    shown = settings_of(context)
    require_run(folder)
    from popgan.study.schema import Study
    from popgan.study.simulate import Script, rehearse

    script = Script(dprime, shift, readers=readers, missing=missing, seed=seed, studies=studies)
    with locked(folder):
        files = rehearse(Study.open(folder), script)
    lines = [f"simulated answers, no evidence of anything: {file}" for file in files]
    lines.append(f"next: popgan study analyse {folder} --rehearsal")
    shown.show(lines, {"files": files, "dprime": dprime, "shift": shift, "seed": seed})


def leak_table(found: LeakTest) -> list[str]:
    """A line a channel and a tell."""
    names = [*(one.name for one in found.channels), *(one.name for one in found.tells)]
    wide = max(map(len, names))
    lines = [f"{'channel':{wide}}    AUC      interval"]
    for channel in found.channels:
        verdict = "LEAKS" if channel.leaks else channel.note or "tells nothing"
        span = f"{channel.low:.2f} .. {channel.high:.2f}"
        lines.append(f"{channel.name:{wide}}  {channel.auc:.2f}  {span}  {verdict}")
    lines += ["", f"{'in the image':{wide}}    AUC      interval"]
    for tell in found.tells:
        known = tell.low is not None and tell.high is not None
        span = f"{tell.low:.2f} .. {tell.high:.2f}" if known else "      -     "
        lines.append(f"{tell.name:{wide}}  {tell.auc:.2f}  {span}  {tell.words}")
    return lines


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
        "leak test: names, order, bytes and replies tell nothing of which image is real",
        *(f"note: {tell.words}" for tell in made.leaks.tells if tell.warning),
    ]
    if made.moved:
        lines.append(f"the former study, kept: {made.moved}")
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
        "leaks": made.leaks.model_dump(mode="json"),
        "moved": made.moved,
    }


app.command("serve", help=study_serve.HELP_SERVE)(study_serve.serve)
app.command("links", help=study_serve.HELP_LINKS)(study_serve.links)
app.command("lock", help=study_serve.HELP_LOCK)(study_serve.lock)
app.command("unlock", help=study_serve.HELP_UNLOCK)(study_serve.unlock)
app.command("status", help=study_serve.HELP_STATUS)(study_serve.status)
app.command("analyse", help=study_analyse.HELP)(study_analyse.analyse)
