"""What a Ray node of the tests does first: the same stand-ins as in the process of the test."""

from __future__ import annotations

import time
from typing import Any


def cheapen() -> None:
    """See `tiny_searches.cheap`, which does not reach other processes.

    Ticks last a fifth of a second more, so that there is time to kill a node between two.
    """
    import popgan.stations.snapshots
    from popgan.training.log import TrainingLog
    from popgan.training.probe import Measured
    from popgan.tuning.planner import Planner
    from tuning.tiny_searches import Coarse

    append = TrainingLog.append

    def slowly(self: TrainingLog, row: Any) -> None:
        append(self, row)
        time.sleep(0.2)

    TrainingLog.append = slowly  # type: ignore[method-assign]
    popgan.stations.snapshots.FeatureExtractor = Coarse  # type: ignore[assignment, misc]
    Planner._measured = lambda *_, **__: Measured([400.0, 200.0], 1.0, [400.0, 200.0])  # type: ignore[method-assign]
