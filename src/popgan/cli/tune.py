"""`popgan tune`: search better values of the plan for a cohort; run it again to go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popgan.cli import shared, values
from popgan.cli.shared import settings_of
from popgan.errors import UserError
from popgan.stations.folder import locked, require_run
from popgan.wording import counted

if TYPE_CHECKING:
    from popgan.evidence.experiments.results import Candidate, Spread, Trial, TuneResult
    from popgan.tuning.definition import StudyPlaces

HELP = """Search better values of the plan for this cohort; run it again to go on.

The default is trained with several seeds first, then settings are tried and most of them stopped
early, then the best are trained again with fresh seeds beside the default. What is found is the
preset `tuned` of this run."""

SHOWN = 10


def tune(
    context: typer.Context,
    folder: shared.RunFolder,
    recipe: shared.RecipeName = "popgan",
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="NAME",
            help="The default that is searched around; tuned or tuned:STUDY begins with what an "
            "earlier search has found.",
        ),
    ] = "standard",
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="TIME", help="Time of the whole search: 2h, 8h, 2d.  [default: 2h]"
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", metavar="N", help="Settings that are tried.  [default: 24]"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="W",
            help="Trials at the same time.  [default: 1; with Ray one a GPU, or one a node]",
        ),
    ] = None,
    search: Annotated[
        list[str] | None,
        typer.Option(
            "--search",
            metavar="KEY[=BOUNDS]",
            help="Search only these; or within bounds: train.batch=8,16 or "
            "train.lr_generator=1e-3:5e-3; KEY= leaves one out. Repeatable.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the study; the recipe's by default."),
    ] = None,
    join: Annotated[
        bool,
        typer.Option("--join", help="Work at a study that was begun, from any machine."),
    ] = False,
    engine: Annotated[
        str,
        typer.Option("--engine", metavar="NAME", help="Where trials are trained: here, or ray."),
    ] = "here",
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT",
            help="Head node of the Ray cluster; the one on this machine by default.",
        ),
    ] = None,
    condition: shared.ConditionNames = None,
    init: shared.Init = None,
    seed: shared.Seed = 0,
    settings: shared.Set = None,
) -> None:
    """See HELP."""
    require_run(folder)
    _check_engine(engine, address, join, workers)
    shown = settings_of(context)
    reporter = shown.reporter()
    overrides = values.plan_values(settings, condition, False, init)
    shared.start(reporter)
    from popgan.tuning import search as searching
    from popgan.tuning.begin import TuneOptions
    from popgan.tuning.definition import StudyPlaces

    options = TuneOptions(
        recipe=recipe,
        preset=preset,
        budget=budget,
        trials=trials,
        workers=1 if workers is None else workers,
        seed=seed,
        search=search or [],
        overrides=overrides,
        given=shared.typed(context),
    )
    options.check()
    places = StudyPlaces(folder, name or recipe)
    if join:
        searching.join(folder, places.name, options, reporter=reporter)
        shown.show([f"study: {places.folder}"], {"study": places.folder})
        return
    if engine == "ray":
        from popgan.tuning import ray_engine

        found = ray_engine.tune(
            folder,
            options,
            workers=workers,
            name=places.name,
            address=address,
            reporter=reporter,
        )
    else:
        # Trials lock their own folders, so that others may join; only the beginning is alone.
        with locked(folder):
            definition = searching.begin(places, options, reporter)
        found = searching.train(places, definition, options.workers, reporter)
    shown.show(
        [*told(found), "", *_next(folder, places, found.recipe)], found.model_dump(mode="json")
    )


def _check_engine(engine: str, address: str | None, join: bool, workers: int | None) -> None:
    """Refuse what does not go together, before anything heavy.

    Raises:
        UserError: no such engine, or options that are not its own.
    """
    if engine not in ("here", "ray"):
        raise UserError(f"there is no engine {engine!r}", do="give --engine here or --engine ray")
    if address is not None and engine != "ray":
        raise UserError("--address is of a Ray cluster", do="add --engine ray")
    if join and workers not in (None, 1):
        raise UserError(
            "--join is one worker", do="leave --workers out, and start it once for each"
        )
    if join and engine != "here":
        raise UserError(
            "--join is for one machine", do="leave it out; --engine ray goes on with a study anyway"
        )


def told(found: TuneResult) -> list[str]:
    """The best trials, the spread and the final, for a terminal."""
    search = [trial for trial in found.trials if trial.purpose != "final"]
    scored = sorted(
        (trial for trial in search if trial.kid is not None), key=lambda trial: trial.kid or 0.0
    )
    states = {word: sum(t.state == word for t in search) for word in ("pruned", "infeasible")}
    failed = sum(trial.state in ("failed", "out of memory") for trial in search)
    lines = [
        f"{len(search)} trials of {found.seconds:g} s: {len(scored) - states['infeasible']} "
        f"complete, {states['pruned']} stopped early, {states['infeasible']} infeasible, "
        f"{failed} failed",
    ]
    if found.spread is not None:
        lines.append(_seeds_alone(found.spread))
    lines += ["", "trial  KID to the tuning split  what it changes"]
    lines += [_row(trial) for trial in scored[:SHOWN]]
    if found.finals is not None:
        seeds = len(found.finals.seeds)
        lines += ["", f"trained again with {seeds} fresh seeds"]
        for place, candidate in enumerate(found.finals.candidates):
            mark = "*" if place == found.finals.chosen else " "
            lines.append(f"{mark} {_final(candidate)}")
        lines.append(found.finals.reason)
    else:
        lines += ["", _without_final(found)]
    return lines


def _without_final(found: TuneResult) -> str:
    """What a search without a final comes to, or that it is still to come."""
    from popgan.evidence.experiments.finalists import finalists

    if found.searching:
        return "the search is not complete: the same command goes on"
    if finalists(found.trials, 1):
        return "the best are still to be trained anew with fresh seeds: the same command goes on"
    alone = "nothing but the default was tried"
    return f"{alone if found.only_default else 'no trial was better'}: the default stays"


def _seeds_alone(spread: Spread) -> str:
    sure = ""
    if spread.low is not None and spread.high is not None:
        freedom = counted(spread.freedom, "degree", "degrees")
        sure = f" (95 % {spread.low:.4f} to {spread.high:.4f}; {freedom} of freedom)"
    return f"seeds alone: SD {spread.sd:.4f}{sure}; differences below {spread.tie:.4f} are ties"


def _row(trial: Trial) -> str:
    score = f"{trial.kid:.4f}" if trial.kid is not None else "-"
    error = f" (SE {trial.error:.4f})" if trial.error is not None else ""
    state = "" if trial.state == "complete" else f"{trial.reason}: "
    return f"{trial.number:>5}  {score}{error:<14}  {state}{_changes(trial.setting)}"


def _final(candidate: Candidate) -> str:
    title = "the default" if candidate.trial is None else f"trial {candidate.trial}"
    mean = f"{candidate.mean:.4f}" if candidate.mean is not None else "failed"
    gap = ""
    if candidate.low is not None and candidate.high is not None:
        gap = f" (to the default {candidate.low:+.4f} to {candidate.high:+.4f})"
    out = f": {candidate.reason}" if candidate.reason else ""
    return f"{title:<12} KID {mean}{gap}{out}"


def _changes(setting: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in setting.items()) or "the default"


def _next(folder: Path, places: StudyPlaces, recipe: str) -> list[str]:
    """Where it lies, and how it is used."""
    lines = [f"all trials: {places.results}"]
    if places.preset.exists():
        words = "tuned" if places.name == recipe else f"tuned:{places.name}"
        words += "" if recipe == "popgan" else f" --recipe {recipe}"
        lines += [f"found: {places.preset}", f"next: popgan plan {folder} --preset {words}"]
    return lines
