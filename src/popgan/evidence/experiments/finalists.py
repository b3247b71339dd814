"""Which trials of a search are trained anew: the best that are below the default's mean.

Those who train a final and those who tell of it ask the same rule, so that nobody says that the
default stays while something is still to be held against it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from popgan.evidence.experiments.results import Trial

DEFAULT = ("default", "seed spread")
"""Purposes of the trainings of the default in a search."""


def default_kids(trials: Sequence[Trial]) -> list[float]:
    """KID of each training of the default in a search that has one."""
    return [one.kid for one in trials if one.purpose in DEFAULT and one.kid is not None]


def finalists(trials: Sequence[Trial], count: int) -> list[Trial]:
    """The best feasible trials that are below the default's mean, lowest first; each setting once.

    One that was proposed and is the default is none: the default is in the final anyway.

    Args:
        trials: of the search, judged; trainings of a final do not count.
        count: at most so many.
    """
    default = default_kids(trials)
    level = float(np.mean(default)) if default else float("inf")
    able = [
        one
        for one in trials
        if one.state == "complete"
        and one.purpose not in (*DEFAULT, "final")
        and one.setting
        and one.kid is not None
        and one.kid < level
    ]
    best: list[Trial] = []
    for one in sorted(able, key=lambda trial: (trial.kid, trial.number)):
        if all(one.setting != other.setting for other in best):
            best.append(one)
    return best[:count]
