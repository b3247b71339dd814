"""One verdict over all parts of an audit: images, over-trained control, attack on the generator.

failed      by the rules of `verdict.py`, over the attacks on images and on the generator together,
            so that one more kind of attack does not raise the chance of a false accusation.
no power    planted copies were missed; or a copy of the generator that was over-trained on purpose
            was not found out; or the search for latent vectors did not find the generator's own
            images again, so that an attack by it shows nothing.
Then        by the rules of `verdict.py`: too few subjects to test; or no power, where nothing but
            the bound of flagged images (1 % at most) keeps from passing; or passed.

Where there are too few patients, even flags on every image of an over-trained copy are no proof.
The search then has power, and what lacks is patients: that stays "too few subjects to test".
"""

from __future__ import annotations

from popgan.evidence.privacy.controls import FOUND, has_power
from popgan.evidence.privacy.generator_results import InversionAttack, OvertrainedControl
from popgan.evidence.privacy.results import CopySearch, PrivacyAudit, Verdict
from popgan.evidence.privacy.verdict import verdict

_WEAK = "The audit has no power, so it can pass nothing: "
_ONLY_FLAGGED = (
    "Of a copy of the generator that was made to memorise, the copy search flags the images; with "
    "so few patients that alone would be no proof."
)
_PASSED = (
    "The images and the generator passed the privacy tests. That is no proof that they are "
    "anonymous: other attacks may find more."
)


def overall(
    result: PrivacyAudit,
    overtrained: OvertrainedControl | None = None,
    inversion: InversionAttack | None = None,
    first: CopySearch | None = None,
) -> Verdict:
    """Judge all that was tested; see the top of this file for the rules.

    Args:
        result: the tests of the images.
        overtrained, inversion: controls and attacks with the generator.
        first: of a set from which flagged images were left out, the search of its first draw.
    """
    attacks = [*result.attacks, *(inversion.attacks if inversion else [])]
    found = verdict(result.copies, result.neighbours, attacks, result.controls, first)
    if found.level == "failed":
        return found
    weak = []
    too_few = found.level == "too few subjects to test"
    flagged = too_few and overtrained is not None and only_flagged(overtrained)
    if overtrained is not None and not overtrained.detected and not flagged:
        weak.append((_control(overtrained), overtrained.sentence))
    if inversion is not None and not inversion.searched:
        weak.append(
            ("the search for latent vectors does not find images again", inversion.sentence)
        )
    # The bound of flagged images is asked for last, so it does not stand before a failed control.
    blind = found.level == "no power" and not has_power(result.controls)
    if weak:
        words = " and ".join(why for why, _ in weak)
        sentence = found.sentence if blind else f"{_WEAK}{words}."
        missed = found.reasons if blind else []
        return Verdict(
            level="no power",
            sentence=sentence,
            reasons=[*missed, *(reason for _, reason in weak)],
            needed=found.needed,
        )
    if blind:
        return found
    parts = [part.sentence for part in (overtrained, inversion) if part is not None]
    if flagged:
        parts[0] = _ONLY_FLAGGED
    passed = found.level == "passed" and inversion is not None
    return found.model_copy(
        update={
            "sentence": _PASSED if passed else found.sentence,
            "reasons": [*found.reasons, *parts],
        }
    )


def only_flagged(overtrained: OvertrainedControl) -> bool:
    """Whether an over-trained copy's images are flagged, though the verdict does not fail them."""
    found = (overtrained.found.value, overtrained.canaries_found.value)
    return overtrained.outcome == "missed" and all(one is None or one >= FOUND for one in found)


def _control(overtrained: OvertrainedControl) -> str:
    if overtrained.outcome == "not reproduced":
        return "no copy of the generator could be made to memorise, so its main control is missing"
    return "it does not find out a copy of the generator that was made to memorise"
