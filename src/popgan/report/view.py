"""From results to what the templates print: groups, words and pictures, but no HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from popgan.config.schema import Plan
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.fidelity.verdict import Verdict
from popgan.evidence.paired.verdict import PairedVerdict
from popgan.report.content import FilmFrame, Images, ReportContent
from popgan.report.figures import column
from popgan.report.measurements import network_name, short_title
from popgan.report.pixels import slice_uri, stack_uri
from popgan.report.words import duration, number, plain, score, typeset

# Level of the verdict -> (CSS class, headline).
_VERDICTS = {
    "close to real": ("good", "Close to real images"),
    "in between": ("mixed", "Between real images and a blurred average"),
    "poor": ("poor", "Far from real images"),
    "not measurable": ("unknown", "Cannot be judged on this cohort"),
    "better than every baseline": ("good", "Nearer to the true images than every trivial way"),
    "tied with a baseline": ("mixed", "Not shown to be better than every trivial way"),
    "worse than a baseline": ("poor", "A trivial way comes nearer to the true images"),
}
_SECTIONS = {
    "data": "Data",
    "network": "Networks",
    "augmentation": "Augmentation",
    "train": "Training",
    "generate": "Synthetic data set",
    "evaluate": "Evaluation",
}
_DRAWING = {"generate", "evaluate"}  # counts of images drawn from noise
_MAX_GALLERY = 64


@dataclass(frozen=True)
class PlanRow:
    """One value of the plan with its meaning and where it comes from."""

    name: str
    meaning: str
    value: str
    source: str
    reason: str


def plan_groups(plan: Plan) -> list[tuple[str, list[PlanRow]]]:
    """The plan's values by section, each with meaning, source and reason.

    None stands for what the recipe has not, and is left out.
    """
    groups = []
    for section, title in _SECTIONS.items():
        if plan.translates and section in _DRAWING:
            continue
        model = getattr(plan, section)
        named = [name for name in type(model).model_fields if getattr(model, name) is not None]
        groups.append((title, [_plan_row(plan, model, section, name) for name in named]))
    return groups


def _plan_row(plan: Plan, model: BaseModel, section: str, name: str) -> PlanRow:
    decision = plan.decisions.get(f"{section}.{name}")
    return PlanRow(
        name=f"{section}.{name}",
        meaning=(type(model).model_fields[name].description or "").replace("`", ""),
        value=_short_hash(plain(getattr(model, name))),
        source=decision.source if decision else "",
        reason=typeset(decision.reason) if decision else "",
    )


def _short_hash(text: str) -> str:
    """A SHA-256 by its first twelve digits: enough to compare, and it fits a phone."""
    hexadecimal = len(text) == 64 and all(character in "0123456789abcdef" for character in text)
    return text[:12] if hexadecimal else text


def verdict_view(verdict: Verdict | PairedVerdict | None) -> tuple[str, str, str]:
    """CSS class, headline and sentence of the verdict."""
    if verdict is None:
        return "unknown", "Not measured", "No measurement was made, so nothing is known yet."
    tone, headline = _VERDICTS[verdict.level]
    return tone, headline, typeset(verdict.sentence)


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
    """The filmstrip: (label, size in pixels or "", data URI) of each moment; one contrast."""
    views = []
    for frame in frames:
        size = f"{frame.size[0]} × {frame.size[1]}" if frame.size else ""
        views.append((frame.label, size, stack_uri(frame.images[:, contrast])))
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
        name = f"{prefix}{_in_words(str(key))}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}, ")
        else:
            yield name, plain(value)


def _in_words(key: str) -> str:
    """A key as a reader writes it: "memory_gib" is "memory GiB"."""
    words = {"gib": "GiB", "sha256": "SHA-256", "cpu": "processor"}
    return " ".join(words.get(word, word) for word in key.split("_"))


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
        floor = f"real against real {score(first.floor)}" if first.floor is not None else ""
        name = f"{short_title(first)}, {network_name(content.fidelity)}"
        facts.append((name, score(first.value.value), floor))
    data = content.plan.data
    noun = "subject" if data.train_subjects == 1 else "subjects"
    slices = f"{noun}, {number(data.train_slices)} slices"
    facts.append(("Trained on", number(data.train_subjects), slices))
    facts.append(("Image size", f"{data.height} × {data.width}", ", ".join(data.contrasts)))
    images = column(content.log, "images") if content.log else None
    seconds = column(content.log, "seconds") if content.log else None
    if images is not None:
        took = f"in {duration(float(np.nanmax(seconds)))}" if seconds is not None else ""
        facts.append(("Training length", number(float(np.nanmax(images))), f"images shown {took}"))
    return facts
