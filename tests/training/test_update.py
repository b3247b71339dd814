"""When the memory is not enough, the same update is done in smaller parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from engine import apart, tiny_job

from plans import recipe_plan, tiny_plan
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.training import checkpoint
from popgan.training.job import Job
from popgan.training.log import read_log
from popgan.training.loop import run
from popgan.training.phase import Phase, Step


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def starving(job: Job, fits: int, error: Exception, name: str = "Gmain") -> Job:
    """A job whose phase finds too little memory for more than `fits` images at once."""

    def wrap(phase: Phase) -> Phase:
        def loss(step: Step) -> torch.Tensor:
            value = phase.loss(step)  # adds to the sums before it fails
            share = len(step.reals) // step.spread.parts
            if phase.name == name and step.index >= 3 and share > fits:
                raise error
            return value

        return Phase(phase.name, phase.network, phase.interval, loss)

    return Job(**{**vars(job), "phases": [wrap(phase) for phase in job.phases]})


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=["gpu", "cpu", "python"],
)
def test_the_same_update_is_done_again_in_halves(tmp_path: Path, error: Exception) -> None:
    plan = tiny_plan(train__images=48, train__lr_generator=1e-4, train__lr_discriminator=1e-4)
    job, plenty = tiny_job(plan, tmp_path / "a")
    run(job, plenty, Reporter())
    job, state = tiny_job(plan, tmp_path / "b")
    heard = Heard()
    run(starving(job, 4, error), state, heard)
    assert heard.warnings == [
        "after 24 images: the memory was not enough for 8 images of a batch at once; now it is 4"
    ]
    assert state.guard.micro_batch in ([4, 4], [0, 4])
    found = apart(plenty, state, tiny_job(plan, tmp_path)[1])
    assert max(found.values()) < 1e-3, found
    assert read_log(tmp_path / "b/log.csv")[-1]["loss_generator"] == pytest.approx(
        read_log(tmp_path / "a/log.csv")[-1]["loss_generator"], rel=1e-4
    )
    # What was learnt of the memory outlives the process.
    _, fresh = tiny_job(plan, tmp_path / "b")
    checkpoint.restore(fresh, job.checkpoints, "plan")
    assert fresh.guard == state.guard


@pytest.mark.parametrize(("starved", "parts"), [(1, [0, 4]), (0, [4, 4])], ids=["top", "low"])
def test_a_level_without_room_says_nothing_of_those_below_it(
    tmp_path: Path, starved: int, parts: list[int]
) -> None:
    job, state = tiny_job(tiny_plan(train__images=80), tmp_path)

    def starve(phase: Phase) -> Phase:
        def loss(step: Step) -> torch.Tensor:
            if step.stage.level >= starved and len(step.reals) // step.spread.parts > 4:
                raise MemoryError
            return phase.loss(step)

        return replace(phase, loss=loss)

    run(replace(job, phases=[starve(phase) for phase in job.phases]), state, Reporter())
    assert state.guard.micro_batch == parts
    assert state.images == 80


def test_before_the_smallest_part_it_gives_up_in_one_line(tmp_path: Path) -> None:
    job, state = tiny_job(tiny_plan(), tmp_path)
    with pytest.raises(UserError, match="not enough even for 4 images at once"):
        run(starving(job, 0, MemoryError()), state, Reporter())


def test_a_batch_that_cannot_be_divided_is_told_at_once(tmp_path: Path) -> None:
    job, state = tiny_job(recipe_plan("dcgan"), tmp_path)
    tried: list[int] = []
    state.generator.register_forward_pre_hook(lambda _, args: tried.append(len(args[0])))
    words = r"batch of 8 images.*dcgan cannot divide it: its batch norm.*train\.batch=4 "
    with pytest.raises(UserError, match=words):
        run(starving(job, 4, MemoryError()), state, Reporter())
    assert tried == [8] * 8  # three steps, and what the fourth got to; not once more in vain
    assert state.guard.events == []


def test_a_phase_that_is_starved_of_memory_gets_smaller_parts(tmp_path: Path) -> None:
    plan = recipe_plan("stylegan2", train__batch=16, train__images=48)
    job, state = tiny_job(plan, tmp_path)
    sizes: list[int] = []

    def draw(w: torch.Tensor, noise: torch.Tensor, own: Any = state.generator.synthesis.forward):
        sizes.append(len(w))
        return own(w, noise)

    state.generator.synthesis.forward = draw

    def starve(phase: Phase) -> Phase:
        def loss(step: Step) -> torch.Tensor:
            sizes.clear()
            value = phase.loss(step)
            if phase.name == "Greg" and max(sizes) > 2:
                raise MemoryError
            return value

        return replace(phase, loss=loss)

    run(replace(job, phases=[starve(phase) for phase in job.phases]), state, Reporter())
    assert state.guard.at_once(plan.network.levels - 1) == 4
    assert state.images == plan.train.images


def test_an_optimiser_without_memory_is_one_line_because_it_cannot_step_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    job, state = tiny_job(tiny_plan(), tmp_path)
    monkeypatch.setattr(state.optimisers["D"], "step", starved)
    with pytest.raises(UserError, match="the memory is not enough for the optimiser"):
        run(job, state, Reporter())


def test_another_error_is_no_lack_of_memory(tmp_path: Path) -> None:
    job, state = tiny_job(tiny_plan(), tmp_path)
    with pytest.raises(RuntimeError, match="shapes"):
        run(starving(job, 0, RuntimeError("shapes differ")), state, Reporter())
