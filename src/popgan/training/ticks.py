"""What happens at a tick: samples, a row of the log, a judgement, a measurement, a checkpoint.

And what follows from a bad judgement: training goes back once to the last good checkpoint, with
half the learning rates; the second time it stops.
"""

from __future__ import annotations

import math
import time

import numpy as np

from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.progress import Reporter, Task
from popgan.training import checkpoint
from popgan.training.growth import Stage, at_stage
from popgan.training.job import Job
from popgan.training.log import Row, make_row
from popgan.training.monitor import NOT_FINITE, Finding, judge, variety
from popgan.training.neighbours import Neighbours
from popgan.training.snapshots import keep_snapshot, snapshot_ticks
from popgan.training.state import TrainState
from popgan.training.tensors import TensorFileError
from popgan.training.update import device_of, rate_of

PAIRS_OF = 64  # real images whose likenesses the samples' are held against


def resume(job: Job, state: TrainState, reporter: Reporter) -> None:
    """Go on from a checkpoint, or write the one that training can go back to.

    Raises:
        UserError: checkpoints of another plan or none readable, or a full disk.
    """
    restored, warnings = checkpoint.restore(state, job.checkpoints, job.plan_hash)
    for text in warnings:
        reporter.warning(text)
    _refuse_apart(job, state)
    guard, train = state.guard, job.plan.train
    if isinstance(guard.micro_batch, list) and len(guard.micro_batch) != job.plan.network.levels:
        guard = guard.model_copy(update={"micro_batch": train.micro_batch})
    if not checkpoint.place(job.checkpoints, guard.good).exists():
        guard = guard.model_copy(update={"good": state.images})
    state.guard = guard
    job.log.truncate(state.images if restored else 0)
    job.processes.wait()
    if job.processes.leads and restored:
        checkpoint.set_aside(job.checkpoints, after=state.images)
    elif job.processes.leads:
        checkpoint.save(state, job.checkpoints, job.plan_hash)
    job.processes.wait()


def _refuse_apart(job: Job, state: TrainState) -> None:
    """Refuse processes that have not read the same checkpoint: they would add up other weights.

    Raises:
        UserError: so it is, in each of them.
    """
    first = job.processes.told(state.images)
    (apart,) = job.processes.any(first != state.images)
    if apart:
        raise UserError(
            f"process {job.processes.rank} goes on from {state.images} images and the first one "
            f"from {first}",
            where=job.checkpoints,
            do="let all of them see the same files",
        )


def tick_index(images: int, plan: Plan) -> int:
    """How many ticks there are until so many images have been seen."""
    return images * plan.train.ticks // plan.train.images if images > 0 else 0


class Ticks:
    """The ticks of a running training.

    Args:
        job: the run.
        state: its state.
        reporter: told about troubles.
        task: moved on.
    """

    def __init__(self, job: Job, state: TrainState, reporter: Reporter, task: Task) -> None:
        self.job, self.state, self.reporter, self.task = job, state, reporter, task
        self.told = len(state.guard.events)
        self._shown = state.images
        self._neighbours = Neighbours(reporter)
        self._begin()

    def tell(self) -> None:
        """After a step: move the bar on now and then, and say what has happened."""
        for event in self.state.guard.events[self.told :]:
            say = self.reporter.message if event.planned else self.reporter.warning
            say(f"after {event.images} images: {event.text}")
        self.told = len(self.state.guard.events)
        if self.state.step % 10 == 0:
            self._advance()

    def save(self) -> None:
        """Write a checkpoint."""
        if self.job.processes.leads:
            checkpoint.save(self.state, self.job.checkpoints, self.job.plan_hash)

    def end(self, stage: Stage, *, broken: bool) -> None:
        """End a tick; go back if training has gone wrong.

        Args:
            stage: level and fade of its last step.
            broken: an update was not finite, which need not wait for the end of a tick.

        Raises:
            UserError: training went wrong again, or a full disk.
        """
        job, state = self.job, self.state
        row, finding = None, None
        if job.processes.leads:
            row = self._row(stage, broken)
            finding = judge([*job.log.rows, row], job.plan.train, state.guard.back)
        held = finding is not None and finding.holds
        grade = job.processes.told(2 if finding and finding.certain else int(held))
        if grade == 2:
            self._go_back(finding or Finding(NOT_FINITE, "another process has the reason"))
            return
        state.reset_sums(device_of(state))
        if job.settle is not None:
            job.settle(state)
        if grade == 0:
            state.guard = state.guard.model_copy(update={"good": state.images})
        if finding is not None and finding.news:
            self._suspect(finding)
        if row is not None:
            self._measure(row)
            job.log.append(row)
            self.save()
            job.on_safe()
            self._advance(row)
        self._neighbours.begin()  # measuring a snapshot is done by other threads

    def _row(self, stage: Stage, broken: bool) -> Row:
        # What follows, samples and a checkpoint, belongs to the next tick's time.
        (start, since), different = (self._start, self._since), math.nan
        # Several processes wait for one another as well, and a GPU is waited for anyway.
        if device_of(self.state).type == "cpu" and self.job.processes.count == 1:
            self._neighbours.end()
        self._begin()
        seconds = self._start - start
        if not broken:
            samples = self.job.on_tick(self.state, stage)
            if samples is not None:
                levels = self.job.plan.network.levels
                count = len(self.job.source)
                chosen = np.unique(np.linspace(0, count - 1, min(count, PAIRS_OF)).astype(np.int64))
                reals = self.job.source.batch(chosen)
                # Variety is that of images: masks may be empty everywhere.
                own = self.job.plan.shown
                shown = (at_stage(x[:, own].cpu(), stage, levels) for x in (samples, reals))
                different = variety(*shown)
        rate = rate_of(self.state, self.job.plan)
        return make_row(self.state, stage, seconds, since, rate=rate, variety=different)

    def _measure(self, row: Row) -> None:
        plan, state, measure = self.job.plan, self.state, self.job.measure
        now = tick_index(state.images, plan)
        before = tick_index(state.images - plan.train.batch, plan)
        asked = self.job.measured
        ticks = snapshot_ticks(plan.train) if asked is None else asked
        due = any(before < tick <= now for tick in ticks)
        if measure is None or not due:
            return
        score = measure(state)
        keep_snapshot(state, self.job.checkpoints)
        state.guard = state.guard.model_copy(update={"scores": [*state.guard.scores, score]})
        row["mae_tuning" if plan.translates else "kid_tuning"] = score.value

    def _suspect(self, finding: Finding) -> None:
        """Say what may have gone wrong; training goes on."""
        text = f"{finding.text}; if the samples get no better, {finding.advice}"
        self.state.guard = self.state.guard.noting(self.state.images, text)
        self.tell()

    def _go_back(self, finding: Finding) -> None:
        """To the last good checkpoint with half the learning rates, if for the first time."""
        job, state, guard = self.job, self.state, self.state.guard
        if guard.rollbacks:
            raise UserError(
                f"training went wrong again after {state.images} images: {finding.text}",
                where=job.log.path.parent,
                do=finding.advice,
            )
        failed = state.images
        self._load_before(finding)
        _refuse_apart(job, state)
        if job.processes.leads:
            # If killed before that, the same failure comes again; and nothing is lost by it.
            checkpoint.discard(job.checkpoints, after=state.images)
        self.told = len(state.guard.events)
        text = f"{finding.text}; back to {state.images} images with half the learning rates"
        state.guard = state.guard.model_copy(
            update={
                "rollbacks": 1,
                "rate": 0.5,
                "back": state.images,
                "good": state.images,
                "micro_batch": guard.micro_batch,
            }
        ).noting(failed, text)
        state.reset_sums(device_of(state))
        job.processes.wait()
        if job.processes.leads:
            job.log.truncate(state.images)
            self.save()
        self.tell()
        self._advance()
        self._begin()
        self._neighbours.begin()

    def _load_before(self, finding: Finding) -> None:
        """Load the last good checkpoint; where it cannot be read, one before it, else one after.

        Raises:
            UserError: none can be read; all are left as they are.
        """
        job, failed, why = self.job, self.state.images, ""
        good = checkpoint.place(job.checkpoints, self.state.guard.good)
        known = checkpoint.found(job.checkpoints)  # newest first
        before = [path for path in known if path < good]
        after = [path for path in reversed(known) if path > good]
        for path in [good, *before, *after]:
            try:
                checkpoint.load(self.state, path, job.plan_hash)
            except TensorFileError as error:
                why = why or str(error)
                continue
            return
        raise UserError(
            f"training went wrong after {failed} images ({finding.text}), and no checkpoint "
            f"before that can be read ({why})",
            where=good,
            do=finding.advice,
        )

    def _begin(self) -> None:
        self._start, self._since = time.monotonic(), self.state.images

    def _advance(self, row: Row | None = None) -> None:
        figures = _figures(row) if row else {}
        self.task.advance(self.state.images - self._shown, **figures)
        self._shown = self.state.images


def _figures(row: Row) -> dict[str, str]:
    rate = row["images_per_second"]
    return {
        "level": f"{row['level']:.0f}",
        "fade": f"{row['fade']:.2f}",
        "kimg": f"{row['images'] / 1000:.1f}",
        "img/s": f"{rate:.0f}",
        "s/kimg": f"{1000 / rate:.1f}" if rate else "-",
        "G": f"{row['loss_generator']:.2f}",
        "D": f"{row['loss_discriminator']:.2f}",
    }
