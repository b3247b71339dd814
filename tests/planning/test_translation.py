"""Plans of translators: what rules decide for small images, and what no plan can be."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from plans import TRANSLATORS, make_plan, recipe_plan
from popgan.cohort.options import VALID_SIDES
from popgan.errors import UserError
from popgan.recipes.table import find_recipe


@pytest.mark.parametrize("side", [side for side in VALID_SIDES if side <= 64] + [96])
@pytest.mark.parametrize("recipe", TRANSLATORS)
def test_a_plan_of_every_resolution_has_networks_that_can_take_it(recipe: str, side: int) -> None:
    narrow = {"network.width": 4, "network.judge_width": 4, "network.norm": "instance"}
    plan = make_plan(side=side, recipe=recipe, overrides=narrow)
    state = find_recipe(recipe).start(plan, torch.device("cpu"))
    planes = 2 * plan.network.neighbours + 1
    with torch.no_grad():
        image = state.average(torch.zeros(1, 2 * planes, side, side))
        assert image.shape == (1, 1, side, side)
        pair = torch.zeros(1, 2 * planes + 1, side, side)
        judge = state.discriminator
        logits = judge(pair, 2) if recipe == "mustgan" else judge(pair)
    assert logits.shape[1] >= 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network.judge_layers": 4}, "too small for 4 layers of the discriminator"),
        ({"network.halvings": 5}, "cannot be halved 5 times"),
        ({"train.loss": "rpgan"}, "train.loss rpgan is not possible .* translators"),
        ({"train.loss": "wgan-gp"}, "lsgan or logistic"),
        ({"train.search_share": 0.0}, "no time to choose among several places"),
        ({"train.stream_share": 0.9}, "leave nothing to the rest"),
        ({"train.images": 4}, "streams .* take all steps"),
        ({"network.fusion": ["decoder 9"]}, "fusion decoder 9 is not possible"),
        ({"network.sources": ["T1w", "T1w"]}, "twice"),
        ({"network.sources": ["T1w"]}, "two sources or more"),
        ({"network.sources": ["T1w", "PDw"]}, "contrast PDw is not in the cohort"),
        ({"augmentation.method": "ada"}, "moved together"),
        ({"network.neighbours": 4}, "neighbours"),
    ],
)
def test_what_no_translator_can_be_is_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        make_plan(side=32, recipe="mustgan", overrides=changes)
    assert "\n" not in str(caught.value)


def test_a_single_place_of_fusion_needs_no_search() -> None:
    plan = make_plan(recipe="mustgan", overrides={"network.fusion": ["bottleneck"]})
    assert plan.train.search_share == 0
    recipe_plan("mustgan", network__fusion=["bottleneck"], train__search_share=0.0)


def test_sources_keep_the_order_in_which_they_are_given() -> None:
    plan = make_plan(recipe="pix2pix", overrides={"network.sources": ["T2w", "T1w"]})
    assert plan.network.sources == ["T2w", "T1w"]
    assert make_plan(recipe="pix2pix").network.sources == ["T1w", "T2w"]


@pytest.mark.parametrize("recipe", TRANSLATORS)
def test_the_paper_presets_are_those_of_pgan(recipe: str) -> None:
    """Dar et al. (2019): losses of 1 : 100, where ours has half of a least-squares loss."""
    plan = make_plan("paper", side=128, recipe=recipe)
    network, train = plan.network, plan.train
    assert (network.width, network.halvings, network.blocks, network.skips) == (64, 2, 9, False)
    assert (network.norm, network.dropout, network.neighbours) == ("instance", 0.5, 1)
    assert (network.judge_width, network.judge_layers) == (64, 3)
    assert (train.loss, train.reconstruction) == ("lsgan", 50)
    assert train.perceptual == (50 if recipe == "pix2pix" else 0)
    assert train.lr_generator == train.lr_discriminator == 2e-4
    assert (train.beta1, train.beta2) == (0.5, 0.999)
    assert plan.augmentation.method == "none"
