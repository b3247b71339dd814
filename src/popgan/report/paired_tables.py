"""The tables of a translator: every way against the truth, and the model against every way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from popgan.evidence.paired.results import (
    Comparison,
    MethodRow,
    MetricName,
    PairedResult,
    PatientMean,
    Region,
)
from popgan.report.paired_words import METRICS, REGIONS, Cell, p_words, value_and_interval
from popgan.report.words import PERCENT

Column = tuple[MetricName, Region]
KINDS = {
    "model": "The model",
    "without a source": "The model without a source",
    "baseline": "Trivial ways",
}
HEADLINE: tuple[MetricName, ...] = ("psnr", "ssim", "ms_ssim", "mae", "nrmse", "mse")


@dataclass(frozen=True)
class ScoreCell:
    """A number of a method.

    Attributes:
        value: the mean over patients.
        interval: "(23.6 to 25.0)", or "".
        remark: how many patients it rests on, where not all of them could be measured.
        best: whether no other method has a better mean.
    """

    value: str
    interval: str = ""
    remark: str = ""
    best: bool = False


@dataclass(frozen=True)
class ScoreTable:
    """A table of methods and metrics.

    Attributes:
        title: what it is about.
        caption: how to read it.
        head: titles of the columns, each with what is better.
        groups: methods of a kind: its title, and (name, cells) of each.
    """

    title: str
    caption: str
    head: Sequence[tuple[str, str]]
    groups: Sequence[tuple[str, Sequence[tuple[str, Sequence[ScoreCell]]]]]

    @property
    def rows(self) -> int:
        """Methods in it."""
        return sum(len(rows) for _, rows in self.groups)


def score_tables(result: PairedResult) -> list[ScoreTable]:
    """The brain first, then lesions and steps between slices, then the whole field."""
    found = _columns(result.rows)
    brain: list[Column] = [(metric, "brain") for metric in HEADLINE]
    field: list[Column] = [(metric, "field") for metric in HEADLINE]
    lesion: list[Column] = [("mae", "lesion"), ("mae", "outside lesion")]
    steps: list[Column] = [(m, region) for m in ("roughness", "sharpness") for region in REGIONS]
    apart = "In lesions and outside them, " if found & set(lesion) else ""
    wanted = [
        ("In the brain", brain),
        (f"{apart}from slice to slice, from pixel to pixel".capitalize(), [*lesion, *steps]),
        ("Over the whole field, background included", field),
    ]
    tables = []
    for title, columns in wanted:
        if shown := [column for column in columns if column in found]:
            tables.append(_table(result, title, shown))
    return tables


def _columns(rows: Sequence[MethodRow]) -> set[Column]:
    """What was measured at all."""
    return {(s.metric, s.region) for row in rows for s in row.scores if s.value.n}


def _table(result: PairedResult, title: str, columns: Sequence[Column]) -> ScoreTable:
    regions = {region for _, region in columns}
    best = {column: _best(result.rows, column) for column in columns}
    groups = []
    for kind, name in KINDS.items():
        rows = [row for row in result.rows if row.kind == kind]
        if rows:
            groups.append((name, [(row.name, _cells(row, columns, best, result)) for row in rows]))
    head = []
    for metric, region in columns:
        words = METRICS[metric]
        place = f" {REGIONS[region]}" if len(regions) > 1 and metric in HEADLINE else ""
        unit = f", {words.unit}" if words.unit else ""
        head.append((f"{words.title}{place}{unit}", _better(words.higher)))
    n = len(result.rows[0].scores[0].value.patients) if result.rows[0].scores else 0
    caption = (
        f"{title}. Mean over {_patients(n)}, the slices of each taken together"
        f"{_intervals(result)}. Bold: the best of a column."
    )
    return ScoreTable(title, caption, head, groups)


def _intervals(result: PairedResult) -> str:
    values = [score.value for row in result.rows for score in row.scores]
    if any(value.low is not None for value in values):
        return f"; in brackets the 95{PERCENT} interval over patients"
    return "; there are too few for an interval"


def _better(higher: bool | None) -> str:
    return "1 is best" if higher is None else "more is better" if higher else "less is better"


def _patients(n: int) -> str:
    return f"{n} test patient" if n == 1 else f"{n} test patients"


def _cells(
    row: MethodRow,
    columns: Sequence[Column],
    best: dict[Column, float | None],
    result: PairedResult,
) -> list[ScoreCell]:
    cells = []
    for column in columns:
        found = row.score(*column)
        value, interval = value_and_interval(found, METRICS[column[0]].decimals)
        if found is None or not found.n:
            cells.append(ScoreCell(value))
            continue
        remark = f"n = {found.n}" if found.n < result.n_patients else ""
        cells.append(ScoreCell(value, interval, remark, found.mean == best[column]))
    return cells


def _best(rows: Sequence[MethodRow], column: Column) -> float | None:
    """The best mean of a column; None where there is nothing to choose from."""
    found = (row.score(*column) for row in rows)
    means = [value.mean for value in found if value is not None and value.n]
    if len(means) < 2:
        return None
    higher = METRICS[column[0]].higher
    distance: Callable[[float], float] = lambda mean: abs(mean - 1)  # noqa: E731
    return min(means, key=distance) if higher is None else max(means) if higher else min(means)


@dataclass(frozen=True)
class GapTable:
    """The model against every other way.

    Attributes:
        caption: how to read it.
        head: titles of the columns.
        rows: (name, cells).
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def gap_table(result: PairedResult) -> GapTable | None:
    """Differences patient by patient, a row a rival, a column a metric; None if none was made."""
    columns = list(dict.fromkeys((c.metric, c.region) for c in result.comparisons))
    if not columns:
        return None
    found = {(c.against, c.metric, c.region): c for c in result.comparisons}
    names = dict.fromkeys(c.against for c in result.comparisons)
    rows = [(name, [_gap(found.get((name, *column)), column[0]) for column in columns])
            for name in names]  # fmt: skip
    head = [
        f"{METRICS[metric].title} {REGIONS[region]}"
        + (f", {METRICS[metric].unit}" if METRICS[metric].unit else "")
        for metric, region in columns
    ]
    caption = (
        f"{result.model} minus the other way, patient by patient: mean, 95{PERCENT} interval over "
        "patients, and p of a sign-flip test after Holm's correction over all comparisons. Of "
        "PSNR, SSIM and MS-SSIM more is better, of the others less."
    )
    return GapTable(caption, ("Against", *head), rows)


def _gap(found: Comparison | None, metric: MetricName) -> Cell:
    if found is None:
        return "–", ""
    value, interval = value_and_interval(found.difference, METRICS[metric].decimals, sign=True)
    return value, "\n".join(part for part in (interval, p_words(found.p_holm)) if part)


def measured(value: PatientMean | None) -> bool:
    """Whether there is a number at all."""
    return value is not None and value.n > 0
