"""How simulated readers answer: detection, scores, and what makes them agree with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.seeds import numpy_rng


@dataclass(frozen=True)
class ReaderModel:
    """How simulated readers answer.

    Attributes:
        d_prime: how well they tell synthetic from real; 0 is chance. One number, or one a model.
        d_prime_sd: spread of it over readers.
        criterion: c of signal detection; below 0 they are inclined to say synthetic.
        criterion_sd: spread of it over readers.
        left_bias: in forced choice, what speaks for the left image, on the scale of the evidence.
        sure: |x - c| from which an answer is "fairly sure" and "certain".
        shift: by how much a model's images score higher than real ones (below 0: lower), on the
            logit scale: model -> shift. exp(-shift) is the odds ratio of real against the model.
        cuts: between scores 1|2, 2|3, 3|4, 4|5, on the logit scale, rising.
        leniency_sd: spread of readers' leniency on the same scale.
        patient, image, view: shares of the noise's variance; the rest changes at every look.
            Patient: common to the images of one cluster. Image: common to all readers. View:
            a reader's own, the same at a repeat.
        halo: share of the noise that all criteria have in common.
        seconds: median time a case; spread_of_seconds: sd of its logarithm.
        missing: share of answers that are never given.
    """

    d_prime: float | Mapping[str, float] = 0.5
    d_prime_sd: float = 0.2
    criterion: float = 0.0
    criterion_sd: float = 0.3
    left_bias: float = 0.0
    sure: tuple[float, float] = (0.5, 1.25)
    shift: Mapping[str, float] = field(default_factory=dict)
    cuts: tuple[float, float, float, float] = (-3.0, -1.5, 0.0, 1.7)
    leniency_sd: float = 0.5
    patient: float = 0.1
    image: float = 0.3
    view: float = 0.3
    halo: float = 0.5
    seconds: float = 12.0
    spread_of_seconds: float = 0.5
    missing: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.patient, self.image, self.view)
        if min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise UserError(
                f"shares of noise {shares} must not be negative and not exceed 1 in sum"
            )
        for name in ("halo", "missing"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} is {getattr(self, name)}, but must lie between 0 and 1")
        if list(self.cuts) != sorted(self.cuts) or self.sure[0] > self.sure[1]:
            raise UserError("cuts and sure must rise")
        if self.seconds <= 0:
            raise UserError(f"seconds is {self.seconds}, but must be positive")

    def detects(self, source: str) -> float:
        """Mean d' of readers for a model's images."""
        if isinstance(self.d_prime, Mapping):
            return float(self.d_prime.get(source, 0.0))
        return float(self.d_prime)

    def score_shares(self, source: str, leniency: float = 0.0) -> NDArray[np.float64]:
        """Probabilities of the scores 1 .. 5 for a source's images by a reader of a leniency."""
        above = 1 / (1 + np.exp(np.asarray(self.cuts) - leniency - self.shift.get(source, 0.0)))
        return -np.diff(np.concatenate([[1.0], above, [0.0]]))


@dataclass(frozen=True)
class Traits:
    """What one reader is like.

    Attributes:
        better: by how much their d' exceeds the mean.
        criterion: their c.
        leniency: theirs, on the logit scale.
        pace: their median seconds a case.
    """

    better: float
    criterion: float
    leniency: float
    pace: float


def traits(model: ReaderModel, alias: str, seed: int) -> Traits:
    """The traits of one reader; a function of model, alias and seed alone."""
    draws = numpy_rng(seed, f"traits of simulated reader {alias}").standard_normal(4)
    return Traits(
        better=float(model.d_prime_sd * draws[0]),
        criterion=float(model.criterion + model.criterion_sd * draws[1]),
        leniency=float(model.leniency_sd * draws[2]),
        pace=float(model.seconds * np.exp(0.3 * draws[3])),
    )
