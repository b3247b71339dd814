"""What the user is told about faces: where they are still in the images, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from popgan.preparation.steps import Step
from popgan.preparation.visit import Prepared
from popgan.wording import counted

_WHOLE = "heads are kept whole, faces included (--keep-skull): keep images and models private"
_KEPT = {
    "picture": (
        ("single picture is kept as it is", "single pictures are kept as they are"),
        "heads included: no method removes a face from one slice",
    ),
    "stack": (
        ("stack of few slices is kept as it is", "stacks of few slices are kept as they are"),
        "eyes and nose may be in the lower ones",
    ),
}


def face_notes(prepared: Sequence[Prepared]) -> list[str]:
    """One line for each reason why faces may be left, and one for masks that were not outlined."""
    counts: Counter[str] = Counter()
    for visit in prepared:
        for fact in visit.facts:
            for step in fact.steps:
                if step.name == "brain":
                    counts[_sort(step, fact.kind)] += 1
    notes = [_WHOLE] if counts["fixed"] else []
    notes += [
        f"{counted(counts[kind], *words)}: {why}"
        for kind, (words, why) in _KEPT.items()
        if counts[kind]
    ]
    if counts["conservative"]:
        told = counted(counts["conservative"], "head was", "heads were")
        notes.append(
            f"{told} masked with a margin, because the network for brain extraction does not "
            "apply there: skull is left, eyes and nose are cut away as well as the alignment "
            "allows: look at the pictures in private/quality.html"
        )
    return notes


def has_margins(record: Mapping[str, Any]) -> bool:
    """Whether some heads of a cohort were masked with a margin, which leaves skull and scalp.

    Args:
        record: the cohort's record of preparation.
    """
    brains = [row for row in record.get("steps", []) if row["step"] == "brain"]
    return any(row["choice"] == "conservative" for row in brains)


def _sort(step: Step, kind: str) -> str:
    if step.choice == "none":
        return "fixed" if step.source == "fixed" else kind
    return step.choice
