"""The measurements of a set in groups: likeness, variety, nearness to the training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.fidelity.results import FidelityResult
from popgan.report.figures import spectrum_drawing
from popgan.report.measurements import MetricView, metric_views, network_line
from popgan.report.scales import metric_scale
from popgan.report.svg import Drawing
from popgan.report.view import flat
from popgan.report.words import typeset

_COVERAGE = {"recall", "coverage", "clipped_coverage", "ms_ssim", "most_alike"}
_NEARNESS = {"nearest_ratio", "nearest_share", "nearest_correlation"}
# What is shown without unfolding, in this order; everything else follows in its own.
_FIRST = (
    *("kid", "frechet_infinity", "frechet", "clipped_density", "precision"),
    *("clipped_coverage", "ms_ssim", "recall", "coverage"),
)
Item = tuple[MetricView, Drawing]


@dataclass(frozen=True)
class MeasuresView:
    """What the templates print.

    Attributes:
        network: whose features distances are measured in.
        warnings: of the measurement.
        fidelity, coverage, nearness: the metrics in groups, the most telling first.
        all: all of them in their own order.
        methods: (mark, method) of the intervals, each once.
        spectrum: the power spectra.
        backbone: (property, value) of the network.
    """

    network: str
    warnings: Sequence[str]
    fidelity: Sequence[Item]
    coverage: Sequence[Item]
    nearness: Sequence[Item]
    all: Sequence[Item]
    methods: Sequence[tuple[str, str]]
    spectrum: Drawing
    backbone: Sequence[tuple[str, str]]


def measures_view(fidelity: FidelityResult | None) -> MeasuresView | None:
    """What the page shows; None where nothing was measured."""
    if fidelity is None:
        return None
    views, methods = metric_views(fidelity)
    names = [metric.name for metric in fidelity.metrics]
    items = list(zip(views, map(metric_scale, fidelity.metrics), strict=True))
    named = list(zip(names, items, strict=True))
    named.sort(key=lambda pair: _FIRST.index(pair[0]) if pair[0] in _FIRST else len(_FIRST))
    apart = _COVERAGE | _NEARNESS
    return MeasuresView(
        network=network_line(fidelity),
        warnings=[typeset(text) for text in fidelity.warnings],
        fidelity=[item for name, item in named if name not in apart],
        coverage=[item for name, item in named if name in _COVERAGE],
        nearness=[item for name, item in named if name in _NEARNESS],
        all=items,
        methods=methods,
        spectrum=spectrum_drawing(fidelity.spectra),
        backbone=list(flat(fidelity.backbone)),
    )
