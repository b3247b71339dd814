"""`popgan phantom`: write a cohort of physics phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of
from popgan.cli.stopping import begins_anew
from popgan.errors import UserError

HELP = "Write a BIDS data set of simulated heads, whose tissues and lesions are known."


def phantom(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FOLDER", help="Folder of the data set.")
    ],
    n: Annotated[
        int, typer.Option("-n", "--subjects", metavar="N", min=1, max=100_000, help="Subjects.")
    ] = 60,
    contrasts: Annotated[
        str,
        typer.Option("--contrasts", metavar="NAMES", help="Of T1w,T2w,FLAIR,PDw,T1wCE."),
    ] = "T1w",
    field: Annotated[
        float, typer.Option("--field", metavar="TESLA", help="Field strength: 1.5 or 3.")
    ] = 3.0,
    spacing: Annotated[
        float, typer.Option("--spacing", metavar="MM", help="Side of a voxel, 1 to 8 mm.")
    ] = 2.0,
    lesions: Annotated[
        str, typer.Option("--lesions", metavar="KIND", help="none, ms, tumour or mixed.")
    ] = "none",
    skull: Annotated[
        bool, typer.Option("--skull/--no-skull", help="Whole heads, or brains alone.")
    ] = True,
    sites: Annotated[
        int, typer.Option("--sites", metavar="N", help="Scanners, each with effects of its own.")
    ] = 1,
    artefacts: Annotated[
        float, typer.Option("--artefacts", metavar="SHARE", help="Share of scans with an artefact.")
    ] = 0.0,
    protocol: Annotated[
        Path | None,
        typer.Option(
            "--protocol",
            metavar="FILE",
            help="YAML: sequences, tissues, artefacts.",
            show_default=False,
        ),
    ] = None,
    anatomy: Annotated[
        str, typer.Option("--anatomy", metavar="NAME", help="mni, or ellipsoids.")
    ] = "mni",
    first: Annotated[
        int, typer.Option("--first", metavar="K", min=0, help="Begin with subject K.")
    ] = 0,
    workers: Annotated[
        str, typer.Option("--workers", metavar="N", help="Threads; auto for all cores.")
    ] = "auto",
    seed: shared.Seed = 0,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    count = shared.parse_workers(workers)
    if anatomy not in ("mni", "ellipsoids"):
        raise UserError(f"no anatomy is called {anatomy!r}", do="choose mni or ellipsoids")
    with begins_anew(f"nothing was kept in {out}"):
        from popgan.folders import atomic_folder
        from popgan.phantom.cohort import write_cohort
        from popgan.phantom.protocol import load_protocol
        from popgan.phantom.subject import Study

        study = Study(
            contrasts=tuple(name.strip() for name in contrasts.split(",") if name.strip()),
            protocol=load_protocol(protocol, field=field),
            spacing=spacing,
            lesions=lesions,
            skull=skull,
            sites=sites,
            artefacts=artefacts,
            procedural=anatomy == "ellipsoids",
        )
        report = shown.reporter()
        # Whole or absent, and never among the files of an existing data set.
        with atomic_folder(out) as part:
            write_cohort(
                part, n, seed=seed, study=study, first=first, workers=count, reporter=report
            )
    shown.show([f"{n} subjects: {out}"], {"folder": out, "subjects": n})
