"""From results to what the templates print: groups, words and pictures, but no HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from popgan.config.schema import Plan
from popgan.evidence.fidelity.results import FidelityResult, Metric
from popgan.evidence.fidelity.verdict import Verdict
from popgan.report.content import FilmFrame, Images, ReportContent
from popgan.report.figures import column
from popgan.report.pixels import slice_uri, stack_uri
from popgan.report.words import duration, interval, number, plain

# Level of the verdict -> (CSS class, headline).
_VERDICTS = {
    "close to real": ("good", "Close to real images"),
    "in between": ("mixed", "Between real images and a blurred average"),
    "poor": ("poor", "Far from real images"),
    "not measurable": ("unknown", "Cannot be judged on this cohort"),
}
_BETTER = {
    "lower": "lower is better",
    "higher": "higher is better",
    "reference": "nearest to the floor is best",
}
_SECTIONS = {
    "data": "Data",
    "network": "Networks",
    "augmentation": "Augmentation",
    "train": "Training",
    "generate": "Synthetic data set",
    "evaluate": "Evaluation",
}
_MAX_GALLERY = 64


@dataclass(frozen=True)
class PlanRow:
    """One value of the plan with its meaning and where it comes from."""

    name: str
    meaning: str
    value: str
    source: str
    reason: str


@dataclass(frozen=True)
class Claim:
    """One question a reader of the report has, and whether it was tested."""

    question: str
    tested: bool
    answer: str


@dataclass(frozen=True)
class MetricView:
    """A metric as the page prints it."""

    title: str
    value: str
    interval: str
    floor: str
    ceilings: str
    better: str
    n: str
    method: str
    how_to_read: str
    share: str


def plan_groups(plan: Plan) -> list[tuple[str, list[PlanRow]]]:
    """The plan's values by section, each with meaning, source and reason."""
    groups = []
    for section, title in _SECTIONS.items():
        model = getattr(plan, section)
        rows = [_plan_row(plan, model, section, name) for name in type(model).model_fields]
        groups.append((title, rows))
    return groups


def _plan_row(plan: Plan, model: BaseModel, section: str, name: str) -> PlanRow:
    decision = plan.decisions.get(f"{section}.{name}")
    return PlanRow(
        name=f"{section}.{name}",
        meaning=(type(model).model_fields[name].description or "").replace("`", ""),
        value=_short_hash(plain(getattr(model, name))),
        source=decision.source if decision else "",
        reason=decision.reason if decision else "",
    )


def _short_hash(text: str) -> str:
    """A SHA-256 by its first twelve digits: enough to compare, and it fits a phone."""
    hexadecimal = len(text) == 64 and all(character in "0123456789abcdef" for character in text)
    return text[:12] if hexadecimal else text


def verdict_view(verdict: Verdict | None) -> tuple[str, str, str]:
    """CSS class, headline and sentence of the verdict."""
    if verdict is None:
        return "unknown", "Not measured", "No measurement was made, so nothing is known yet."
    tone, headline = _VERDICTS[verdict.level]
    return tone, headline, verdict.sentence


def metric_view(metric: Metric) -> MetricView:
    """The printed form of one metric."""
    value = metric.value
    floor = number(metric.floor)
    if metric.floor_low is not None:
        floor += f" ({interval(metric.floor_low, metric.floor_high)})"
    return MetricView(
        title=metric.title,
        value=" ".join(part for part in (number(value.value), metric.unit) if part),
        interval=interval(value.low, value.high),
        floor=floor,
        ceilings=", ".join(f"{name} {number(value)}" for name, value in metric.ceilings.items()),
        better=_BETTER[metric.better],
        n=f"{number(value.n_synthetic)} synthetic, {number(value.n_real)} real of "
        f"{number(value.n_subjects)} subjects",
        method=value.method,
        how_to_read=metric.how_to_read,
        share=_share(metric),
    )


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
    return f"{share:.0%} of the way to the mean image."


def claims(content: ReportContent) -> list[Claim]:
    """What was tested, and plainly what was not."""
    metrics = content.fidelity.metrics if content.fidelity else []
    names = [_short(metric.title) for metric in metrics]
    measured = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return [
        Claim(
            "Do the images look like the real ones, as a set?",
            bool(metrics),
            f"Measured against held-out subjects: {measured}."
            if metrics
            else "No measurement was made.",
        ),
        Claim(
            "Does the model give away its patients?",
            False,
            "No privacy audit (copy search with controls, membership inference) was made. "
            "Treat model and images like the patients' own data.",
        ),
        Claim(
            "Do the images help to train or test other software?",
            False,
            "No downstream task was run.",
        ),
        Claim(
            "Do radiologists find them realistic?",
            False,
            "No reader study was made.",
        ),
    ]


def _short(title: str) -> str:
    """A title without its remark in parentheses."""
    return title.split(" (")[0]


def film_columns(frames: int) -> int:
    """Columns of the filmstrip on a wide screen: rows of equal length, where possible."""
    rows = -(-frames // 10)
    return max(1, -(-frames // rows)) if frames else 1


def gallery_views(images: Images, contrasts: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The gallery by contrast: (contrast, data URIs), the same images in the same order."""
    shown = images[:_MAX_GALLERY]
    return [
        (contrast, [slice_uri(image[channel]) for image in shown])
        for channel, contrast in enumerate(contrasts)
    ]


def film_views(frames: Sequence[FilmFrame], contrast: int = 0) -> list[tuple[str, str, str]]:
    """The filmstrip: (label, size in pixels, data URI) of each moment; one contrast."""
    views = []
    for frame in frames:
        height, width = frame.images.shape[2:]
        views.append((frame.label, f"{height} × {width}", stack_uri(frame.images[:, contrast])))
    return views


@dataclass(frozen=True)
class MeanView:
    """Mean and standard deviation of a set, one contrast."""

    contrast: str
    mean: str
    std: str
    white: str


def synthetic_moments(fidelity: FidelityResult | None) -> tuple[Images | None, Images | None]:
    """Mean and standard deviation of the synthetic set, C x H x W, where they were measured."""
    if fidelity is None:
        return None, None
    return (
        np.asarray(fidelity.synthetic_mean, dtype=np.float32),
        np.asarray(fidelity.synthetic_std, dtype=np.float32),
    )


def mean_views(
    mean: Images | None,
    std: Images | None,
    contrasts: Sequence[str],
    *,
    brightest: float | None = None,
) -> list[MeanView]:
    """Mean and standard-deviation images; the latter scaled so that `brightest` is white."""
    if mean is None or std is None:
        return []
    top = brightest if brightest is not None else float(np.nanmax(std))
    return [
        # Signal runs over 2 units in memory and over 1 for the reader.
        MeanView(contrast, slice_uri(mean[i]), slice_uri(std[i], 0, top), number(top / 2))
        for i, contrast in enumerate(contrasts)
    ]


def flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """A nested record as (name, value) rows: ("versions, torch", "2.13.0")."""
    for key, value in record.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}, ")
        else:
            yield name, plain(value)


def station_rows(stations: Sequence[tuple[str, float]]) -> list[tuple[str, str]]:
    """(station, duration), with the sum last."""
    rows = [(name, duration(seconds)) for name, seconds in stations]
    if len(rows) > 1:
        rows.append(("all", duration(sum(seconds for _, seconds in stations))))
    return rows


def key_facts(content: ReportContent) -> list[tuple[str, str, str]]:
    """The three or four figures below the verdict: (name, value, remark)."""
    facts = []
    if content.fidelity and content.fidelity.metrics:
        first = content.fidelity.metrics[0]
        floor = f"real against real {number(first.floor)}" if first.floor is not None else ""
        facts.append((_short(first.title), number(first.value.value), floor))
    data = content.plan.data
    facts.append(("Trained on", f"{data.train_subjects}", f"subjects, {data.train_slices} slices"))
    facts.append(("Image size", f"{data.height} × {data.width}", ", ".join(data.contrasts)))
    images = column(content.log, "images") if content.log else None
    seconds = column(content.log, "seconds") if content.log else None
    if images is not None:
        took = f"in {duration(float(np.nanmax(seconds)))}" if seconds is not None else ""
        facts.append(("Training length", number(float(np.nanmax(images))), f"images shown {took}"))
    return facts
