"""From a setting to a plan: the same seconds for every trial, whatever its networks cost.

A time becomes a number of images once, by a short measurement of each kind of network; so a trial
depends on its plan alone, and all trials of the same shape get the same number.
"""

from __future__ import annotations

import math
import platform
from pathlib import Path
from typing import Any, Protocol

import torch

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset, changed
from popgan.config.schema import Plan
from popgan.config.training import TrainPlan
from popgan.device import best_device
from popgan.errors import UserError
from popgan.evidence.experiments.results import Setting
from popgan.files import read_json, sha256_value, write_json
from popgan.planning.budget import images_needed, images_within, seconds_an_image, seconds_needed
from popgan.planning.rules import SUSTAINED
from popgan.recipes.table import find_recipe
from popgan.stations.pairs import training_images
from popgan.stations.plan import make_plan
from popgan.training.neighbours import QUIET
from popgan.training.probe import TRIES, First, Measured, measure_patiently
from popgan.tuning.definition import TICKS
from popgan.tuning.folder import held

DEFAULT_SECONDS = 2.0  # a level
PROBE_SECONDS = 0.3  # a level; a trial must not spend more on being planned than on a snapshot
REFERENCE_SECONDS = 0.2  # one step of a slow recipe, as the trial's own probe makes
_DEFAULT, _AGAINST = "default", "default against the reference, on {}"
_SMALL = 4  # images of a step of the reference, at least
_AT_ONCE = "{}, at once"
"""Key of the images that networks of a shape see at once, where that is not the whole batch."""
_COSTLY = (
    *("batch", "loss", "r2", "penalty_interval", "precision", "threads"),
    "path_length_interval",
)
_SWITCHES = ("diversity", "path_length", "style_mixing", "gamma")
"""What costs nothing where it is 0; how large it is does not matter."""


class Planned(Protocol):
    """What a study says about all its trainings; see `tuning.definition.Definition`."""

    @property
    def name(self) -> str:
        """Of the study."""
        ...

    @property
    def recipe(self) -> str:
        """Of the default."""
        ...

    @property
    def default_preset(self) -> Preset:
        """Of the default."""
        ...

    @property
    def overrides(self) -> dict[str, Any]:
        """Values of the plan that are held."""
        ...

    @property
    def seconds(self) -> float:
        """Of training, granted to each alike."""
        ...

    @property
    def threads(self) -> int:
        """Of each."""
        ...


class Planner:
    """Plans trials of one study.

    Args:
        definition: of the study.
        cohort: it is about.
        speeds: file that measured speeds are kept in.
        preset: the default, where it is not the definition's.

    Attributes:
        notes: what the user should know of how speed was measured.
    """

    def __init__(
        self, definition: Planned, cohort: Cohort, speeds: Path, preset: Preset | None = None
    ) -> None:
        self.definition, self.cohort, self._path = definition, cohort, speeds
        self.preset = preset or definition.default_preset
        self.notes: list[str] = []
        self._stepped = False  # whether this process has made steps of the reference

    def plan(self, setting: Setting, seed: int) -> Plan:
        """The plan of a trial.

        Args:
            setting: what differs from the default.
            seed: of the training.

        Raises:
            UserError: such a plan is not possible.
        """
        draft = self.draft(setting, seed, 10**6)
        speeds = self._speeds(draft)
        train = draft.train
        seconds = SUSTAINED * self.definition.seconds
        images = images_within(seconds, train.level_shares, speeds, train.batch)
        least = _least(train)
        if images < least:
            needed, granted = self.seconds_needed(setting, seed), self.definition.seconds
            more = math.ceil(10 * needed / granted) / 10
            raise UserError(
                f"{granted:g} s are too short: the {least} images that {TICKS} ticks, and "
                f"all levels, need at a batch of {train.batch} take {needed:.3g} s",
                do=f"it needs {more:g} times the budget",
            )
        return self.draft(setting, seed, images, self._known().get(_AT_ONCE.format(_shape(draft))))

    def seconds_needed(self, setting: Setting, seed: int) -> float:
        """The least seconds of training that a setting can be granted: a step a tick and a level.

        Raises:
            UserError: such a plan is not possible.
        """
        draft = self.draft(setting, seed, 10**6)
        shortest = draft.train.model_copy(update={"images": _least(draft.train)})
        return seconds_needed(shortest, self._speeds(draft)) / SUSTAINED

    def draft(
        self, setting: Setting, seed: int, images: int, at_once: list[float] | None = None
    ) -> Plan:
        """A plan of so many images; nothing is measured.

        Args:
            setting: what differs from the default.
            seed: of the training.
            images: of the training.
            at_once: of a batch at each level, where memory is not enough for all; 0 = all.

        Raises:
            UserError: such a plan is not possible.
        """
        definition = self.definition
        reason = f"tried by study {definition.name}"
        overrides: dict[str, Any] = {
            "train.threads": definition.threads,
            **({"train.micro_batch": [int(one) for one in at_once]} if at_once else {}),
            **definition.overrides,
            **{"train.images": images, "train.ticks": TICKS, "train.snapshots": 0},
        }
        return make_plan(
            self.cohort,
            preset=changed(self.preset, setting, reason=reason, tuned=False),
            recipe=definition.recipe,
            seed=seed,
            overrides=overrides,
        )

    def _speeds(self, plan: Plan) -> list[float]:
        """Images/s at each level, measured once for networks of a shape.

        The default is measured first, for as long as it takes to find the machine quiet, within
        reason, and stays. Any other shape is measured together with a reference, which is small
        steps of the default, and what the reference has lost meanwhile to other programs is given
        back: a trial does not get fewer images because the machine was busy when it was planned.
        What whole steps of the default take in terms of the reference each machine finds out once.
        """
        key, known = _shape(plan), self._known()
        if key in known:
            return known[key]
        base, here = self.draft({}, 0, 10**6), _AGAINST.format(platform.node())
        if _DEFAULT not in known or here not in known:
            found = self._measured(base, DEFAULT_SECONDS, TRIES)
            if found.share < QUIET:
                self.notes.append(
                    "other programs kept the machine busy while the default's speed was measured "
                    f"(popgan got {found.share:.0%} of the processor's time), so trainings may be "
                    "shorter than their time"
                )
            speeds = self._keep(_DEFAULT, {_DEFAULT: found.speeds})
            own = seconds_an_image(base.train.level_shares, found.own)
            self._keep(here, {here: [own / self._reference(base, DEFAULT_SECONDS, TRIES)]})
            self._keep(_shape(base), {_shape(base): speeds, **_divided(base, found)})
            return self._speeds(plan)
        # By the time that they had a core: what was taken of one alone says nothing of the other.
        # The same small steps were made before, unless another worker held them against it.
        seen: First = "none" if self._stepped else "whole"
        now = self._reference(base, REFERENCE_SECONDS, first=seen) * known[here][0]
        found = self._measured(plan, PROBE_SECONDS, first="without penalties")
        busy = now / seconds_an_image(base.train.level_shares, known[_DEFAULT])
        speeds = [speed * busy for speed in found.own]
        return self._keep(key, {key: speeds, **_divided(plan, found)})

    def _reference(
        self, base: Plan, seconds: float, tries: int = 1, *, first: First = "whole"
    ) -> float:
        """Seconds an image of the quickest steps that the default can make at its full size.

        They have no lazy penalty, and few images. All that is asked is how fast the machine is at
        the moment, and whole steps of slow recipes would take longer than the trial's own probe.
        On a GPU few images would tell how fast it is told what to do, and all are taken.
        """
        group, train = max(1, base.network.minibatch_stddev), base.train
        small = min(train.batch, math.ceil(_SMALL / group) * group)
        small = small if best_device().type == "cpu" else train.batch
        top = [0.0] * (len(train.level_shares) - 1) + [1.0]
        changes = {"batch": small, "micro_batch": small, "level_shares": top}
        plan = base.model_copy(update={"train": train.model_copy(update=changes)})
        found = self._measured(plan, seconds, tries, lazy=False, first=first)
        self._stepped = True
        return 1 / found.own[-1]

    def _measured(
        self,
        plan: Plan,
        seconds: float,
        tries: int = 1,
        *,
        lazy: bool = True,
        first: First = "whole",
    ) -> Measured:
        recipe = find_recipe(plan.recipe)
        phases = [phase for phase in recipe.phases(plan) if lazy or phase.interval == 1]
        with torch.random.fork_rng(devices=[]):
            state = recipe.start(plan, best_device())
            images = training_images(plan, self.cohort)
            return measure_patiently(plan, phases, state, images, seconds, tries=tries, first=first)

    def _known(self) -> dict[str, list[float]]:
        return dict(read_json(self._path)) if self._path.exists() else {}

    def _keep(self, key: str, found: dict[str, list[float]]) -> list[float]:
        """Keep what was found; what counts for the key is what another worker had found before."""
        with held(self._path.with_suffix("")):
            kept = {**found, **self._known()}
            write_json(self._path, kept)
        return kept[key]


def _least(plan: TrainPlan) -> int:
    """Images that are a step for every tick and for every level."""
    return max(TICKS * plan.batch, images_needed(plan))


def _divided(plan: Plan, found: Measured) -> dict[str, list[float]]:
    """How many images of a shape are seen at once; nothing where all are."""
    if not any(0 < one < plan.train.batch for one in found.at_once):
        return {}
    return {_AT_ONCE.format(_shape(plan)): [*found.at_once]}


def _shape(plan: Plan) -> str:
    """A hash of what decides the speed of a plan; not its length or its learning rates."""
    train = plan.train.model_dump(mode="json")
    values = {
        "size": [plan.image_channels, plan.data.height, plan.data.width],
        "told": plan.condition_size,
        "network": plan.network.model_dump(mode="json", exclude_none=True),
        "augmentation": plan.augmentation.method,
        "levels": [share > 0 for share in plan.train.level_shares],
        "train": {name: train[name] for name in _COSTLY},
        "on": [bool(train[name]) for name in _SWITCHES],
    }
    return sha256_value(values)[:16]
