"""What the images are meant for and what not; the audit decides about sharing."""

from __future__ import annotations

from popgan.report.content import PageContent

_RELEASE = "popgan generate --release"


def uses(content: PageContent) -> tuple[list[str], list[str]]:
    """Intended and forbidden uses of what a model makes.

    Returns:
        Two lists of short phrases: meant for, not for.
    """
    audit = content.audit
    passed = audit.tested and audit.verdict is not None and audit.verdict.level == "passed"
    if content.plan.translates:
        meant = [
            "Research on methods, where the missing contrast is wanted and its error is measured.",
            "Filling gaps in a research data set, with each translated image marked as one.",
        ]
        others = ["Looking for lesions in translated images, or ruling them out."]
    else:
        meant = [
            "Developing and testing software for images.",
            "Teaching and demonstrations that need no patient.",
            "Adding to training data, where the benefit is then measured on real patients.",
        ]
        others = ["Conclusions about how common a finding is, or about any real person."]
    forbidden = [
        "Diagnosis, treatment, or any decision about a person.",
        "Showing them as real scans, or removing the marks that say they are not.",
        *others,
        "Trying to find out who was trained on.",
    ]
    sharing = "Sharing outside of the house"
    if content.simulated:
        meant.append(f"{sharing}: the training images are simulated, nobody was scanned for them.")
    elif passed:
        meant.append(f"{sharing}: the set that {_RELEASE} writes, after a person has decided.")
    else:
        forbidden.append(f"{sharing}: no privacy audit of this model has been passed.")
    return meant, forbidden
