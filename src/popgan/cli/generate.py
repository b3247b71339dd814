"""`popgan generate`: write a synthetic data set from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of

HELP = "Write a synthetic data set: NIfTI in BIDS, and PNGs."


def generate(
    context: typer.Context,
    folder: shared.RunFolder,
    n: Annotated[
        int | None,
        typer.Option("-n", "--images", metavar="N", min=1, help="Images.  [default: the plan's]"),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="N", min=0, max=2**31 - 1, help="Image k of a seed never changes."
        ),
    ] = 0,
    name: shared.Name = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FOLDER", help="Folder.  [default: RUN/synthetic/NAME]"
        ),
    ] = None,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    with shared.opened(folder, name, reporter) as model:
        from popgan.stations.generate import generate as station

        written = station(model, n, seed=seed, out=out, reporter=reporter)
    shown.show([f"synthetic data: {written}"], {"synthetic": written, "seed": seed})
