"""The training loop: it learns, it resumes exactly, it stops cleanly."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine import Discs, same, tiny_job

from plans import tiny_plan
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.training.growth import Stage, at_stage, stage_at
from popgan.training.job import Job
from popgan.training.log import COLUMNS, read_log
from popgan.training.loop import run
from popgan.training.state import TrainState


class CrashError(Exception):
    """Stands for a crash."""


def crash_after(job: Job, ticks: int) -> Job:
    seen = 0

    def on_tick(state: TrainState, stage: Stage) -> None:
        nonlocal seen
        seen += 1
        if seen > ticks:
            raise CrashError

    return Job(**{**vars(job), "on_tick": on_tick})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train__precision": "bf16"},
        {"network__dropout": 0.3, "train__loss": "logistic", "train__r2": False},
        {"train__shuffle_buffer": 6, "network__patch": 1, "network__channels": [16, 16, 8],
         "train__level_shares": [0.2, 0.4, 0.4]},
    ],
    ids=["default", "bf16", "dropout", "streaming"],
)  # fmt: skip
def test_a_killed_run_ends_with_the_same_bits_as_an_undisturbed_one(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    plan = tiny_plan(**changes)
    job, undisturbed = tiny_job(plan, tmp_path / "a")
    run(job, undisturbed, Reporter())
    for ticks in (0, 1, 1):
        job, state = tiny_job(plan, tmp_path / "b")
        with pytest.raises(CrashError):
            run(crash_after(job, ticks), state, Reporter())
    job, resumed = tiny_job(plan, tmp_path / "b")
    run(job, resumed, Reporter())
    assert same(undisturbed, resumed)
    rows_a, rows_b = read_log(tmp_path / "a/log.csv"), read_log(tmp_path / "b/log.csv")
    told = ("images", "level", "fade", "loss_generator", "accuracy_real", "penalty", "likeness_gap")
    for name in told:
        assert [r[name] for r in rows_a] == [r[name] for r in rows_b], name


def test_a_run_depends_on_its_seed(tmp_path: Path) -> None:
    states = []
    for seed in (1, 1, 2):
        job, state = tiny_job(tiny_plan(seed=seed), tmp_path / str(len(states)))
        run(job, state, Reporter())
        states.append(state)
    assert same(states[0], states[1])
    assert not same(states[0], states[2])


def test_interruption_between_ticks_saves_and_resumes_exactly(tmp_path: Path) -> None:
    plan = tiny_plan()
    job, undisturbed = tiny_job(plan, tmp_path / "a")
    run(job, undisturbed, Reporter())

    class InterruptedSource(Discs):
        calls = 0

        def batch(self, indices: np.ndarray) -> torch.Tensor:
            self.calls += 1
            if self.calls == 7:
                os.kill(os.getpid(), signal.SIGINT)
            return super().batch(indices)

    job, state = tiny_job(plan, tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        run(Job(**{**vars(job), "source": InterruptedSource()}), state, Reporter())
    assert state.images == 7 * plan.train.batch
    job, resumed = tiny_job(plan, tmp_path / "b")
    run(job, resumed, Reporter())
    assert same(undisturbed, resumed)


def interrupting(job: Job, at: int) -> Job:
    """The job, interrupted by the user while that tick is being ended."""
    ticks = [0]

    def on_tick(state: TrainState, stage: Stage) -> torch.Tensor | None:
        ticks[0] += 1
        if ticks[0] == at:
            os.kill(os.getpid(), signal.SIGTERM)
        return job.on_tick(state, stage)

    return replace(job, on_tick=on_tick)


def test_an_interruption_in_the_last_tick_is_no_leave_to_go_on(tmp_path: Path) -> None:
    plan = tiny_plan()
    job, state = tiny_job(plan, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(interrupting(job, plan.train.ticks), state, Reporter())
    assert state.images == plan.train.images
    job, again = tiny_job(plan, tmp_path)
    run(job, again, Reporter())  # nothing is left, and nobody interrupts
    assert same(state, again)


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_job_may_end_at_a_tick_and_hides_no_interruption_there(
    tmp_path: Path, interrupted: bool
) -> None:
    plan = tiny_plan()
    job, state = tiny_job(plan, tmp_path)
    job = replace(job, ended=lambda: state.images > 0)
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            run(interrupting(job, 1), state, Reporter())
    else:
        run(job, state, Reporter())
    assert 0 < state.images < plan.train.images and len(job.log.rows) == 1
    _, again = tiny_job(plan, tmp_path)
    run(replace(job, ended=lambda: again.images > 0), again, Reporter())
    assert same(state, again), "whoever goes on from there is told before the first step"


def test_training_brings_samples_closer_to_the_data(tmp_path: Path) -> None:
    plan = tiny_plan(train__images=2400, train__ticks=4, train__ema_half_life=300.0)
    job, state = tiny_job(plan, tmp_path)
    reals = Discs().images

    def distance(state: TrainState) -> float:
        z = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
        fakes = state.average(z, 1)
        mean = (fakes.mean(0) - reals.mean(0)).square().mean()
        spread = (fakes.std(0) - reals.std(0)).square().mean()
        return float(mean + spread)

    before = distance(state)
    run(job, state, Reporter())
    assert distance(state) < 0.3 * before


def test_the_log_has_the_curves_of_the_paper(tmp_path: Path) -> None:
    plan = tiny_plan()
    job, state = tiny_job(plan, tmp_path)
    run(job, state, Reporter())
    rows = read_log(tmp_path / "log.csv")
    assert len(rows) == plan.train.ticks
    assert set(rows[0]) == set(COLUMNS)
    assert [r["images"] for r in rows] == [32, 64, 96, 128, 160]
    assert [r["level"] for r in rows] == [0, 0, 1, 1, 1]
    for row in rows:
        assert 0 <= row["accuracy_real"] <= 1
        assert 0 <= row["accuracy_fake"] <= 1
        assert row["grad_generator"] > 0
        assert row["grad_discriminator"] > 0
        assert row["memory_gib"] > 0
    assert rows[-1]["seconds"] > rows[0]["seconds"]


def test_a_checkpoint_of_another_plan_is_refused_and_kept(tmp_path: Path) -> None:
    job, state = tiny_job(tiny_plan(), tmp_path)
    run(job, state, Reporter())
    before = sorted(p.name for p in job.checkpoints.iterdir())
    job, state = tiny_job(tiny_plan(), tmp_path)
    with pytest.raises(UserError, match="another plan"):
        run(Job(**{**vars(job), "plan_hash": "other"}), state, Reporter())
    assert sorted(p.name for p in job.checkpoints.iterdir()) == before


def test_a_stage_shows_images_at_its_size_and_blends_while_fading() -> None:
    images = torch.rand(2, 1, 16, 16)
    assert at_stage(images, Stage(0, 1.0), 3).shape == (2, 1, 4, 4)
    assert torch.equal(at_stage(images, Stage(2, 1.0), 3), images)
    half = at_stage(images, Stage(2, 0.5), 3)
    none = at_stage(images, Stage(2, 0.0), 3)
    torch.testing.assert_close(half, (images + none) / 2)
    # Nothing of the finest scale is left at the beginning of a fade.
    assert none.diff(dim=3).abs().mean() < images.diff(dim=3).abs().mean()


def test_the_clock_is_images_seen() -> None:
    plan = tiny_plan()
    assert stage_at(plan.train.images, plan.train).level == 1
