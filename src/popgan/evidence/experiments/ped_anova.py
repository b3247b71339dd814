"""PED-ANOVA: which values tell the best quarter of the trials from the rest (Watanabe et al. 2023).

Unlike the shares of a forest it asks about good settings alone: a value that makes bad trials worse
and good ones no better counts for nothing here.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from popgan.evidence.experiments.results import SearchSpace, Setting, Value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

LEAST = 16
"""Trials below which the best quarter is too small to have a shape."""
BEST = 0.25


def ped_anova(
    space: Sequence[SearchSpace], settings: Sequence[Setting], kids: Sequence[float]
) -> dict[str, float | None]:
    """Importance of each dimension as a share of the sum of all, by Optuna.

    Args:
        space: dimensions.
        settings: completed ones, without what does not count in them. kids: of them.

    Returns:
        None for all with fewer than 16 trials.
    """
    nothing: dict[str, float | None] = dict.fromkeys(one.name for one in space)
    if len(kids) < LEAST:
        return nothing
    import optuna

    loud = optuna.logging.get_verbosity()
    try:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the evaluator is experimental
            study = optuna.create_study(storage=optuna.storages.InMemoryStorage())
            ranges = {one.name: _distribution(one) for one in space}
            for setting, kid in zip(settings, kids, strict=True):
                own = {name: ranges[name] for name in setting if name in ranges}
                values = {name: _bounded(setting[name], ranges[name]) for name in own}
                study.add_trial(
                    optuna.trial.create_trial(params=values, distributions=own, value=kid)
                )
            evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
            found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    finally:
        optuna.logging.set_verbosity(loud)
    return {name: found.get(name, 0.0) for name in nothing}


def _bounded(value: Value, range_: BaseDistribution) -> Value:
    """Within the range, of which rounding may have led it out; a choice as it is."""
    low, high = getattr(range_, "low", None), getattr(range_, "high", None)
    if low is None or high is None or isinstance(value, str):
        return value
    return min(max(value, low), high)


def _distribution(one: SearchSpace) -> BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if one.choices:
        return CategoricalDistribution(one.choices)
    if one.low is None or one.high is None:
        raise ValueError(f"{one.name} has neither bounds nor choices")
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)
