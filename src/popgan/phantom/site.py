"""What differs from scanner to scanner: coil, noise, scale, sharpness and sequence timing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from popgan.errors import UserError
from popgan.phantom.protocol import Sequence
from popgan.seeds import numpy_rng


@dataclass(frozen=True)
class Site:
    """One scanner.

    Attributes:
        name: as in participants.tsv.
        seed, index: which site; its coil's own bias field is drawn from them.
        coil: standard deviation of the logarithm of that bias field.
        noise: factor on the subjects' noise.
        gain: factor on stored values.
        blur: full width at half maximum of the point spread, mm.
        tr, te: factors on repetition and echo time.
    """

    name: str = "site-01"
    seed: int = 0
    index: int = 0
    coil: float = 0.0
    noise: float = 1.0
    gain: float = 1.0
    blur: float = 0.0
    tr: float = 1.0
    te: float = 1.0

    def adapted(self, sequence: Sequence) -> Sequence:
        """The sequence with this site's timing; as it was, if that could not be played out."""
        changed = dataclasses.replace(
            sequence, tr=round(sequence.tr * self.tr, 1), te=round(sequence.te * self.te, 2)
        )
        try:
            return changed.check(self.name)
        except UserError:
            return sequence


def draw_site(seed: int, index: int) -> Site:
    """Draw site `index` of a study of several sites; no other need be drawn."""
    rng = numpy_rng(seed, "phantom site", index)

    def normal(mean: float, sd: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, sd), low, high))

    return Site(
        name=f"site-{index + 1:02d}",
        seed=seed,
        index=index,
        coil=normal(0.12, 0.05, 0.02, 0.3),
        noise=float(np.exp(normal(0, 0.3, -0.7, 0.7))),
        gain=float(np.exp(normal(0, 0.4, -1.0, 1.0))),
        blur=normal(1.2, 0.8, 0.0, 3.0),
        tr=normal(1, 0.05, 0.88, 1.12),
        te=normal(1, 0.06, 0.85, 1.15),
    )


def site_of(seed: int, subject: int, sites: int) -> Site:
    """The site of a subject: in turn. A study of one site has popgan's plain scanner."""
    return Site(seed=seed) if sites == 1 else draw_site(seed, subject % sites)
