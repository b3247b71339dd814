"""What the user is told about faces: where they are still in the images, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from popgan.preparation.steps import Step
from popgan.preparation.visit import Prepared

_KEPT = {
    "fixed": "heads are kept whole, faces included (--keep-skull): keep images and models private",
    "picture": "{count} single pictures are kept as they are, heads included: no method removes a "
    "face from one slice",
    "stack": "{count} stacks of few slices are kept as they are: eyes and nose may be in the lower "
    "ones",
}


def face_notes(prepared: Sequence[Prepared]) -> list[str]:
    """One line for each reason why faces may be left, and one for masks that were not outlined."""
    counts: Counter[str] = Counter()
    for visit in prepared:
        for fact in visit.facts:
            for step in fact.steps:
                if step.name == "brain":
                    counts[_sort(step, fact.kind)] += 1
    notes = [text.format(count=counts[kind]) for kind, text in _KEPT.items() if counts[kind]]
    if counts["conservative"]:
        notes.append(
            f"{counts['conservative']} heads were masked with a margin, because the network for "
            "brain extraction does not apply to them: skull is left, eyes and nose are cut "
            "away as well as the alignment allows: look at their pictures in the private report"
        )
    return notes


def _sort(step: Step, kind: str) -> str:
    if step.choice == "none":
        return "fixed" if step.source == "fixed" else kind
    return step.choice
