"""The section of a model card about masks: which labels, and how they compare with real ones."""

from __future__ import annotations

from collections.abc import Iterator

from popgan.config.schema import DataPlan
from popgan.evidence.masks import MaskMeasure, MaskResult
from popgan.evidence.statistics import Estimate
from popgan.synthesis.markdown import plain_text, table

_TEXT = """
Every image comes with a label map that was drawn together with it, from the map {kind} of the
training data. It is as synthetic as the image: nobody has outlined it. The masks have no part in
the measures above, nor in the search for nearest training images.
"""


def masks_section(data: DataPlan, measured: MaskResult | None) -> Iterator[str]:
    """The section, where the model draws masks."""
    if not data.masks:
        return
    text = "## Masks\n" + _TEXT.format(kind=plain_text(data.label_map))
    if measured is None:
        rows = [(mask.value, mask.name, mask.slices) for mask in data.masks]
        head = ("label", "name", "training slices that show it")
        yield f"{text}\nThey were not measured yet.\n\n{table(head, rows)}"
        return
    columns = ("label", "images that show it", "area where shown", "step in brightness at its rim")
    notes = "".join(f"\n- {plain_text(warning)}" for warning in measured.warnings)
    yield (
        f"{text}\n{measured.n_synthetic} synthetic images / {measured.n_real} real ones of "
        f"{measured.n_subjects} held-out subjects, with 95 % intervals; area is the median share "
        "of the image; swapped: synthetic images with masks of others.\n\n"
        + table(columns, [_row(label) for label in measured.labels])
        + (f"\n{notes}" if notes else "")
    )


def _row(label: MaskMeasure) -> tuple[str, ...]:
    steps = [
        f"{step.contrast}: {_percent(step.synthetic)} / {_percent(step.real)}"
        + ("" if step.swapped is None else f" (swapped {100 * step.swapped:.1f} %)")
        for step in label.steps
    ]
    return (
        f"{label.value} {label.name}",
        f"{_percent(label.share_synthetic)} / {_percent(label.share_real)}",
        f"{_percent(label.area_synthetic)} / {_percent(label.area_real)}",
        "; ".join(steps),
    )


def _percent(found: Estimate | None) -> str:
    if found is None:
        return "none"
    text = f"{100 * found.value:.1f} %"
    if found.low is None or found.high is None:
        return text
    return f"{text} ({100 * found.low:.1f} to {100 * found.high:.1f})"
