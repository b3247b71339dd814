"""A speed that was measured once takes the place of popgan's own probe, so plans do not waver."""

from __future__ import annotations

from collections.abc import Callable

from popgan.config.schema import Plan
from popgan.stations.speed import SpeedProbe


class Frozen(SpeedProbe):
    """Hands back a frozen speed where popgan would train for some seconds.

    Args:
        speeds: images/s of a plan at each level.
    """

    def __init__(self, speeds: Callable[[Plan], list[float]]) -> None:
        super().__init__()
        self._frozen = speeds

    def __call__(self, plan: Plan) -> list[float]:
        """Images/s of a plan at each level."""
        found = self._frozen(plan)
        if plan.translates:
            # How long a snapshot takes follows from it; where images are drawn that is frozen too.
            self.speeds = found
        return found
