"""Measurements as the page prints them: numbers with their basis, and each method told once."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from popgan.evidence.fidelity.results import FidelityResult, Metric
from popgan.report.words import interval, number, percent, score, typeset

_BETTER = {
    "lower": "lower is better",
    "higher": "higher is better",
    "reference": "nearest to the floor is best",
}
# Measured on pixels; everything else in the features of a network, which must be named beside it.
_ON_PIXELS = {"ms_ssim", "most_alike", "spectrum", "nearest_correlation"}
_NETWORKS = {"efficientnet-lite0": "EfficientNet-Lite0", "inception-v3-2015-12-05": "Inception-v3"}


@dataclass(frozen=True)
class MetricView:
    """A metric as the page prints it; `mark` leads to the method below the table."""

    title: str
    basis: str
    value: str
    interval: str
    floor: str
    ceilings: list[str]
    better: str
    n: str
    mark: str
    how_to_read: str
    share: str


def metric_views(fidelity: FidelityResult) -> tuple[list[MetricView], list[tuple[str, str]]]:
    """The metrics, and the methods behind their intervals as (mark, text), each once."""
    methods = dict.fromkeys(metric.value.method for metric in fidelity.metrics)
    marks = dict(zip(methods, string.ascii_lowercase, strict=False))
    views = [_view(metric, fidelity, marks[metric.value.method]) for metric in fidelity.metrics]
    return views, [(mark, typeset(method)) for method, mark in marks.items()]


def network_name(fidelity: FidelityResult) -> str:
    """The network in whose features distances are measured: "EfficientNet-Lite0"."""
    return network_title(fidelity.backbone)


def network_line(fidelity: FidelityResult) -> str:
    """The network with the size it looks at: "EfficientNet-Lite0 features at 160 pixels"."""
    return identity_line(fidelity.backbone)


def identity_line(identity: Mapping[str, Any]) -> str:
    """The same from the identity of a network as it is stored."""
    size = identity.get("input_size")
    return f"{network_title(identity)} features" + (f" at {size} pixels" if size else "")


def network_title(identity: Mapping[str, Any]) -> str:
    """The name of a network from its identity as it is stored."""
    name = str(identity.get("backbone", "an unnamed network"))
    return _NETWORKS.get(name, name)


def short_title(metric: Metric) -> str:
    """A title without its remark in parentheses."""
    return typeset(metric.title.split(" (")[0])


def _view(metric: Metric, fidelity: FidelityResult, mark: str) -> MetricView:
    value = metric.value
    floor = score(metric.floor)
    if metric.floor_low is not None:
        floor += f" ({interval(metric.floor_low, metric.floor_high)})"
    return MetricView(
        title=typeset(metric.title),
        basis=_basis(metric, fidelity),
        value=" ".join(part for part in (score(value.value), metric.unit) if part),
        interval=interval(value.low, value.high),
        floor=floor,
        ceilings=[f"{name} {score(value)}" for name, value in metric.ceilings.items()],
        better=_BETTER[metric.better],
        n=f"{number(value.n_synthetic)} synthetic, {number(value.n_real)} real of "
        f"{number(value.n_subjects)} subjects",
        mark=mark,
        how_to_read=typeset(metric.how_to_read),
        share=_share(metric),
    )


def _basis(metric: Metric, fidelity: FidelityResult) -> str:
    """What a metric is computed on; results of schema 1 do not say so."""
    if metric.basis and metric.basis != "pixels":
        return typeset(metric.basis)
    pixels = metric.basis == "pixels" or metric.name in _ON_PIXELS
    return "computed on pixels" if pixels else network_line(fidelity)


def _share(metric: Metric) -> str:
    """How much of the way from real images to the mean image the value has gone, in words."""
    ceiling = metric.ceilings.get("mean image")
    if metric.floor is None or ceiling is None or metric.better == "reference":
        return ""
    way = ceiling - metric.floor
    if way == 0 or (way > 0) != (metric.better == "lower"):
        return ""
    share = (metric.value.value - metric.floor) / way
    if not math.isfinite(share):
        return ""
    if share < 0:
        return "No farther from the real images than other real images are."
    if share > 1:
        return "Worse than showing the mean image over and over."
    return f"{percent(share)} of the way to the mean image."
