"""From the time that a user grants a study to the seconds that each training gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from popgan.errors import UserError
from popgan.planning.budget import parse_budget
from popgan.tuning.definition import TICKS

LEAST_SECONDS = 10.0
"""Of a training, however fast the machine."""
BUILDING = 1.1
"""Planning, building networks and writing checkpoints take about a tenth of a training."""
EARLY = 1.1
"""The first to reach a rung go on more often than the later ones, because they meet few others."""


def trained(rungs: Sequence[int], reduction: int) -> float:
    """Share of the full length that a sampled trial gets on average.

    Args:
        rungs: ticks at which it may be stopped, rising.
        reduction: of so many one goes on at each.
    """
    ticks = [0, *rungs, TICKS]
    parts = [(b - a) / TICKS for a, b in pairwise(ticks)]
    return min(1.0, EARLY * sum(part / reduction**place for place, part in enumerate(parts)))


def searched_trainings(trials: int, *, spread: int, share: float) -> float:
    """How many trainings to the end a search comes to, its final left out.

    Args:
        trials: in the search.
        spread: trainings of the default among them; they are not stopped.
        share: of a training that each other trial gets, see `trained`.
    """
    full = min(spread, trials)
    return full + share * (trials - full)


@dataclass(frozen=True)
class Grant:
    """The time that a study is granted, and what it is divided among.

    Attributes:
        budget: as the user wrote it.
        stopped: trainings of which some are stopped; one that is counts as a part.
        whole: trainings to the end, once the others are done.
        workers: processes at work.
        measuring: seconds that measuring a training takes.
        what: is trained, and that it needs, in words: "24 trials and the final need".
        fewer: of which the user may ask for fewer.
    """

    budget: str
    stopped: float
    whole: int
    workers: int
    measuring: float
    what: str
    fewer: str

    @property
    def _share(self) -> float:
        """Of the seconds of a training, how many all of them take."""
        # At worst the last training begins when all others are done (Graham, 1966).
        longest = min(1.0, self.stopped)
        search = (self.stopped - longest) / self.workers + longest
        return BUILDING * (search + math.ceil(self.whole / self.workers))

    def seconds(self, least: float) -> float:
        """Seconds of training for each.

        Args:
            least: that each needs.

        Raises:
            UserError: they are fewer; says which budget is enough.
        """
        seconds = parse_budget(self.budget) / self._share - self.measuring
        if seconds < least:
            raise UserError(
                f"budget {self.budget} is too short: {self.what} {least:.3g} s each and "
                f"{self.measuring:.3g} s to be measured",
                do=f"grant {self.enough(least)} or more, or ask for fewer {self.fewer}",
            )
        return seconds

    def enough(self, least: float) -> str:
        """A budget that is enough for so many seconds each."""
        return minutes((least + self.measuring) * self._share)


def minutes(seconds: float) -> str:
    """A budget that is enough, as the user may write it."""
    whole = math.ceil(seconds / 60)
    hours, rest = divmod(whole, 60)
    if not hours:
        return f"{whole}m"
    return f"{hours}h{rest}m" if rest else f"{hours}h"
