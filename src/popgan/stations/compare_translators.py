"""Translators in a comparison: true paired numbers, and pairs of those that make one contrast.

They are never ranked with models that draw.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from popgan.evidence.compare.results import TranslatorPair, TranslatorRow, TranslatorScore
from popgan.evidence.compare.translators import (
    METRICS,
    Side,
    translator_notes,
    translator_pairs,
)
from popgan.evidence.paired.results import MethodRow, PairedResult
from popgan.files import sha256_file
from popgan.stations.contenders import Entrant, budget_of, curve_of, double_notes, teams
from popgan.stations.evidence import evaluation_state, load_evaluation
from popgan.stations.pairs import translator_of

_SHOWN: tuple[tuple[str, str], ...] = (
    *(("psnr", "brain"), ("ssim", "brain"), ("mae", "brain"), ("mse", "brain")),
    *(("psnr", "field"), ("mae", "field"), ("mse", "field")),
)


def evaluated(entrant: Entrant) -> str | None:
    """Hash of the stored evidence of a model; None where there is none."""
    path = entrant.model.evaluation_path
    return sha256_file(path) if path.exists() else None


def translator_row(entrant: Entrant) -> TranslatorRow:
    """A translator with its stored paired numbers."""
    evaluation, shape = load_evaluation(entrant.model), translator_of(entrant.plan)
    more: dict[str, Any] = {"scores": []}
    if evaluation is None:
        stale = evaluation_state(entrant.model) == "stale"
        what = "evaluated with other weights or another version" if stale else "not evaluated"
        more["note"] = f"{what}: popgan evaluate RUN --name {entrant.name}"
    elif evaluation.paired is None:
        more["note"] = evaluation.reason
    else:
        result = evaluation.paired
        trivial = [row for row in result.rows if row.kind == "baseline"]
        best = max(trivial, key=_psnr) if trivial else None
        more = {
            "scores": _scores(result.row(result.model)),
            "trivial": best.name if best else "",
            "trivial_scores": _scores(best) if best else [],
        }
    return TranslatorRow(
        name=entrant.name,
        recipe=entrant.plan.recipe,
        preset=entrant.plan.preset,
        seed=entrant.plan.seed,
        sources=list(shape.sources),
        target=shape.target,
        weights=entrant.weights,
        budget=budget_of(entrant),
        curve=curve_of(entrant.model),
        **more,
    )


def paired_translators(found: Sequence[Entrant]) -> tuple[list[TranslatorPair], list[str]]:
    """Every pair of translators that make one contrast, and what must be said about them.

    Args:
        found: translators of one cohort. Those without a current evaluation, or with one of other
            numbers of patients and slices than most, take no part and are named.
    """
    results: dict[str, PairedResult] = {}
    for entrant in found:
        evaluation = load_evaluation(entrant.model)
        if evaluation is not None and evaluation.paired is not None:
            results[entrant.name] = evaluation.paired
    counts = Counter((result.target, *_counts(result)) for result in results.values())
    usual = {target: counted for (target, *counted), _ in reversed(counts.most_common())}
    other = [name for name, result in results.items() if [*_counts(result)] != usual[result.target]]
    missing = [entrant.name for entrant in found if entrant.name not in results]
    taking = [e for e in found if e.name in results and e.name not in other]
    sides = teams(taking)
    pairs = translator_pairs(
        [
            Side(
                title=team.title,
                target=results[team.members[0].name].target,
                numbers=_numbers([results[entrant.name] for entrant in team.members]),
            )
            for team in sides
        ]
    )
    notes = [*translator_notes(pairs), *double_notes(sides)]
    if missing and len(found) > 1:
        notes.append(f"In no pair, without a current evaluation: {', '.join(missing)}.")
    if other:
        notes.append(
            f"In no pair, measured on other numbers of patients or slices: {', '.join(other)}."
        )
    return pairs, notes


def _counts(result: PairedResult) -> tuple[int, int]:
    return result.n_patients, result.n_slices


def _numbers(results: Sequence[PairedResult]) -> Mapping[Any, list[list[float | None]]]:
    """Of each metric a number a patient in the brain, for each training; {} where one lacks it."""
    found = {}
    for metric in METRICS:
        values = [result.row(result.model).score(metric, "brain") for result in results]
        known = [value.patients for value in values if value is not None]
        if len(known) == len(values):
            found[metric] = known
    return found


def _scores(row: MethodRow) -> list[TranslatorScore]:
    found = []
    for metric, region in _SHOWN:
        value = row.score(metric, region)
        if value is not None:
            found.append(
                TranslatorScore(
                    metric=metric,
                    region=region,
                    mean=value.mean,
                    low=value.low,
                    high=value.high,
                    n=value.n,
                )
            )
    return found


def _psnr(row: MethodRow) -> float:
    value = row.score("psnr", "brain")
    return -math.inf if value is None else value.mean
