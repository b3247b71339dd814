"""`popgan phantom`: write a cohort of physics phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of

HELP = "Write a BIDS data set of simulated heads, to try popgan without data."


def phantom(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FOLDER", help="Folder of the data set.")
    ],
    n: Annotated[
        int, typer.Option("-n", "--subjects", metavar="N", min=1, max=100_000, help="Subjects.")
    ] = 60,
    seed: shared.Seed = 0,
) -> None:
    """See HELP."""
    from popgan.folders import atomic_folder
    from popgan.phantom.cohort import write_cohort

    shown = settings_of(context)
    # Whole or absent, and never among the files of an existing data set.
    with atomic_folder(out) as part:
        write_cohort(part, n=n, seed=seed, reporter=shown.reporter())
    shown.show([f"{n} subjects: {out}"], {"folder": out, "subjects": n})
