"""`popgan evaluate`: measure a trained model against held-out subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of
from popgan.cli.stopping import begins_anew

if TYPE_CHECKING:
    from popgan.evidence.fidelity.results import FidelityResult
    from popgan.evidence.paired.results import PairedResult

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
            help="Synthetic images to measure; not for translators.  [default: the plan's]",
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            metavar="inception=FILE",
            help="Measure with the network of FID instead of EfficientNet-Lite0. FILE: "
            "pt_inception-2015-12-05-6726825d.pth, which is not part of popgan. Replaces the "
            "stored evaluation.",
            show_default=False,
        ),
    ] = None,
    name: shared.Name = None,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    with begins_anew(), shared.opened(folder, name, reporter) as model:
        from popgan.evidence.fidelity.verdict import verdict
        from popgan.evidence.paired.results import PairedResult
        from popgan.evidence.paired.verdict import paired_verdict
        from popgan.stations.evaluate import evaluate as station

        result = station(model, n=n, features=features, reporter=reporter)
    if isinstance(result, PairedResult):
        lines = [*pair_table(result), "", paired_verdict(result).sentence]
    else:
        lines = [*metric_table(result), "", *footnotes(result), verdict(result).sentence]
    shown.show(lines, result.model_dump(mode="json"))


def metric_table(result: FidelityResult) -> list[str]:
    """A line a metric: value, interval, and what real images and the mean image get."""
    titles = [", ".join(filter(None, (m.title, m.unit))) for m in result.metrics]
    wide = max(map(len, titles))
    lines = [f"{'':{wide}} {'value':>9} {'95 % interval':>18} {'real':>8} {'mean image':>11}"]
    for title, metric in zip(titles, result.metrics, strict=True):
        value, worst = metric.value, metric.ceilings.get("mean image")
        known = value.low is not None and value.high is not None
        interval = f"{value.low:.3g} .. {value.high:.3g}" if known else "-"
        floor = f"{metric.floor:.3g}" if metric.floor is not None else "-"
        ceiling = f"{worst:.3g}" if worst is not None else "-"
        lines.append(f"{title:{wide}} {value.value:>9.3g} {interval:>18} {floor:>8} {ceiling:>11}")
    return lines


def footnotes(result: FidelityResult) -> list[str]:
    """What the numbers rest on, and what this material does not support."""
    from popgan.evidence.backbone import basis_of

    named = f"Distances are measured with {basis_of(result.backbone)}."
    return [named, *result.warnings, ""]


def pair_table(result: PairedResult) -> list[str]:
    """A line a way to come by the contrast: how near it is to the truth, and to the model."""
    columns = (("PSNR, dB", "psnr", 2), ("SSIM", "ssim", 3), ("MAE", "mae", 3))
    gaps = {c.against: c.difference for c in result.comparisons
            if (c.metric, c.region) == ("psnr", "brain")}  # fmt: skip
    wide = max(len(row.name) for row in result.rows)
    head = "".join(f" {title:>9}" for title, _, _ in columns)
    lines = [f"{'in the brain':{wide}}{head}   {result.model} is higher by, dB"]
    for row in result.rows:
        cells = []
        for _, metric, digits in columns:
            value = row.score(metric, "brain")
            cells.append(f" {value.mean:>9.{digits}f}" if value and value.n else f" {'-':>9}")
        gap, told = gaps.get(row.name), ""
        if gap is not None:
            told = f"   {gap.mean:+.2f}"
            if gap.low is not None and gap.high is not None:
                told += f" ({gap.low:.2f} .. {gap.high:.2f})"
        lines.append(f"{row.name:{wide}}{''.join(cells)}{told}")
    return lines
