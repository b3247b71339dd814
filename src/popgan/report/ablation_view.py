"""The section on an ablation: what each part is worth, and how surely that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.config.schema import Plan
from popgan.evidence.experiments.results import AblationResult, Contrast
from popgan.report.ablation_figures import LEVEL, contrast_drawings, effect_drawing, is_clear, size
from popgan.report.ablation_sensitivity import SensitivityView, sensitivity_view
from popgan.report.ablation_tables import (
    anova_table,
    contrast_table,
    design_words,
    effect_table,
    impossible,
    places,
    runs_table,
)
from popgan.report.audit_words import p_text
from popgan.report.svg import Drawing
from popgan.report.tuning_table import ResultTable
from popgan.report.tuning_words import between, granted, listed, sentence, shown
from popgan.report.words import PERCENT, number
from popgan.wording import counted


@dataclass(frozen=True)
class DesignView:
    """The factorial: what it is, its figure and its table."""

    about: str
    drawing: Drawing | None
    table: ResultTable | None


@dataclass(frozen=True)
class AblationView:
    """What the template prints.

    Attributes:
        lead: what was trained, on what it is scored, and what a replicate is.
        budget: what every training got.
        finding: how many contrasts show something.
        shown: which, the largest difference first.
        caution: what so few seeds can show at all.
        warnings: of the study.
        forests: contrasts.
        tables: contrasts, analysis of variance, all trainings.
        missing: variants that cannot be trained here, with the reason.
        design: the factorial; None without one.
        sensitivity: None without one.
        others: other ablations of the run, by name.
    """

    lead: str
    budget: str
    finding: str
    shown: Sequence[str]
    caution: str
    warnings: Sequence[str]
    forests: Sequence[Drawing]
    tables: Sequence[ResultTable]
    missing: Sequence[str]
    design: DesignView | None
    sensitivity: SensitivityView | None
    others: str


def ablation_view(
    result: AblationResult | None, plan: Plan, others: Sequence[str] = ()
) -> AblationView | None:
    """What the page shows; None without an ablation."""
    if result is None:
        return None
    tables = [contrast_table(result), anova_table(result.anova), runs_table(result)]
    found = result.factorial
    return AblationView(
        lead=_lead(result),
        budget=_budget(result),
        finding=_finding(result),
        shown=[_told(c, places(result)) for c in _clear(result)],
        caution=_caution(result),
        warnings=_warnings(result, plan),
        forests=contrast_drawings(result),
        tables=[table for table in tables if table is not None],
        missing=impossible(result),
        design=None
        if found is None
        else DesignView(design_words(found), effect_drawing(found), effect_table(found)),
        sensitivity=sensitivity_view(result.sensitivity, places(result)),
        others=f"Other ablations of this run: {listed(list(others))}." if others else "",
    )


def _lead(result: AblationResult) -> str:
    height, width = result.shape
    scored = (
        f" ({counted(result.tuning_subjects, 'subject', 'subjects')}, "
        f"{number(result.tuning_slices)} slices)"
        if result.tuning_subjects
        else ""
    )
    return (
        f"Parts of the default (recipe {result.recipe}, preset {result.preset}, {height} × {width} "
        "pixels) were taken out of it, or put into the model without any of them. Score: KID to "
        f"the tuning split{scored}; lower is better. n: "
        f"{counted(len(result.seeds), 'seed', 'seeds')} a variant; images are no replicates. The "
        "test split was not touched."
    )


def _budget(result: AblationResult) -> str:
    return sentence(result.budget) or f"Every training was granted {granted(result.seconds)}."


def _finding(result: AblationResult) -> str:
    found = result.contrasts
    if not found:
        return "No variant can be held against its base yet."
    tested = [c for c in found if c.p_holm is not None]
    if not tested:
        return (
            "With one seed a variant nothing can be told from chance: the differences below are "
            "single trainings."
        )
    clear, lost = _clear(result), len(found) - len(tested)
    without = (
        f" {counted(lost, 'more contrast', 'more contrasts')} could not be tested." if lost else ""
    )
    if not clear:
        return (
            f"None of {counted(len(tested), 'contrast', 'contrasts')} shows a difference after "
            f"Holm's correction.{without}"
        )
    rest = len(tested) - len(clear)
    tail = (
        f" Of the other {counted(rest, 'contrast', 'contrasts')} no difference was shown, which is "
        "not the same as none."
        if rest
        else ""
    )
    return (
        f"{counted(len(clear), 'contrast', 'contrasts')} of {len(tested)} "
        f"{'shows' if len(clear) == 1 else 'show'} a difference after Holm's correction.{tail}"
        f"{without}"
    )


def _clear(result: AblationResult) -> list[Contrast]:
    return sorted(filter(is_clear, result.contrasts), key=size, reverse=True)


def _told(c: Contrast, digits: int) -> str:
    span = between(c.low, c.high, digits, sign=True)
    return (
        f"{c.variant}: {shown(c.difference, digits, sign=True)} to {c.base} (95{PERCENT} interval "
        f"{span}, n = {c.n}, {p_text(c.p_holm or 0.0)})"
    )


def _caution(result: AblationResult) -> str:
    least = [c.p_exact_least for c in result.contrasts if c.p_exact_least is not None]
    if not least or max(least) < LEVEL:
        return ""
    return (
        f"With so few seeds an exact test cannot give less than p = {min(least):.3g}: read the "
        "size of a difference and its interval first. The t test assumes differences that are "
        "normally distributed, which so few seeds cannot show."
    )


def _warnings(result: AblationResult, plan: Plan) -> list[str]:
    found = [sentence(text) for text in result.cautions]
    if result.cohort and result.cohort != plan.data.cohort:
        found.insert(
            0,
            "This ablation was made on other data than those that the model of this page was "
            "trained on.",
        )
    return found
