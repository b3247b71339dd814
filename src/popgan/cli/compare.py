"""`popgan compare`: several models of a run against the same held-out patients."""

from __future__ import annotations

from typing import Annotated

import typer

from popgan.cli import shared
from popgan.cli.compare_told import told
from popgan.cli.shared import settings_of
from popgan.cli.stopping import begins_anew
from popgan.stations.folder import locked, require_run

HELP = """Compare the models of a run on the same held-out subjects.

Pairs of models, or of recipes where several seeds were trained; ties are called ties. The paper's
unpaired numbers, and the true numbers of translators, stand in blocks of their own."""


def compare(
    context: typer.Context,
    folder: shared.RunFolder,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Models to compare; all that are trained by default.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--images",
            metavar="N",
            min=10,
            help="Synthetic images of each model.  [default: those that are evaluated]",
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            metavar="inception=FILE",
            help="Measure with the network of FID instead of EfficientNet-Lite0, as evaluate does.",
            show_default=False,
        ),
    ] = None,
    inversion: Annotated[
        bool,
        typer.Option(
            "--inversion",
            help="Also search for held-out images in each generator; minutes a model.",
        ),
    ] = False,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    require_run(folder)
    shared.start(reporter)
    from popgan.stations.compare import compare as station
    from popgan.stations.compared import comparison_path

    with begins_anew(), locked(folder):
        found = station(
            folder,
            names or [],
            n=n,
            features=features,
            inversion=inversion,
            reporter=reporter,
        )
    lines = [*told(found), "", f"comparison: {comparison_path(folder)}"]
    shown.show(lines, found.model_dump(mode="json"))
