"""Inversion finds what a generator can draw, the same way every time, and changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plans import recipe_plan
from popgan.attack.chosen import each_alike
from popgan.attack.code import BEYOND, Code
from popgan.attack.generator import inversion_attack, own_images
from popgan.attack.inversion import invert, schedule
from popgan.errors import UserError
from popgan.evidence.privacy.inversion import rms


def conditions(count: int) -> np.ndarray:
    rows = np.array([[1, 0, 0.4, 1], [0, 1, -0.7, 1]], np.float32)
    return rows[np.arange(count) % 2]


@pytest.mark.parametrize(
    ("recipe", "told"),
    [("popgan", False), ("cgan", True), ("stylegan2", True), ("r3gan", False), ("dcgan", True)],
)
def test_own_images_of_every_recipe_are_found_again(world, recipe, told) -> None:
    plan = recipe_plan(recipe, conditional=told)
    network = world.generator(plan)
    images, known = own_images(network, plan, 8, 5, conditions(8) if told else None)
    found = invert(network, plan, images, known, steps=50, restarts=1)
    apart = rms(images, np.broadcast_to(images.mean(0), images.shape)).mean()
    assert found.error.mean() < 0.5 * apart
    assert found.error == pytest.approx(rms(images, found.images))
    assert np.abs(found.images).max() <= 1


def test_masks_that_are_drawn_too_play_no_part(world) -> None:
    plan = recipe_plan("popgan", masks=True)
    network = world.generator(plan)
    images, _ = own_images(network, plan, 4, 5, None)
    assert images.shape == (4, 2, 16, 16)
    assert invert(network, plan, images, steps=3, restarts=1).images.shape == images.shape


def test_a_search_is_repeated_to_the_last_bit_whatever_is_searched_beside_it(world) -> None:
    plan = recipe_plan("popgan")
    network = world.generator(plan)
    images = world.patients(7, "p").images
    one, again = (invert(network, plan, images, steps=12, seed=4) for _ in range(2))
    few = invert(network, plan, images[:5], steps=12, seed=4)
    other = invert(network, plan, images, steps=12, seed=5)
    assert np.array_equal(one.images, again.images)
    assert np.array_equal(one.images[:5], few.images)
    assert not np.array_equal(one.images, other.images)


def test_more_starts_never_lose_and_more_steps_come_nearer(world) -> None:
    plan = recipe_plan("popgan")
    network = world.generator(plan)
    images = world.patients(4, "p").images
    one, two = (invert(network, plan, images, steps=10, restarts=n) for n in (1, 2))
    long = invert(network, plan, images, steps=30, restarts=1)
    assert (two.loss <= one.loss).all()
    assert long.loss.mean() < one.loss.mean()


def test_the_generator_stays_as_it_is_and_sees_batches_of_one_size(world, monkeypatch) -> None:
    plan = recipe_plan("stylegan2")
    network = world.generator(plan)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    seen: list[int] = []
    draw = Code.draw
    monkeypatch.setattr(Code, "draw", lambda code: seen.append(len(code.z)) or draw(code))
    invert(network, plan, world.patients(11, "p").images, steps=2, restarts=1)
    assert set(seen) == {16} and len(seen) == 3 * (8 + 2 + 1)
    assert all(torch.equal(before[n], value) for n, value in network.state_dict().items())
    assert not any(weight.requires_grad for weight in network.parameters())


def test_latent_vectors_stay_where_normal_ones_can_be(world) -> None:
    plan = recipe_plan("r3gan")
    network = world.generator(plan)
    direction = torch.ones(1, 8) / 8**0.5
    longest = 8**0.5 + BEYOND
    far, edge, near = (
        Code(network, plan, direction * length, None).draw() for length in (100, longest, 2)
    )
    assert torch.allclose(far, edge, atol=1e-5)
    assert not torch.allclose(far, near, atol=1e-3)


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [schedule(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == 1
    assert rates[-1] < 1e-3 and np.argmax(rates) in range(8, 12)
    assert schedule(0, 1) == 1


def test_pictures_that_are_large_enough_are_compared_in_features_too(world) -> None:
    from popgan.attack.inversion import _Nearness

    plan = recipe_plan("popgan", data__height=32, data__width=32)
    measure = _Nearness(plan, torch.device("cpu"))
    images = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (2, 1, 32, 32))).float()
    measure.aim(images)
    assert measure(images).tolist() == [0, 0]
    worse = measure(images + torch.tensor([0.1, 0.2])[:, None, None, None])
    share = torch.tensor([0.01, 0.04]) / images.var((1, 2, 3), unbiased=False)
    assert (worse > share).all() and worse[1] > worse[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": np.zeros((2, 1, 8, 8), np.float32)}, "shape"),
        ({"images": np.full((2, 1, 16, 16), np.nan, np.float32)}, "not finite"),
        ({"told": np.zeros((2, 4), np.float32)}, "conditions"),
        ({"steps": 0}, "at least one"),
    ],
)
def test_what_cannot_be_inverted_is_one_clear_line(world, change, words) -> None:
    plan = recipe_plan("popgan")
    options = {"images": np.zeros((2, 1, 16, 16), np.float32), "told": None} | change
    with pytest.raises(UserError, match=words):
        invert(world.generator(plan), plan, options.pop("images"), options.pop("told"), **options)


def test_a_translator_is_refused(world) -> None:
    plan = recipe_plan("pix2pix")
    with pytest.raises(UserError, match="translates"):
        invert(torch.nn.Identity(), plan, np.zeros((1, 3, 16, 16), np.float32))


def test_every_patient_gives_as_many_images_spread_over_the_slices(world) -> None:
    many = world.patients(5, "a", slices=6)
    few = world.patients(3, "b", slices=4)
    one, two = each_alike([many, few], each=2, most=4, seed=1)
    owners = np.array(many.subjects)[one]
    assert len(one) == 8 and len(set(owners)) == 4 and len(two) == 6
    assert [place % 6 for place in one] == [1, 4] * 4
    single = world.patients(3, "c", slices=1)
    assert len(each_alike([many, single], each=2, most=9, seed=1)[0]) == 5


def test_an_untrained_generator_gives_nobody_away(world) -> None:
    plan = recipe_plan("popgan")
    found = inversion_attack(
        world.generator(plan),
        plan,
        world.patients(12, "t"),
        world.patients(10, "h"),
        each=1,
        own=6,
        steps=40,
        restarts=1,
    )
    (attack,) = found.attacks
    assert (found.members, found.others, found.images) == (12, 10, 22)
    assert attack.p > 0.05 and found.gap.low < 0 < found.gap.high
    assert found.own_error.n == 6 and found.own_error.value < found.heldout_error.value
