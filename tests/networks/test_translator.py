"""Generators and discriminators of translators: shapes, paths, parts that can be run apart."""

from __future__ import annotations

import pytest
import torch

from popgan.config.network import fusions
from popgan.networks.mustgan import MustGAN, without_missing
from popgan.networks.patchgan import PatchGAN
from popgan.networks.translator import ResNetGenerator, part_names

SHAPE = {"width": 4, "halvings": 2, "blocks": 3, "norm": "none", "skips": True}


def network(**changes: object) -> ResNetGenerator:
    torch.manual_seed(0)
    return ResNetGenerator(**{"inputs": 2, **SHAPE, **changes})  # type: ignore[arg-type]


def must(fusion: list[str] | None = None, **changes: object) -> MustGAN:
    torch.manual_seed(0)
    whole = {"sources": 2, "planes": 3, **SHAPE, **changes}
    return MustGAN(**whole, fusion=fusion or fusions(2))  # type: ignore[arg-type]


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("norm", ["none", "instance"])
def test_an_image_has_the_size_of_its_sources(norm: str, skips: bool) -> None:
    generator = network(norm=norm, skips=skips)
    assert generator(torch.zeros(3, 2, 16, 24)).shape == (3, 1, 16, 24)


def test_the_published_generator_has_the_published_size() -> None:
    """pGAN: 11.4 million parameters with transposed convolutions; ours convolve likewise 3 x 3."""
    whole = ResNetGenerator(inputs=3, width=64, halvings=2, blocks=9, norm="instance", skips=False)
    count = sum(value.numel() for value in whole.parameters())
    assert count == pytest.approx(11.38e6, rel=0.01)
    judge = PatchGAN(inputs=4, width=64, layers=3, norm="instance")
    assert sum(value.numel() for value in judge.parameters()) == pytest.approx(2.77e6, rel=0.01)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("cut", range(1, 8))
def test_parts_run_one_after_the_other_are_the_whole(cut: int, skips: bool) -> None:
    generator, beside = network(skips=skips), list[torch.Tensor]()
    x = torch.randn(2, 2, 16, 16)
    features = generator.run(x, None, beside, last=cut)
    assert torch.equal(generator.run(features, None, beside, first=cut), generator(x))


def test_places_are_called_as_the_plan_calls_them() -> None:
    for halvings in range(1, 6):
        assert [name for name in part_names(halvings) if name] == fusions(halvings)
        generator = network(halvings=halvings)
        x = torch.randn(1, 2, 32, 32)
        for number, width in enumerate(generator.widths):
            assert generator.run(x, None, [], last=number + 1).shape[1] == width


def test_direct_paths_carry_what_the_smallest_size_loses() -> None:
    """A change of one pixel moves the image there, though the smallest maps are silenced."""
    for skips, moved in ((True, True), (False, False)):
        generator = network(skips=skips, blocks=1)
        silence = torch.ones(1, generator.dropped)
        silence[:, :16] = 0  # the residual blocks
        up = generator.parts[5]
        with torch.no_grad():
            for value in up.parameters():
                if skips:
                    continue
                value.zero_()
        x = torch.zeros(1, 2, 16, 16)
        y = x.clone()
        y[0, 0, 8, 8] = 1
        apart = (generator(x, silence) - generator(y, silence)).abs().max().item()
        assert (apart > 1e-4) is moved


def test_dropout_reaches_every_block_and_every_step_up() -> None:
    generator = network(norm="instance")
    x = torch.randn(2, 2, 16, 16)
    whole = torch.ones(2, generator.dropped)
    assert generator.dropped == 3 * 16 + 8 + 4
    assert torch.equal(generator(x, whole), generator(x))
    for column in range(generator.dropped):
        keep = whole.clone()
        keep[1, column] = 0
        made = generator(x, keep)
        assert torch.equal(made[0], generator(x)[0]), "dropped in another image"
        assert not torch.equal(made[1], generator(x)[1]), column


def test_images_of_a_batch_do_not_touch_each_other() -> None:
    for norm in ("none", "instance"):
        generator = network(norm=norm)
        x = torch.randn(3, 2, 16, 16)
        assert torch.allclose(generator(x)[1:2], generator(x[1:2]), atol=1e-5)


def test_a_patch_is_judged_by_its_own_pixels() -> None:
    judge = PatchGAN(inputs=2, width=4, layers=1, norm="none")
    x = torch.randn(1, 2, 32, 32)
    y = x.clone()
    y[:, :, :4, :4] += 1
    before, after = judge(x)[0], judge(y)[0]
    assert before.shape == (14 * 14,)
    assert bool((before != after).any()) and torch.equal(before[-1], after[-1])


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("norm", ["none", "instance"])
def test_the_joint_network_starts_as_the_many_to_one_stream(norm: str, skips: bool) -> None:
    """At every place of fusion, in numbers that only rounding separates."""
    generator = must(norm=norm, skips=skips)
    generator.start_joint()
    x = torch.randn(2, 6, 16, 16)
    wanted = generator.stream(x, 2)
    for place in range(len(generator.places)):
        assert torch.allclose(generator(x, place=place), wanted, atol=1e-4), place


def test_of_the_streams_only_the_way_to_the_fusion_learns_with_the_joint_network() -> None:
    generator = must()
    generator(torch.randn(1, 6, 16, 16), place=3).sum().backward()
    assert all(value.grad is None for value in generator.streams.parameters())
    for number, part in enumerate(generator.many.parts):
        learns = {value.grad is not None for value in part.parameters()}
        assert learns == {number <= generator.places[3]}, number
    assert any(value.grad is not None for value in generator.joint.parameters())


def test_a_missing_source_changes_nothing_any_more() -> None:
    generator = must()
    x, y = torch.randn(2, 6, 16, 16), torch.randn(2, 6, 16, 16)
    y[:, 3:] = x[:, 3:]
    gone = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    for place in range(len(generator.places)):
        assert torch.equal(
            generator(x, present=gone, place=place), generator(y, present=gone, place=place)
        )
    assert not torch.equal(generator(x, place=0), generator(y, place=0))
    assert torch.equal(without_missing(x, gone, 3)[:, :3], torch.full((2, 3, 16, 16), -1.0))


def test_a_single_place_is_chosen_from_the_beginning() -> None:
    assert must(["bottleneck"]).choice == 0
    generator = must()
    assert generator.choice == -1
    generator.chosen.fill_(2)
    assert generator.choice == 2
    other = must()
    other.load_state_dict(generator.state_dict())
    assert other.choice == 2
