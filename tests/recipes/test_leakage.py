"""Augmentation does not leak: what is trained on tilted and mirrored images draws upright ones.

The data are grey ellipses with a bright spot to the upper right, at 25 degrees. Augmentation turns
by up to 45 degrees and mirrors, so that most augmented images have the spot elsewhere. Training
starts from a generator that draws them all mirrored: without a reason to turn them round, it will
not. Such a reason exists while the unmirrored stay the more common kind, and is gone at p = 1.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from plans import tiny_plan
from popgan.augmentation.pipeline import augment
from popgan.config.schema import Plan
from popgan.recipes.table import find_recipe
from popgan.training.loop import one_step
from popgan.training.sampler import Sampler

LEAN, TOLERANCE = 25.0, 20.0  # degrees; mirrored shapes are 50 away
UNTRIED, STEPS = 100, 1000  # steps on mirrored data, then on the data


class Ellipses:
    """256 upright ellipses of random shape and place with a bright spot at `LEAN`, 16 x 16."""

    def __init__(self, *, mirrored: bool = False) -> None:
        rng = np.random.default_rng(0)
        y, x = (np.mgrid[:16, :16] + 0.5 - 8) / 8
        found = []
        for _ in range(256):
            width, height = rng.uniform(0.42, 0.55), rng.uniform(0.6, 0.75)
            left, top = rng.uniform(-0.06, 0.06, 2)
            angle = math.radians(LEAN + rng.normal(0, 3))
            edge = np.hypot((x - left) / width, (y - top) / height) - 1
            across, down = left + 0.45 * math.sin(angle), top - 0.45 * math.cos(angle)
            spot = np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * 0.17**2))
            found.append(-1 + 1 / (1 + np.exp(12 * edge)) + spot)
        images = torch.from_numpy(np.stack(found)[:, None].astype(np.float32))
        self.images = images.flip(3) if mirrored else images

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray) -> Tensor:
        return self.images[torch.from_numpy(indices)]

    def condition(self, indices: np.ndarray) -> None:
        return None


def angles(images: Tensor) -> Tensor:
    """Degrees from upright of the line from each shape's centre of mass to that of its spot."""
    grey = images[:, 0].double()
    places = torch.arange(16, dtype=torch.float64) + 0.5

    def centre(weight: Tensor) -> tuple[Tensor, Tensor]:
        total = weight.sum((1, 2))
        return (weight.sum(1) * places).sum(1) / total, (weight.sum(2) * places).sum(1) / total

    (x, y), (spot_x, spot_y) = centre((grey + 1).clamp(0, 1)), centre((grey - 0.2).clamp(1e-9))
    return torch.rad2deg(torch.atan2(spot_x - x, y - spot_y))


def tilted(images: Tensor) -> float:
    """Share of shapes that lean otherwise than the data do."""
    return float(((angles(images) - LEAN).abs() > TOLERANCE).float().mean())


def stays_upright(samples: Tensor, augmented: Tensor) -> bool:
    """The criterion: nearly as few tilted as in the data, far fewer than after augmentation."""
    return tilted(samples) < 0.1 and tilted(samples) < 0.25 * tilted(augmented)


def strong() -> Plan:
    """Turns by up to 45 degrees and mirroring; the controller is held."""
    ranges = {"flip": True, "shift": 0.0, "rotation": 45.0, "scale": 0.0}
    return tiny_plan(
        seed=1,
        augmentation={"method": "ada", "probability": 0.8, "interval": 10**9, **ranges},
        network__channels=[16, 12],
        network__latent_dim=16,
        train__batch=16,
        train__images=10**6,
        train__gamma=0.3,
        train__diversity=0.0,
        train__lr_generator=0.01,
        train__lr_discriminator=0.01,
        train__ema_half_life=300.0,
        train__lr_end=1.0,
        train__level_shares=[0.0, 1.0],
    )


def augmented(probability: float, *, mirrored: bool = False) -> Tensor:
    images = Ellipses(mirrored=mirrored).images.repeat(16, 1, 1, 1)
    rng = torch.Generator().manual_seed(0)
    return augment(strong().augmentation, images, rng, probability)


@functools.cache
def trained(probability: float) -> Tensor:
    """256 samples of a generator that began mirrored and was trained with augmentation."""
    plan, recipe = strong(), find_recipe("popgan")
    state, phases = recipe.start(plan, torch.device("cpu")), recipe.phases(plan)
    sampler = Sampler(256, plan.seed, 256)
    z = torch.randn(256, 16, generator=torch.Generator().manual_seed(0))
    for source, steps, p in (
        (Ellipses(mirrored=True), UNTRIED, 0.0),
        (Ellipses(), STEPS, probability),
    ):
        state.extras["augment_p"].fill_(p)
        for _ in range(steps):
            one_step(plan, phases, state, sampler, source)
        if p == 0:
            assert tilted(state.average(z, 1)) > 0.9
    return state.average(z, 1)


def test_the_measure_tells_upright_from_mirrored_and_turned() -> None:
    assert tilted(Ellipses().images) == 0.0
    assert tilted(Ellipses(mirrored=True).images) == 1.0
    # Mirrored or turned by more than the tolerance, of a range of 45.
    expected = {p: 1 - (1 - p / 2) * (1 - p * (1 - TOLERANCE / 45)) for p in (0.8, 1.0)}
    for p in (0.8, 1.0):
        # Some that are mirrored are turned back.
        assert expected[p] - 0.15 < tilted(augmented(p)) <= expected[p] + 0.03


@pytest.mark.parametrize("probability", [0.5, 0.8, 1.0])
def test_augmented_mirror_images_can_be_told_only_while_p_is_below_one(probability: float) -> None:
    """What a discriminator could know: how often the spot is on the right, after augmentation."""
    data, mirrored = (augmented(probability, mirrored=m) for m in (False, True))
    right = [float((angles(images) > 0).float().mean()) for images in (data, mirrored)]
    turned_over = probability * (45 - LEAN) / (2 * 45)  # by a turn past upright
    stays = 1 - probability / 2
    expected = stays * (1 - turned_over) + (1 - stays) * turned_over
    assert right[0] == pytest.approx(expected, abs=0.04)
    assert right[1] == pytest.approx(1 - expected, abs=0.04)
    assert (right[0] - right[1] > 0.05) is (probability < 1)


@pytest.mark.slow
def test_samples_stay_upright_under_strong_augmentation_of_most_images() -> None:
    samples = trained(0.8)
    assert stays_upright(samples, augmented(0.8))
    assert abs(float(angles(samples).median()) - LEAN) < 10


@pytest.mark.slow
def test_augmenting_every_image_leaks() -> None:
    """The negative control: the same training and the same criterion, which now must fail."""
    assert not stays_upright(trained(1.0), augmented(1.0))
