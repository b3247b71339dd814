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
    n: Annotated[int | None, typer.Option("-n", "--images", help="Number of images.")] = None,
    seed: shared.Seed = 0,
    name: shared.Name = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder.  [default: RUN/synthetic/NAME]")
    ] = None,
) -> None:
    """See HELP."""
    from popgan.run import locked
    from popgan.stations.generate import generate as station
    from popgan.stations.model import find_model

    shown = settings_of(context)
    model = find_model(folder, name)
    with locked(folder):
        written = station(model, n, seed=seed, out=out, reporter=shown.reporter())
    shown.show([f"synthetic data: {written}"], {"synthetic": written, "seed": seed})
