"""The tables of an ablation: contrasts, trainings, analysis of variance, effects of the design."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.experiments.results import (
    AblationResult,
    AnovaRow,
    Contrast,
    FactorEffect,
    Factorial,
    Replicate,
    Variant,
)
from popgan.report.audit_words import p_value
from popgan.report.tuning_table import Cell, ResultTable, Row
from popgan.report.tuning_words import between, decimals, granted, sentence, shown, spanned, told
from popgan.report.words import PERCENT, duration, number
from popgan.wording import counted

KINDS = {
    "paper": "The published cell",
    "out": "One part out of the default",
    "added": "One part put into the default",
    "bare": "All parts out",
    "in": "One part into the bare model",
    "factorial": "Cells of the design",
}
"""Kind of a variant -> heading of its group, in the order of the page."""


def places(result: AblationResult) -> int:
    """Decimals of KID that the intervals of this study can speak of."""
    halves = [(c.high - c.low) / 2 for c in result.contrasts
              if c.low is not None and c.high is not None]  # fmt: skip
    return decimals(min(halves)) if halves else 3


def grouped(result: AblationResult) -> list[tuple[str, list[Contrast]]]:
    """Contrasts by kind of their variant, kinds in the order of the page."""
    kinds = {variant.name: variant.kind for variant in result.variants}
    found = [
        (title, [c for c in result.contrasts if kinds.get(c.variant, "out") == kind])
        for kind, title in KINDS.items()
    ]
    return [(title, contrasts) for title, contrasts in found if contrasts]


def contrast_table(result: AblationResult) -> ResultTable | None:
    """Every variant against its base; None without any."""
    if not result.contrasts:
        return None
    about = {variant.name: variant.about for variant in result.variants}
    digits = places(result)
    rows = [
        Row(c.variant, _contrast_cells(c, digits), about=told(about.get(c.variant, "")))
        for _, contrasts in grouped(result)
        for c in contrasts
    ]
    return ResultTable(
        "Contrasts",
        f"Each variant against its base, in KID; above 0 the variant is worse. n: seeds that both "
        f"have; 95{PERCENT} interval (Student, paired by seed). g: Hedges' g of the paired "
        "differences. P(worse): chance that a training of the variant is worse than one of the "
        "base, 0.5 is a toss-up. p: two-sided t test, after Holm's correction over all contrasts; "
        "below it without correction, then the exact test over sign flips, and the least that so "
        "few seeds can give.",
        ["Variant", "n", "Mean KID", "Difference", "g", "P(worse)", "p (Holm)", "What follows"],
        rows,
        width="contrasts",
    )


def _contrast_cells(c: Contrast, digits: int) -> list[Cell]:
    tests = [] if c.p is None else [f"p {p_value(c.p)}"]
    if c.p_exact is not None:
        tests.append(f"exact {c.p_exact:.3g}")
    if c.p_exact_least is not None:
        tests.append(f"least {c.p_exact_least:.3g}")
    return [
        Cell(number(c.n), f"{c.failed} failed" if c.failed else ""),
        Cell(shown(c.mean, digits), f"{c.base} {shown(c.base_mean, digits)}"),
        Cell(
            shown(c.difference, digits, sign=True),
            between(c.low, c.high, digits, sign=True) or "no interval",
        ),
        Cell(shown(c.g, 2, sign=True)),
        Cell(shown(c.worse, 2)),
        Cell("–" if c.p_holm is None else p_value(c.p_holm), ",\n".join(tests)),
        Cell(text=told(c.words)),
    ]


def runs_table(result: AblationResult) -> ResultTable | None:
    """What each variant was granted, and its KID seed by seed; None without trainings."""
    by_name = {
        variant.name: [run for run in result.runs if run.variant == variant.name]
        for variant in result.variants
    }
    rows = [_runs_row(variant, by_name[variant.name], result)
            for variant in result.variants if by_name[variant.name]]  # fmt: skip
    if not rows:
        return None
    return ResultTable(
        "All trainings",
        f"All trainings: {granted(result.seconds)} were granted to each. KID to the tuning split, "
        f"in the order of the seeds {', '.join(map(str, result.seeds))}; a dash: no score.",
        ["Variant", "KID by seed", "Images seen", "Time", "Without a score"],
        rows,
        folded=True,
        width="runs",
    )


def _runs_row(variant: Variant, runs: Sequence[Replicate], result: AblationResult) -> Row:
    digits = places(result)
    kids = {run.seed: run.kid for run in runs}
    seeds = [*result.seeds, *(run.seed for run in runs if run.seed not in result.seeds)]
    failed = [f"seed {run.seed}: {told(run.reason) or 'no reason given'}"
              for run in runs if run.kid is None]  # fmt: skip
    times = sorted({duration(run.seconds) for run in (min(runs, key=_time), max(runs, key=_time))})
    return Row(
        variant.name,
        [
            Cell(parts=[shown(kids[seed], digits) for seed in seeds if seed in kids]),
            Cell(spanned([run.images for run in runs])),
            Cell(" to ".join(times)),
            Cell(text="; ".join(failed)),
        ],
        own=variant.kind == "default",
    )


def _time(run: Replicate) -> float:
    return run.seconds


def impossible(result: AblationResult) -> list[str]:
    """Variants that cannot be trained here, with the reason, and what they are or what is done."""
    return [
        f"{variant.name}: {told(variant.impossible)}. {sentence(variant.about)}".rstrip()
        for variant in result.variants
        if variant.impossible
    ]


def anova_table(rows: Sequence[AnovaRow]) -> ResultTable | None:
    """Where the variance of KID comes from; None where that could not be done."""
    if not rows:
        return None
    return ResultTable(
        "Analysis of variance",
        "Analysis of variance of KID with the seed as block. Partial η² and ω²: the term's share "
        f"of the variance that no other term explains, with a 95{PERCENT} interval (noncentral F); "
        "with few seeds η² itself is too high, and may lie above its interval; ω² is less biased. "
        "p after Holm's correction over the terms of this table.",
        ["Term", "df", "Sum of squares", "F", "p (Holm)", "Partial η²", "Partial ω²"],
        [Row(row.term, _anova_cells(row)) for row in rows],
        width="anova",
    )


def _anova_cells(row: AnovaRow) -> list[Cell]:
    uncorrected = "" if row.p is None else f"p {p_value(row.p)}"
    return [
        Cell(number(row.df)),
        Cell(number(row.sum_squares)),
        Cell(number(row.f)),
        Cell("–" if row.p_holm is None else p_value(row.p_holm), uncorrected),
        Cell(shown(row.eta2, 2), between(row.low, row.high, 2)),
        Cell(shown(row.omega2, 2)),
    ]


_ASSUMED = "interactions untold assumed to be none"


def effect_name(factors: Sequence[str]) -> str:
    """ "growing", or "growing × EMA"."""
    return " × ".join(factors)


def effect_places(found: Factorial) -> int:
    """Decimals that the intervals of the effects can speak of."""
    halves = [(effect.high - effect.low) / 2 for effect in found.effects]
    return decimals(min(halves)) if halves else 3


def effect_table(found: Factorial) -> ResultTable | None:
    """Main effects and interactions, with what the design cannot tell from them."""
    if not found.effects:
        return None
    digits = effect_places(found)
    rough = (
        " Cells are lost, so effects are those of least squares; where the row says so, on "
        "the assumption that the interactions untold are none: what those are worth would be mixed "
        "into the effect."
        if any(effect.assumed for effect in found.effects)
        else ""
    )
    return ResultTable(
        "Effects of the design",
        "Effects: mean KID of all trainings with the part less that of all without it, others in "
        f"both states alike; below 0 the part helps. 95{PERCENT} interval with the seed as block; "
        "p after Holm's correction over all effects. Alias: an effect that this design cannot tell "
        f"from the one in the row.{rough}",
        ["Effect", "Difference", "p (Holm)", "Aliases"],
        [Row(effect_name(e.factors), _effect_cells(e, digits)) for e in found.effects],
        folded=len(found.effects) > 6,
        width="effects",
    )


def _effect_cells(effect: FactorEffect, digits: int) -> list[Cell]:
    aliases = "; ".join(effect_name(alias) for alias in effect.aliases)
    return [
        Cell(
            shown(effect.effect, digits, sign=True),
            between(effect.low, effect.high, digits, sign=True),
        ),
        Cell(p_value(effect.p_holm), f"p {p_value(effect.p)}"),
        Cell(text=aliases or "none", remark=_ASSUMED if effect.assumed else ""),
    ]


def design_words(found: Factorial) -> str:
    """What the design is, and what it can tell."""
    gone = f" {counted(found.missing, 'training has', 'trainings have')} no score." \
           if found.missing else " No training is missing."  # fmt: skip
    if found.lost:
        gone += f" {counted(len(found.lost), 'cell has', 'cells have')} none with any seed."
    free = (
        "main effects and interactions of two are free of each other"
        if found.resolution >= 5
        else "main effects are free of interactions of two, which are mixed with each other"
        if found.resolution == 4
        else "main effects are mixed with interactions of two"
    )
    note = f" {sentence(found.note)}" if found.note else ""
    free = f"as planned, {free}" if found.lost else free
    return (
        f"{counted(len(found.factors), 'part was', 'parts were')} put in and taken out together in "
        f"{counted(found.cells, 'cell', 'cells')} of a design of resolution {found.resolution}: "
        f"{free}.{gone}{note}"
    )
