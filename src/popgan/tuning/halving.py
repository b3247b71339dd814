"""Which trials are stopped early: asynchronous successive halving (ASHA; Li et al., 2020).

A trial that reaches a rung goes on if it is among the best `1 / reduction` of all that have come
there so far, itself included. Rungs are shares of a trial's own images, and a trial is judged only
where its top level is fully in: before that, a score says more about growth than about the setting.
Optuna's own pruner would compare a trial that skipped a rung with those that did not.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from popgan.evidence.experiments.results import Setting


def goes_on(value: float, others: Sequence[float], reduction: int) -> bool:
    """Whether a trial goes on beyond a rung.

    Args:
        value: of the trial at this rung, lower is better.
        others: of all others that have come here.
        reduction: of so many trials one goes on; with fewer here, all do.
    """
    count = len(others) + 1
    if count < reduction:
        return True
    better = sum(other < value for other in others)
    return better < count // reduction


def by_setting(values: Sequence[tuple[Setting, float]]) -> list[float]:
    """What has come to a rung, setting by setting: the mean of the trainings of each.

    A rung compares settings. The default is trained with several seeds; were each of them counted,
    the first newcomers would have to be better than the luckiest.

    Args:
        values: setting and value of each training at this rung.
    """
    found: dict[str, list[float]] = {}
    for setting, value in values:
        found.setdefault(repr(sorted(setting.items())), []).append(value)
    return [fmean(each) for each in found.values()]
