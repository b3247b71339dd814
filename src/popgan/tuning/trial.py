"""One training of one setting, judged on the way; it goes on where it stopped.

A trial has a folder of its own with plan, log and checkpoints, whose lock is held by whoever trains
it; see `tuning.folder`. Another worker can go on with it from its last tick.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.errors import DiskError, UserError, is_out_of_memory
from popgan.evidence.experiments.results import Outcome, Point, State
from popgan.files import sha256_value
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.seeds import torch_rng
from popgan.stations.draw import told_by
from popgan.stations.source import CohortImages
from popgan.synthesis.sample import draw_images
from popgan.training.growth import Stage, fully_grown_at
from popgan.training.job import Job
from popgan.training.log import TrainingLog, read_log
from popgan.training.loop import run
from popgan.training.state import TrainState
from popgan.tuning.definition import LAST, TICKS
from popgan.tuning.folder import LOG
from popgan.tuning.scale import TrialScale, objective
from popgan.tuning.study import LostError

SHOWN = 64  # images that variety is measured with

BLAMELESS = (DiskError, LostError)
"""What says nothing of a setting: a full disk, a journal out of reach. A training that meets it has
not failed; the same call goes on."""

Judge = Callable[[int, float], bool]
"""Told the rung (from 0) and the KID there; answers whether the trial may stop."""


def train_trial(
    folder: Path,
    plan: Callable[[], Plan],
    cohort: Cohort,
    *,
    rungs: list[int],
    seed: int,
    judge: Judge,
    reporter: Reporter,
    interrupted: threading.Event | None = None,
) -> Outcome:
    """Train a trial to its end, or until it is stopped, fails or is interrupted.

    Args:
        folder: of the trial; its lock is held by the caller.
        plan: makes the plan; only asked if the folder has none.
        cohort: to train on.
        rungs: ticks (1 .. TICKS) after which it may be stopped.
        seed: of the latents that it is measured with.
        judge: decides at a rung.
        reporter: shows progress.
        interrupted: set where that came while the trial was being stopped at a rung. Its end has to
            be told all the same: the same call would go on beyond the rung.

    Raises:
        KeyboardInterrupt: interrupted; the same call goes on.
        DiskError: nothing can be written; the same call goes on.
        LostError: the journal that it is judged by cannot be reached; the same call goes on.
    """
    start = time.monotonic()
    try:
        made = _kept_plan(folder, plan)
        training = _Training(folder, made, cohort, rungs, seed, judge, reporter)
        return training.run(start, interrupted or threading.Event())
    except BLAMELESS:
        raise
    except UserError as error:
        return Outcome(state=_failure(error), reason=str(error))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = "the memory is not enough to build its networks"
        return Outcome(state="out of memory", reason=reason)


def _failure(error: UserError) -> State:
    return "out of memory" if "memory is not enough" in str(error) else "failed"


def _kept_plan(folder: Path, plan: Callable[[], Plan]) -> Plan:
    path = folder / "plan.yaml"
    if path.exists():
        return Plan.load(path)
    made = plan()
    made.save(path)
    return made


class _Training:
    """A trial at work."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        cohort: Cohort,
        rungs: list[int],
        seed: int,
        judge: Judge,
        reporter: Reporter,
    ) -> None:
        self.folder, self.plan, self.cohort = folder, plan, cohort
        self.judge, self.reporter, self.seed = judge, reporter, seed
        # Before its top level is fully in, a training is not to be compared with others.
        grown = fully_grown_at(plan.train) / plan.train.images
        self.rungs = [(i, tick) for i, tick in enumerate(rungs) if tick / TICKS >= grown]
        self.scale = TrialScale(plan, cohort, seed)
        self.log = folder / LOG
        self.stop = False
        self.judged: set[int] = set()
        self.trained = 0.0

    def run(self, start: float, interrupted: threading.Event) -> Outcome:
        """See `train_trial`."""
        plan = self.plan
        state = find_recipe(plan.recipe).start(plan, best_device())
        job = Job(
            plan=plan,
            plan_hash=sha256_value(plan.model_dump(mode="json", exclude={"decisions"})),
            phases=find_recipe(plan.recipe).phases(plan),
            source=CohortImages(self.cohort, "train", plan.data.conditions, plan.data.masks),
            log=TrainingLog(self.log),
            checkpoints=self.folder / "checkpoints",
            on_tick=self._drawer(),
            measure=self.scale,
            measured=sorted({*(tick for _, tick in self.rungs), *LAST}),
            ended=partial(self._ended, state),
        )
        began = time.monotonic()
        try:
            run(job, state, self.reporter)
        except KeyboardInterrupt:
            if not self.stop:
                raise
            interrupted.set()
        except BLAMELESS:
            raise
        except UserError as error:
            return self._outcome(state, _failure(error), str(error), start)
        finally:
            self.trained = time.monotonic() - began
        if self.stop:
            share = state.images / plan.train.images
            return self._outcome(state, "pruned", f"stopped at {share:.0%} of its images", start)
        return self._finished(state, start)

    def _drawer(self) -> Callable[[TrainState, Stage], torch.Tensor]:
        plan = self.plan
        latents = torch.randn((SHOWN, plan.latent_dim), generator=torch_rng(plan.seed, "grid"))
        told = told_by(plan, self.cohort)[0]
        condition = None
        if told is not None:
            images = CohortImages(self.cohort, "train", plan.data.conditions)
            condition = images.condition(torch.arange(SHOWN).numpy() % len(images))

        def on_tick(state: TrainState, stage: Stage) -> torch.Tensor:
            drawn = draw_images(state.average, latents, plan, stage, condition=condition)
            return torch.from_numpy(drawn)

        return on_tick

    def _ended(self, state: TrainState) -> bool:
        """Whether it is stopped; asked once log and checkpoint have the tick, so that whoever goes
        on from there asks again if that was not told any more."""
        for score in state.guard.scores[-1:]:
            for rung, due in self.rungs:
                here = score.images == state.images and due == self._tick(score.images)
                if here and rung not in self.judged:
                    self.judged.add(rung)
                    self.stop = self.judge(rung, score.value) or self.stop
        return self.stop

    def _finished(self, state: TrainState, start: float) -> Outcome:
        outcome = self._outcome(state, "complete", "", start)
        scores = [score for score in state.guard.scores if self._tick(score.images) in LAST]
        kid, error = objective(scores, self.scale.subjects, self.scale.images)
        judged = {
            **{"kid": kid, "error": error, "coverage": self.scale.coverage(state)},
            "coverage_floor": self.scale.coverage_floor(),
        }
        return outcome.model_copy(update=judged)

    def _tick(self, images: int) -> int:
        return images * TICKS // self.plan.train.images

    def _outcome(self, state: TrainState, word: State, reason: str, start: float) -> Outcome:
        rows = read_log(self.log) if self.log.exists() else []
        # Seconds of the log add up, over interruptions as well.
        seconds = {0: 0.0, **{round(row["images"]): row["seconds"] for row in rows}}
        points = []
        for score in state.guard.scores:
            kid, error = objective([score], self.scale.subjects, self.scale.images)
            at = max(images for images in seconds if images <= score.images)
            share = min(1.0, score.images / self.plan.train.images)
            points.append(
                Point(images=score.images, share=share, seconds=seconds[at], kid=kid, error=error)
            )
        variety = rows[-1]["variety"] if rows else math.nan
        return Outcome(
            state=word,
            reason=reason,
            points=points,
            diversity=None if math.isnan(variety) else variety,
            images=state.images,
            planned=self.plan.train.images,
            seconds=round(max(seconds.values()), 2),
            overhead=round(max(0.0, time.monotonic() - start - self.trained), 2),
        )
