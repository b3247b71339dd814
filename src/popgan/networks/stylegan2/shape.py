"""The resolutions of a StyleGAN2 and the feature maps at each."""

from __future__ import annotations

Size = int | tuple[int, int]


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


def feature_maps(
    sizes: list[tuple[int, int]], channel_base: int, channel_max: int, widths: list[int] | None
) -> list[int]:
    """Feature maps at every level: channel_base / side, at most channel_max; or `widths`.

    Raises:
        ValueError: `widths` has not one entry a level.
    """
    if widths is None:
        return [max(1, min(channel_base // min(size), channel_max)) for size in sizes]
    if len(widths) != len(sizes):
        raise ValueError(f"{len(widths)} widths for {len(sizes)} levels")
    return widths
