"""The shipped prior: small, known by its hash, taken over by the plans that it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from plans import make_plan
from popgan.config.schema import Plan, parse_plan
from popgan.errors import UserError
from popgan.prior import weights
from popgan.prior.kinds import KINDS
from popgan.prior.weights import DIGESTS, FOLDER, file_of, load_prior
from popgan.recipes.start import Start, what_fits
from popgan.recipes.table import find_recipe
from popgan.training.growth import stage_at


def of_data(plan: Plan, *, start: bool = False, **facts: Any) -> Plan:
    """The plan for a cohort with other facts, starting from the prior if asked."""
    tree = plan.model_dump()
    tree["data"] |= facts
    if start:
        tree["train"]["init"] = "phantom"
    return parse_plan(tree)


def fit(plan: Plan) -> Start | None:
    recipe = find_recipe(plan.recipe)
    return what_fits(plan, recipe.generator(plan), recipe.discriminator(plan))


@pytest.mark.parametrize("side", sorted(DIGESTS))
def test_what_is_shipped_is_small_and_says_how_it_was_made(side: int) -> None:
    assert file_of(side).stat().st_size <= 8e6
    prior = load_prior(side)
    assert prior.kinds == KINDS
    notice = (FOLDER / "NOTICE").read_text("utf-8")
    assert f"--side {side}" in notice and "No patient" in notice


@pytest.mark.parametrize("contrasts", [["T1w"], ["T1w", "FLAIR"], ["unheard-of"]])
@pytest.mark.parametrize("skull", [True, False, None])
@pytest.mark.parametrize("side", [32, 64, 128, 256])
def test_the_usual_plans_can_start_from_it(
    side: int, skull: bool | None, contrasts: list[str]
) -> None:
    plan = of_data(make_plan("standard", side=side), skull=skull, contrasts=contrasts)
    found = fit(plan)
    assert found is not None and found.fits
    assert found.level == {32: 2, 64: 3, 128: 4, 256: 4}[side]
    assert {True: "with skull", False: "without skull", None: "with and without"}[
        skull
    ] in found.text


def test_a_model_that_starts_from_it_draws_heads_at_once() -> None:
    plan = of_data(make_plan("standard"), start=True, skull=True)
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    stage = stage_at(plan.train.images, plan.train)
    with torch.no_grad():
        images = state.average(torch.randn(16, plan.network.latent_dim), *stage)
    # Air in the corners, tissue in the middle: what random weights do not draw.
    corners = torch.stack([images[:, :, y, x] for y in (0, -1) for x in (0, -1)])
    assert corners.max() < -0.8
    assert images[:, :, 24:40, 24:40].mean() > -0.7
    torch.testing.assert_close(state.average.state_dict(), state.generator.state_dict())


def test_scratch_depends_on_the_seed_and_the_prior_does_not() -> None:
    plan = make_plan("standard")

    def first(start: bool, seed: int) -> torch.Tensor:
        own = of_data(plan, start=start).model_copy(update={"seed": seed})
        return find_recipe("popgan").start(own, torch.device("cpu")).generator.dense.weight

    assert torch.equal(first(True, 0), first(True, 1))
    assert not torch.equal(first(False, 0), first(False, 1))


def test_a_wider_kernel_takes_too_little_from_the_prior_and_the_plan_says_so() -> None:
    wide = {"network.kernel": 5}
    plan = make_plan("standard", overrides=wide, prior=fit)
    assert plan.train.init == "scratch" and plan.train.level_shares[0] > 0
    assert "too little would be taken over" in plan.decisions["train.init"].reason
    assert make_plan("standard", prior=fit).train.init == "phantom"
    with pytest.raises(UserError, match="cannot start from the physics prior") as caught:
        make_plan("standard", overrides=wide | {"train.init": "phantom"}, prior=fit)
    assert "\n" not in str(caught.value)


def test_networks_of_other_widths_or_kinds_have_none() -> None:
    assert not fit(make_plan(overrides={"network.channels": [32, 32, 32, 32]})).fits
    assert fit(make_plan("standard", recipe="r3gan")) is None
    with pytest.raises(UserError, match="no physics prior"):
        plan = of_data(make_plan("standard", recipe="dcgan"), start=True)
        find_recipe("dcgan").start(plan, torch.device("cpu"))


def test_a_damaged_prior_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = min(DIGESTS)
    whole = file_of(side).read_bytes()
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises(UserError, match="missing or damaged"):
        load_prior(side)
    (tmp_path / file_of(side).name).write_bytes(whole[:-100])
    with pytest.raises(UserError, match="missing or damaged"):
        load_prior(side)
