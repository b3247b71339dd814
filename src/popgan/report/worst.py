"""The worst of the measured images, by a rule that is written here and nothing that looks good."""

from __future__ import annotations

from collections.abc import Collection

from popgan.evidence.fidelity.results import FidelityResult

WORST = 25
RULE = (
    "The synthetic images that lie farthest, in feature space, from every real training image, "
    "the farthest first: what the network finds least plausible."
)


def worst_places(
    fidelity: FidelityResult, count: int = WORST, *, without: Collection[int] = ()
) -> list[int]:
    """Places of the least plausible images among those that were measured, the least first.

    Args:
        without: places that are not to be shown.
    """
    order = sorted(fidelity.nearest, key=lambda pair: (-pair.distance, pair.synthetic))
    return [pair.synthetic for pair in order if pair.synthetic not in without][:count]
