"""The words and numbers of the section on readers: names of sources, values with intervals."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.readers.answers import REAL
from popgan.evidence.readers.results import Measure
from popgan.report.reader_intervals import IntervalRow
from popgan.report.reader_tones import Tone
from popgan.report.words import PERCENT, number, typeset

TITLES = {
    "anatomy": "Anatomical accuracy",
    "contrast": "Tissue contrast",
    "artefacts": "Freedom from artefacts",
    "usefulness": "Diagnostic usefulness",
    "realism": "Overall realism",
    "authenticity": "Real or synthetic",
    "2afc": "Choice of the real one",
}
_MODEL_TONES: tuple[Tone, ...] = ("synthetic", "third", "ink")
_LONGEST = 20  # letters of a model's name in a figure


def label(source: str) -> str:
    """A source as a figure names it; long names are cut."""
    if source == REAL:
        return "real"
    return source if len(source) <= _LONGEST else f"{source[: _LONGEST - 1]}…"


def tone(source: str, models: Sequence[str]) -> Tone:
    """Colour of a source: blue for real, then a colour each for the first models."""
    if source == REAL:
        return "real"
    return _MODEL_TONES[min(models.index(source), len(_MODEL_TONES) - 1)]


def with_interval(measure: Measure) -> str:
    """ "0.58 (0.43 to 0.73)", as running text has it."""
    if measure.value is None:
        return "–"
    text = f"{measure.value:.2f}"
    if measure.low is not None and measure.high is not None:
        text += f" ({measure.low:.2f} to {measure.high:.2f})"
    return text.replace("-", "\u2212")


def measure_row(name: str, measure: Measure, tone: Tone, *, named: bool = True) -> IntervalRow:
    """A row with its numbers at the right: "0.58 (0.43, 0.73)".

    `named`: whether the name is that of the source, and so has its colour.
    """
    value = measure.value
    if value is None:
        return IntervalRow(name, note="–", tone=tone)
    note = f"{value:.2f}"
    if measure.low is not None and measure.high is not None:
        note += f" ({measure.low:.2f}, {measure.high:.2f})"
    note = note.replace("-", "\u2212")
    return IntervalRow(name, value, measure.low, measure.high, note, tone, named=named)


def share_row(name: str, measure: Measure, tone: Tone) -> IntervalRow:
    """A row in percent."""
    return share_row_of(name, measure.value, measure.low, measure.high, tone)


def share_row_of(
    name: str, value: float | None, low: float | None, high: float | None, tone: Tone = "synthetic"
) -> IntervalRow:
    """A row in percent from numbers of its own."""
    if value is None:
        return IntervalRow(name, note="–", tone=tone)
    note = f"{100 * value:.0f}{PERCENT}"
    if low is not None and high is not None:
        note += f" ({100 * low:.0f}, {100 * high:.0f})"
    return IntervalRow(name, value, low, high, note.replace("-", "\u2212"), tone)


def counted_of(measure: Measure) -> str:
    """What a number rests on: "n = 240 answers"."""
    return f"n = {number(measure.n)} {measure.of}"


def counted_range(measures: Sequence[Measure]) -> str:
    """The same for several: "n = 228 to 240 answers"."""
    return f"n = {span([measure.n for measure in measures])} {measures[0].of}"


def span(numbers: Sequence[int]) -> str:
    """The least and the largest of some numbers: "228 to 240", or one where all are the same."""
    low, high = min(numbers), max(numbers)
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def methods(measures: Sequence[Measure], *more: str) -> str:
    """The methods of some measures; what several have in common is said once."""
    found = [measure.method for measure in measures] + list(more)
    parts = [part.strip().rstrip(".") for text in found for part in text.split(";")]
    return typeset("; ".join(dict.fromkeys(part for part in parts if part)))
