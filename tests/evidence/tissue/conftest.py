"""One simulated head, sliced: what the tests of the segmenter look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from popgan.phantom.subject import make_subject
from popgan.preparation.orientation import upright

CONTRASTS = ("T1w", "T2w", "FLAIR", "PDw")


@dataclass(frozen=True)
class Head:
    """Slices of one head: n x C x H x W in [-1, 1], and true tissues (1 CSF, 2 grey, 3 white)."""

    images: np.ndarray
    truth: np.ndarray


@pytest.fixture(scope="session")
def head() -> Head:
    """Five slices of 2.4 mm, 100 x 90 pixels, with skull."""
    subject = make_subject(41, 3, spacing=2.4, contrasts=CONTRASTS)
    planes = slice(34, 49, 3)
    channels = []
    for name in CONTRASTS:
        data = subject.scans[name].astype(np.float32)
        channels.append(np.moveaxis(data / np.percentile(data, 99.5), 2, 0)[planes])
    images = np.stack(channels, axis=1).clip(0, 1) * 2 - 1
    truth = np.moveaxis(subject.labels(), 2, 0)[planes]
    return Head(
        np.ascontiguousarray(upright(images), dtype=np.float32),
        np.ascontiguousarray(upright(truth)),
    )
