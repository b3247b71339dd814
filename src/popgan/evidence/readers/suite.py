"""The whole analysis of a reader study: answers in, every number with its interval out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from popgan.errors import UserError
from popgan.evidence.readers.agreement import agreement
from popgan.evidence.readers.answers import CRITERIA, REAL, SCORES, Answers
from popgan.evidence.readers.detection import authenticity
from popgan.evidence.readers.flow import flow, warnings
from popgan.evidence.readers.forced import forced_choice
from popgan.evidence.readers.friedman import comparison
from popgan.evidence.readers.holm import with_holm
from popgan.evidence.readers.likert import difference, summary
from popgan.evidence.readers.repeats import repeatability
from popgan.evidence.readers.results import (
    Agreement,
    ModelComparison,
    ReaderStudyResult,
    Repeatability,
    ScoreDifference,
    ScoreSummary,
)
from popgan.evidence.readers.tables import (
    authenticity_table,
    choice_table,
    says_synthetic,
    score_table,
)
from popgan.evidence.readers.timing import timings

_Part = TypeVar("_Part")
LEAST_REPLICATES = 50


def analyse(
    answers: Answers, *, margin: float, seed: int, replicates: int = 2000
) -> ReaderStudyResult:
    """Analyse a reader study.

    What cannot be measured (no answers, one reader, one patient, all answers alike) is None in the
    result, with its reason; it is never an error.

    Args:
        answers: of the study; practice cases are not in it.
        margin: of equivalence to chance, as a share: 0.1 is 50 +- 10 %. Fixed in the design.
        seed: of the bootstrap.
        replicates: of the bootstrap.

    Raises:
        UserError: margin or replicates out of range.
    """
    if not 0 < margin < 0.5:
        raise UserError(f"margin is {margin}, but must lie between 0 and 0.5")
    if replicates < LEAST_REPLICATES:
        raise UserError(f"{replicates} replicates; {LEAST_REPLICATES} or more are needed")
    models = answers.models
    # With one model, all models together are that one.
    parts: list[str | None] = [None, *models] if len(models) > 1 else [None]
    counts = flow(answers)
    scores, differences, comparisons = _scores(answers, seed=seed, replicates=replicates)
    judged = authenticity_table(answers)
    return ReaderStudyResult(
        seed=seed,
        margin=margin,
        replicates=replicates,
        readers=list(answers.readers),
        models=list(models),
        flow=counts,
        authenticity=_there(
            parts,
            lambda model: authenticity(
                judged, model, margin=margin, seed=seed, replicates=replicates
            ),
        ),
        forced_choice=_there(
            parts,
            lambda model: forced_choice(
                answers, model, margin=margin, seed=seed, replicates=replicates
            ),
        ),
        scores=scores,
        differences=differences,
        comparisons=comparisons,
        agreement=_agreements(answers, seed=seed, replicates=replicates),
        repeats=_repeats(answers, seed=seed, replicates=replicates),
        timing=timings(answers),
        warnings=warnings(answers, counts),
    )


def _there(models: list[str | None], measure: Callable[[str | None], _Part | None]) -> list[_Part]:
    return [part for part in map(measure, models) if part is not None]


def _scores(
    answers: Answers, *, seed: int, replicates: int
) -> tuple[list[ScoreSummary], list[ScoreDifference], list[ModelComparison]]:
    """Scores of every criterion and source, and the tests, each family with Holm's correction."""
    if not answers.ratings:
        return [], [], []
    options = {"seed": seed, "replicates": replicates}
    present = {case.source for case in answers.cases.values()}
    sources = [source for source in (REAL, *answers.models) if source in present]
    summaries, differences, comparisons = [], [], []
    for criterion in CRITERIA:
        table = score_table(answers, criterion)
        summaries += [summary(table, criterion, source, **options) for source in sources]
        differences += [difference(table, criterion, m, **options) for m in answers.models]
        if len(answers.models) > 1:
            comparisons.append(comparison(table, criterion, answers.models, seed=seed))
    adjusted = with_holm([one.test for one in differences])
    differences = [
        one.model_copy(update={"test": test})
        for one, test in zip(differences, adjusted, strict=True)
    ]
    adjusted = with_holm([one.test for one in comparisons])
    comparisons = [
        one.model_copy(update={"test": test})
        for one, test in zip(comparisons, adjusted, strict=True)
    ]
    return summaries, differences, comparisons


def _agreements(answers: Answers, *, seed: int, replicates: int) -> list[Agreement]:
    found = []
    if answers.ratings:
        for criterion in CRITERIA:
            table = score_table(answers, criterion)
            found.append(agreement(table, criterion, len(SCORES), seed=seed, replicates=replicates))
    if answers.judgements:
        said = says_synthetic(authenticity_table(answers))
        found.append(agreement(said, "authenticity", 2, seed=seed, replicates=replicates))
    return found


def _repeats(answers: Answers, *, seed: int, replicates: int) -> list[Repeatability]:
    found: list[Repeatability] = []
    options = {"seed": seed, "replicates": replicates}
    for criterion in CRITERIA:
        first, second = (score_table(answers, criterion, repeat=i) for i in (0, 1))
        found += repeatability(first, second, criterion, len(SCORES), **options)
    first, second = (says_synthetic(authenticity_table(answers, repeat=i)) for i in (0, 1))
    found += repeatability(first, second, "authenticity", 2, **options)
    first, second = (choice_table(answers, "correct", repeat=i) for i in (0, 1))
    found += repeatability(first, second, "2afc", 2, **options)
    return found
