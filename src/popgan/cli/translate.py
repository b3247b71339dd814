"""`popgan translate`: whole volumes of new scans in another contrast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popgan.cli import scan_options, shared
from popgan.cli.shared import settings_of
from popgan.stations.folder import require_run
from popgan.wording import counted

if TYPE_CHECKING:
    from popgan.stations.translate import Translations

HELP = "Make a missing contrast of scans: whole volumes, with a map of uncertainty."

Scans = Annotated[
    list[Path],
    typer.Argument(
        metavar="SCAN...", help="Folders (BIDS, subjects, DICOM) and volumes.", show_default=False
    ),
]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Folder of the data set.")]
Sources = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAMES",
        help="Contrasts to translate from; the first gives the grid.  [default: the model's]",
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--to", metavar="NAME", help="Contrast to make.  [default: the model's]"),
]
Uncertainty = Annotated[
    bool,
    typer.Option(
        "--uncertainty/--no-uncertainty", help="Write a map of half widths beside each volume."
    ),
]
MissingOnly = Annotated[
    bool, typer.Option("--missing-only", help="Leave visits alone that have the contrast.")
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, max=2**31 - 1, help="Seed of the uncertainty.")
]


def translate(
    context: typer.Context,
    folder: shared.RunFolder,
    scans: Scans,
    out: Out,
    sources: Sources = None,
    target: Target = None,
    name: shared.Name = None,
    uncertainty: Uncertainty = True,
    missing_only: MissingOnly = False,
    seed: Seed = 0,
    subjects: scan_options.Subjects = None,
    contrast_map: scan_options.ContrastMap = None,
    workers: shared.Workers = "auto",
) -> None:
    """See HELP."""
    require_run(folder)
    processes = shared.parse_workers(workers)
    shown = settings_of(context)
    reporter = shown.reporter()
    shared.start(reporter)
    from popgan.stations import translate as station
    from popgan.stations.model import find_model
    from popgan.stations.story import warn_of_other_plan

    # The run folder is read at the start and never written to, so it is not locked.
    model = find_model(folder, name, trained=True)
    warn_of_other_plan(model, reporter)
    made = station.translate(
        model,
        scans,
        out,
        sources=None if sources is None else sources.split(","),
        target=target,
        uncertainty=uncertainty,
        missing_only=missing_only,
        subjects=subjects,
        contrast_map=contrast_map,
        seed=seed,
        workers=processes,
        reporter=reporter,
    )
    shown.show(_lines(made), _data(made))


def _lines(made: Translations) -> list[str]:
    new = sum(not visit.unchanged for visit in made.visits)
    told = f"{counted(new, 'visit', 'visits')} translated"
    more = {
        "unchanged": len(made.visits) - new,
        "left alone": made.left_alone,
        "left out": made.left_out,
        "set aside": len(made.set_aside),
    }
    told += "".join(f", {count} {what}" for what, count in more.items() if count)
    return [told, f"synthetic data, not for diagnosis: {made.folder}"]


def _data(made: Translations) -> dict[str, Any]:
    return {
        "out": made.folder,
        "visits": [
            {
                "subject": visit.subject,
                "session": visit.session,
                "image": visit.image,
                "half_width": visit.half_width,
                "sidecar": visit.sidecar,
                "unchanged": visit.unchanged,
                "warnings": list(visit.warnings),
            }
            for visit in made.visits
        ],
        "left_alone": made.left_alone,
        "left_out": made.left_out,
        "set_aside": [
            {
                "subject": item.subject,
                "session": item.session,
                "file": item.path,
                "reason": item.reason,
            }
            for item in made.set_aside
        ],
        "notes": made.notes,
    }
