"""The record of preparation: what was done to every scan and why; pseudonyms, no names or paths."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from popgan.cohort.intensity import Normalisation
from popgan.files import read_json
from popgan.preparation.steps import Step
from popgan.preparation.visit import Prepared

FILE = "preparation.json"
"""Name of the record in dataset/."""
_VERSION = 1
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w]|\.\d)")
_ORDER = ("orientation", "bias field", "brain", "registration", "space", "intensity")


def preparation_record(
    visits: Sequence[tuple[str, int, Prepared]], normalisations: Sequence[Normalisation]
) -> dict[str, Any]:
    """The content of dataset/preparation.json.

    Args:
        visits: pseudonym, number and what was measured, in the order of the cohort.
        normalisations: what was decided for each contrast; the last step of each scan.
    """
    scans, steps = [], []
    for subject, visit, prepared in visits:
        for one, fact in zip(normalisations, prepared.facts, strict=True):
            own = [*fact.steps, one.step(fact)]
            steps += own
            scans.append(
                {
                    "subject": subject,
                    "visit": visit,
                    "contrast": fact.contrast,
                    "steps": [_step(step) for step in own],
                }
            )
    return {
        "version": _VERSION,
        "steps": summary(steps),
        "intensity": [one.record() for one in normalisations],
        "scans": scans,
    }


def read_record(run: Path) -> dict[str, Any]:
    """The record of a run folder's cohort; empty where an older version made it.

    Raises:
        UserError: it is damaged.
    """
    path = run / "dataset" / FILE
    return dict(read_json(path)) if path.exists() else {}


def summary(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Each step with its choice, source and reason once, and how many scans it applied to.

    Reasons that differ in their numbers only are one, with the range of each number; so the
    summary of five thousand scans is as short as that of five.
    """
    groups: dict[tuple[str, str, str, str], list[list[str]]] = {}
    for step in steps:
        pattern = _NUMBER.sub("\0", step.reason)
        key = (step.name, step.choice, step.source, pattern)
        groups.setdefault(key, []).append(_NUMBER.findall(step.reason))
    rows: list[dict[str, Any]] = [
        {
            "step": name,
            "choice": choice,
            "source": source,
            "reason": _merged(pattern, numbers),
            "scans": len(numbers),
        }
        for (name, choice, source, pattern), numbers in groups.items()
    ]
    places = {name: place for place, name in enumerate(_ORDER)}
    rows.sort(key=lambda row: (places.get(row["step"], len(places)), -row["scans"], row["reason"]))
    return rows


def _merged(pattern: str, numbers: list[list[str]]) -> str:
    """A reason with the range of each of its numbers."""
    parts = pattern.split("\0")
    text = parts[0]
    for place, part in enumerate(parts[1:]):
        found = sorted({row[place] for row in numbers}, key=float)
        text += (found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}") + part
    return text


def _step(step: Step) -> dict[str, Any]:
    """JSON has neither NaN nor infinity; a figure that could not be measured is left out."""
    figures = {name: value for name, value in step.figures.items() if math.isfinite(value)}
    return {**dataclasses.asdict(step), "figures": figures}
