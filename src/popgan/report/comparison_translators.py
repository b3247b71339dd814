"""The section on translators of a run: true paired numbers, and who is better by the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.compare.results import Comparison, TranslatorPair, TranslatorScore
from popgan.report.comparison_words import Cell, budget_cells, corrected, valued
from popgan.report.figures import recognised_drawing
from popgan.report.reader_tables import Table
from popgan.report.svg import Drawing
from popgan.report.words import PERCENT, typeset
from popgan.wording import counted

_SHOWN = (("psnr", 1), ("ssim", 3), ("mae", 3), ("mse", 5))
"""Metrics in the brain, with their decimals."""
_TITLES = {"psnr": "PSNR, dB", "ssim": "SSIM"}
_DECIMALS = {"psnr": 2, "ssim": 4}


@dataclass(frozen=True)
class TranslatorsView:
    """What the template prints.

    Attributes:
        lead: what was held against what; or why there is nothing.
        sentences: a line for each pair.
        tables: (table, whether it is folded).
        curves: of training, a figure a model.
        notes: of the comparison.
    """

    lead: str
    sentences: Sequence[str]
    tables: Sequence[tuple[Table, bool]]
    curves: Sequence[Drawing]
    notes: Sequence[str]


def translators_view(result: Comparison) -> TranslatorsView | None:
    """What the page shows of the translators of a comparison; None where none took part."""
    rows = result.translators
    if not rows:
        return None
    lead = (
        f"{counted(len(rows), 'model translates', 'models translate')} contrasts. Each translation "
        "has a true image, so these numbers do measure quality, and they are never ranked with "
        "those of models that draw."
    )
    if result.translator_pairs:
        lead += (
            " Models that make the same contrast are compared patient by patient. A difference "
            "counts only if it is larger than chance between patients; everything else is a tie."
        )
    tables = [(translator_table(result), False), (pair_table(result.translator_pairs), False)]
    return TranslatorsView(
        lead=lead,
        sentences=[typeset(pair.sentence) for pair in result.translator_pairs],
        tables=[(table, folded) for table, folded in tables if table is not None],
        curves=_curves(result),
        notes=[
            *(typeset(f"{row.name}: {row.note.rstrip('.')}.") for row in rows if row.note),
            *map(typeset, result.translator_notes),
        ],
    )


def said_only(lead: str) -> TranslatorsView:
    """Why there is nothing to show."""
    return TranslatorsView(lead, [], [], [], [])


def translator_table(result: Comparison) -> Table | None:
    """True paired numbers of models that translate, with what each was given."""
    rows: list[tuple[str, list[Cell]]] = []
    for row in result.translators:
        made = (row.target, "from " + "\n+ ".join(row.sources))
        missing = "see below" if row.note else ""
        cells = [made, *_paired(row.scores, missing), *_narrow(budget_cells(row.budget))]
        rows.append((row.name, cells))
        if row.trivial:
            best = ("no model", f"beside\n{row.name}")
            rows.append((row.trivial, [best, *_paired(row.trivial_scores, ""), *[("–", "")] * 3]))
    if not rows:
        return None
    return Table(
        "Models that translate, against the true image of the same patient. In the brain, mean "
        f"over held-out patients with its 95{PERCENT} interval. No model: the best trivial way to "
        "come by the contrast.",
        ["Model", "Contrast", "PSNR, dB", "SSIM", "MAE", "MSE", "Images shown", "Time",
         "Parameters"],
        rows,
    )  # fmt: skip


def _narrow(cells: Sequence[Cell]) -> list[Cell]:
    """Cells with remarks in two lines: nine columns leave little room."""
    return [(value, remark.replace(" for ", " for\n")) for value, remark in cells]


def _paired(scores: Sequence[TranslatorScore], missing: str) -> list[Cell]:
    """The numbers in the brain; what is said of missing ones stands in the first cell alone."""
    found = {score.metric: score for score in scores if score.region == "brain"}
    cells: list[Cell] = []
    for place, (metric, decimals) in enumerate(_SHOWN):
        one = found.get(metric)
        if one is None:
            cells.append(("–", "" if place else missing))
            continue
        ends = f"n = {one.n}"
        if one.low is not None and one.high is not None:
            ends = f"{one.low:.{decimals}f} to\n{one.high:.{decimals}f};\n{ends}"
        cells.append((f"{one.mean:.{decimals}f}", ends))
    return cells


def pair_table(pairs: Sequence[TranslatorPair]) -> Table | None:
    """Every pair with everything that is known of its difference."""
    if not pairs:
        return None
    return Table(
        "Translators in pairs. Difference: first less second in the brain, mean over held-out "
        f"patients with its 95{PERCENT} interval; more is better. Share: of patients for whom the "
        "first is better. p: sign flips of the patients’ differences, corrected by Holm over "
        "all pairs of the measure; below it the least that so many patients and pairs allow.",
        ["Pair", "Measure", "Difference", "Share", "p (Holm)", "Verdict"],
        [(f"{pair.first} − {pair.second}", _pair_cells(pair)) for pair in pairs],
    )


def _pair_cells(pair: TranslatorPair) -> list[Cell]:
    least = "" if pair.smallest_p_holm is None else f"at best {pair.smallest_p_holm:.3g}"
    trained = " and ".join(map(str, pair.trainings))
    difference, ends = valued(pair.difference, _DECIMALS[pair.metric], sign=True)
    return [
        (_TITLES[pair.metric], f"{pair.target};\n{trained} trainings"),
        (difference, f"{ends};\nn = {pair.difference.n}"),
        valued(pair.share, 2),
        (corrected(pair.test), least),
        ("tie" if pair.tie else f"{pair.better} better", ""),
    ]


def _curves(result: Comparison) -> list[Drawing]:
    """Accuracy of each translator's discriminator; numbers go on from those of models that draw."""
    drawn = (
        recognised_drawing(row.name, row.curve, number)
        for number, row in enumerate(result.translators, start=len(result.models))
        if row.curve is not None
    )
    return [drawing for drawing in drawn if drawing is not None]
