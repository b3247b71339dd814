"""The levels of a StyleGAN2: the resolution and the feature maps of each."""

from __future__ import annotations

from dataclasses import dataclass

Size = int | tuple[int, int]


@dataclass(frozen=True)
class Levels:
    """The levels of a network, lowest first.

    Attributes:
        sizes: height and width of the images, pixels.
        maps: feature maps.
    """

    sizes: list[tuple[int, int]]
    maps: list[int]


def levels(
    resolution: Size,
    *,
    widths: list[int] | None = None,
    channel_base: int = 16384,
    channel_max: int = 512,
) -> Levels:
    """The levels for images of a size.

    Args:
        resolution: pixels a side, or height and width.
        widths: feature maps at every level, lowest first; None: by the published rule below.
        channel_base: feature maps of a level are this divided by its side ...
        channel_max: ... but at most so many.

    Raises:
        ValueError: the resolution is no 3 .. 8 times a power of two, that of the number of
            `widths` where they are given.
    """
    sizes = pyramid(resolution, len(widths) if widths else None)
    if widths is None:
        widths = [max(1, min(channel_base // min(size), channel_max)) for size in sizes]
    return Levels(sizes, widths)


def pyramid(resolution: Size, levels: int | None = None) -> list[tuple[int, int]]:
    """Height and width at every level, lowest first.

    Args:
        resolution: of the images, pixels a side, or height and width.
        levels: how many; None: as many as leave 4 pixels a side, or 3 where 4 is not possible.

    Raises:
        ValueError: the sides are no 3 .. 8 times that power of two.
    """
    height, width = resolution if isinstance(resolution, tuple) else (resolution, resolution)
    tried = range(10) if levels is None else [levels - 1]
    fitting = [
        k
        for k in tried
        if all(side % 2**k == 0 and 3 <= side >> k <= 8 for side in (height, width))
    ]
    if not fitting:
        raise ValueError(f"{height} x {width} is not 3..8 times a power of two")
    roomy = [k for k in fitting if min(height, width) >> k >= 4]
    return [(height >> k, width >> k) for k in range(max(roomy or fitting), -1, -1)]
