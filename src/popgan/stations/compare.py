"""Station compare: the models of a run held against the same held-out patients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.backbone import basis_of, defines_fid, extractor_of
from popgan.evidence.compare.pairs import Contender, mean_of, pairs
from popgan.evidence.compare.results import (
    Comparison,
    Group,
    MetricName,
    ModelRow,
    Pair,
)
from popgan.evidence.compare.words import budget_sentence
from popgan.evidence.features import Extractor
from popgan.progress import Reporter
from popgan.stations.compare_inversion import inverted
from popgan.stations.compare_translators import (
    evaluated,
    paired_translators,
    translator_row,
)
from popgan.stations.compared import (
    COMPARE_VERSION,
    comparison_path,
    load_comparison,
    save_comparison,
)
from popgan.stations.contenders import (
    Entrant,
    Team,
    budget_of,
    curve_of,
    double_notes,
    entrants,
    teams,
)
from popgan.stations.evaluate import require_measurable
from popgan.stations.evidence import PAIRED_VERSION
from popgan.stations.ledger import Ledger
from popgan.stations.scored import Measured, Scale
from popgan.stations.untouched import require_untouched
from popgan.training.loop import threads

STATION = "compare"


def compare(
    run: str | Path,
    names: Sequence[str] = (),
    *,
    n: int | None = None,
    features: str | None = None,
    inversion: bool = False,
    reporter: Reporter | None = None,
) -> Comparison:
    """Compare several models of a run on the same held-out patients; RUN/comparison.json.

    Models that draw are compared in pairs; several trainings of one recipe and preset with
    different seeds are replicates. The paper's unpaired numbers, and the true paired ones of
    translators, stand in blocks of their own.

    Args:
        run: the run folder.
        names: of models; all trained ones by default.
        n: synthetic images of each model; by default the least number that a plan evaluates.
        features: the network that distances are measured with; see `evaluate`.
        inversion: also search for held-out images in each generator, which takes minutes a model.
        reporter: shows progress.

    Raises:
        NotMeasurableError: the cohort is too small to measure anything.
        UserError: fewer than two models, a named one is not trained or belongs to another cohort,
            the test split was touched by training, weights of features are missing or not the
            pinned ones, or a full disk.
    """
    run, reporter = Path(run), reporter or Reporter()
    cohort = Cohort.open(run)
    found = entrants(run, names, cohort, reporter)
    drawing = [entrant for entrant in found if not entrant.plan.translates]
    translating = [entrant for entrant in found if entrant.plan.translates]
    if n is not None and not drawing:
        raise UserError(
            "only models that translate are compared, and they draw no images to choose a number "
            "of",
            where=run,
            do="leave -n out",
        )
    n = n or min((entrant.plan.evaluate.n for entrant in drawing), default=0)
    extractor = extractor_of(features)
    inputs: dict[str, Any] = {
        "compare": COMPARE_VERSION,
        "cohort": cohort.hash,
        "weights": {entrant.name: entrant.weights for entrant in found},
        "n": n,
        "features": extractor.identity,
        "evaluations": {entrant.name: evaluated(entrant) for entrant in translating},
    }
    ledger, known = Ledger(run), load_comparison(run)
    # A comparison with inversion holds all that one without holds.
    wanted = [{**inputs, "inversion": kind} for kind in ([True] if inversion else [False, True])]
    if known is not None and any(ledger.is_done(STATION, each) for each in wanted):
        reporter.message(f"[{STATION}] unchanged, skipped")
        return known
    require_measurable(cohort)
    with (
        ledger.station(STATION, wanted[0], [comparison_path(run)], reporter),
        threads(found[0].plan.train.threads),
    ):
        require_untouched(found[0].model, cohort)
        result = _compare(drawing, translating, cohort, n, extractor, reporter)
        if inversion:
            rows = [inverted(entrant, cohort, reporter) for entrant in drawing]
            result = result.model_copy(update={"inversions": rows})
        save_comparison(run, result)
    return result


def _compare(
    drawing: Sequence[Entrant],
    translating: Sequence[Entrant],
    cohort: Cohort,
    n: int,
    extractor: Extractor,
    reporter: Reporter,
) -> Comparison:
    paired, said_of_them = paired_translators(translating)
    facts: dict[str, Any] = {
        "version": COMPARE_VERSION,
        "paired_version": PAIRED_VERSION if translating else None,
        "cohort": cohort.hash,
        "backbone": extractor.identity,
        "basis": basis_of(extractor.identity),
        "images": n,
        "reference_images": len(cohort.subjects("test")),
        "reference_subjects": len(set(cohort.subjects("test"))),
        "train_images": len(cohort.subjects("train")),
        "train_subjects": len(set(cohort.subjects("train"))),
        "translators": [translator_row(entrant) for entrant in translating],
        "translator_pairs": paired,
        "translator_notes": said_of_them,
    }
    if not drawing:
        empty: dict[str, Any] = {"models": [], "groups": [], "pairs": []}
        return Comparison(
            **facts,
            **empty,
            matched=0,
            floor=None,
            mean_image=None,
            equal_budget=None,
            budget_sentence="",
        )
    scale = Scale(cohort, n, extractor, reporter)
    measured = {entrant.name: scale.measure(entrant) for entrant in drawing}
    sides = teams(drawing)
    rows = [_row(entrant, team, measured[entrant.name]) for team in sides for entrant in _all(team)]
    equal, said = budget_sentence(
        [(row.name, row.budget.images, row.budget.seconds) for row in rows]
    )
    return Comparison(
        **facts,
        frechet_title=_frechet_title(cohort, extractor),
        matched=scale.matched,
        models=rows,
        groups=[_group(team, measured, scale.subjects) for team in sides],
        pairs=_pairs(sides, measured, scale.subjects),
        floor=scale.floor,
        mean_image=scale.mean_image.value,
        equal_budget=equal,
        budget_sentence=said,
        unpaired=scale.table([measured[row.name] for row in rows]),
        notes=_notes(sides, scale.subjects),
    )


def _frechet_title(cohort: Cohort, extractor: Extractor) -> str:
    fid = defines_fid(extractor.identity, len(cohort.contrasts))
    return "FID" if fid else "Frechet distance"


def _all(team: Team) -> list[Entrant]:
    return [*team.members, *team.doubles]


def _row(entrant: Entrant, team: Team, measured: Measured) -> ModelRow:
    return ModelRow(
        name=entrant.name,
        recipe=entrant.plan.recipe,
        preset=entrant.plan.preset,
        seed=entrant.plan.seed,
        group=team.title,
        weights=entrant.weights,
        budget=budget_of(entrant),
        kid=measured.kid,
        frechet=measured.frechet,
        clipped_coverage=measured.clipped_coverage,
        curve=curve_of(entrant.model),
    )


def _contender(team: Team, measured: dict[str, Measured], metric: MetricName) -> Contender | None:
    """A team in a metric; None where a member lacks it."""
    scored = [measured[entrant.name].scored.get(metric) for entrant in team.members]
    known = tuple(one for one in scored if one is not None)
    if len(known) < len(scored):
        return None
    return Contender(team.title, tuple(entrant.plan.seed for entrant in team.members), known)


def _group(team: Team, measured: dict[str, Measured], subjects: int) -> Group:
    contender = _contender(team, measured, "kid")
    assert contender is not None
    values = contender.values
    return Group(
        title=team.title,
        recipe=team.members[0].plan.recipe,
        preset=team.members[0].plan.preset,
        models=[entrant.name for entrant in team.members],
        seeds=[entrant.plan.seed for entrant in team.members],
        kid=mean_of(contender, subjects),
        seed_deviation=float(values.std(ddof=1)) if len(values) > 1 else None,
    )


def _pairs(sides: Sequence[Team], measured: dict[str, Measured], subjects: int) -> list[Pair]:
    found: list[Pair] = []
    metrics: tuple[MetricName, ...] = ("kid", "clipped_coverage")
    for metric in metrics:
        contenders = [_contender(team, measured, metric) for team in sides]
        known = [contender for contender in contenders if contender is not None]
        if len(known) == len(contenders):
            found += pairs(known, metric, subjects)
    return found


def _notes(sides: Sequence[Team], subjects: int) -> list[str]:
    notes = double_notes(sides)
    single = [team.title for team in sides if len(team.members) == 1]
    if single and len(sides) > 1:
        notes.append(
            f"Trained once: {', '.join(single)}. What differs between single trainings may be the "
            "seed; five seeds or more a recipe are advised."
        )
    if subjects < 20:
        notes.append(f"Only {subjects} held-out subjects: real differences may stay unseen.")
    return notes
