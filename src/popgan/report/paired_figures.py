"""The figures of a translator: the model against every other way, and what its intervals held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from popgan.evidence.paired.results import Comparison, PairedResult, PatientMean, Uncertainty
from popgan.report.paired_tables import KINDS
from popgan.report.paired_words import METRICS, p_words, signed, value_and_interval
from popgan.report.reader_intervals import IntervalRow, Scale, intervals
from popgan.report.reader_tones import WIDTH, at_left, at_right, rows_frame
from popgan.report.svg import GRID, INK, MUTED, PAPER, SYNTHETIC, THIRD, Drawing, canvas, to_svg
from popgan.report.words import PERCENT, percent

_LONGEST = 27  # letters of a name in a figure


def forest(result: PairedResult) -> Drawing | None:
    """The paired difference of PSNR in the brain to every other way; None if there is none."""
    found = [c for c in result.comparisons if (c.metric, c.region) == ("psnr", "brain")]
    if not found:
        return None
    kinds = {row.name: row.kind for row in result.rows}
    rows: list[IntervalRow] = []
    for kind, title in KINDS.items():
        own = [c for c in found if kinds.get(c.against) == kind]
        if own:
            rows.append(IntervalRow(title, heading=True))
            rows += [_row(c, result.model, kind == "baseline") for c in own]
    title = f"{result.model} minus other way, dB"
    drawn = intervals(rows, Scale(title, reference=0.0), "paired-gaps", _alt(found, result.model))
    return Drawing(
        drawn,
        "PSNR in the brain, against every other way",
        "Right of the dotted line the model is nearer to the truth than the other way, patient by "
        f"patient. Bars: 95{PERCENT} intervals over patients. p: sign-flip test over patients, "
        "after Holm's correction over all comparisons of this section.",
    )


def _row(found: Comparison, model: str, trivial: bool) -> IntervalRow:
    gap = found.difference
    name = found.against.removeprefix(f"{model} ")
    note = " ".join(part for part in (signed(gap.mean, 2), p_words(found.p_holm)) if part)
    return IntervalRow(
        _cut(name), gap.mean, gap.low, gap.high, note, "synthetic" if trivial else "third",
        named=False,
    )  # fmt: skip


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _alt(found: Sequence[Comparison], model: str) -> str:
    told = (value_and_interval(c.difference, METRICS["psnr"].decimals, sign=True) for c in found)
    parts = [f"{c.against} {' '.join(words)}" for c, words in zip(found, told, strict=True)]
    return f"PSNR of {model} minus that of each other way, dB: {'; '.join(parts)}."


def coverage(found: Uncertainty) -> Drawing:
    """The share of true intensities within their intervals, a dot a patient."""
    rows = [("brain", found.coverage, SYNTHETIC)]
    if found.coverage_lesion is not None and found.coverage_lesion.n:
        rows.append(("lesions", found.coverage_lesion, THIRD))
    figure, axes = canvas(WIDTH, 62 + 40 * len(rows))
    notes = [_shares(value) for _, value, _ in rows]
    for place, ((name, value, colour), note) in enumerate(zip(rows, notes, strict=True)):
        at_left(axes, -place, name, INK, "normal")
        at_right(axes, -place, note)
        dots = np.sort([share for share in value.patients if share is not None])
        # Spread evenly over the height of the row, so that equal shares stay apart.
        heights = -place + 0.24 * np.sin(np.arange(len(dots)) * 2.4)
        axes.plot(dots, heights, "o", color=colour, alpha=0.45, markersize=5, mec="none", zorder=3)
        if value.low is not None and value.high is not None:
            axes.plot([value.low, value.high], [-place] * 2, color=colour, lw=2.2, zorder=4)
        axes.plot([value.mean], [-place], "D", color=colour, ms=7.5, mec=PAPER, zorder=5)
    shares = [s for _, value, _ in rows for s in value.patients if s is not None]
    low = min([found.level, *shares])
    axes.set_xlim(max(0.0, low - 0.06 * (1 - low) - 0.01), 1.005)
    axes.set_ylim(-len(rows) + 0.45, 0.55)
    axes.axvline(found.level, color=MUTED, lw=1, linestyle=(0, (2, 3)), zorder=1)
    rows_frame(figure, axes, [name for name, _, _ in rows], notes, below=44)
    axes.set_xlabel("share of true intensities within the interval")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=PERCENT))
    axes.grid(True, axis="x", color=GRID, lw=0.8)
    alt = "; ".join(f"{name}: {note}" for (name, _, _), note in zip(rows, notes, strict=True))
    return Drawing(
        to_svg(
            figure, "paired-coverage", f"Coverage of the intervals, meant: {found.level}. {alt}"
        ),
        "Did the truth lie within the interval?",
        f"Dots: patients. Diamond and bar: their mean and its 95{PERCENT} interval. Dotted: "
        f"{percent(found.level)}, which the intervals were calibrated for on other patients.",
    )


def _shares(value: PatientMean) -> str:
    """ "89 % (86, 92)"."""
    text = percent(value.mean)
    if value.low is not None and value.high is not None:
        text += f" ({100 * value.low:.0f}, {100 * value.high:.0f})"
    return text
