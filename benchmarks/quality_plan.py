"""What is compared, and how long each may take: cohorts, settings, plans from frozen speeds.

A budget in minutes becomes images by popgan's own rule (`planning/rules.py`), but from speeds that
were measured once on a quiet machine and are kept. So a cell's result is the same however busy the
machine is that trains it; only its wall time is not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import popgan
from cohort import OPTIONS, SPLIT_SUBJECTS
from frozen_speed import Frozen
from popgan.cohort import Cohort, IngestOptions
from popgan.config.preset import Preset
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.files import sha256_value
from popgan.planning.rules import SUSTAINED
from popgan.progress import Reporter
from popgan.stations.ingest import ingest_station

TUMOUR = {"contrasts": ["FLAIR"], "label": "map", "fractions": (0.65, 0.10, 0.25)}
COHORTS: dict[str, tuple[str, IngestOptions]] = {
    "ixi-64": ("ixi_t1_2mm", OPTIONS),
    "ixi-128": ("ixi_t1_2mm", OPTIONS.model_copy(update={"resolution": 128})),
    "lgg-64": ("lgg_tcga_128", OPTIONS.model_copy(update=TUMOUR)),
}
"""Name -> folder of scans and options. A quarter of the LGG patients is held out, because the
accuracy of a classifier on few patients says little."""

_COSTLY: tuple[str, ...] = ("batch", "loss", "r2", "penalty_interval", "level_shares", "precision")
_COSTLY += ("style_mixing", "diversity", "path_length", "path_length_interval")


@dataclass(frozen=True)
class Setting:
    """A way to train.

    Attributes:
        name: as tables show it.
        cohort: one of `COHORTS`.
        recipe: of popgan.
        preset: name of one, or a preset itself.
        overrides: values of the plan.
        init: "scratch", "phantom" for the physics prior, or "default" for what the plan chooses.
    """

    name: str
    cohort: str = "ixi-64"
    recipe: str = "popgan"
    preset: str | Preset = "standard"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    init: str = "scratch"


class NoPriorError(UserError):
    """This popgan has no prior for a setting."""


class Speeds:
    """Speeds that were measured once.

    Args:
        record: value of the cell `speeds`; None if there is none yet.
    """

    def __init__(self, record: Mapping[str, Any] | None) -> None:
        self.record = record or {"shapes": {}, "snapshot_seconds": {}}

    def __call__(self, plan: Plan) -> list[float]:
        """Images/s of a plan at each level.

        Raises:
            UserError: networks of such a shape were not measured.
        """
        known = self.record["shapes"].get(shape(plan))
        if known is None:
            raise UserError(
                f"the speed of {plan.recipe} {plan.preset} at {plan.data.height} pixels is not "
                "known, or was measured with other networks",
                do="run with --speeds first, on a quiet machine",
            )
        return list(known["images_per_second"])

    def snapshot_seconds(self, side: int) -> float:
        """Seconds that measuring one snapshot takes."""
        return float(self.record["snapshot_seconds"][str(side)])


def shape(plan: Plan) -> str:
    """A short hash of what decides the speed of a plan; not its length or its learning rates."""
    train = plan.train.model_dump(mode="json")
    values = {
        "recipe": plan.recipe,
        "size": [len(plan.data.contrasts), plan.data.height, plan.data.width],
        "told": plan.condition_size,
        "network": plan.network.model_dump(mode="json", exclude_defaults=True),
        "augmentation": plan.augmentation.method,
        "train": {name: train[name] for name in _COSTLY},
    }
    return sha256_value(values)[:12]


def plan_hash(plan: Plan) -> str:
    """A hash of the values that shape a result; threads and the identity of the ingest do not.

    Values that a later version adds with their default change nothing, nor does `scratch`.
    """
    values = plan.model_dump(mode="json", exclude_defaults=True, exclude={"decisions", "generate"})
    del values["data"]["cohort"], values["train"]["threads"]
    if plan.train.init == "scratch":
        values["train"].pop("init", None)
    return sha256_value(values)


def make_plan(
    setting: Setting,
    cohort: Cohort,
    speeds: Speeds,
    *,
    minutes: float,
    seed: int,
    threads: int,
    overrides: Mapping[str, Any] | None = None,
    snapshots: bool = True,
) -> Plan:
    """The plan of a setting: what a user would get who grants so many minutes.

    Args:
        setting: what to train.
        cohort: its cohort.
        speeds: frozen speeds, from which the number of images follows.
        minutes: the budget.
        seed: of weights, order, latents and augmentation.
        threads: that training uses.
        overrides: further values of the plan.
        snapshots: whether training may choose among snapshots by the tuning split, which takes
            its share of the minutes.

    Raises:
        NoPriorError: the setting starts from a prior that does not exist.
        UserError: the budget is too short, or the speed is not known.
    """
    values = {"train.threads": threads, **(overrides or {}), **_start(setting, cohort)}
    # Snapshots that take for ever do not fit into any budget.
    seconds = speeds.snapshot_seconds(cohort.height) if snapshots else 1e12
    budget = f"{60 * minutes:g}s"
    return _build(setting, cohort, values, speeds, seconds, budget=budget, seed=seed)


def provisional(setting: Setting, cohort: Cohort, threads: int) -> Plan:
    """The plan of a setting with a made-up length, for which no speed is needed.

    Raises:
        NoPriorError: the setting starts from a prior that does not exist.
    """
    values = {"train.threads": threads, **_start(setting, cohort)}
    return _unmeasured(setting, cohort, values)


def _start(setting: Setting, cohort: Cohort) -> dict[str, Any]:
    """The override that gives a setting its start."""
    if setting.init == "default":
        return {}
    start = {"train.init": setting.init}
    if setting.init != "scratch":
        try:
            _unmeasured(setting, cohort, start)
        except UserError as error:
            raise NoPriorError(f"{setting.name}: {error}") from error
    return start


def _unmeasured(setting: Setting, cohort: Cohort, values: Mapping[str, Any]) -> Plan:
    values = {**values, "train.images": 100_000}
    return _build(setting, cohort, values, Speeds(None), 1e12, budget=None, seed=0)


def _build(
    setting: Setting,
    cohort: Cohort,
    values: Mapping[str, Any],
    speeds: Speeds,
    snapshot_seconds: float,
    *,
    budget: str | None,
    seed: int,
) -> Plan:
    # The station measures a snapshot by itself; here the frozen time takes the place of that.
    with patch("popgan.stations.plan.seconds_a_snapshot", lambda *_: snapshot_seconds):
        return popgan.make_plan(
            cohort,
            preset=setting.preset,
            recipe=setting.recipe,
            budget=budget,
            seed=seed,
            overrides={**setting.overrides, **values},
            probe=Frozen(speeds),
        )


def minutes_at(images: int, plan: Plan, speeds: list[float]) -> float:
    """Minutes that the budget rule counts for the first `images` of a plan."""
    left, seconds = float(images), 0.0
    for share, speed in zip(plan.train.level_shares, speeds, strict=True):
        part = min(left, share * plan.train.images)
        seconds += part / speed if part > 0 else 0.0
        left -= part
    return seconds / SUSTAINED / 60


def open_cohort(name: str, *, data: Path, work: Path) -> Cohort:
    """Ingest a cohort, or open it if nothing has changed since.

    Raises:
        UserError: the scans are not there, or IXI is divided differently than the benchmark says.
    """
    folder, options = COHORTS[name]
    cohort = ingest_station(data / folder, work / "cohorts" / name, options, reporter=Reporter())
    sizes = {split: len(set(cohort.subjects(split))) for split in SPLIT_SUBJECTS}
    if name.startswith("ixi") and sizes != SPLIT_SUBJECTS:
        raise UserError(f"the benchmark cohort has {sizes} subjects, not {SPLIT_SUBJECTS}")
    return cohort


def copy_of(cohort: Cohort, run: Path) -> Cohort:
    """A run folder of its own with the same cohort, so that processes do not share a ledger."""
    if not (run / "dataset").exists():
        part = run.with_name(f".part-{run.name}")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        shutil.copytree(cohort.run / "dataset", part / "dataset")
        (part / "cache").mkdir()
        for path in (cohort.run / "cache").glob("*.npy"):
            shutil.copy(path, part / "cache")
        part.rename(run)
    return Cohort.open(run)


def data_folder() -> Path:
    """The folder of real scans.

    Raises:
        UserError: POPGAN_DATA is unset.
    """
    if "POPGAN_DATA" not in os.environ:
        raise UserError("POPGAN_DATA is not set", do="set it to the folder of real MRI")
    return Path(os.environ["POPGAN_DATA"])
