"""Radiomics of the head in an image, as an extractor: its features are cached like a network's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from popgan.evidence.paired.regions import brain_mask
from popgan.evidence.radiomics.suite import BINS, names_of, radiomics

REGION = "head"
_BLOCK = 256
VERSION = 1  # raise when a feature or the region changes, so that old ones are not taken for new


class HeadRadiomics:
    """Intensity and texture of every contrast within the head, and the head's outline.

    The head is what is brighter than air, with its holes filled (`brain_mask`): in a skull-stripped
    image the brain. Without it, what most columns would measure is the size of the background.
    """

    @property
    def identity(self) -> dict[str, Any]:
        """What decides whether features may be compared."""
        return {"radiomics": VERSION, "region": REGION, "bins": BINS}

    @staticmethod
    def names(contrasts: int) -> tuple[str, ...]:
        """Names of the features of images with so many contrasts."""
        return names_of([f"contrast {c + 1}" for c in range(contrasts)], [REGION])

    def __call__(
        self, images: np.ndarray, *, advance: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Features of images N x C x H x W in [-1, 1]: N x F, float32.

        Raises:
            UserError: not four axes, or a value that is not a finite number.
        """
        found = []
        for start in range(0, len(images), _BLOCK):
            block = np.asarray(images[start : start + _BLOCK], np.float32)
            heads = {REGION: brain_mask((block + 1) / 2)}
            found.append(radiomics(block, heads, advance=advance).values.astype(np.float32))
        return np.concatenate(found)
