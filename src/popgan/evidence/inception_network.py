"""Inception-v3 as TensorFlow published it on 2015-12-05, the network that FID is defined with.

Szegedy et al. 2016 (arXiv 1512.00567), as a table of layers. The layers bear the names that the
PyTorch copies of the weights give them. Three things differ from the network of the paper, and
from the one that PyTorch's own model zoo has: averages over 3 x 3 pixels leave out what lies
outside of the map, the very last block takes the maximum where others take the average, and there
are 1008 classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 2048
CLASSES = 1008
_EPSILON = 0.001  # of the normalisation, in training and here


@dataclass(frozen=True)
class _Layer:
    """A convolution with normalisation; if padded, the map keeps its size."""

    name: str
    width: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padded: bool = True


@dataclass(frozen=True)
class _Fork:
    """Two layers that both take what comes, side by side."""

    left: _Layer
    right: _Layer


_Pool = Literal["average", "largest", "half"]
_Step = _Layer | _Fork | _Pool
_Path = tuple[_Step, ...]


def _block_a(pooled: int) -> tuple[_Path, ...]:
    """35 x 35 maps."""
    return (
        (_Layer("branch1x1", 64),),
        (_Layer("branch5x5_1", 48), _Layer("branch5x5_2", 64, 5)),
        (
            _Layer("branch3x3dbl_1", 64),
            _Layer("branch3x3dbl_2", 96, 3),
            _Layer("branch3x3dbl_3", 96, 3),
        ),
        ("average", _Layer("branch_pool", pooled)),
    )


def _block_c(inner: int) -> tuple[_Path, ...]:
    """17 x 17 maps: lines of seven pixels, one way and the other."""
    row, column = (1, 7), (7, 1)
    return (
        (_Layer("branch1x1", 192),),
        (
            _Layer("branch7x7_1", inner),
            _Layer("branch7x7_2", inner, row),
            _Layer("branch7x7_3", 192, column),
        ),
        (
            _Layer("branch7x7dbl_1", inner),
            _Layer("branch7x7dbl_2", inner, column),
            _Layer("branch7x7dbl_3", inner, row),
            _Layer("branch7x7dbl_4", inner, column),
            _Layer("branch7x7dbl_5", 192, row),
        ),
        ("average", _Layer("branch_pool", 192)),
    )


def _block_e(pool: _Pool) -> tuple[_Path, ...]:
    """8 x 8 maps: a row of three beside a column of three."""

    def fork(name: str) -> _Fork:
        return _Fork(_Layer(f"{name}a", 384, (1, 3)), _Layer(f"{name}b", 384, (3, 1)))

    return (
        (_Layer("branch1x1", 320),),
        (_Layer("branch3x3_1", 384), fork("branch3x3_2")),
        (_Layer("branch3x3dbl_1", 448), _Layer("branch3x3dbl_2", 384, 3), fork("branch3x3dbl_3")),
        (pool, _Layer("branch_pool", 192)),
    )


# 35 x 35 to 17 x 17, and 17 x 17 to 8 x 8.
_BLOCK_B: tuple[_Path, ...] = (
    (_Layer("branch3x3", 384, 3, 2, False),),
    (
        _Layer("branch3x3dbl_1", 64),
        _Layer("branch3x3dbl_2", 96, 3),
        _Layer("branch3x3dbl_3", 96, 3, 2, False),
    ),
    ("half",),
)
_BLOCK_D: tuple[_Path, ...] = (
    (_Layer("branch3x3_1", 192), _Layer("branch3x3_2", 320, 3, 2, False)),
    (
        _Layer("branch7x7x3_1", 192),
        _Layer("branch7x7x3_2", 192, (1, 7)),
        _Layer("branch7x7x3_3", 192, (7, 1)),
        _Layer("branch7x7x3_4", 192, 3, 2, False),
    ),
    ("half",),
)
_STEM: _Path = (
    _Layer("Conv2d_1a_3x3", 32, 3, 2, False),
    _Layer("Conv2d_2a_3x3", 32, 3, 1, False),
    _Layer("Conv2d_2b_3x3", 64, 3),
    "half",
    _Layer("Conv2d_3b_1x1", 80),
    _Layer("Conv2d_4a_3x3", 192, 3, 1, False),
    "half",
)
_MIXED: dict[str, tuple[_Path, ...]] = {
    "Mixed_5b": _block_a(32),
    "Mixed_5c": _block_a(64),
    "Mixed_5d": _block_a(64),
    "Mixed_6a": _BLOCK_B,
    "Mixed_6b": _block_c(128),
    "Mixed_6c": _block_c(160),
    "Mixed_6d": _block_c(160),
    "Mixed_6e": _block_c(192),
    "Mixed_7a": _BLOCK_D,
    "Mixed_7b": _block_e("average"),
    "Mixed_7c": _block_e("largest"),
}


class _Convolution(nn.Module):
    """Convolution without bias, normalisation, ReLU."""

    def __init__(self, before: int, layer: _Layer) -> None:
        super().__init__()
        high, wide = (layer.kernel,) * 2 if isinstance(layer.kernel, int) else layer.kernel
        padding = (high // 2, wide // 2) if layer.padded else (0, 0)
        self.conv = nn.Conv2d(before, layer.width, (high, wide), layer.stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(layer.width, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.bn(self.conv(x)))


def _build(owner: nn.Module, width: int, path: _Path) -> int:
    """Give `owner` the layers of a path that `width` channels enter; how many leave it."""
    for step in path:
        if isinstance(step, str):
            continue
        layers = (step,) if isinstance(step, _Layer) else (step.left, step.right)
        for layer in layers:
            owner.add_module(layer.name, _Convolution(width, layer))
        width = sum(layer.width for layer in layers)
    return width


def _follow(owner: nn.Module, x: Tensor, path: _Path) -> Tensor:
    """Send a map along a path of `owner`'s layers."""
    for step in path:
        if isinstance(step, str):
            x = _pool(x, step)
        elif isinstance(step, _Layer):
            x = owner.get_submodule(step.name)(x)
        else:
            both = [owner.get_submodule(layer.name)(x) for layer in (step.left, step.right)]
            x = torch.cat(both, 1)
    return x


def _pool(x: Tensor, kind: _Pool) -> Tensor:
    """3 x 3 pixels to one; "half" moves two pixels at a time and needs all nine of them."""
    if kind == "half":
        return F.max_pool2d(x, 3, 2)
    if kind == "largest":
        return F.max_pool2d(x, 3, 1, 1)
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class _Mixed(nn.Module):
    """Paths that all take the same map; their results one after the other as channels."""

    def __init__(self, before: int, paths: tuple[_Path, ...]) -> None:
        super().__init__()
        self.paths = paths
        self.width = sum(_build(self, before, path) for path in paths)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([_follow(self, x, path) for path in self.paths], 1)


class InceptionNetwork(nn.Module):
    """n x 3 x 299 x 299, values (v - 128) / 128 of 8-bit v -> n x 2048 features.

    `fc`, the layer behind the features, belongs to the file of weights and is not used.
    """

    def __init__(self) -> None:
        super().__init__()
        width = _build(self, 3, _STEM)
        for name, paths in _MIXED.items():
            block = _Mixed(width, paths)
            self.add_module(name, block)
            width = block.width
        assert width == FEATURES
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Features of images, n x 2048."""
        x = _follow(self, x, _STEM)
        for name in _MIXED:
            x = self.get_submodule(name)(x)
        return x.mean((2, 3))
