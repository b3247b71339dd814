"""`popgan evaluate`: measure a trained model against held-out subjects."""

from __future__ import annotations

from typing import Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of

HELP = "Measure a trained model against held-out subjects."


def evaluate(
    context: typer.Context,
    folder: shared.RunFolder,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--images",
            metavar="N",
            min=10,
            help="Synthetic images to measure.  [default: the plan's]",
        ),
    ] = None,
    name: shared.Name = None,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    with shared.opened(folder, name) as model:
        from popgan.evidence.fidelity.verdict import verdict
        from popgan.stations.evaluate import evaluate as station

        result = station(model, n=n, reporter=shown.reporter())
    lines = [f"{'':34}{'value':>10} {'95 % interval':>20} {'real':>9} {'mean image':>11}"]
    for metric in result.metrics:
        value = metric.value
        known = value.low is not None and value.high is not None
        interval = f"{value.low:.3g} .. {value.high:.3g}" if known else "-"
        floor = f"{metric.floor:.3g}" if metric.floor is not None else "-"
        worst = metric.ceilings.get("mean image")
        ceiling = f"{worst:.3g}" if worst is not None else "-"
        lines.append(
            f"{metric.title[:33]:34}{value.value:>10.3g} {interval:>20} {floor:>9} {ceiling:>11}"
        )
    lines += ["", verdict(result).sentence]
    shown.show(lines, result.model_dump(mode="json"))
