"""What a report shows of the privacy audit, as values: shareable counts, and what stays private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.privacy.generator_results import InversionAttack, OvertrainedControl
from popgan.evidence.privacy.results import Exposed, PrivacyAudit, Verdict

State = Literal["none", "stale", "current", "not applicable"]


@dataclass(frozen=True, kw_only=True)
class AuditContent:
    """The audit of the reported model; no pseudonym, no path, no place in the training set.

    Args:
        state: whether there is one about the present weights and cohort. Of a stale one nothing is
            shown but that it is stale; a translator has none, which is "not applicable".
        released: what the audit takes an attacker to hold.
        images: synthetic images that were audited.
        seed: of these images.
        reference_subjects: patients by whom two of the attacks are calibrated.
        features: the network in whose features images are compared, in words.
        not_testable: why nothing could be tested, or None.
        result: what was found; None where nothing could be tested.
        overtrained: the generator that was made to memorise, if there was one.
        inversion: the attack on the generator, where that is released.
        verdict: of all parts together.

    Raises:
        ValueError: findings of an audit that is not current.
    """

    state: State = "none"
    released: Literal["images", "generator"] = "images"
    images: int = 0
    seed: int = 0
    reference_subjects: int = 0
    features: str = ""
    not_testable: str | None = None
    result: PrivacyAudit | None = None
    overtrained: OvertrainedControl | None = None
    inversion: InversionAttack | None = None
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        found = (self.result, self.overtrained, self.inversion, self.verdict)
        if self.state != "current" and any(part is not None for part in found):
            raise ValueError("findings of an audit that is not about this model are not shown")
        if self.result is not None and self.verdict is None:
            raise ValueError("an audit has a verdict over all of its parts")

    @property
    def tested(self) -> bool:
        """Whether something was tested on the present weights and data."""
        return self.state == "current" and self.result is not None


@dataclass(frozen=True)
class FlaggedImage:
    """A synthetic image that was flagged, beside the training image it resembles.

    Args:
        place: of the synthetic image in its seed.
        synthetic, training: C x H x W, in [-1, 1].
        subject: pseudonym of the training patient.
        measures: (measure, distance) of each measure that flagged this pair; 0 is an exact copy.
        clear: whether one of them is beyond anything chance gives.
    """

    place: int
    synthetic: NDArray[np.float32]
    training: NDArray[np.float32]
    subject: str
    measures: Sequence[tuple[str, float]]
    clear: bool


@dataclass(frozen=True, kw_only=True)
class AuditPrivate:
    """What only the private page shows of an audit.

    Args:
        flagged: flagged images, the clearest first; the most that are shown.
        flags: synthetic images that were flagged in all.
        exposed: the most exposed training patients, by pseudonym.
    """

    flagged: Sequence[FlaggedImage] = field(default_factory=tuple)
    flags: int = 0
    exposed: Sequence[Exposed] = field(default_factory=tuple)
