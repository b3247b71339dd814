"""StyleGAN2: published sizes, modulation as published, noise and truncation, any shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.signal import convolve2d
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from popgan.networks.layers import rate_scales
from popgan.networks.progressive import count_parameters
from popgan.networks.stylegan2 import Discriminator, Generator, levels
from popgan.networks.stylegan2.modulation import StyledConv, ToImage
from popgan.networks.stylegan2.shape import Size, pyramid


def small_generator(resolution: Size = 16, **more: Any) -> Generator:
    found = levels(resolution, channel_base=64, channel_max=8)
    return Generator(found, latent_dim=6, **more)


def small_discriminator(resolution: Size = 16, **more: Any) -> Discriminator:
    return Discriminator(levels(resolution, channel_base=64, channel_max=8), **more)


@pytest.mark.parametrize(
    ("resolution", "base", "most", "generator", "discriminator"),
    [
        (128, 16384, 512, 22_944_401, 23_882_113),
        (128, 4096, 128, 2_618_801, 1_494_625),
        (64, 4096, 128, 2_525_390, 1_464_897),
    ],
)
def test_parameter_counts_are_those_of_the_reference(
    resolution: int, base: int, most: int, generator: int, discriminator: int
) -> None:
    published = levels(resolution, channel_base=base, channel_max=most)
    with torch.device("meta"):
        found = Generator(published, channels=1, latent_dim=512, mapping_layers=2)
        assert count_parameters(found) == generator
        assert count_parameters(Discriminator(published, channels=1)) == discriminator


class FusedReference(torch.nn.Module):
    """The published form: one kernel a sample, unit-variance weights, gain after activation."""

    def __init__(self, twin: StyledConv) -> None:
        super().__init__()
        self.twin = twin
        out, maps = twin.weight.shape[:2]
        self.weight = twin.weight.detach() * math.sqrt(maps * 9)
        self.out, self.maps = out, maps

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        twin, count = self.twin, len(x)
        style = F.linear(w, twin.affine.weight, twin.affine.bias)
        kernels = self.weight[None] * style[:, None, :, None, None]
        norm = torch.rsqrt(kernels.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        kernels = kernels * norm
        rows = []
        for sample, kernel in zip(x, kernels, strict=True):
            rows.append(self.one(sample[None], kernel))
        y = torch.cat(rows)
        root = math.sqrt(2)
        y = y + noise * twin.strength / root + (twin.bias / root)[:, None, None]
        assert len(y) == count
        return F.leaky_relu(y, 0.2) * root

    def one(self, x: Tensor, kernel: Tensor) -> Tensor:
        if not self.twin.up:
            return F.conv2d(x, kernel, padding=1)
        # Zeros between pixels, the kernel, then the smoothing filter by scipy: nothing shared.
        height, width = x.shape[2:]
        sparse = torch.zeros(1, self.maps, 2 * height, 2 * width, dtype=x.dtype)
        sparse[:, :, ::2, ::2] = x
        y = F.conv2d(F.pad(sparse, (2, 1, 2, 1)), kernel)
        taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
        full = [convolve2d(plane, taps) for plane in y[0].detach().numpy()]
        return torch.from_numpy(np.stack(full))[None, :, 2:-2, 2:-2].to(x.dtype)


def scaled(x: Tensor, scale: Tensor) -> Tensor:
    return x * scale[:, :, None, None]


@pytest.mark.parametrize("up", [False, True])
def test_modulation_is_that_of_one_kernel_a_sample(up: bool) -> None:
    torch.manual_seed(0)
    layer = StyledConv(5, 7, latent_dim=6, up=up).double()
    torch.nn.init.normal_(layer.bias)
    torch.nn.init.constant_(layer.strength, 0.3)
    x = torch.randn(3, 5, 6, 4, dtype=torch.float64)
    w = torch.randn(3, 6, dtype=torch.float64)
    size = (12, 8) if up else (6, 4)
    noise = torch.randn(3, 1, *size, dtype=torch.float64)
    found = scaled(*layer(x, w, noise))
    expected = FusedReference(layer)(x, w, noise)
    assert found.shape == expected.shape == (3, 7, *size)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("up", [False, True])
def test_modulation_has_exact_first_and_second_derivatives(up: bool) -> None:
    torch.manual_seed(0)
    layer = StyledConv(2, 3, latent_dim=2, up=up).double()
    torch.nn.init.constant_(layer.strength, 0.3)
    x = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    side = 6 if up else 3
    noise = torch.randn(1, 1, side, side, dtype=torch.float64)
    weight = layer.weight.detach().clone().requires_grad_()

    def whole(x: Tensor, w: Tensor, weight: Tensor) -> Tensor:
        return scaled(*torch.func.functional_call(layer, {"weight": weight}, (x, w, noise)))

    assert gradcheck(whole, (x, w, weight))
    assert gradgradcheck(whole, (x, w, weight))


def test_drawing_modulates_and_does_not_demodulate() -> None:
    torch.manual_seed(0)
    layer = ToImage(4, 2, latent_dim=3)
    x, w = torch.randn(2, 4, 5, 5), torch.randn(2, 3)
    style = layer.affine(w)
    expected = torch.einsum("nchw,oc,nc->nohw", x, layer.weight[:, :, 0, 0], style)
    torch.testing.assert_close(layer(x, w), expected)


@pytest.mark.parametrize("resolution", [16, 24, (12, 16), (40, 24), (6, 14)])
def test_square_or_not(resolution: Size) -> None:
    torch.manual_seed(0)
    generator = small_generator(resolution, channels=2)
    discriminator = small_discriminator(resolution, channels=2)
    images = generator(torch.randn(4, 6))
    size = resolution if isinstance(resolution, tuple) else (resolution, resolution)
    assert images.shape == (4, 2, *size)
    assert discriminator(images).shape == (4,)


def test_shapes_that_cannot_be_are_refused() -> None:
    assert pyramid(24)[0] == (6, 6)
    assert pyramid(24, 4)[0] == (3, 3)
    for bad in (4 * 9, (64, 16), 23):
        with pytest.raises(ValueError, match="power of two"):
            pyramid(bad)
        with pytest.raises(ValueError, match="power of two"):
            levels(bad)
    with pytest.raises(ValueError, match="power of two"):
        levels(16, widths=[8] * 5)


def test_noise_is_part_of_the_image_and_only_when_it_has_strength() -> None:
    torch.manual_seed(0)
    generator = small_generator()
    z = torch.randn(2, 6)
    one, other = (torch.randn(2, generator.noise_size) for _ in range(2))
    torch.testing.assert_close(generator(z, noise=one), generator(z, noise=other))
    for name, parameter in generator.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.constant_(parameter, 0.5)
    assert (generator(z, noise=one) - generator(z, noise=other)).abs().max() > 0.01
    torch.testing.assert_close(generator(z), generator(z))
    assert generator.noise_size == 16 + 2 * 64 + 2 * 256


def test_truncation_leads_to_the_average_style() -> None:
    torch.manual_seed(0)
    generator = small_generator()
    z = torch.randn(3, 6)
    w = generator.mapping(z)
    for _ in range(3000):
        generator.mapping.track(w)
    torch.testing.assert_close(generator.mapping.average, w.mean(0), rtol=1e-4, atol=1e-4)
    images = generator(z, truncation=0.0)
    torch.testing.assert_close(images[0], images[1])
    middle = generator.mapping.truncate(w, 0.5)
    torch.testing.assert_close(middle, (w + generator.mapping.average) / 2)


def test_the_mapping_learns_at_a_hundredth_of_the_rate() -> None:
    generator = small_generator()
    rates = {
        id(parameter): rate for rate, group in rate_scales(generator).items() for parameter in group
    }
    first = generator.mapping.layers[0]
    assert rates[id(first.weight)] == pytest.approx(0.01 * math.sqrt(2 / 6))
    assert rates[id(first.bias)] == pytest.approx(0.01 * math.sqrt(2))
    block = generator.synthesis.blocks[1]
    assert rates[id(block.conv.weight)] == pytest.approx(1 / math.sqrt(8 * 9))
    assert rates[id(block.conv.bias)] == pytest.approx(math.sqrt(2))
    assert rates[id(generator.synthesis.constant)] == 1.0


def test_half_precision_agrees_with_float32() -> None:
    torch.manual_seed(0)
    generator, discriminator = small_generator(), small_discriminator()
    z = torch.randn(4, 6)
    exact = generator(z)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = generator(z)
        logit = discriminator(coarse)
    assert coarse.dtype == logit.dtype == torch.float32
    assert (coarse - exact).abs().mean() < 0.03 * exact.abs().mean() + 0.01


def test_a_condition_reaches_both_networks_and_is_asked_for() -> None:
    torch.manual_seed(0)
    generator = small_generator(condition=3)
    discriminator = small_discriminator(condition=3)
    z, told = torch.randn(4, 6), torch.eye(3)[[0, 1, 2, 0]]
    images = generator(z, condition=told)
    assert (images - generator(z, condition=told.flip(0))).abs().max() > 1e-3
    logits = discriminator(images, condition=told)
    assert (logits - discriminator(images, condition=told.flip(0))).abs().max() > 1e-3
    with pytest.raises(ValueError, match="a condition"):
        generator(z)
    with pytest.raises(ValueError, match="no condition"):
        small_generator()(z, condition=told)
