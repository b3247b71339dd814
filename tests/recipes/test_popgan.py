"""The recipe `popgan`: every loss learns, every method of augmentation reaches both players."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from engine import Discs, same, tiny_job

from plans import tiny_plan
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.recipes import common, popgan
from popgan.recipes.table import find_recipe
from popgan.training.log import read_log
from popgan.training.loop import Job, one_step, run
from popgan.training.sampler import Sampler
from popgan.training.state import TrainState


class Blobs:
    """64 soft blobs left of the middle, 8 x 8, of random width and brightness."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:8, :8]
        widths, heights = rng.uniform(1, 2, 64), rng.uniform(1, 2, 64)
        images = [
            h * np.exp(-((y - 3.5) ** 2 + (x - 2) ** 2) / (2 * w**2)) - 1
            for w, h in zip(widths, heights, strict=True)
        ]
        self.images = torch.from_numpy(np.stack(images)[:, None].astype(np.float32))

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray) -> torch.Tensor:
        return self.images[torch.from_numpy(indices)]

    def condition(self, indices: np.ndarray) -> None:
        return None


NOTHING = {"probability": 0.0, "flip": False, "shift": 0.0, "rotation": 0.0, "scale": 0.0}
FULL = {
    "method": "ada",
    "probability": 0.5,
    "flip": True,
    "shift": 0.1,
    "rotation": 5.0,
    "scale": 0.1,
    "brightness": 0.2,
    "contrast": 0.3,
    "noise": 0.05,
    "cutout": 0.3,
    "speed": 0.5,
    "interval": 3,
}


def small(**changes: object) -> Plan:
    """One level of 8 x 8, no likeness matching: the adversary alone must teach."""
    settings = {
        "data": tiny_plan().data.model_dump() | {"height": 8, "width": 8},
        "augmentation": {"method": "none", **NOTHING},
        "network__channels": [8],
        "network__patch": 1,
        "train__level_shares": [1.0],
        "train__diversity": 0.0,
        "train__batch": 16,
        "train__images": 16 * 250,
        "train__lr_generator": 0.01,
        "train__lr_discriminator": 0.01,
        "train__ema_ramp": 0.1,
    }
    return tiny_plan(**{**settings, **changes})


def distance(state: TrainState) -> float:
    """Between the mean synthetic and the mean real image, root mean square."""
    z = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
    fakes, reals = state.average(z, 0), Blobs().images
    return float((fakes.mean(0) - reals.mean(0)).square().mean().sqrt())


@pytest.mark.parametrize(
    ("loss", "gamma", "steps"),
    [("logistic", 0.1, 100), ("rpgan", 0.1, 100), ("wgan-gp", 10.0, 100), ("lsgan", 0.1, 180)],
)
def test_every_loss_brings_samples_to_the_data(loss: str, gamma: float, steps: int) -> None:
    plan = small(train__loss=loss, train__gamma=gamma)
    recipe, source = find_recipe("popgan"), Blobs()
    state, phases = recipe.start(plan, torch.device("cpu")), recipe.phases(plan)
    before = distance(state)
    sampler = Sampler(len(source), 0, 64)
    for _ in range(steps):
        one_step(plan, phases, state, sampler, source)
    assert before > 0.6 and distance(state) < 0.2


def weights(state: TrainState) -> dict[str, torch.Tensor]:
    networks = {"G": state.generator, "D": state.discriminator}
    found = {f"{k}.{name}": v for k, n in networks.items() for name, v in n.state_dict().items()}
    return {name: value.clone() for name, value in found.items()}


def test_a_step_with_a_wider_kernel_trains_every_weight_and_the_default_is_three() -> None:
    trained = {}
    for kernel in (None, 3, 5):
        plan = tiny_plan(
            network__kernel=kernel, train__level_shares=[0.0, 1.0], train__loss="logistic"
        )
        recipe, source = find_recipe("popgan"), Discs()
        state, phases = recipe.start(plan, torch.device("cpu")), recipe.phases(plan)
        before = {name: value.clone() for name, value in weights(state).items()}
        one_step(plan, phases, state, Sampler(len(source), 0, 64), source)
        after = trained[kernel] = weights(state)
        assert all(value.isfinite().all() for value in after.values())
        assert not torch.equal(before["G.first.weight"], after["G.first.weight"])
        judged = [name for name in after if name.startswith("D.")]
        left = [name for name in judged if torch.equal(before[name], after[name])]
        assert left == ["D.from_image.0.weight", "D.from_image.0.bias"]  # of the level below
    assert all(torch.equal(trained[None][name], trained[3][name]) for name in trained[None])
    assert trained[5]["G.first.weight"].shape[2:] == (5, 5)
    with pytest.raises(UserError, match=r"network\.kernel"):
        tiny_plan(network__kernel=4)


def test_wgan_gp_has_its_penalty_in_every_step_and_no_lazy_one(tmp_path: Path) -> None:
    plan = tiny_plan(train__loss="wgan-gp", train__gamma=10.0)
    assert [phase.name for phase in popgan.phases(plan)] == ["Dmain", "Gmain"]
    job, state = tiny_job(plan, tmp_path)
    run(job, state, Reporter())
    # Nothing but Dmain updates the discriminator, so its rate is not scaled for laziness.
    assert all(row["penalty"] > 0 for row in read_log(tmp_path / "log.csv"))
    assert state.optimisers["D"].defaults["lr"] == plan.train.lr_discriminator


def test_both_players_see_images_through_the_same_pipeline_and_probability(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def spy(
        plan: object, images: torch.Tensor, rng: object, strength: object, *, labels: int
    ) -> torch.Tensor:
        assert labels == 0
        seen.append((plan, len(images), strength))
        return images

    monkeypatch.setattr(common, "augment", spy)
    plan = tiny_plan(augmentation=FULL, train__gamma=0.0)
    recipe = find_recipe("popgan")
    state = recipe.start(plan, torch.device("cpu"))
    one_step(plan, recipe.phases(plan), state, Sampler(24, 0, 24), Discs())
    (pair, both, p), (fakes, one, q) = seen
    assert pair is fakes is plan.augmentation and p is q is state.extras["augment_p"]
    assert (both, one) == (16, 8)


def test_a_killed_run_resumes_its_probability_to_the_last_bit(tmp_path: Path) -> None:
    plan = tiny_plan(augmentation=FULL, train__images=240, train__ticks=6)
    job, undisturbed = tiny_job(plan, tmp_path / "a")
    run(job, undisturbed, Reporter())
    moving = [row["augment_p"] for row in read_log(tmp_path / "a/log.csv")]
    assert len(set(moving)) > 2

    def crash(state: TrainState, stage: object) -> None:
        # In the middle of an interval of the controller: its sum counts as well.
        if state.step % 3 == 1 and state.step > 10:
            raise KeyError("a crash")

    for _ in range(2):
        job, state = tiny_job(plan, tmp_path / "b")
        with pytest.raises(KeyError):
            run(Job(**{**vars(job), "on_tick": crash}), state, Reporter())
    job, resumed = tiny_job(plan, tmp_path / "b")
    run(job, resumed, Reporter())
    assert same(undisturbed, resumed)
    again = [row["augment_p"] for row in read_log(tmp_path / "b/log.csv")]
    assert again == moving
