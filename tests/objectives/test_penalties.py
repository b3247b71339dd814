"""Penalties against closed forms, finite differences and plain double backward."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from popgan.networks.progressive import Discriminator
from popgan.objectives.penalties import (
    gradient_penalty,
    interpolation_penalty,
    path_lengths,
    path_penalty,
)


def critic(seed: int = 0) -> nn.Module:
    """A small smooth critic of 1 x 4 x 4 images, in double."""
    torch.manual_seed(seed)
    layers = (nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 4), nn.Softplus())
    return nn.Sequential(*layers, nn.Linear(4, 1), nn.Flatten(0)).double()


def images(count: int = 3, seed: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 4, 4, generator=rng, dtype=torch.float64)


def slopes(net: Callable[[Tensor], Tensor], at: Tensor, step: float = 1e-5) -> Tensor:
    """Gradient of each logit by central differences, N x pixels."""
    found = []
    for index in range(at[0].numel()):
        delta = torch.zeros_like(at[0]).flatten()
        delta[index] = step
        delta = delta.view_as(at[0])
        found.append((net(at + delta) - net(at - delta)).detach() / (2 * step))
    return torch.stack(found, 1)


def path_length(
    draw: Callable[[Tensor], Tensor], w: Tensor, noise: Tensor, mean: Tensor, *, decay: float = 0.01
) -> tuple[Tensor, Tensor]:
    """Lengths and their penalty in one."""
    return path_penalty(path_lengths(draw, w, noise), mean, decay=decay)


def test_penalty_of_a_linear_critic_is_its_squared_weight() -> None:
    weight = torch.randn(2, 3, 4)
    found = gradient_penalty(lambda x: (x * weight).sum((1, 2, 3)), torch.randn(5, 2, 3, 4))
    torch.testing.assert_close(found, weight.square().sum())


def test_penalty_of_a_quadratic_critic_follows_the_image() -> None:
    at = torch.randn(5, 1, 3, 3)
    found = gradient_penalty(lambda x: x.square().sum((1, 2, 3)), at)
    torch.testing.assert_close(found, (4 * at.square()).sum((1, 2, 3)).mean())


def test_one_centred_penalty_of_a_linear_critic_is_the_distance_of_its_length_from_one() -> None:
    weight = torch.randn(1, 3, 4, dtype=torch.float64)
    for length in (0.0, 0.3, 1.0, 2.5):
        scaled = weight / weight.norm() * length

        def linear(x: Tensor, scaled: Tensor = scaled) -> Tensor:
            return (x * scaled).sum((1, 2, 3))

        real, fake = torch.randn(2, 6, 1, 3, 4, dtype=torch.float64)
        found = interpolation_penalty(linear, real, fake, torch.rand(6))
        assert float(found) == pytest.approx((length - 1) ** 2, abs=1e-12)


def test_the_points_between_lie_at_their_share_of_the_way_from_fake_to_real() -> None:
    real, fake = torch.ones(3, 1, 2, 2), torch.zeros(3, 1, 2, 2)
    share = torch.tensor([0.0, 0.25, 1.0])
    # The gradient of a sum of squares is twice the point, so its length is 4 times the share.
    found = interpolation_penalty(lambda x: x.square().sum((1, 2, 3)), real, fake, share)
    torch.testing.assert_close(found, (4 * share - 1).square().mean())


def test_a_flat_critic_has_finite_gradients() -> None:
    net = critic()
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    interpolation_penalty(net, images(), images(seed=2), torch.rand(3)).backward()
    found = [p.grad for p in net.parameters() if p.grad is not None]
    assert found and all(torch.isfinite(g).all() for g in found)


def test_penalties_equal_finite_differences() -> None:
    net, real, fake = critic(), images(), images(seed=2)
    share = torch.tensor([0.1, 0.5, 0.8], dtype=torch.float64)
    one = slopes(net, real).square().sum(1).mean()
    torch.testing.assert_close(gradient_penalty(net, real), one, rtol=1e-7, atol=1e-9)
    points = share[:, None, None, None] * real + (1 - share)[:, None, None, None] * fake
    expected = (slopes(net, points).norm(dim=1) - 1).square().mean()
    found = interpolation_penalty(net, real, fake, share)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


def _plain(name: str, net: nn.Module, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """The same penalties by `autograd.grad` with a graph: the twin."""

    def gradient(at: Tensor) -> Tensor:
        leaf = at.clone().requires_grad_()
        (found,) = torch.autograd.grad(net(leaf).sum(), leaf, create_graph=True)
        return found

    if name == "r1":
        return gradient(real).square().sum((1, 2, 3)).mean()
    points = share[:, None, None, None] * real + (1 - share)[:, None, None, None] * fake
    return (gradient(points).square().sum((1, 2, 3)).sqrt() - 1).square().mean()


def _ours(name: str, net: nn.Module, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    if name == "r1":
        return gradient_penalty(net, real)
    return interpolation_penalty(net, real, fake, share)


PENALTIES = ("r1", "one-centred")


@pytest.mark.parametrize("name", PENALTIES)
def test_value_and_gradients_are_those_of_plain_double_backward(name: str) -> None:
    net, share = critic(), torch.rand(3, dtype=torch.float64)
    batch = (images(), images(seed=2), share)
    ours, plain = _ours(name, net, *batch), _plain(name, net, *batch)
    torch.testing.assert_close(ours, plain)
    parameters = list(net.parameters())
    found, expected = (
        torch.autograd.grad(value, parameters, allow_unused=True) for value in (ours, plain)
    )
    for one, other in zip(found, expected, strict=True):
        # A bias of the last layer has no say in a slope.
        assert (one is None) or torch.allclose(one, other if other is not None else 0 * one)
    assert sum(float(one.abs().sum()) for one in found if one is not None) > 0


@pytest.mark.parametrize("name", PENALTIES)
def test_gradients_by_parameters_pass_gradcheck_twice(name: str) -> None:
    batch = (images(2), images(2, seed=2), torch.tensor([0.2, 0.7], dtype=torch.float64))
    weight = torch.randn(3, 16, dtype=torch.float64, requires_grad=True)
    top = torch.randn(3, dtype=torch.float64, requires_grad=True)

    def value(weight: Tensor, top: Tensor) -> Tensor:
        net = lambda x: torch.tanh(x.flatten(1) @ weight.T) @ top  # noqa: E731
        return _ours(name, net, *batch)  # type: ignore[arg-type]

    assert torch.autograd.gradcheck(value, (weight, top))
    assert torch.autograd.gradgradcheck(value, (weight, top))


def test_penalty_reaches_the_parameters_of_the_real_discriminator() -> None:
    torch.manual_seed(0)
    net = Discriminator(channels=[6, 4], image_channels=1, base=(4, 4), group=2)
    at = torch.randn(4, 1, 8, 8)
    gradient_penalty(lambda x: net(x, 1), at).backward()
    ours = {n: p.grad.clone() for n, p in net.named_parameters() if p.grad is not None}
    net.zero_grad()
    leaf = at.clone().requires_grad_()
    (inner,) = torch.autograd.grad(net(leaf, 1).sum(), leaf, create_graph=True)
    inner.square().sum((1, 2, 3)).mean().backward()
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, msg=name)
    assert any(g.abs().sum() > 0 for g in ours.values())


def drawer(w: Tensor) -> Tensor:
    """A smooth toy generator: N x 3 or N x 2 x 3 to N x 1 x 4 x 5."""
    rng = torch.Generator().manual_seed(5)
    first = torch.randn(w[0].numel(), 6, generator=rng, dtype=w.dtype)
    last = torch.randn(6, 20, generator=rng, dtype=w.dtype)
    return (torch.tanh(w.flatten(1) @ first) @ last).view(-1, 1, 4, 5)


def test_path_length_of_a_linear_generator_is_that_of_its_matrix() -> None:
    rng = torch.Generator().manual_seed(0)
    matrix = torch.randn(7, 20, generator=rng, dtype=torch.float64)
    noise = torch.randn(6, 1, 4, 5, generator=rng, dtype=torch.float64)
    w = torch.randn(6, 7, generator=rng, dtype=torch.float64)
    mean = torch.tensor(3.0, dtype=torch.float64)
    found, new = path_length(lambda x: (x @ matrix).view(-1, 1, 4, 5), w, noise, mean, decay=0.1)
    lengths = (noise.flatten(1) @ matrix.T / math.sqrt(20)).norm(dim=1)
    torch.testing.assert_close(new, 3.0 + 0.1 * (lengths.mean() - 3.0))
    torch.testing.assert_close(found, (lengths - new).square().mean())


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3)])
def test_path_length_equals_finite_differences(shape: tuple[int, ...]) -> None:
    rng = torch.Generator().manual_seed(0)
    w = torch.randn(shape, generator=rng, dtype=torch.float64)
    noise = torch.randn(4, 1, 4, 5, generator=rng, dtype=torch.float64)
    found, mean = path_length(drawer, w, noise, torch.zeros((), dtype=torch.float64))
    product = lambda x: (drawer(x) * noise / math.sqrt(20)).sum((1, 2, 3))  # noqa: E731
    squares = slopes(product, w).square().view(shape).sum(-1)
    lengths = (squares.mean(1) if squares.dim() == 2 else squares).sqrt()
    torch.testing.assert_close(mean, 0.01 * lengths.mean(), rtol=1e-7, atol=1e-9)
    expected = (lengths - 0.01 * lengths.mean()).square().mean()
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


def test_path_length_has_the_gradients_of_plain_double_backward_and_a_constant_target() -> None:
    rng = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 16)).double()
    w = torch.randn(4, 3, generator=rng, dtype=torch.float64)
    noise = torch.randn(4, 1, 4, 4, generator=rng, dtype=torch.float64)
    mean = torch.ones((), dtype=torch.float64)
    found, new = path_length(lambda x: net(x).view(-1, 1, 4, 4), w, noise, mean)
    assert not new.requires_grad
    leaf = w.clone().requires_grad_()
    (inner,) = torch.autograd.grad(
        (net(leaf) * noise.flatten(1) / 4).sum(), leaf, create_graph=True
    )
    plain = (inner.square().sum(1).sqrt() - new).square().mean()
    parameters = [net[0].weight, net[0].bias, net[2].weight]
    for one, other in zip(
        torch.autograd.grad(found, parameters),
        torch.autograd.grad(plain, parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_the_running_mean_settles_at_the_mean_length() -> None:
    rng, mean = torch.Generator().manual_seed(0), torch.zeros(())
    orthogonal = torch.linalg.qr(torch.randn(20, 5, generator=rng)).Q.T
    for _ in range(800):
        noise = torch.randn(32, 1, 4, 5, generator=rng)
        w = torch.randn(32, 5, generator=rng)
        _, mean = path_length(lambda x: (x @ orthogonal).view(-1, 1, 4, 5), w, noise, mean)
    # |Q y| of five orthonormal rows: chi with five degrees of freedom, 2.1277, by 1 / sqrt(H W).
    assert float(mean) == pytest.approx(2.1277 / math.sqrt(20), rel=0.02)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_compiled_loss_has_the_same_value_and_gradients(name: str) -> None:
    net, share = critic(), torch.rand(3, dtype=torch.float64)
    batch = (images(), images(seed=2), share)
    compiled = torch.compile(lambda *b: _ours(name, net, *b), backend="aot_eager", fullgraph=True)
    values = [_ours(name, net, *batch), compiled(*batch)]
    torch.testing.assert_close(*values)
    parameters = [p for p in net.parameters() if p.dim() > 1]
    gradients = [torch.autograd.grad(value, parameters) for value in values]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_a_compiled_path_length_has_the_same_value_and_gradients() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 16)).double()
    w, noise = torch.randn(4, 3).double(), torch.randn(4, 1, 4, 4).double()
    mean = torch.ones((), dtype=torch.float64)

    def value(w: Tensor, noise: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
        return path_length(lambda x: net(x).view(-1, 1, 4, 4), w, noise, mean)

    compiled = torch.compile(value, backend="aot_eager", fullgraph=True)(w, noise, mean)
    plain = value(w, noise, mean)
    torch.testing.assert_close(plain, compiled)
    one, other = (torch.autograd.grad(found[0], net[0].weight) for found in (plain, compiled))
    torch.testing.assert_close(one, other)
