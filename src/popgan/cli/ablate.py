"""`popgan ablate`: what each part of a default is worth, and which values matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from popgan.cli import shared, values
from popgan.cli.shared import settings_of
from popgan.errors import UserError
from popgan.stations.folder import locked, require_run

if TYPE_CHECKING:
    from popgan.evidence.experiments.results import (
        AblationResult,
        Contrast,
        Factorial,
        Sensitivity,
    )

HELP = """Find what each part of a default is worth on this cohort; run it again to go on.

Each part is taken out of the default, and the published cell is trained beside it: all with the
same seeds, the same seconds and the same measure. Seeds are the replicates."""

SHOWN = 10


Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="The default that is taken apart; tuned or tuned:STUDY for what a search has found.",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="TIME",
        help="Time of all trainings together: 2h, 8h, 2d.  [default: 8h]",
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option("--seeds", metavar="N", help="Trainings of each variant.  [default: 5]"),
]
Parts = Annotated[
    str | None,
    typer.Option(
        "--parts",
        metavar="NAMES",
        help="By commas: out (each part out of the default), in (each alone in a bare model), "
        "factorial, sensitivity.  [default: out]",
    ),
]
Factors = Annotated[
    str | None,
    typer.Option(
        "--factors",
        metavar="NAMES",
        help="Parts of the factorial, 3 to 8 by commas: growing,augmentation,EMA.",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        "--trials",
        metavar="N",
        help="Settings that fill the space, for sensitivity.  [default: 40]",
    ),
]
Workers = Annotated[
    int,
    typer.Option("--workers", metavar="W", help="Trainings at the same time on this machine."),
]
Study = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Name of the study; the recipe's by default."),
]
Join = Annotated[
    bool, typer.Option("--join", help="Work at a study that was begun, from any machine.")
]


def ablate(
    context: typer.Context,
    folder: shared.RunFolder,
    recipe: shared.RecipeName = "popgan",
    preset: Preset = "standard",
    budget: Budget = None,
    seeds: Seeds = None,
    parts: Parts = None,
    factors: Factors = None,
    trials: Trials = None,
    workers: Workers = 1,
    name: Study = None,
    join: Join = False,
    condition: shared.ConditionNames = None,
    init: shared.Init = None,
    seed: shared.Seed = 0,
    settings: shared.Set = None,
) -> None:
    """See HELP."""
    require_run(folder)
    if join and workers != 1:
        raise UserError(
            "--join is one worker", do="leave --workers out, and start it once for each"
        )
    shown = settings_of(context)
    reporter = shown.reporter()
    overrides = values.plan_values(settings, condition, False, init)
    shared.start(reporter)
    from popgan.tuning import ablation
    from popgan.tuning.ablation_begin import AblateOptions
    from popgan.tuning.ablation_study import AblationPlaces

    options = AblateOptions(
        recipe=recipe,
        preset=preset,
        budget=budget,
        seeds=seeds,
        parts=_names(parts),
        factors=_names(factors),
        trials=trials,
        workers=workers,
        seed=seed,
        overrides=overrides,
        given=shared.typed(context),
    )
    options.check()
    places = AblationPlaces(folder, name or recipe)
    if join:
        ablation.join(folder, places.name, options, reporter=reporter)
        shown.show([f"study: {places.folder}"], {"study": places.folder})
        return
    # Trainings lock their own folders, so that others may join; only the beginning is alone.
    with locked(folder):
        study = ablation.begin(places, options, reporter)
    found = ablation.train(places, study, workers, reporter)
    lines = [*told(found), "", f"all trainings: {places.runs}"]
    lines += [f"next: popgan report {folder}"] if (folder / "models").is_dir() else []
    shown.show(lines, found.model_dump(mode="json"))


def told(found: AblationResult) -> list[str]:
    """Budget, contrasts, effects and importances, for a terminal."""
    lines = [found.budget, *(f"caution: {text}" for text in found.cautions)]
    lines += ["", *_contrasts(found)]
    lines += ["", *_effects(found.factorial)] if found.factorial is not None else []
    lines += ["", *_matters(found.sensitivity)] if found.sensitivity is not None else []
    return lines


def _contrasts(found: AblationResult) -> list[str]:
    """Every variant against its base."""
    kids = [run.kid for run in found.runs if run.variant == "default" and run.kid is not None]
    mean = f"{sum(kids) / len(kids):.4f}" if kids else "no score"
    width = max([7, *(len(one.variant) for one in found.contrasts)])
    lines = [
        f"KID to the tuning split, lower is better; the default: {mean}",
        f"{'variant':<{width}}  n  {'KID':>7}  {'difference':>10}  {'95 % interval':<18}  "
        f"{'p (Holm)':>8}",
    ]
    return lines + [_contrast(one, width) for one in found.contrasts]


def _contrast(one: Contrast, width: int) -> str:
    kid = "-" if one.mean is None else f"{one.mean:.4f}"
    gap = "-" if one.difference is None else f"{one.difference:+.4f}"
    span = "" if one.low is None or one.high is None else f"{one.low:+.4f} to {one.high:+.4f}"
    p = "-" if one.p_holm is None else f"{one.p_holm:.2g}"
    base = f" (against {one.base})" if one.base != "default" else ""
    return (
        f"{one.variant:<{width}}  {one.n}  {kid:>7}  {gap:>10}  {span:<18}  {p:>8}  "
        f"{one.words}{base}"
    )


def _effects(found: Factorial) -> list[str]:
    """Effects of the design, main ones first."""
    count = len(found.factors)
    lines = [
        f"factorial of {count} parts, {found.cells} cells, resolution {found.resolution}: KID with "
        "a part minus without"
    ]
    for one in found.effects:
        also = (
            f"  or {'; '.join(' x '.join(names) for names in one.aliases)}" if one.aliases else ""
        )
        lines.append(
            f"{' x '.join(one.factors):<40}  {one.effect:+.4f}  {one.low:+.4f} to {one.high:+.4f}  "
            f"p (Holm) {one.p_holm:.2g}{also}"
        )
    return lines + ([found.note] if found.note else [])


def _matters(found: Sensitivity) -> list[str]:
    """Which values matter, and how sure that is."""
    r2 = "unknown"
    if found.r2 is not None:
        r2 = f"{found.r2:.2f} ({found.r2_low:.2f} to {found.r2_high:.2f})"
    lines = [
        f"sensitivity: {found.n} trials, {found.failed} without a score; R2 of the forest on "
        f"trials it has not seen {r2}"
    ]
    if found.importances:
        lines.append(
            "share of the variance of the forest's prediction, and its scatter over resampled "
            "trials; weaker values come out too small"
        )
    for one in found.importances[:SHOWN]:
        lines.append(
            f"{one.name:<28}  {one.share:6.1%}  {one.low:.1%} to {one.high:.1%}  rank "
            f"{one.rank_low} to {one.rank_high}"
        )
    return lines + ([found.caution] if found.caution else [])


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]
