"""`popgan ingest`: a folder of scans into a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from popgan.cli import scan_options, shared, values
from popgan.cli.shared import settings_of
from popgan.stations.folder import check_places, locked

HELP = "Read scans, prepare slices and split them by subject."


def ingest(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of scans.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Run folder.")],
    resolution: scan_options.Resolution = None,
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
    slices: scan_options.Slices = None,
    intensity: scan_options.Intensity = "auto",
    split: scan_options.Split = None,
    split_seed: scan_options.SplitSeed = 0,
    workers: shared.Workers = "auto",
    strict: shared.Strict = False,
    restart: Annotated[bool, typer.Option("--restart", help="Ingest again.")] = False,
) -> None:
    """See HELP."""
    check_places(source, out)
    processes = shared.parse_workers(workers)
    preparation = values.preparation_values(bias_field, keep_skull, space)
    shown = settings_of(context)
    reporter = shown.reporter()
    shared.start(reporter)
    from popgan.cohort.options import IngestOptions
    from popgan.stations.ingest import ingest_station

    chosen = values.ingest_values(
        *(contrast, resolution, subjects, slices, split, split_seed, contrast_map),
        *(keep_ids, channels, label, covariate, label_map, intensity, preparation),
    )
    options = IngestOptions.parse(**chosen)
    with locked(out, make=True):
        cohort = ingest_station(
            source,
            out,
            options,
            again=restart,
            workers=processes,
            strict=strict,
            reporter=reporter,
        )
    counts = {s: len(cohort.indices(s)) for s in ("train", "tuning", "test")}
    people = {s: len(set(cohort.subjects(s))) for s in counts}
    size = f"{cohort.height} x {cohort.width}"
    lines = [f"{', '.join(cohort.contrasts)} at {size} in {out}"]
    lines += [f"{s:7} {people[s]:5} subjects {counts[s]:7} slices" for s in counts]
    page = out / "private" / "quality.html"
    lines.append(f"every scan, private: {page}")
    told = {"subjects": people, "slices": counts, "cohort": cohort.hash, "quality": page}
    shown.show(lines, {"run": out, **told})
