"""`popgan evaluate`: measure a trained model against held-out subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of

if TYPE_CHECKING:
    from popgan.evidence.fidelity.results import FidelityResult

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
    reporter = shown.reporter()
    with shared.opened(folder, name, reporter) as model:
        from popgan.evidence.fidelity.verdict import verdict
        from popgan.stations.evaluate import evaluate as station

        result = station(model, n=n, reporter=reporter)
    shown.show(
        [*metric_table(result), "", verdict(result).sentence], result.model_dump(mode="json")
    )


def metric_table(result: FidelityResult) -> list[str]:
    """A line a metric: value, interval, and what real images and the mean image get."""
    wide = max(len(metric.title) for metric in result.metrics)
    lines = [f"{'':{wide}} {'value':>9} {'95 % interval':>18} {'real':>8} {'mean image':>11}"]
    for metric in result.metrics:
        value, worst = metric.value, metric.ceilings.get("mean image")
        known = value.low is not None and value.high is not None
        interval = f"{value.low:.3g} .. {value.high:.3g}" if known else "-"
        floor = f"{metric.floor:.3g}" if metric.floor is not None else "-"
        ceiling = f"{worst:.3g}" if worst is not None else "-"
        lines.append(
            f"{metric.title:{wide}} {value.value:>9.3g} {interval:>18} {floor:>8} {ceiling:>11}"
        )
    return lines
