"""What a run would do and cost, without keeping anything: `popgan run --dry-run`.

The scans are ingested into a temporary folder and a few steps are trained there, because speed
and memory depend on the machine and are measured, not guessed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from popgan.config.schema import Plan
from popgan.planning.budget import seconds_needed
from popgan.progress import Reporter
from popgan.run import RunOptions, phantom_scans, prepare
from popgan.stations.folder import check_places
from popgan.stations.plan import SpeedProbe


@dataclass(frozen=True)
class Estimate:
    """A plan with what it will take.

    Attributes:
        plan: the plan.
        seconds: training time at the measured speeds.
        memory_gib: peak memory while training the top level (of the GPU, where there is one).
        speeds: images/s at each level.
    """

    plan: Plan
    seconds: float | None = None
    memory_gib: float | None = None
    speeds: tuple[float, ...] = ()


def estimate(source: Path | None, options: RunOptions, reporter: Reporter) -> Estimate:
    """Plan a run and measure its speed and memory; nothing is kept.

    Raises:
        UserError: see `popgan.run`.
    """
    options.check()
    if source is not None:
        check_places(source, Path(tempfile.gettempdir()) / "popgan-dry-run")
    with tempfile.TemporaryDirectory(prefix="popgan-dry-run-") as folder:
        run = Path(folder)
        scans = phantom_scans(run, options, reporter) if source is None else source
        probe = SpeedProbe()
        plan = prepare(scans, run, options, reporter, probe).plan()
        # Where a time was given, the plan itself was made from these measurements.
        speeds = probe.speeds or probe(plan)
        return Estimate(plan, seconds_needed(plan.train, speeds), probe.memory_gib, tuple(speeds))
