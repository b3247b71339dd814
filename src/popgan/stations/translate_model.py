"""A trained translator with all that is needed to use it on scans of somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.cohort.options import contrast_names
from popgan.cohort.whole_rules import WholeRules
from popgan.cohort.whole_target import TargetRange
from popgan.errors import UserError
from popgan.evidence.paired.domain import FEWEST, Domain
from popgan.evidence.paired.uncertainty import Calibration
from popgan.progress import Reporter
from popgan.stations.calibration import load_calibration
from popgan.stations.domain import load_domain
from popgan.stations.model import Model
from popgan.stations.pairs import translator_of
from popgan.synthesis.bids_translation_words import About
from popgan.synthesis.translate import Translator
from popgan.wording import counted

PASSES = 8
"""Passes with dropout behind an uncertainty, where no calibration says how many."""


@dataclass(frozen=True)
class Bench:
    """A translator with all that is needed around it.

    Attributes:
        translator: the model.
        rules: of its cohort.
        target: range of the grey values that it makes.
        slice_distance: mm between neighbouring slices in training; None where that is not known.
        calibration: from spread to half width; None where there is none.
        domain: what scans the model knows; None where that is not known.
        remarks: what holds for every visit, one line each.
        uncertain: whether half widths are wanted.
        seed: of dropout.
    """

    translator: Translator
    rules: WholeRules
    target: TargetRange
    slice_distance: float | None
    calibration: Calibration | None = None
    domain: Domain | None = None
    remarks: tuple[str, ...] = ()
    uncertain: bool = True
    seed: int = 0

    @property
    def passes(self) -> int:
        """Passes with dropout; 0 where no half width is wanted."""
        if not self.uncertain:
            return 0
        return PASSES if self.calibration is None else self.calibration.passes

    def calibrated_for(self, missing: Sequence[str]) -> Calibration | None:
        """From spread to half width where some sources are missing; None where it is not known."""
        return None if self.calibration is None else self.calibration.where_missing(missing)


def make_bench(model: Model, *, uncertainty: bool, seed: int, reporter: Reporter) -> Bench:
    """A model with what is needed around it.

    Raises:
        UserError: it is not trained, translates nothing, or belongs to another cohort.
    """
    plan = model.plan()
    shape = translator_of(plan)
    model.weights_hash()
    rules = WholeRules.read(model.run, plan.data.cohort)
    remarks = []
    uncertain = uncertainty and shape.dropout > 0
    if uncertainty and not uncertain:
        remarks.append("the model has no dropout: there are no maps of uncertainty")
    calibration = load_calibration(model) if uncertain else None
    domain = load_domain(model)
    advice = model.command("evaluate").removesuffix(" first")
    if uncertain and calibration is None:
        remarks.append("not calibrated: maps of uncertainty hold the bare spread of passes")
    if domain is None:
        remarks.append("no record of the scans that the model knows: these are not compared")
    elif len(domain.visits) < FEWEST:
        count = counted(len(domain.visits), "visit", "visits")
        remarks.append(f"trained on {count}: too few to tell whether a scan is like them")
        domain = None
    for text in remarks:
        mend = f"; {advice} to mend that" if text.startswith(("no record", "not cal")) else ""
        reporter.warning(f"{text}{mend}")
    return Bench(
        translator=Translator.load(model.weights_path, plan),
        rules=rules,
        target=TargetRange.of(rules.training, shape.target),
        slice_distance=plan.data.slice_distance,
        calibration=calibration,
        domain=domain,
        remarks=tuple(remarks),
        uncertain=uncertain,
        seed=seed,
    )


def about_model(model: Model) -> About:
    """What its data sets say about a model."""
    plan = model.plan()
    shape = translator_of(plan)
    return About(
        model=model.name,
        recipe=plan.recipe,
        weights=model.weights_hash(),
        plan=model.plan_hash(),
        sources=tuple(shape.sources),
        target=shape.target,
    )


def check_contrasts(
    translator: Translator, sources: Sequence[str] | None, target: str | None
) -> list[str]:
    """The sources that are asked for, in their order.

    Raises:
        UserError: they, or the target, are not the model's.
    """
    known = ", ".join(translator.sources)
    if target is not None and contrast_names([target], "--to") != [translator.target]:
        raise UserError(
            f"the model translates to {translator.target}, not to {target}",
            do=f"give --to {translator.target}, or another model (--name)",
        )
    if sources is None:
        return list(translator.sources)
    names = contrast_names(list(sources), "--from")
    if unknown := [name for name in names if name not in translator.sources]:
        raise UserError(
            f"the model translates from {known}, not from {unknown[0]}",
            do=f"give --from {known.replace(' ', '')}, or another model (--name)",
        )
    lacking = [name for name in translator.sources if name not in names]
    if lacking and not translator.may_miss:
        raise UserError(
            f"the model translates from {known} and cannot do without {lacking[0]}",
            do="give it as well, or train a model with --set train.source_dropout=0.3",
        )
    return names
