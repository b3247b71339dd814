"""A generator that was made to memorise is found out; one that did not memorise is no test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from plans import recipe_plan
from popgan.attack.canaries import make_canaries
from popgan.attack.chosen import each_alike
from popgan.attack.generator import inversion_attack
from popgan.attack.memorise import Lesson, fit
from popgan.attack.overtrained import overtrained_control
from popgan.progress import Task
from popgan.synthesis.sample import latents

SIZES = {"patients": 4, "canaries": 2, "steps": 200}


def control(world, recipe: str, *, conditional: bool = False, **changes):
    plan = recipe_plan(recipe, conditional=conditional)
    train, heldout = world.patients(8, "t"), world.patients(10, "h")

    def known(count: int) -> np.ndarray | None:
        rows = np.array([[1, 0, 0.4, 1], [0, 1, -0.7, 1]], np.float32)
        return rows[np.arange(count) % 2] if conditional else None

    return overtrained_control(
        changes.pop("network", None) or world.generator(plan),
        plan,
        train,
        heldout,
        world.embed,
        train_told=known(24),
        heldout_told=known(30),
        reference=world.patients(8, "r"),
        **(SIZES | changes),
    )


@pytest.mark.parametrize("recipe", ["popgan", "stylegan2", "r3gan", "dcgan"])
def test_an_over_trained_generator_is_found_out(world, recipe, monkeypatch) -> None:
    monkeypatch.setattr("popgan.attack.overtrained.STEPS", 40)
    found = control(world, recipe, conditional=recipe == "popgan", inversion=recipe == "popgan")
    assert found.outcome == "detected" and found.detected, found.sentence
    assert found.found.value > 0.9 and found.canaries_found.value > 0.9
    assert found.found.n == found.patients == 4 and found.canaries == 2
    assert found.images == 48 and found.targets == 6 and found.copied.value > 0.8
    assert found.reproduced.value > 0.9 > found.before.value
    assert found.stopped in ("reproduced", "steps") and "must" in found.sentence
    if recipe == "popgan":
        (attack,) = [attack for attack in found.attacks if attack.name == "inversion"]
        assert attack.auc.value > 0.8 and (attack.members, attack.others) == (4, 10)


def test_what_was_not_reproduced_is_not_called_missed(world) -> None:
    found = control(world, "popgan", steps=2)
    assert found.outcome == "not reproduced" and not found.detected
    assert "nothing to detect" in found.sentence and "missed" not in found.sentence
    assert found.stopped == "steps" and found.steps == 2


def test_fitting_stops_when_time_runs_out(world) -> None:
    found = control(world, "popgan", seconds=0.0)
    assert found.stopped == "time" and found.steps == 1


def test_the_control_is_repeatable_and_leaves_the_generator_alone(world) -> None:
    network = world.generator(recipe_plan("popgan"))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    one, again = (
        control(world, "popgan", network=network, steps=30).model_dump(exclude={"seconds"})
        for _ in range(2)
    )
    assert one == again
    assert all(torch.equal(before[n], value) for n, value in network.state_dict().items())
    assert not any(weight.requires_grad for weight in network.parameters())


def test_canaries_are_unlike_every_patient_and_repeatable(world) -> None:
    train = world.patients(12, "t", contrasts=2)
    images, names, told = make_canaries(train, np.arange(36, dtype=np.float32)[:, None], 5, 2)
    assert images.shape == (5, 2, 16, 16) and np.abs(images).max() <= 1
    assert len(set(names)) == 5 and not set(names) & set(train.subjects)
    assert told.shape == (5, 1)
    gaps = np.sqrt(((images[:, None] - train.images[None]) ** 2).mean((2, 3, 4)))
    own = np.sqrt(((train.images[:, None] - train.images[None]) ** 2).mean((2, 3, 4)))
    nearest_patients = np.sort(own + 9 * np.eye(len(own)), 1)[:, 0]
    assert gaps.min() > np.median(nearest_patients)
    assert np.array_equal(images, make_canaries(train, None, 5, 2)[0])


def test_other_pseudonyms_draw_the_same_patients_and_canaries(world) -> None:
    train = world.patients(9, "t")
    known = list(dict.fromkeys(train.subjects))
    turned = dict(zip(known, reversed(known), strict=True))  # sorted, they lie the other way round
    other = replace(train, subjects=[turned[name] for name in train.subjects])
    assert np.array_equal(make_canaries(train, None, 3, 5)[0], make_canaries(other, None, 3, 5)[0])
    rows, again = (each_alike([side], each=1, most=4, seed=5)[0] for side in (train, other))
    assert np.array_equal(rows, again) and len(rows) == 4


def test_the_attack_recognises_those_whom_a_generator_learnt_by_heart(world) -> None:
    plan = recipe_plan("popgan")
    train, heldout = (world.patients(10, name, slices=1) for name in "th")
    lesson = Lesson(
        targets=train,
        told=None,
        canaries=np.zeros(10, bool),
        of=np.arange(10),
        first=np.arange(10),
        z=latents(plan, 1, range(10)),
    )
    memory = fit(world.generator(plan), plan, lesson, train, 200, 60.0, 0, Task()).generator
    found = inversion_attack(memory, plan, train, heldout, steps=50, own=6, restarts=1)
    (attack,) = found.attacks
    assert attack.auc.value > 0.9 and attack.p < 0.001
    assert found.gap.low > 0 and found.p_gap < 0.001
    assert "trained with" in found.sentence
    assert found.coverage.train_psnr.value > found.coverage.heldout_psnr.value
