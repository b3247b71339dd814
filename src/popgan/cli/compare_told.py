"""What `popgan compare` prints: a block for each kind of number."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from popgan.evidence.compare.results import (
        Budget,
        Comparison,
        InversionRow,
        UnpairedTable,
    )
    from popgan.evidence.readers.results import Measure

_WIDE = 98


def told(found: Comparison) -> list[str]:
    """All blocks for a terminal."""
    lines: list[str] = []
    if found.models:
        lines += [*_models(found), "", *_pairs(found)]
    if found.unpaired is not None:
        lines += ["", *_unpaired(found.unpaired, found)]
    if found.translators:
        lines += ["", *_translators(found)]
    if found.inversions:
        lines += ["", *_inversions(found.inversions)]
    return lines[1:] if lines and not lines[0] else lines


def _models(found: Comparison) -> list[str]:
    head = (
        f"{found.images} synthetic images of each model against {found.reference_images} held-out "
        f"images of {found.reference_subjects} subjects. KID: the less the better; real against "
        f"real {_value(found.floor)}, mean image {_number(found.mean_image)}. Features: "
        f"{found.basis}."
    )
    rows = [
        [
            row.name,
            row.group,
            str(row.seed),
            _value(row.kid),
            _ends(row.kid),
            _value(row.clipped_coverage),
            *_spent(row.budget),
        ]
        for row in found.models
    ]
    columns = ["model", "recipe, preset", "seed", "KID", "95 % interval", "coverage"]
    lines = [*_wrapped(head), "", *_table([*columns, "images", "seconds", "weights"], rows, 2)]
    several = [group for group in found.groups if len(group.models) > 1]
    if several:
        means = [
            [
                group.title,
                str(len(group.models)),
                _value(group.kid),
                _ends(group.kid),
                _number(group.seed_deviation),
            ]
            for group in several
        ]
        columns = ["mean of trainings", "n", "KID", "95 % interval", "SD between seeds"]
        lines += ["", *_table(columns, means, 1)]
    if found.budget_sentence:
        lines += ["", *_wrapped(found.budget_sentence)]
    return lines


def _spent(budget: Budget) -> list[str]:
    """Images shown, seconds of training, weights of the generator."""
    return [
        f"{budget.images:,}",
        "-" if budget.seconds is None else f"{budget.seconds:,.0f}",
        f"{budget.parameters / 1e6:.2f} M",
    ]


def _pairs(found: Comparison) -> list[str]:
    if not found.pairs:
        return [line for note in found.notes for line in _wrapped(note)]
    rows = [
        [
            f"{pair.first} - {pair.second}",
            f"{pair.difference.value:+.3g}" if pair.difference.value is not None else "-",
            _ends(pair.difference, "{:+.3g}"),
            _number(pair.effect.value, "{:+.2f}"),
            _number(pair.superiority.value, "{:.2f}"),
            _number(pair.test.p_holm, "{:.2g}"),
            "tie" if pair.tie else "the first" if pair.better == pair.first else "the second",
        ]
        for pair in found.headline
    ]
    columns = ["difference in KID", "value", "95 % interval", "effect", "P", "p Holm", "better"]
    lines = _table(columns, rows, 1, last_left=True)
    lines += _wrapped(
        "effect: in standard deviations between units; P: the first is better; units are trainings "
        "where both sides have several, otherwise held-out subjects."
    )
    lines.append("")
    for pair in found.pairs:
        lines += _wrapped(pair.sentence, "- ")
    for note in found.notes:
        lines += _wrapped(note, "- ")
    return lines


def _unpaired(table: UnpairedTable, found: Comparison) -> list[str]:
    rows = [
        [
            row.name,
            _number(row.random.mse.value, "{:.4f}"),
            _number(row.random.mae.value, "{:.4f}"),
            *(
                _decibels(errors.psnr)
                for errors in (row.random, row.nearest_train, row.nearest_held_out)
            ),
            _number(row.frechet),
            _value(row.kid),
        ]
        for row in table.rows
    ]
    title = "FID" if found.frechet_title == "FID" else "Frechet"
    head = ["", "MSE", "MAE", "PSNR random", "PSNR train", "PSNR held-out", title, "KID"]
    return [
        table.heading.upper(),
        "",
        *_table(head, rows, 1),
        "",
        *_wrapped(
            f"MSE, MAE and PSNR (dB) of random pairs with held-out images (pairing seed "
            f"{table.pairing_seed}), PSNR to the nearest training and the nearest held-out image. "
            f"Intensities: {table.intensity}; {table.mask}. {found.frechet_title} from "
            f"{found.matched} images a side. Intervals over patients are in the JSON."
        ),
        "",
        *_wrapped(table.why),
    ]


def _translators(found: Comparison) -> list[str]:
    shown = (("psnr", "{:.2f}"), ("ssim", "{:.3f}"), ("mae", "{:.4f}"), ("mse", "{:.5f}"))
    cells = []
    for row in found.translators:
        what = f"{' + '.join(row.sources)} to {row.target}"
        for name, scores in ((row.name, row.scores), (row.trivial, row.trivial_scores)):
            if not name or (name == row.trivial and not scores):
                continue
            values = {(s.metric, s.region): s for s in scores}
            own = row if name == row.name else None
            line = [name, what] if own else [name, "best trivial way"]
            for metric, form in shown:
                score = values.get((metric, "brain"))
                line.append("-" if score is None else form.format(score.mean))
            line += _spent(own.budget) if own else ["-"] * 3
            cells.append(line)
    columns = ["model", "translates", "PSNR, dB", "SSIM", "MAE", "MSE"]
    lines = [
        "TRANSLATORS: TRUE PAIRED NUMBERS (in the brain, mean over held-out patients)",
        "",
        *_table([*columns, "images", "seconds", "weights"], cells, 2),
    ]
    lines += [f"- {row.name}: {row.note}" for row in found.translators if row.note]
    lines += _translator_pairs(found)
    if not found.models:
        return lines
    end = "These have a true image, so they are of another kind than the numbers above: not ranked."
    return [*lines, "", *_wrapped(end)]


def _translator_pairs(found: Comparison) -> list[str]:
    """Translators against each other, patient by patient."""
    forms = {"psnr": "{:+.2f}", "ssim": "{:+.4f}"}
    rows = [
        [
            f"{pair.first} - {pair.second}",
            pair.metric.upper(),
            _number(pair.difference.value, forms[pair.metric]),
            _ends(pair.difference, forms[pair.metric]),
            _number(pair.share.value, "{:.2f}"),
            str(pair.difference.n),
            _number(pair.test.p_holm, "{:.2g}"),
            "tie" if pair.tie else "the first" if pair.better == pair.first else "the second",
        ]
        for pair in found.translator_pairs
    ]
    lines: list[str] = []
    if rows:
        columns = ["difference", "of", "value", "95 % interval", "share", "n", "p Holm", "better"]
        lines += ["", *_table(columns, rows, 2, last_left=True)]
        lines += _wrapped("share: of the n held-out patients for whom the first is better.")
        lines.append("")
    for pair in found.translator_pairs:
        lines += _wrapped(pair.sentence, "- ")
    for note in found.translator_notes:
        lines += _wrapped(note, "- ")
    return lines


def _inversions(rows: Sequence[InversionRow]) -> list[str]:
    cells = [
        [
            row.name,
            _value(row.attack.heldout_error),
            _value(row.attack.train_error),
            _value(row.attack.gap),
            _ends(row.attack.gap),
            _value(row.attack.coverage.heldout_psnr, "{:.1f}"),
            _value(row.attack.coverage.mean_image_psnr, "{:.1f}"),
            f"{row.attack.others} and {row.attack.members}",
        ]
        for row in rows
    ]
    head = ["", "held out", "training", "gap", "95 % interval", "PSNR held out", "PSNR mean image"]
    head.append("patients")
    lines = [
        "INVERSION: HOW WELL EACH CAN DRAW HELD-OUT IMAGES (error of intensities 0..1; PSNR in dB)",
        "",
        *_table(head, cells, 1),
        "",
    ]
    for row in rows:
        lines += _wrapped(f"{row.name}: {row.attack.sentence}", "- ")
    return lines


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], left: int, *, last_left: bool = False
) -> list[str]:
    """Columns as wide as their content; the first `left` of them begin at their left."""
    wide = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in [head, *rows]:
        cells = []
        for place, (cell, width) in enumerate(zip(row, wide, strict=True)):
            to_the_left = place < left or (last_left and place == len(wide) - 1)
            cells.append(f"{cell:{width}}" if to_the_left else f"{cell:>{width}}")
        lines.append("  ".join(cells).rstrip())
    return lines


def _wrapped(text: str, mark: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDE, initial_indent=mark, subsequent_indent=" " * len(mark))


def _number(value: float | None, form: str = "{:.3g}") -> str:
    if value is None:
        return "-"
    # Three digits would write a large number as a power of ten.
    return f"{value:,.0f}" if form == "{:.3g}" and abs(value) >= 1000 else form.format(value)


def _value(found: Measure | None, form: str = "{:.3g}") -> str:
    return "-" if found is None else _number(found.value, form)


def _ends(found: Measure, form: str = "{:.3g}") -> str:
    if found.low is None or found.high is None:
        return "-"
    return f"{form.format(found.low)} .. {form.format(found.high)}"


def _decibels(found: Measure) -> str:
    return "identical" if found.value is None else f"{found.value:.2f}"
