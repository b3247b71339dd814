"""Images to images: the residual generator of contrast translation, as a row of parts.

Johnson et al. (ECCV 2016) as used by CycleGAN and pGAN (Dar et al., IEEE TMI 2019): a 7 x 7 layer,
layers with step 2 that double the features, residual blocks at the smallest size, and the way back
up. The parts stand in a row, so that the joint network of mustGAN can begin behind any of them.
Differences: the way up enlarges and convolves (transposed convolutions leave a chequered pattern,
Odena et al., 2016), zeros and not mirror images lie outside of a map, first weights follow He, and
dropout drops whole feature maps, on the way up as well: what is uncertain about details is decided
there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from popgan.networks.layers import enlarge


class Norm(nn.Module):
    """Instance normalisation (Ulyanov et al., 2016) with gain and offset, or nothing.

    Args:
        maps: feature maps.
        kind: "instance" or "none".
    """

    def __init__(self, maps: int, kind: str) -> None:
        super().__init__()
        if kind not in ("instance", "none"):
            raise ValueError(f"unknown normalisation {kind!r}")
        self.weight = nn.Parameter(torch.ones(maps)) if kind == "instance" else None
        self.bias = nn.Parameter(torch.zeros(maps)) if kind == "instance" else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each feature map of each image: N x C x H x W to the same."""
        if self.weight is None:
            return x
        return F.instance_norm(x, weight=self.weight, bias=self.bias)


class Layer(nn.Module):
    """Convolution, normalisation, ReLU.

    Args:
        maps_in, maps_out: feature maps.
        kernel: side of the kernel.
        stride: step.
        norm: see `Norm`.
        active: whether a ReLU follows.
    """

    def __init__(
        self,
        maps_in: int,
        maps_out: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        norm: str,
        active: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(maps_in, maps_out, kernel, stride, kernel // 2, bias=norm == "none")
        self.norm = Norm(maps_out, norm)
        self.active = active
        he_start(self.conv)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """N x maps_in x H x W to N x maps_out x H/stride x W/stride; `keep` is not used."""
        x = self.norm(self.conv(x))
        return torch.relu(x) if self.active else x


class Up(nn.Module):
    """Twice the size by linear interpolation; with a direct path from the layer of that size.

    Args:
        maps_in, maps_out: feature maps.
        norm: see `Norm`.
        skip: whether features of the way down lie beside those of the way up.
        column: where its maps begin in a row of `keep`.
    """

    def __init__(self, maps_in: int, maps_out: int, *, norm: str, skip: bool, column: int) -> None:
        super().__init__()
        self.column, self.maps = column, maps_out
        # Fewer maps before they are four times as large.
        self.narrow = Layer(maps_in, maps_out, kernel=1, norm=norm) if skip else None
        self.layer = Layer(2 * maps_out if skip else maps_in, maps_out, norm=norm)

    def forward(self, x: Tensor, keep: Tensor | None, beside: Tensor | None) -> Tensor:
        """N x maps_in x H x W to N x maps_out x 2H x 2W.

        Args:
            x: features of the way up.
            keep: factors of dropout of the whole generator, or None.
            beside: N x maps_out x 2H x 2W, features of the way down; None without a direct path.
        """
        if self.narrow is None or beside is None:
            large: Tensor = self.layer(enlarge(x))
        else:
            large = self.layer(torch.cat([enlarge(self.narrow(x)), beside], 1))
        if keep is None:
            return large
        own = keep[:, self.column : self.column + self.maps, None, None]
        return large * own.to(large.dtype)


class Blocks(nn.Module):
    """Residual blocks: x + layer(dropout(layer(x))).

    Args:
        maps: feature maps.
        count: how many blocks.
        norm: see `Norm`.
        first: number of the first block among all of a generator, for its column of `keep`.
    """

    def __init__(self, maps: int, count: int, *, norm: str, first: int) -> None:
        super().__init__()
        self.maps, self.first = maps, first
        self.inner = nn.ModuleList(Layer(maps, maps, norm=norm) for _ in range(count))
        self.outer = nn.ModuleList(Layer(maps, maps, norm=norm, active=False) for _ in range(count))
        if norm == "none":
            # Without normalisation the sum would grow with the number of blocks: they start as
            # nothing (Zhang et al., Fixup, ICLR 2019).
            for layer in self.outer:
                assert isinstance(layer, Layer)
                nn.init.zeros_(layer.conv.weight)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """N x C x H x W to the same; `keep`: dropout factors, C for each block come first."""
        for number, (inner, outer) in enumerate(zip(self.inner, self.outer, strict=True)):
            within = inner(x)
            if keep is not None:
                start = (self.first + number) * self.maps
                within = within * keep[:, start : start + self.maps, None, None].to(within.dtype)
            x = x + outer(within)
        return x


class Head(nn.Module):
    """The image: a 7 x 7 convolution, float32; in training nothing bounds it.

    Published with tanh. Most of a slice is air at -1, where tanh is flat: in our first trials all
    pixels were driven there within some hundred steps, and none came back.

    Args:
        maps: feature maps.
    """

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(maps, 1, 7, padding=3)
        he_start(self.conv, gain=0.1)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """N x C x H x W to N x 1 x H x W, mostly in [-1, 1]; `keep` is not used."""
        image: Tensor = self.conv(x)
        return image.float()


class ResNetGenerator(nn.Module):
    """Sources to target, part after part.

    Args:
        inputs: channels of the input.
        width: feature maps at full size; doubled at each halving.
        halvings: layers with step 2.
        blocks: residual blocks.
        norm: see `Norm`.
        skips: whether there are direct paths from the way down to the way up, as in a U-Net
            (Ronneberger et al., MICCAI 2015): details then need not pass the smallest size.
        start: number of the part that this network begins with; 0 = the whole of it. Otherwise
            it takes the features behind part `start - 1`.

    Attributes:
        names: what the places behind the parts are called (`config.network.fusions`).
        widths: feature maps behind each part.
        dropped: length of a row of `keep`: feature maps that dropout acts on.
    """

    def __init__(
        self,
        *,
        inputs: int,
        width: int,
        halvings: int,
        blocks: int,
        norm: str,
        skips: bool,
        start: int = 0,
    ) -> None:
        super().__init__()
        low, half = width * 2**halvings, blocks // 2
        parts: list[nn.Module] = [Layer(inputs, width, kernel=7, norm=norm)]
        parts += [
            Layer(width * 2**depth, width * 2 ** (depth + 1), stride=2, norm=norm)
            for depth in range(halvings)
        ]
        parts += [Blocks(low, half, norm=norm, first=0)]
        parts += [Blocks(low, blocks - half, norm=norm, first=half)]
        column = blocks * low
        for depth in reversed(range(halvings)):
            maps = width * 2**depth
            parts.append(Up(2 * maps, maps, norm=norm, skip=skips, column=column))
            column += maps
        parts += [Head(width)]
        self.start, self.halvings, self.skips = start, halvings, skips
        self.parts = nn.ModuleList(parts[start:])
        self.names = part_names(halvings)
        down = [width * 2**depth for depth in range(halvings + 1)]
        self.widths = [*down, low, low, *down[:-1][::-1], 1]
        self.dropped = column

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Translate.

        Args:
            x: N x C x H x W, sources in [-1, 1]; H and W multiples of 2^halvings.
            keep: N x `dropped` factors of dropout; None drops nothing.

        Returns:
            N x 1 x H x W, mostly in [-1, 1], float32.
        """
        return self.run(x, keep, [])

    def run(
        self,
        x: Tensor,
        keep: Tensor | None,
        beside: list[Tensor],
        *,
        first: int = 0,
        last: int | None = None,
    ) -> Tensor:
        """Run some of the parts.

        Args:
            x: what part number `first` takes.
            keep: N x `dropped` factors of dropout, or None.
            beside: features of the way down, from full size; those of the parts before `first` are
                needed for direct paths, those of the parts that run are appended.
            first: number of the first part to run.
            last: number of the part to stop before; all by default.

        Returns:
            What the last part gives: the image, or features.
        """
        last = self.start + len(self.parts) if last is None else last
        for number in range(first, last):
            part = self.parts[number - self.start]
            if isinstance(part, Up):
                depth = 2 * self.halvings + 2 - number
                x = part(x, keep, beside[depth] if self.skips else None)
            else:
                x = part(x, keep)
            if number < self.halvings:
                beside.append(x)
        return x


def part_names(halvings: int) -> list[str]:
    """A name for the place behind each part of a generator; "" where nothing is fused.

    Amid the residual blocks is the bottleneck; behind them and behind the image nothing is.
    """
    down = [f"encoder {depth + 1}" for depth in range(halvings + 1)]
    return [*down, "bottleneck", "", *(f"decoder {depth + 1}" for depth in range(halvings)), ""]


def he_start(conv: nn.Conv2d, gain: float = 1.0) -> None:
    """First weights with the variance that keeps that of the signal (He et al., 2015)."""
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    with torch.no_grad():
        conv.weight.mul_(gain)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
