"""The sections on several models of a run: differences with ties, and the paper's own table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.compare.results import Comparison, Curve, MetricName, Pair
from popgan.report.claim import Claim, Status
from popgan.report.comparison_tables import (
    group_table,
    inversion_table,
    model_table,
    pair_table,
    unpaired_table,
)
from popgan.report.comparison_translators import TranslatorsView, said_only, translators_view
from popgan.report.comparison_words import HOW_PAIRS, TITLES, valued
from popgan.report.evidence_content import ComparisonContent
from popgan.report.figures import recognised_drawing
from popgan.report.measurements import identity_line
from popgan.report.reader_intervals import IntervalRow, Scale, intervals
from popgan.report.reader_panels import ReaderPanel
from popgan.report.reader_tables import Table
from popgan.report.reader_words import methods
from popgan.report.svg import Drawing
from popgan.report.words import PERCENT, typeset
from popgan.wording import counted

CLAIM = "These weights come nearer to real images than other models at equal budget."
RECIPE = "This recipe comes nearer to real images than the others at equal budget."
_LONGEST = 30


@dataclass(frozen=True)
class UnpairedView:
    """The paper's table: its heading, why it is no evidence, and what should stand in its place."""

    heading: str
    why: str
    table: Table
    instead: Sequence[Table]


@dataclass(frozen=True)
class ComparisonView:
    """What the template prints.

    Attributes:
        lead: what was held against what; or why there is nothing.
        budget: whether budgets were equal.
        equal: None where that does not apply.
        sentences: a line for each pair in KID.
        panels: forest plots.
        tables: (table, whether it is folded).
        curves: of training, a figure a model.
        notes: of the comparison.
        unpaired: None where there is none.
        translators: the section on models that translate, likewise; on a page of one of them it
            is the only one.
    """

    lead: str
    budget: str
    equal: bool | None
    sentences: Sequence[str]
    panels: Sequence[ReaderPanel]
    tables: Sequence[tuple[Table, bool]]
    curves: Sequence[Drawing]
    notes: Sequence[str]
    unpaired: UnpairedView | None
    translators: TranslatorsView | None


def comparison_view(content: ComparisonContent) -> ComparisonView | None:
    """What the page shows; None for a run with one model, which has nothing to be compared with."""
    result = content.result
    if result is None:
        lead = _NONE.get(content.state)
        if lead is None or (content.state == "none" and content.models < 2):
            return None
        return ComparisonView(lead, "", None, [], [], [], [], [], None, said_only(lead))
    translators = translators_view(result)
    if not result.models:
        return ComparisonView(_NO_DRAWING, "", None, [], [], [], [], [], None, translators)
    tables = [
        (model_table(result), False),
        (group_table(result), False),
        (pair_table(result.pairs), True),
    ]
    return ComparisonView(
        lead=(
            f"{counted(len(result.models), 'model', 'models')} held against the same held-out "
            f"patients in {identity_line(result.backbone)}. A difference counts only if it is "
            "larger than chance between patients or trainings; everything else is a tie."
        ),
        budget=typeset(result.budget_sentence),
        equal=result.equal_budget,
        sentences=[typeset(pair.sentence) for pair in result.headline],
        panels=[p for m in TITLES if (p := _forest(result.pairs, m)) is not None],  # type: ignore[arg-type]
        tables=[(table, folded) for table, folded in tables if table is not None],
        curves=_curves(result),
        notes=[typeset(note) for note in result.notes],
        unpaired=_unpaired(result),
        translators=translators,
    )


_NO_DRAWING = (
    "No model that draws images was compared, only such as translate; they stand in a section of "
    "their own."
)
_NONE = {
    "none": "Several models lie in this run. They were not compared: popgan compare does that.",
    "stale": "A comparison was made, but a model, the data or the measures have changed since; it "
    "is not shown.",
}


def _forest(pairs: Sequence[Pair], metric: MetricName) -> ReaderPanel | None:
    """Difference of every pair in one measure, ties in grey."""
    found = [pair for pair in pairs if pair.metric == metric]
    if not found:
        return None
    rows = [_row(pair) for pair in found]
    title = TITLES[metric]
    alt = f"Difference of {title}: " + "; ".join(
        f"{pair.first} minus {pair.second} {' '.join(valued(pair.difference, sign=True))}"
        f"{', a tie' if pair.tie else ''}"
        for pair in found
    )
    units = sorted({pair.unit for pair in found})
    return ReaderPanel(
        f"{title}: difference of each pair",
        f"Units: {' and '.join(_units(unit, found) for unit in units)}; bars: 95{PERCENT}.",
        intervals(
            rows,
            Scale(f"difference of {title}, first − second", reference=0.0, ticks=4),
            f"pairs-{metric.replace('_', '-')}",
            f"{alt}.",
        ),
        f"{HOW_PAIRS[metric]} Grey: a tie, no difference was shown.",
        methods([pair.difference for pair in found]),
    )


def _units(unit: str, pairs: Sequence[Pair]) -> str:
    counts = sorted({pair.difference.n for pair in pairs if pair.unit == unit})
    span = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{span} {unit}"


def _row(pair: Pair) -> IntervalRow:
    found, name = pair.difference, f"{pair.first} − {pair.second}"
    value, _ = valued(found, sign=True)
    return IntervalRow(
        name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…",
        found.value,
        found.low,
        found.high,
        f"{value} tie" if pair.tie else value,
        "muted" if pair.tie else "synthetic",
        named=False,
    )


def _curves(result: Comparison) -> list[Drawing]:
    """Accuracy of the discriminator of each model over training."""
    rows: list[tuple[str, Curve]] = [
        (row.name, row.curve) for row in result.models if row.curve is not None
    ]
    return [
        drawing
        for number, (name, curve) in enumerate(rows)
        if (drawing := recognised_drawing(name, curve, number)) is not None
    ]


def _unpaired(result: Comparison) -> UnpairedView | None:
    if result.unpaired is None:
        return None
    found = result.unpaired
    instead = [inversion_table(result)]
    return UnpairedView(
        heading=typeset(found.heading),
        why=typeset(found.why),
        table=unpaired_table(result, found),
        instead=[table for table in instead if table is not None],
    )


def comparison_claim(content: ComparisonContent, model: str) -> Claim | None:
    """What the comparison says of the reported model against all others; None without others."""
    test = "Difference of KID on the same patients, corrected for the number of pairs."
    if content.result is None:
        if content.state == "none" and content.models < 2:
            return None
        stale = content.state == "stale"
        label = "not tested: stale" if stale else ""
        return Claim(CLAIM, test, _NONE[content.state], "untested", label)
    own = next((row.group for row in content.result.models if row.name == model), None)
    pairs = [p for p in content.result.headline if own in (p.first, p.second)]
    if own is None or not pairs:
        return Claim(CLAIM, test, "This model was not among those compared.", "untested")
    better = sum(pair.better == own for pair in pairs)
    worse = sum(pair.better not in (own, None) for pair in pairs)
    ties = len(pairs) - better - worse
    result = f"Of {counted(len(pairs), 'pair', 'pairs')}: better in {better}, worse in {worse}, " \
             f"tied in {ties}."  # fmt: skip
    status: Status = "fail" if worse else "untested"
    label = "" if worse else "tie"
    if better == len(pairs):
        equal = content.result.equal_budget
        status, label = ("pass", "") if equal else ("untested", "budgets differ")
    # Several trainings on both sides are about recipes, one is about weights.
    claim = RECIPE if all(pair.unit == "trainings" for pair in pairs) else CLAIM
    how = "A tie is a result: no difference was shown, whatever the order of the numbers."
    return Claim(claim, test, result, status, label, how)
