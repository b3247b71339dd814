"""`popgan run`: everything, from scans to report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popgan.cli import scan_options, shared, values
from popgan.cli.shared import settings_of
from popgan.errors import UserError
from popgan.stations.folder import check_places

if TYPE_CHECKING:
    from popgan.run import RunResult

HELP = """Everything: ingest, plan, train, generate, evaluate, audit, report.

Run it again to resume or to do only what has changed. With --recipe pix2pix or mustgan a model
learns to translate contrasts (--from, --to), and nothing is generated."""


def run(
    context: typer.Context,
    source: Annotated[
        Path | None, typer.Argument(metavar="SOURCE", help="Folder of scans.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FOLDER", help="Run folder.", show_default=False),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Use the phantom instead of scans.")] = False,
    preset: shared.Preset = "quick",
    recipe: shared.RecipeName = "popgan",
    condition: shared.ConditionNames = None,
    with_masks: shared.WithMasks = False,
    init: shared.Init = None,
    sources: shared.Sources = None,
    target: shared.Target = None,
    name: shared.Name = None,
    resolution: scan_options.Resolution = None,
    tune: Annotated[
        str | None,
        typer.Option(
            "--tune",
            metavar="TIME",
            help="Search better values first, for so long (2h); see popgan tune.",
            show_default=False,
        ),
    ] = None,
    budget: shared.Budget = None,
    contrast: scan_options.Contrast = None,
    subjects: scan_options.Subjects = None,
    contrast_map: scan_options.ContrastMap = None,
    channels: scan_options.Channels = None,
    label: scan_options.Label = None,
    covariate: scan_options.Covariate = None,
    label_map: scan_options.LabelMap = None,
    keep_ids: scan_options.KeepIds = False,
    bias_field: scan_options.BiasField = "auto",
    keep_skull: scan_options.KeepSkull = False,
    space: scan_options.Space = "native",
    workers: shared.Workers = "auto",
    strict: shared.Strict = False,
    slices: scan_options.Slices = None,
    intensity: scan_options.Intensity = "auto",
    split: scan_options.Split = None,
    split_seed: scan_options.SplitSeed = 0,
    images: Annotated[
        int | None,
        typer.Option(
            "-n", "--images", metavar="N", min=1, help="Synthetic images.  [default: the preset's]"
        ),
    ] = None,
    seed: shared.Seed = 0,
    settings: shared.Set = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan with time and memory; keep nothing.")
    ] = False,
    no_audit: Annotated[
        bool, typer.Option("--no-audit", help="Leave the privacy audit out.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Plan and train this model anew.")
    ] = False,
) -> None:
    """See HELP."""
    if out is None and not dry_run:
        raise UserError("no run folder given", do="add -o FOLDER")
    if (source is None) != demo:
        do = "give either a folder of scans or --demo"
        raise UserError(
            "no scans given" if source is None else "both scans and --demo given", do=do
        )
    if source is not None and out is not None:
        check_places(source, out)
    preparation = values.preparation_values(bias_field, keep_skull, space)
    drawing = {"--condition": condition, "--with-masks": with_masks, "--init": init, "-n": images}
    translation = values.translation_values(recipe, sources, target, drawing=drawing)
    shown = settings_of(context)
    reporter = shown.reporter()
    shared.start(reporter)
    from popgan.run import RunOptions, run_all

    options = RunOptions(
        preset=preset,
        recipe=recipe,
        name=name,
        ingest=values.ingest_values(
            contrast,
            resolution,
            subjects,
            slices,
            split,
            split_seed,
            contrast_map,
            keep_ids,
            channels,
            label,
            covariate,
            label_map,
            intensity,
            preparation,
        ),
        budget=budget,
        seed=seed,
        overrides=values.plan_values(settings, condition, with_masks, init, translation),
        images=images,
        restart=restart,
        workers=shared.parse_workers(workers),
        strict=strict,
        audit=not no_audit,
        tune=tune,
    )
    if dry_run:
        from popgan.cli.plan import show_plan
        from popgan.dry_run import estimate

        show_plan(shown, estimate(source, options, reporter, out))
        return
    assert out is not None
    shown.show(*_told(run_all(source, out, options, reporter)))


def _told(result: RunResult) -> tuple[list[str], dict[str, Any]]:
    """What a run left behind: for people, and for machines."""
    drawn = [f"synthetic data: {result.synthetic}"] if result.synthetic else []
    privacy = result.audit.verdict() if result.audit else None
    lines = [
        result.verdict,
        *([f"privacy: {privacy.sentence}"] if privacy else []),
        *drawn,
        f"private report: {result.private_report}  (patient images: do not share)",
        f"report:         {result.report}",
    ]
    data: dict[str, Any] = {
        "report": result.report,
        "private_report": result.private_report,
        "synthetic": result.synthetic,
        "model": result.model.folder,
        "verdict": result.verdict,
        "audit": privacy.model_dump(mode="json") if privacy else None,
        "kid": result.fidelity.metric("kid").value.model_dump() if result.fidelity else None,
    }
    if result.model.plan().translates:
        from popgan.stations.draw import translate_command

        psnr = result.paired.rows[0].score("psnr", "brain") if result.paired else None
        data["psnr"] = psnr.model_dump() if psnr else None
        lines.insert(1, f"translate scans: {translate_command(result.model)}")
    return lines, data
