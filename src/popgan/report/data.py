"""Everything on a shareable page as data: report.json beside it, and no pixel in it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from popgan.config.condition import Condition
from popgan.evidence.experiments.results import AblationResult, TuneResult
from popgan.report.claim import Claim
from popgan.report.content import PageContent, ReportContent
from popgan.report.experiments_data import experiment_data
from popgan.report.licences import licences
from popgan.report.worst import RULE, worst_places

VERSION = 1
# Places of patients' images in the training set, and pictures: neither belongs into a shared file.
_PICTURES = {"gallery", "filmstrip", "worst"}
_LEFT_OUT = {"nearest", "synthetic_mean", "synthetic_std"}


def report_data(
    content: PageContent, claims: list[Claim], uses: tuple[list[str], list[str]]
) -> dict[str, Any]:
    """What the page says, as JSON: verdicts first, then all results as they were measured.

    Args:
        content: what the page shows.
        claims: the verdict table.
        uses: intended and forbidden.

    Returns:
        Plain values; numbers are not rounded.
    """
    data: dict[str, Any] = {
        "popgan_report": VERSION,
        "title": content.title,
        "verdicts": [
            {
                "claim": row.claim,
                "test": row.test,
                "result": row.result,
                "status": row.status,
                "word": row.word,
            }
            for row in claims
        ],
        "intended_uses": uses[0],
        "forbidden_uses": uses[1],
        "licences": [dataclasses.asdict(row) for row in licences(content)],
    }
    fields = {field.name: getattr(content, field.name) for field in dataclasses.fields(content)}
    for name, value in fields.items():
        if isinstance(value, (TuneResult, AblationResult)):
            data[name] = experiment_data(value)
        elif name not in data and name not in _PICTURES:
            data[name] = _plain(value)
    if isinstance(content, ReportContent) and content.fidelity is not None:
        data["worst"] = {"rule": RULE, "places": worst_places(content.fidelity)}
    return data


def _plain(value: Any) -> Any:
    """Models, dataclasses and sequences as plain values; arrays are pictures and left out."""
    if isinstance(value, Condition):
        # The ends of a range are values of single patients.
        shown = value.model_dump(exclude={"low", "high"})
        return shown | ({"about": list(value.about)} if value.kind == "number" else {})
    if isinstance(value, BaseModel):
        return {
            name: _plain(getattr(value, name))
            for name in type(value).model_fields
            if name not in _LEFT_OUT
        }
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _is_array(getattr(value, field.name))
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has neither
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a report's data")


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape")
