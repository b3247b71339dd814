"""The audit of a set from which flagged images were left out: what its copy search does not say.

That none of them is flagged holds by selection. So the set has counts without intervals, and what
is said of the generator comes from the search of the first draw, before any image was left out.
"""

from __future__ import annotations

from popgan.evidence.privacy.results import CopySearch, PrivacyAudit
from popgan.evidence.privacy.verdict import verdict
from popgan.evidence.readers.results import Measure
from popgan.wording import counted


def of_selected(found: PrivacyAudit, first: CopySearch) -> PrivacyAudit:
    """The audit of a set of which none is flagged any more, judged beside its first draw.

    Args:
        found: the audit of exactly the images of the set.
        first: the search of all images that were drawn for it first.
    """
    images = found.copies.flagged.n
    copies = found.copies.model_copy(
        update={
            "measures": [
                measure.model_copy(update={"flagged": _chosen(measure.flagged)})
                for measure in found.copies.measures
            ],
            "flagged": _chosen(found.copies.flagged),
            "sentence": f"Of the {counted(images, 'image', 'images')} of the set none is flagged: "
            "flagged ones were left out.",
        }
    )
    return found.model_copy(
        update={
            "copies": copies,
            "worst_patient": _chosen(found.worst_patient),
            "verdict": verdict(copies, found.neighbours, found.attacks, found.controls, first),
        }
    )


def _chosen(rate: Measure) -> Measure:
    """A rate without its interval."""
    why = "flagged images were left out, so it holds by selection"
    return rate.model_copy(update={"low": None, "high": None, "method": "none", "reason": why})
