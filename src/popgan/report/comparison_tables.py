"""The tables of a comparison: models, groups, pairs, the unpaired numbers, inversion."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.compare.results import (
    Comparison,
    Errors,
    Pair,
    UnpairedTable,
)
from popgan.evidence.privacy.generator_results import InversionAttack, InversionCoverage
from popgan.evidence.readers.results import Measure
from popgan.report.comparison_words import (
    TITLES,
    Cell,
    budget_cells,
    corrected,
    frechet_basis,
    frechet_title,
    tested,
    valued,
)
from popgan.report.reader_tables import Table
from popgan.report.words import PERCENT, number, score, typeset
from popgan.wording import counted


def model_table(result: Comparison) -> Table:
    """Every model with its budget and its scores."""
    about = (
        f"Models, on the same {number(result.reference_images)} held-out images of "
        f"{counted(result.reference_subjects, 'patient', 'patients')}; "
        f"{number(result.images)} images drawn of each. KID: lower is better, 95{PERCENT} "
        "interval over patients and images."
    )
    if result.floor is not None:
        about += f" Real against real: {' ('.join(filter(None, valued(result.floor)))})."
    if result.mean_image is not None:
        about += f" The mean image: {score(result.mean_image)}."
    about += f" {frechet_basis(result)}"
    head = ["Model", "KID", frechet_title(result), "Clipped coverage", "Images shown", "Time",
            "Parameters"]  # fmt: skip
    rows = [
        (
            row.name,
            [
                valued(row.kid),
                (score(row.frechet), f"at {number(result.matched)}: mostly bias"),
                valued(row.clipped_coverage, 2),
                *budget_cells(row.budget),
            ],
        )
        for row in result.models
    ]
    return Table(about, head, rows)


def group_table(result: Comparison) -> Table | None:
    """Trainings that differ in their seed alone; None where no group has several."""
    if not any(len(group.models) > 1 for group in result.groups):
        return None
    return Table(
        "Recipes, each over its trainings. The spread between trainings is what a difference has "
        "to be larger than.",
        ["Recipe", "Trainings", "Mean KID", "Spread between trainings"],
        [
            (
                group.title,
                [
                    (number(len(group.models)), "seeds " + ", ".join(map(str, group.seeds))),
                    valued(group.kid),
                    (score(group.seed_deviation), "standard deviation of KID"),
                ],
            )
            for group in result.groups
        ],
    )


def pair_table(pairs: Sequence[Pair]) -> Table | None:
    """Every pair with everything that is known of its difference."""
    if not pairs:
        return None
    return Table(
        "All pairs. Effect: the difference in standard deviations between units. P: chance that "
        "the first is better, 0.5 is a toss-up. p is corrected by Holm over all pairs of the "
        "measure; exact: the same without assumptions, and the least it could be.",
        ["Pair", "Measure", "Difference", "Effect", "P(first better)", "p (Holm)", "Exact p",
         "Verdict"],
        [(f"{pair.first} − {pair.second}", _pair_cells(pair)) for pair in pairs],
    )  # fmt: skip


def _pair_cells(pair: Pair) -> list[Cell]:
    least = "" if pair.smallest_p is None else f"at best {pair.smallest_p:.3g}"
    units = "trainings" if pair.unit == "trainings" else "held-out patients"
    return [
        (TITLES[pair.metric], f"over {units}"),
        valued(pair.difference, sign=True),
        valued(pair.effect, 2, sign=True),
        valued(pair.superiority, 2),
        (corrected(pair.test), ""),
        (tested(pair.exact), least),
        ("tie" if pair.tie else f"{pair.better} better", ""),
    ]


def unpaired_table(result: Comparison, table: UnpairedTable) -> Table:
    """The paper's numbers, every row with those that show what they are worth."""
    return Table(
        f"{typeset(table.heading)}. {_told(table.intensity)}. {_told(table.mask)}. Pairing "
        f"seed {table.pairing_seed}. {frechet_basis(result)} {_references(table)} no models: they "
        "show what the numbers reward.",
        ["Source", "MSE", "MAE", "PSNR, random pair", "PSNR, nearest training",
         "PSNR, nearest held-out", frechet_title(result)],
        [
            (
                row.name,
                [
                    valued(row.random.mse, 4),
                    valued(row.random.mae),
                    _psnr(row.random),
                    _psnr(row.nearest_train),
                    _psnr(row.nearest_held_out),
                    (score(row.frechet), ""),
                ],
            )
            for row in table.rows
        ],
    )  # fmt: skip


def _told(text: str) -> str:
    """A phrase as the beginning of a sentence."""
    return typeset(f"{text[:1].upper()}{text[1:]}".rstrip("."))


def _references(table: UnpairedTable) -> str:
    """ "Mean image, real against real and copies are", the rows that are no models."""
    names = [row.name for row in table.rows if row.kind != "model"]
    if not names:
        return "There are"
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{listed[0].upper()}{listed[1:]} {'is' if len(names) == 1 else 'are'}"


def _psnr(errors: Errors) -> Cell:
    if errors.psnr.value is None:
        return "∞", "no error at all"
    value, remark = valued(errors.psnr, 1)
    return f"{value} dB", remark


def inversion_table(result: Comparison) -> Table | None:
    """How well held-out patients can be drawn at all: what the unpaired ones should have been."""
    if not result.inversions:
        return None
    return Table(
        "The principled version: the best image that a model can be made to draw of a patient. "
        f"{_searches(result)} Higher is better; the mean image is what a collapsed model reaches, "
        "own images are what the search reaches at best. Gap above 0: the model draws its training "
        "patients better, a sign of memory.",
        ["Model", "Held-out, PSNR", "Training, PSNR", "Mean image", "Own images", "Gap of error"],
        [
            (
                row.name,
                [
                    *(_with_n(measure, 1) for measure in _psnrs(row.attack.coverage)),
                    _with_n(row.attack.gap, sign=True),
                ],
            )
            for row in result.inversions
        ],
    )


def _searches(result: Comparison) -> str:
    """How long was searched, and in what; of each model where that differs."""
    made = {row.name: _search(row.attack) for row in result.inversions}
    if len(set(made.values())) == 1:
        return f"Search, the same for all: {next(iter(made.values()))}."
    told = "; ".join(f"{name} {how}" for name, how in made.items())
    return f"Searches DIFFER, so rows cannot be held against each other: {told}."


def _search(found: InversionAttack) -> str:
    restarts = counted(found.restarts, "restart", "restarts")
    return (
        f"{counted(found.steps, 'step', 'steps')}, {restarts}, {number(found.images)} images of "
        f"{number(found.members)} training and {number(found.others)} held-out patients"
    )


def _with_n(measure: Measure, decimals: int = 3, *, sign: bool = False) -> Cell:
    value, remark = valued(measure, decimals, sign=sign)
    return value, f"{remark}; n = {number(measure.n)}" if remark else f"n = {number(measure.n)}"


def _psnrs(found: InversionCoverage) -> tuple[Measure, ...]:
    return found.heldout_psnr, found.train_psnr, found.mean_image_psnr, found.own_psnr
