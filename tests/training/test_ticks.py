"""Training that goes wrong is noticed, taken back once, and then stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from engine import Discs, same, tiny_job

from plans import tiny_plan
from popgan.config.training import TrainPlan
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.synthesis.sample import draw_images
from popgan.training import checkpoint
from popgan.training.growth import Stage
from popgan.training.guard import Score
from popgan.training.job import Job
from popgan.training.log import Row, read_log
from popgan.training.loop import run
from popgan.training.monitor import SATURATED, Finding, judge
from popgan.training.phase import Phase, Step
from popgan.training.processes import Processes
from popgan.training.state import TrainState
from popgan.training.ticks import resume

Spoil = Callable[[Phase, Step, torch.Tensor], torch.Tensor]


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other programs on this machine take is no trouble of these trainings."""
    monkeypatch.setattr("popgan.training.neighbours.ENOUGH", math.inf)


def watched(job: Job, spoil: Spoil | None = None) -> Job:
    """A job that draws samples as the main line does, with its losses spoiled."""

    def wrap(phase: Phase) -> Phase:
        def loss(step: Step) -> torch.Tensor:
            value = phase.loss(step)
            return spoil(phase, step, value) if spoil else value

        return Phase(phase.name, phase.network, phase.interval, loss)

    z = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))

    def on_tick(state: TrainState, stage: Stage) -> torch.Tensor:
        return torch.from_numpy(draw_images(state.average, z, job.plan, stage))

    phases = [wrap(phase) for phase in job.phases]
    return Job(**{**vars(job), "phases": phases, "on_tick": on_tick})


def nan_from(index: int) -> Spoil:
    return lambda phase, step, loss: loss * float("nan") if step.index >= index else loss


def explosion(phase: Phase, step: Step, loss: torch.Tensor) -> torch.Tensor:
    return loss * 1e5 if phase.name == "Gmain" and step.index >= 12 else loss


def frozen_generator(phase: Phase, step: Step, loss: torch.Tensor) -> torch.Tensor:
    return loss * 0 if phase.network == "G" else loss


def test_a_healthy_training_raises_no_alarm(tmp_path: Path) -> None:
    plan = tiny_plan(train__images=1600, train__ticks=40)
    job, state = tiny_job(plan, tmp_path)
    heard = Heard()
    run(watched(job), state, heard)
    assert heard.warnings == []
    assert (state.guard.rollbacks, state.guard.rate, state.guard.good) == (0, 1.0, 1600)
    rows = read_log(job.log.path)
    assert min(row["variety"] for row in rows) > 0.2
    assert all(row["broken"] == 0 for row in rows)


@pytest.mark.parametrize(
    ("spoil", "changes", "word"),
    [
        (nan_from(10), {}, "not finite"),
        (explosion, {}, "exploded"),
        (
            frozen_generator,
            {"train__gamma": 0.0, "train__lr_discriminator": 0.02, "train__images": 640,
             "train__ticks": 10, "train__lr_end": 1.0},
            "right about",
        ),
    ],
    ids=["nan", "explosion", "saturation"],
)  # fmt: skip
def test_failures_are_told_taken_back_once_and_then_stopped(
    tmp_path: Path, spoil: Spoil, changes: dict[str, object], word: str
) -> None:
    plan = tiny_plan(**{"train__images": 240, "train__ticks": 15, **changes})
    job, state = tiny_job(plan, tmp_path)
    heard = Heard()
    with pytest.raises(UserError, match=rf"again after \d+ images: .*{word}.*--set"):
        run(watched(job, spoil), state, heard)
    suspicions = [text for text in heard.warnings if "if the samples get no better" in text]
    (warning,) = [text for text in heard.warnings if text not in suspicions]
    assert word in warning
    assert "with half the learning rates" in warning
    # What is left is the last good state, with what was learnt; nothing of the failure.
    _, fresh = tiny_job(plan, tmp_path)
    checkpoint.restore(fresh, job.checkpoints, "plan")
    assert (fresh.guard.rollbacks, fresh.guard.rate) == (1, 0.5)
    assert all(torch.isfinite(value).all() for value in fresh.tensors().values())
    assert warning.partition(": ")[2] in [event.text for event in fresh.guard.events]


def test_a_generator_that_draws_one_image_is_noticed(tmp_path: Path) -> None:
    plan = tiny_plan(train__images=320, train__ticks=20, train__diversity=0.0)
    job, state = tiny_job(plan, tmp_path)
    for network in (state.generator, state.average):
        network.register_forward_pre_hook(lambda _, args: (torch.ones_like(args[0]), *args[1:]))
    heard = Heard()
    with pytest.raises(UserError, match=r"again.*one image.*train\.diversity"):
        run(watched(job), state, heard)
    suspicion, back, again = heard.warnings
    assert "one image for 1 ticks" in suspicion and "train.diversity" in suspicion
    assert "with half the learning rates" in back
    assert "one image for 1 ticks" in again


def suspected(since: int, until: int) -> Callable[..., Finding | None]:
    """A judgement that is suspicious between two ticks, and true beside that."""

    def judged(rows: Sequence[Row], plan: TrainPlan, back: int) -> Finding | None:
        real = judge(rows, plan, back)
        if (real and real.certain) or not since <= len(rows) < until:
            return real
        return Finding(SATURATED, "it looks bad", certain=False, lasted=len(rows) - since + 1)

    return judged


def test_a_suspicion_is_told_once_and_holds_the_good_checkpoint_back_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("popgan.training.ticks.judge", suspected(3, 9))
    plan = tiny_plan(train__ticks=10)
    good: list[int] = []

    def crash(phase: Phase, step: Step, loss: torch.Tensor) -> torch.Tensor:
        if phase.name == "Dmain":
            good.append(step.state.guard.good)
        if step.index == 15 and len(good) == 16:  # in the first life only
            raise CrashError
        return loss

    job, state = tiny_job(plan, tmp_path)
    heard = Heard()
    with pytest.raises(CrashError):
        run(watched(job, crash), state, heard)
    # Ticks come every 16 images; the second one is good, the next two wait for what becomes of it.
    assert good[::2] == [0, 16, 32, 32, 32, 80, 96, 112]
    (warning,) = heard.warnings
    assert warning.startswith("after 80 images: it looks bad; if the samples get no better, halve ")
    assert warning.endswith(state.guard.events[0].text)
    job, resumed = tiny_job(plan, tmp_path)
    run(watched(job, crash), resumed, heard)
    assert len(heard.warnings) == len(resumed.guard.events) == 1
    assert resumed.guard.good == 160


def test_after_a_long_suspicion_training_goes_back_by_a_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("popgan.training.ticks.judge", suspected(3, 99))
    job, state = tiny_job(tiny_plan(train__ticks=10), tmp_path)
    heard = Heard()
    run(watched(job, once(17)), state, heard)
    assert ["it looks bad" in text for text in heard.warnings] == [True, False]
    assert "back to 128 images" in heard.warnings[1]
    assert state.guard.back == 128


def once(at: int) -> Spoil:
    """Not finite at one step, until training has gone back."""

    def spoil(phase: Phase, step: Step, loss: torch.Tensor) -> torch.Tensor:
        wrong = step.index == at and step.state.guard.rollbacks == 0
        return loss * float("nan") if wrong else loss

    return spoil


class CrashError(Exception):
    """Stands for a crash."""


def test_after_going_back_training_ends_well_and_resumes_exactly(tmp_path: Path) -> None:
    plan = tiny_plan()
    job, undisturbed = tiny_job(plan, tmp_path / "a")
    run(watched(job, once(10)), undisturbed, Reporter())
    assert undisturbed.images == 160
    (event,) = undisturbed.guard.events
    assert "back to 64 images" in event.text
    rates = [row["rate"] for row in read_log(job.log.path)]
    assert rates[:2] == [1.0, 1.0]
    assert max(rates[2:]) <= 0.5
    for steps in (11, 13):  # before and after the failure would come again

        def crash(phase: Phase, step: Step, loss: torch.Tensor, at: int = steps) -> torch.Tensor:
            if step.index == at:
                raise CrashError
            return once(10)(phase, step, loss)

        job, state = tiny_job(plan, tmp_path / "b")
        with pytest.raises(CrashError):
            run(watched(job, crash), state, Reporter())
    job, resumed = tiny_job(plan, tmp_path / "b")
    run(watched(job, once(10)), resumed, Reporter())
    assert same(undisturbed, resumed)
    assert undisturbed.guard == resumed.guard


@pytest.mark.parametrize("damaged", ["good", "newest", "all"])
def test_going_back_loses_no_checkpoint_that_can_be_read(
    tmp_path: Path, damaged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ticks 1 and 2 are good, the third is suspicious, the fourth goes wrong."""
    monkeypatch.setattr("popgan.training.ticks.judge", suspected(3, 4))
    job, state = tiny_job(tiny_plan(train__ticks=10), tmp_path)
    at = {"good": [32], "newest": [48], "all": [16, 32, 48]}[damaged]

    def spoil(phase: Phase, step: Step, loss: torch.Tensor) -> torch.Tensor:
        if step.index == 7 and step.state.guard.rollbacks == 0 and phase.name == "Dmain":
            for images in at:
                checkpoint.place(job.checkpoints, images).write_bytes(b"x" * 99)
        return once(7)(phase, step, loss)

    heard = Heard()
    if damaged == "all":
        with pytest.raises(UserError, match="no checkpoint before that can be read"):
            run(watched(job, spoil), state, heard)
        left = [path.read_bytes() for path in checkpoint.found(job.checkpoints)]
        assert left and set(left) == {b"x" * 99}, "nothing is removed"
        return
    run(watched(job, spoil), state, heard)
    back = 48 if damaged == "good" else 32
    assert f"back to {back} images" in heard.warnings[-1] and state.guard.back == back
    assert state.images == job.plan.train.images


def test_a_good_checkpoint_that_has_gone_is_none(tmp_path: Path) -> None:
    job, state = tiny_job(tiny_plan(), tmp_path)
    run(job, state, Reporter())
    state.guard = state.guard.model_copy(update={"good": 64, "micro_batch": [4]})
    checkpoint.save(state, job.checkpoints, "plan")
    job, fresh = tiny_job(tiny_plan(), tmp_path)
    resume(job, fresh, Reporter())
    assert (fresh.images, fresh.guard.good) == (160, 160)
    # As many parts as there are levels, or else those of the plan.
    assert fresh.guard.micro_batch == job.plan.train.micro_batch


def test_processes_that_have_read_different_checkpoints_are_told_apart(tmp_path: Path) -> None:
    class Other(Processes):
        def told(self, value: int) -> int:
            return value + 8

    job, state = tiny_job(tiny_plan(), tmp_path)
    with pytest.raises(UserError, match="goes on from 0 images and the first one from 8"):
        resume(replace(job, processes=Other()), state, Reporter())


def test_snapshots_are_measured_late_kept_and_part_of_the_state(tmp_path: Path) -> None:
    plan = tiny_plan(train__snapshots=3, train__ticks=10)

    def measure(state: TrainState) -> Score:
        kid = float(state.average.dense.weight.sum())
        return Score(images=state.images, value=kid, without_subjects=[], without_images=[])

    def measured(folder: Path) -> Job:
        job, _ = tiny_job(plan, folder)
        return Job(**{**vars(watched(job)), "measure": measure})

    _, undisturbed = tiny_job(plan, tmp_path / "a")
    run(measured(tmp_path / "a"), undisturbed, Reporter())
    at = [score.images for score in undisturbed.guard.scores]
    assert at == [128, 144, 160]
    logged = {r["images"]: r["kid_tuning"] for r in read_log(tmp_path / "a/log.csv")}
    assert logged[160] == pytest.approx(undisturbed.guard.scores[-1].value, rel=1e-4)
    assert sum(value == value for value in logged.values()) == 3
    _, state = tiny_job(plan, tmp_path / "b")
    job = measured(tmp_path / "b")

    class Failing(Discs):
        def batch(self, indices: object) -> torch.Tensor:
            if state.images >= 152:
                raise CrashError
            return super().batch(indices)  # type: ignore[arg-type]

    with pytest.raises(CrashError):
        run(Job(**{**vars(job), "source": Failing()}), state, Reporter())
    _, resumed = tiny_job(plan, tmp_path / "b")
    run(measured(tmp_path / "b"), resumed, Reporter())
    assert resumed.guard == undisturbed.guard
    names = [f"average-{images:012d}.safetensors" for images in at]
    for name in names:
        one, other = (tmp_path / folder / "checkpoints" / name for folder in "ab")
        assert one.read_bytes() == other.read_bytes()
