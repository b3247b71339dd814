"""Gradient penalties against closed forms and finite differences."""

from __future__ import annotations

import torch

from popgan.networks.progressive import Discriminator
from popgan.objectives.penalties import gradient_penalty


def test_penalty_of_a_linear_critic_is_its_squared_weight() -> None:
    weight = torch.randn(2, 3, 4)
    images = torch.randn(5, 2, 3, 4)
    found = gradient_penalty(lambda x: (x * weight).sum((1, 2, 3)), images)
    torch.testing.assert_close(found, weight.square().sum())


def test_penalty_of_a_quadratic_critic_follows_the_image() -> None:
    images = torch.randn(5, 1, 3, 3)
    found = gradient_penalty(lambda x: x.square().sum((1, 2, 3)), images)
    torch.testing.assert_close(found, (4 * images.square()).sum((1, 2, 3)).mean())


def test_penalty_equals_finite_differences_of_the_discriminator() -> None:
    torch.manual_seed(0)
    net = Discriminator(channels=[6, 4], image_channels=1, base=(4, 4), group=1).double()
    # The head casts to float32 by design; finite differences need more.
    net.forward = _double_forward(net)  # type: ignore[method-assign]
    images = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    step, total = 1e-6, torch.zeros(2, dtype=torch.float64)
    for index in range(64):
        delta = torch.zeros(64, dtype=torch.float64)
        delta[index] = step
        delta = delta.view(1, 1, 8, 8)
        total += ((net(images + delta) - net(images - delta)) / (2 * step)).detach().square()
    found = gradient_penalty(net, images)
    torch.testing.assert_close(found.double(), total.mean(), rtol=1e-5, atol=1e-8)


def _double_forward(net: Discriminator):  # type: ignore[no-untyped-def]
    from popgan.networks.layers import leaky_relu

    def forward(image: torch.Tensor) -> torch.Tensor:
        x = leaky_relu(net.from_image[1](image))
        x = leaky_relu(net.last(net.blocks[0](x)))
        return net.logit(leaky_relu(net.dense(x.flatten(1)))).squeeze(1)

    return forward


def test_penalty_reaches_the_parameters_with_the_gradient_of_plain_double_backward() -> None:
    torch.manual_seed(0)
    net = Discriminator(channels=[6, 4], image_channels=1, base=(4, 4), group=2)
    images = torch.randn(4, 1, 8, 8)
    gradient_penalty(lambda x: net(x, 1), images).backward()
    ours = {n: p.grad.clone() for n, p in net.named_parameters() if p.grad is not None}
    net.zero_grad()
    leaf = images.clone().requires_grad_()
    (inner,) = torch.autograd.grad(net(leaf, 1).sum(), leaf, create_graph=True)
    inner.square().sum((1, 2, 3)).mean().backward()
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, msg=name)
    assert any(g.abs().sum() > 0 for g in ours.values())
