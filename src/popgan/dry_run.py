"""What a run would do and cost, without keeping anything: `popgan run --dry-run`.

The scans are ingested into a temporary folder and a few steps are trained there, because speed
and memory depend on the machine and are measured, not guessed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.planning.budget import seconds_needed, trained
from popgan.progress import Reporter
from popgan.run import RunOptions, phantom_scans, prepare
from popgan.stations.folder import check_places
from popgan.stations.machine import machine_record
from popgan.stations.plan import measure_machine
from popgan.stations.presets import is_tuned, lend, side_of
from popgan.stations.speed import SpeedProbe


@dataclass(frozen=True)
class Estimate:
    """A plan with what it will take.

    Attributes:
        plan: the plan.
        seconds: training time at the measured speeds.
        memory_gib: peak memory while training the top level (of the GPU, where there is one).
        speeds: images/s at each level that is trained.
        cohort: its fingerprint; empty where it is not known.
        machine: see `popgan.stations.machine.machine_record`; empty likewise.
    """

    plan: Plan
    seconds: float | None = None
    memory_gib: float | None = None
    speeds: tuple[float, ...] = ()
    cohort: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)


def estimate(
    source: Path | None, options: RunOptions, reporter: Reporter, studies: Path | None = None
) -> Estimate:
    """Plan a run and measure its speed and memory; nothing is kept.

    Args:
        source: folder of scans, or None for the phantom cohort.
        options: what the user asks.
        reporter: shows progress.
        studies: run folder whose studies a tuned preset comes from.

    Raises:
        UserError: see `popgan.run`.
    """
    options.check(studies)
    # A search takes its own time and changes no more than values.
    options = replace(options, tune=None)
    if source is not None:
        check_places(source, Path(tempfile.gettempdir()) / "popgan-dry-run")
    with tempfile.TemporaryDirectory(prefix="popgan-dry-run-") as folder:
        run = Path(folder)
        if studies is not None and is_tuned(options.preset):
            side = {"resolution": side_of(options.preset, options.recipe, studies)}
            options = replace(options, ingest=side | options.ingest)
            lend(options.preset, options.recipe, studies, run)
        scans = phantom_scans(run, options, reporter) if source is None else source
        probe = SpeedProbe()
        plan = prepare(scans, run, options, reporter, probe).plan()
        # Where a time was given, the plan itself was made from these measurements.
        speeds = probe.speeds or probe(plan)
        return Estimate(
            plan,
            seconds_needed(plan.train, speeds),
            probe.memory_gib,
            tuple(trained(speeds, plan.train.level_shares)),
            cohort=Cohort.open(run).fingerprint,
            machine=machine_record(measure_machine(), plan, speeds),
        )
