"""The section on anatomy: first whether tissues can be told at all, then what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.statistics import Estimate
from popgan.evidence.tissue.results import Reliability, TissueFeature, TissueResult
from popgan.report.audit_words import p_value
from popgan.report.audit_words import share as percentage
from popgan.report.claim import Claim, Status
from popgan.report.reader_intervals import IntervalRow, Scale, intervals
from popgan.report.reader_panels import ReaderPanel
from popgan.report.reader_tables import Table
from popgan.report.reader_words import share_row_of
from popgan.report.words import PERCENT, number, percent, score, typeset
from popgan.wording import counted

_NOTHING = "No measurement was made."
PLAUSIBLE = "Their tissues can be told apart as those of real images can."
AMOUNTS = "They hold as much of each tissue as real heads do."


@dataclass(frozen=True)
class TissueView:
    """What the template prints.

    Attributes:
        lead: what was outlined and by what; or why nothing was.
        unreliable: a warning that stands before everything else, or "".
        warnings: of the measurement.
        panels: reliability first, then distances.
        tables: (table, whether it is folded).
        meanings: (figure, how to read it).
        facts: (what, value) of the segmenter.
    """

    lead: str
    unreliable: str
    warnings: Sequence[str]
    panels: Sequence[ReaderPanel]
    tables: Sequence[tuple[Table, bool]]
    meanings: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]


def tissue_view(found: TissueResult | None) -> TissueView | None:
    """What the page shows; None where nobody tried."""
    if found is None:
        return None
    if found.not_measured or found.reliability is None:
        why = found.not_measured or _NOTHING
        return TissueView(typeset(f"Not measured: {why}"), "", _texts(found), [], [], [], [])
    reliable = found.reliability
    panels = [_reliability_panel(reliable), _distance_panel(found.features)]
    tables = [(_checks(reliable), True), (_features(found), not reliable.reliable)]
    return TissueView(
        lead=(
            f"A small network outlined grey matter, white matter and fluid on {found.contrast}. "
            f"Figures of anatomy are of {number(found.n_synthetic)} synthetic images and "
            f"{number(found.n_real)} real ones of "
            f"{counted(found.n_subjects, 'held-out patient', 'held-out patients')} that it could "
            "outline plausibly."
        ),
        unreliable=""
        if reliable.reliable
        else f"Only {percent(reliable.synthetic.value)} of the synthetic images can be outlined "
        f"plausibly, {percent(reliable.wanted)} are wanted: the figures below are of the better "
        "images alone, and prove nothing of the set.",
        warnings=_texts(found),
        panels=[panel for panel in panels if panel is not None],
        tables=[(table, folded) for table, folded in tables if table is not None],
        meanings=[(typeset(f.title), typeset(f.how_to_read)) for f in found.features],
        facts=_segmenter(found),
    )


def _texts(found: TissueResult) -> list[str]:
    """Warnings, but the one on reliability, which stands before all in words of this page."""
    return [typeset(text) for text in found.warnings if "segment plausibly" not in text]


def _reliability_panel(found: Reliability) -> ReaderPanel:
    rows = [
        _share("synthetic", found.synthetic, "synthetic"),
        _share("held-out real", found.real, "real"),
    ]
    ends = [n for e in (found.synthetic, found.real) for n in (e.value, e.low) if n is not None]
    alt = (
        f"Images that segment plausibly: {percent(found.synthetic.value)} of synthetic and "
        f"{percent(found.real.value)} of held-out real ones; {percent(found.wanted)} are wanted."
    )
    scale = Scale(
        "images that segment plausibly",
        low=max(0.0, min(0.8, min(ends) - 0.05)),
        high=1.02,
        share=True,
        limit=(found.wanted, f"wanted {percent(found.wanted)}"),
        ticks=4,
    )
    return ReaderPanel(
        "First of all: can tissues be told?",
        f"n = {number(found.synthetic.n_synthetic)} synthetic, {number(found.real.n_real)} real "
        f"of {counted(found.real.n_subjects, 'patient', 'patients')}; bars: 95{PERCENT}.",
        intervals(rows, scale, "tissue-reliability", alt),
        "Left of the line, too many images are no heads that a program can read, and what was "
        "measured on the others flatters the set.",
        typeset(f"{found.rule.rstrip('.')}. {found.synthetic.method}"),
    )


def _share(name: str, found: Estimate, tone: str) -> IntervalRow:
    row = share_row_of(name, found.value, found.low, found.high)
    return IntervalRow(
        name, row.value, row.low, row.high, row.note, "real" if tone == "real" else "synthetic"
    )


def _distance_panel(features: Sequence[TissueFeature]) -> ReaderPanel | None:
    """Distance of each figure's distribution from real ones, in multiples of real against real."""
    shown = [f for f in features if f.floor.value > 0]
    if not shown:
        return None
    rows = [_distance(feature) for feature in shown]
    alt = "Wasserstein distance over that of real against real: " + "; ".join(
        f"{f.title} {score(f.wasserstein.value / f.floor.value)}" for f in shown
    )
    values = [feature.wasserstein for feature in shown]
    return ReaderPanel(
        "How far is each figure of anatomy from real heads?",
        f"n = {number(values[0].n_synthetic)} synthetic, {number(values[0].n_real)} real of "
        f"{counted(values[0].n_subjects, 'patient', 'patients')}; bars: 95{PERCENT} intervals.",
        intervals(
            rows,
            Scale("distance, in multiples of real against real", low=0.0, reference=1.0, ticks=4),
            "tissue-distances",
            f"{alt}.",
        ),
        "1 (dotted) is how far training patients are from other patients; far right of it, the "
        "set has too much or too little of something. Grey: no difference was shown.",
        typeset(values[0].method),
    )


def _distance(feature: TissueFeature) -> IntervalRow:
    found, unit = feature.wasserstein, feature.floor.value
    low, high = (None if end is None else end / unit for end in (found.low, found.high))
    ratio = found.value / unit
    tone = "synthetic" if feature.differs else "muted"
    return IntervalRow(
        feature.title, ratio, low, high, f"{score(ratio)} ×", tone, named=False  # type: ignore[arg-type]
    )  # fmt: skip


def _checks(found: Reliability) -> Table:
    return Table(
        f"What counts as plausible: within the range in every row. "
        f"{percent(found.train)} of training images are.",
        ["Figure", "Range", "Synthetic within", "Held-out real within"],
        [
            (
                typeset(check.title),
                [
                    (f"{score(check.low)} to {score(check.high)}", ""),
                    (percentage(check.share_synthetic), ""),
                    (percentage(check.share_real), ""),
                ],
            )
            for check in found.checks
        ],
    )


def _features(found: TissueResult) -> Table | None:
    if not found.features:
        return None
    return Table(
        typeset(
            "Figures of anatomy, mean with 95 % interval. Distance: Wasserstein, in the unit of "
            "the figure, beside that of training against held-out patients. KS: largest gap of "
            f"the distributions, 0 to 1. Test: {found.unit_of_test}"
        ),
        ["Figure", "Synthetic", "Real", "Distance", "KS", "p (Holm)", "Verdict"],
        [(typeset(f.title), _cells(f)) for f in found.features],
    )


def _cells(feature: TissueFeature) -> list[tuple[str, str]]:
    unit = f" {feature.unit}" if feature.unit else ""
    verdict = "differs" if feature.differs else "none shown"
    return [
        (f"{score(feature.synthetic.value)}{unit}", _ends(feature.synthetic)),
        (f"{score(feature.real.value)}{unit}", _ends(feature.real)),
        (f"{score(feature.wasserstein.value)}{unit}", f"real {score(feature.floor.value)}"),
        (f"{feature.ks:.2f}", f"real {feature.ks_floor:.2f}"),
        (p_value(feature.p_holm), ""),
        (verdict, ""),
    ]


def _ends(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return "no interval"
    return f"{score(found.low)} to {score(found.high)}"


def _segmenter(found: TissueResult) -> list[tuple[str, str]]:
    if found.segmenter is None:
        return []
    rows = [
        ("Weights, SHA-256", found.segmenter.weights_sha256),
        ("About it", typeset(found.segmenter.note)),
    ]
    for dice in found.segmenter.dice:
        values = f"fluid {dice.csf:.2f}, grey {dice.grey:.2f}, white {dice.white:.2f}"
        if dice.ventricles is not None:
            values += f", ventricles {dice.ventricles:.2f}"
        heads = "whole heads" if dice.skull else "brains"
        name = f"Dice on {dice.contrast}, {heads} at {dice.side} pixels"
        subjects = counted(dice.subjects, "subject", "subjects")
        rows.append((name, f"{values}; {subjects}, against {typeset(dice.truth)}"))
    return rows


def tissue_claims(found: TissueResult | None) -> list[Claim]:
    """Whether tissues can be told, and whether there is as much of them as there should be."""
    wanted = found.reliability.wanted if found and found.reliability else 0.95
    test = f"Share of images that a segmenter outlines plausibly; at least {percent(wanted)}."
    against = "Distributions of tissue fractions, ventricles, contrast and symmetry; Holm, 5 %."
    if found is None or found.reliability is None:
        why = typeset(found.not_measured) if found and found.not_measured else _NOTHING
        why = f"{why[:1].upper()}{why[1:]}"
        return [
            Claim(PLAUSIBLE, test, why, "untested"),
            Claim(AMOUNTS, typeset(against), why, "untested"),
        ]
    part = found.reliability.synthetic
    status: Status = "untested"
    if part.low is not None and part.low >= wanted:
        status = "pass"
    elif part.high is not None and part.high < wanted:
        status = "fail"
    label = "cannot tell" if status == "untested" else ""
    ends = ""
    if part.low is not None and part.high is not None:
        ends = f" ({percentage(part.low)} to {percentage(part.high)})"
    result = (
        f"{percentage(part.value)}{ends} of {number(part.n_synthetic)}; held-out real "
        f"{percentage(found.reliability.real.value)}."
    )
    how = "Only if this passes do figures of anatomy mean anything."
    return [Claim(PLAUSIBLE, test, result, status, label, how), _amounts(found, typeset(against))]


def _amounts(found: TissueResult, test: str) -> Claim:
    assert found.reliability is not None
    if not found.reliability.reliable or not found.features:
        why = "Too few images can be outlined plausibly, so their tissues say nothing."
        return Claim(AMOUNTS, test, why, "untested")
    apart = [feature.title for feature in found.features if feature.differs]
    count = len(found.features)
    how = "A difference found fails; none found is no proof that there is none."
    if apart:
        result = f"{len(apart)} of {count} differ: {', '.join(apart)}."
        return Claim(AMOUNTS, test, typeset(result), "fail", how=how)
    result = f"None of {count} shown to differ."
    return Claim(AMOUNTS, test, result, "measured", "none shown", how)
