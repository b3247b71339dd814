"""Layers against their plain reference twins."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from popgan.networks import layers


def reference_pixel_norm(x: torch.Tensor) -> torch.Tensor:
    return x / torch.sqrt(x.square().mean(1, keepdim=True) + 1e-8)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_pixel_norm_equals_the_plain_formula(memory: torch.memory_format) -> None:
    x = torch.randn(3, 5, 4, 6).to(memory_format=memory)
    torch.testing.assert_close(layers.pixel_norm(x), reference_pixel_norm(x))


def test_pixel_norm_has_the_gradient_of_the_plain_formula() -> None:
    x = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layers.pixel_norm, x)
    (ours,) = torch.autograd.grad(layers.pixel_norm(x).pow(3).sum(), x)
    (plain,) = torch.autograd.grad(reference_pixel_norm(x).pow(3).sum(), x)
    torch.testing.assert_close(ours, plain)


@given(st.floats(0.1, 1e3), st.integers(1, 9))
def test_pixel_norm_does_not_see_the_scale_of_a_pixel(factor: float, channels: int) -> None:
    # Away from zero, where the small constant under the root would show.
    x = torch.rand(2, channels, 3, 3) + 0.5
    torch.testing.assert_close(
        layers.pixel_norm(x * factor), layers.pixel_norm(x), rtol=1e-3, atol=1e-3
    )


def test_minibatch_stddev_is_zero_for_a_collapsed_batch_and_grows_with_spread() -> None:
    same = torch.randn(1, 3, 4, 4).expand(4, -1, -1, -1)
    spread = torch.randn(4, 3, 4, 4)
    collapsed = layers.minibatch_stddev(same, 4)[:, 3]
    assert collapsed.max() < 1e-3
    one, ten = (layers.minibatch_stddev(spread * f, 4)[0, 3, 0, 0] for f in (1, 10))
    torch.testing.assert_close(ten, one * 10, rtol=1e-4, atol=1e-4)


def test_minibatch_stddev_matches_its_definition_group_by_group() -> None:
    x = torch.randn(8, 3, 4, 4)
    found = layers.minibatch_stddev(x, 4)
    assert found.shape == (8, 4, 4, 4)
    for start in (0, 4):
        expected = x[start : start + 4].std(0, correction=0).mean()
        torch.testing.assert_close(
            found[start : start + 4, 3], expected.expand(4, 4, 4), rtol=1e-4, atol=1e-6
        )


def test_minibatch_stddev_needs_whole_groups() -> None:
    with pytest.raises(ValueError, match="6 images"):
        layers.minibatch_stddev(torch.randn(6, 3, 2, 2), 4)


def test_minibatch_stddev_of_group_one_changes_nothing() -> None:
    x = torch.randn(4, 3, 2, 2)
    assert layers.minibatch_stddev(x, 1) is x


def test_minibatch_stddev_has_a_finite_second_derivative_at_identical_images() -> None:
    x = torch.ones(4, 2, 2, 2, requires_grad=True)
    value = layers.minibatch_stddev(x, 4)[:, 2].sum()
    (first,) = torch.autograd.grad(value, x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x, allow_unused=True)
    assert torch.isfinite(first).all()
    assert second is None or torch.isfinite(second).all()


def test_equalised_layers_keep_variance() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 32, 8, 8)
    y = layers.leaky_relu(layers.EqualisedConv2d(32, 64)(x))
    # Zero padding takes a little at the border.
    assert 0.75 < y[:, :, 1:-1, 1:-1].square().mean() < 1.25
    z = layers.leaky_relu(layers.EqualisedLinear(256, 256)(torch.randn(512, 256)))
    assert 0.8 < z.square().mean() < 1.2


def test_resizing_keeps_constants_and_means() -> None:
    x = torch.rand(1, 2, 4, 6)
    torch.testing.assert_close(layers.downsample(layers.upsample(x)), x)
    torch.testing.assert_close(layers.enlarge(torch.full_like(x, 0.3)).mean(), torch.tensor(0.3))
    torch.testing.assert_close(layers.downsample(x).mean(), x.mean())


class RuntimeScaled(torch.nn.Module):
    """The published form: unit-variance weights, multiplied with He's constant at run time."""

    def __init__(self, twin: layers.EqualisedConv2d) -> None:
        super().__init__()
        self.scale = twin.rate_scale
        self.weight = torch.nn.Parameter(twin.weight.detach() / self.scale)
        self.bias = torch.nn.Parameter(twin.bias.detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(x, self.weight * self.scale, self.bias, padding=1)


def test_scaled_rates_train_like_weights_scaled_at_run_time() -> None:
    torch.manual_seed(0)
    ours = layers.EqualisedConv2d(3, 5).double()
    twin = RuntimeScaled(ours)
    groups = [{"params": p, "lr": 1e-2 * s} for s, p in layers.rate_scales(ours).items()]
    optimisers = [
        torch.optim.Adam(groups, betas=(0.0, 0.99), eps=1e-12),
        torch.optim.Adam(twin.parameters(), lr=1e-2, betas=(0.0, 0.99), eps=1e-12),
    ]
    for _ in range(20):
        x = torch.randn(4, 3, 6, 6, dtype=torch.float64)
        for net, optimiser in zip((ours, twin), optimisers, strict=True):
            optimiser.zero_grad()
            net(x).pow(3).mean().backward()
            optimiser.step()
    torch.testing.assert_close(ours.weight, twin.weight * twin.scale, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(ours.bias, twin.bias, rtol=1e-6, atol=1e-9)


def test_every_parameter_has_one_rate() -> None:
    net = torch.nn.Sequential(layers.EqualisedConv2d(3, 5), torch.nn.LayerNorm(4))
    scales = layers.rate_scales(net)
    assert sorted(len(found) for found in scales.values()) == [1, 3]
    assert sum(p.numel() for ps in scales.values() for p in ps) == 3 * 5 * 9 + 5 + 8
