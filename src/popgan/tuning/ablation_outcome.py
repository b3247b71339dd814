"""From cells that have ended to the result of an ablation: what is known now, and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from statistics import fmean

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.experiments.anova import anova
from popgan.evidence.experiments.contrasts import contrasts
from popgan.evidence.experiments.factorial import factorial
from popgan.evidence.experiments.results import AblationResult, Replicate, Sensitivity
from popgan.evidence.experiments.sensitivity import LEAST, sensitivity
from popgan.evidence.experiments.spread import spread_of
from popgan.stations.experiments import load_ablation, save_result
from popgan.stations.experiments_csv import (
    write_contrasts,
    write_points,
    write_runs,
    write_sensitivity,
)
from popgan.tuning.ablation_study import AblationPlaces, AblationStudy
from popgan.tuning.cells import Cells, Ended
from popgan.tuning.outcome import machine
from popgan.tuning.scale import KEPT
from popgan.wording import counted

USUAL_SEEDS = 5
_AGAIN = 2.0
"""A forest takes seconds, so it is grown again only where trials have become so many times more."""


def result(
    study: AblationStudy, cells: Cells, cohort: Cohort, before: Sensitivity | None = None
) -> AblationResult:
    """Everything that is known of a study now.

    Args:
        study: what it is about.
        cells: its trainings.
        cohort: it is about.
        before: the sensitivity as it was last known; kept while few trials have come since.
    """
    records = list(cells.records())
    runs = [_replicate(cell.variant, cell.seed, ended) for cell, ended in records if cell.variant]
    compared = {one.name for one in study.variants if one.kind != "factorial"}
    return AblationResult(
        name=study.name,
        recipe=study.recipe,
        preset=study.preset,
        shape=(cohort.height, cohort.width),
        seeds=study.seeds,
        seconds=study.seconds,
        variants=study.variants,
        runs=runs,
        contrasts=contrasts(study.variants, runs),
        anova=anova([run for run in runs if run.variant in compared]),
        factorial=factorial(study.factors, study.levels, runs, study.seeds)
        if study.levels
        else None,
        sensitivity=_sensitivity(study, cells, runs, before),
        budget=study.budget,
        cautions=cautions(study, cells),
        machine=machine(),
        cohort=study.cohort,
        tuning_subjects=len(set(cohort.subjects("tuning"))),
        tuning_slices=len(cohort.indices("tuning")),
    )


def write(places: AblationPlaces, study: AblationStudy, cells: Cells, cohort: Cohort) -> None:
    """Write results and tables as things stand, each whole or not at all."""
    latest = None
    with suppress(UserError):  # a damaged one is replaced
        latest = load_ablation(places.run, places.name)
    found = result(study, cells, cohort, latest.sensitivity if latest else None)
    save_result(found, places.results)
    write_runs(found, places.runs)
    write_contrasts(found, places.contrasts)
    write_points(found, places.points)
    if found.sensitivity is not None:
        write_sensitivity(found.sensitivity, places.sensitivity)


def cautions(study: AblationStudy, cells: Cells) -> list[str]:
    """What limits the study, in words; the most important first."""
    records = list(cells.records())
    found = []
    left = len(cells.cells) - len(records)
    if left:
        done = f"{len(records)} of {counted(len(cells.cells), 'training is', 'trainings are')} done"
        found.append(f"Not complete: {done}, and what follows will change")
    if len(study.seeds) == 1:
        found.append("With one seed nothing can be told from chance")
    elif len(study.seeds) < USUAL_SEEDS:
        found.append(f"Only {len(study.seeds)} seeds: intervals are wide")
    failed = sum(ended.kid is None for _, ended in records)
    if failed:
        found.append(f"{counted(failed, 'training has', 'trainings have')} no score")
    hosts = {ended.worker.partition(":")[0] for _, ended in records if ended.worker}
    if len(hosts) > 1:
        found.append(
            f"{len(hosts)} machines trained: all trainings have the images that the first machine "
            "would see in the same seconds"
        )
    return [*found, *_bought(study, cells), *study.notes]


def _bought(study: AblationStudy, cells: Cells) -> list[str]:
    """Variants whose score may be bought with coverage or variety that the default keeps."""
    found = []
    records = [(cell.variant, ended) for cell, ended in cells.records() if ended.kid is not None]
    for name in ("coverage", "diversity"):
        means: dict[str, float] = {}
        for variant in study.trained:
            own = [getattr(ended, name) for of, ended in records if of == variant.name]
            known = [value for value in own if value is not None]
            if known:
                means[variant.name] = fmean(known)
        default = means.get(study.variants[0].name)
        if default is None:
            continue
        low = [variant for variant, mean in means.items() if mean < KEPT * min(1.0, default)]
        if low:
            word = "coverage of the tuning split" if name == "coverage" else "variety of samples"
            listed = ", ".join(f"{variant} ({means[variant]:.2f})" for variant in low)
            found.append(
                f"Less than {KEPT:.0%} of the default's {word} ({default:.2f}), which the KID may "
                f"not show: {listed}"
            )
    return found


def _replicate(variant: str, seed: int, ended: Ended) -> Replicate:
    return Replicate(
        variant=variant,
        seed=seed,
        kid=ended.kid,
        reason=ended.reason,
        images=ended.images,
        seconds=ended.seconds,
        points=ended.points,
        coverage=ended.coverage,
        diversity=ended.diversity,
    )


def _sensitivity(
    study: AblationStudy,
    cells: Cells,
    runs: Sequence[Replicate],
    before: Sensitivity | None,
) -> Sensitivity | None:
    if not study.trials:
        return None
    trials = [(cell, ended) for cell, ended in cells.records() if not cell.variant]
    known = before.n + before.failed if before else 0
    complete = len(trials) == len(study.trials)
    if before is not None and known and not complete and len(trials) < max(LEAST, _AGAIN * known):
        return before
    if before is not None and known == len(trials) and before.r2 is not None:
        return before
    default = study.variants[0].name
    same = [run.kid for run in runs if run.variant == default and run.kid is not None]
    return sensitivity(
        [cell.setting for cell, _ in trials],
        [ended.kid for _, ended in trials],
        study.space,
        spread_of(same),
        seed=study.seed,
    )
