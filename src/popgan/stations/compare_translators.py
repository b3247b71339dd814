"""Translators in a comparison: their own true paired numbers, in a block that is never ranked."""

from __future__ import annotations

import math
from typing import Any

from popgan.evidence.compare.results import TranslatorRow, TranslatorScore
from popgan.evidence.paired.results import MethodRow
from popgan.files import sha256_file
from popgan.stations.contenders import Entrant, budget_of, curve_of
from popgan.stations.evidence import load_evaluation
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
        more["note"] = f"not evaluated: popgan evaluate RUN --name {entrant.name}"
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
