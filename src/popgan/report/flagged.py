"""What the private page shows of an audit: flagged images beside what they resemble, and who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.report.audit_claims import audit_claims
from popgan.report.audit_content import AuditContent, AuditPrivate, FlaggedImage
from popgan.report.paired_words import signed
from popgan.report.pixels import difference_uri, side_by_side, slice_uri
from popgan.report.words import number, score
from popgan.wording import counted


@dataclass(frozen=True)
class FlaggedView:
    """What the template prints: a sentence, the pairs, the most exposed patients."""

    sentence: str
    pairs: Sequence[dict[str, object]]
    exposed: Sequence[dict[str, str]]


def flagged_view(audit: AuditContent, private: AuditPrivate) -> FlaggedView:
    """The flagged images of a current audit; without one, that there is none."""
    if not audit.tested:
        return FlaggedView(audit_claims(audit)[0].result, [], [])
    flags = counted(private.flags, "image was", "images were")
    sentence = f"{flags} flagged of {number(audit.images)} that were audited."
    if private.flagged:
        sentence += (
            f" Shown: {counted(len(private.flagged), 'pair', 'pairs')}, the clearest first. Look "
            "for the same folds and the same outline. A flag alone is no copy: a few are expected "
            "by chance."
        )
    exposed = [
        {"subject": row.subject, "flags": number(row.flags), "score": signed(row.score, 2)}
        for row in private.exposed
    ]
    return FlaggedView(sentence, [_pair(pair) for pair in private.flagged], exposed)


def _likeness(name: str, distance: float) -> str:
    """A distance of the copy search as the likeness it stands for: 1 is the same image."""
    if name == "correlation":  # sqrt(2 - 2 r)
        return f"aligned correlation {1 - distance**2 / 2:.3f}"
    if name == "ssim":  # sqrt(1 - SSIM)
        return f"aligned SSIM {1 - distance**2:.3f}"
    return f"feature distance {score(distance)}"


def _pair(pair: FlaggedImage) -> dict[str, object]:
    synthetic, training = side_by_side(pair.synthetic), side_by_side(pair.training)
    return {
        "place": pair.place,
        "subject": pair.subject,
        "sure": pair.clear,
        "measures": [_likeness(name, distance) for name, distance in pair.measures],
        "synthetic": slice_uri(synthetic),
        "training": slice_uri(training),
        "difference": difference_uri(synthetic, training),
    }
