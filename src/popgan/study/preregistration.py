"""What is fixed before the first answer, as a paper that may be deposited: Markdown and JSON.

It names design, hypotheses, measures and analysis, and holds a commitment to the truth: a salted
hash of the key, which proves later that the key was not changed and tells nothing now.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from popgan import provenance
from popgan.study.advice import advice
from popgan.study.order import APART
from popgan.study.promises import analysis_plan, hypotheses, outcomes
from popgan.study.schema import Design

_BLANKS = (
    "Investigators and affiliation",
    "Ethics committee and decision",
    "Readers, their years of experience, and how they are recruited",
    "Displays and reading room",
    "Funding and conflicts of interest",
)
COMMITMENT = "SHA-256 of the 32 bytes of the secret, followed by the bytes of key.json"


@dataclass(frozen=True)
class Hashes:
    """What ties the paper to files.

    Attributes:
        design: of the design's values (`Design.hash`).
        key: the commitment, see `COMMITMENT`.
        stimuli: of all stimuli, see `stimuli_hash`.
    """

    design: str
    key: str
    stimuli: str


def commitment(secret: str, key: bytes) -> str:
    """The salted hash of a key.

    Args:
        secret: 64 hex digits; stays private until the study is locked.
        key: the bytes of key.json.
    """
    return hashlib.sha256(bytes.fromhex(secret) + key).hexdigest()


def stimuli_hash(files: dict[str, bytes]) -> str:
    """SHA-256 of the lines `name SHA-256-of-the-file`, sorted by name."""
    lines = [f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def as_record(design: Design, hashes: Hashes) -> dict[str, Any]:
    """The paper as JSON."""
    return {
        "version": 1,
        "title": design.title,
        "created": design.created,
        "design": design.model_dump(mode="json"),
        "hypotheses": hypotheses(design),
        "outcomes": outcomes(design),
        "analysis": analysis_plan(design),
        "sizes": advice(design),
        "hashes": {
            "design": hashes.design,
            "key": {"sha256": hashes.key, "of": COMMITMENT},
            "stimuli": hashes.stimuli,
            "cohort": design.cohort,
            "weights": dict(design.models),
        },
        "software": provenance.versions(),
    }


def as_markdown(design: Design, hashes: Hashes) -> str:
    """The paper for people."""
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions().items())
    weights = (f"- weights of {name}: `{value}`" for name, value in design.models.items())
    lines = [
        f"# Preregistration: {design.title}\n",
        "Written by popgan before the first answer. Deposit it (for instance at OSF or with the "
        "ethics committee) before readers are invited: a file alone proves no date.\n",
        "## Design\n",
        *(f"- **{name}:** {value}" for name, value in _facts(design).items()),
        "\nReaders do not learn how many images are real, nor which, before the study is locked. "
        "All images pass through one path: same size, range and encoding, files of equal length, "
        "random names.\n",
        "## Hypotheses\n",
        *(f"- {text}" for text in hypotheses(design)),
        "\n## Outcome measures\n",
        *(f"- {text}" for text in outcomes(design)),
        "\n## Analysis plan\n",
        *(f"{i}. {text}" for i, text in enumerate(analysis_plan(design), 1)),
        "\n## Sizes\n",
        *(f"- {text}" for text in advice(design)),
        "\n## Commitment\n",
        "Which image is real, and every reader's order, stand in a key that stays private until "
        "the study is locked. This hash binds it, and cannot be guessed back:\n",
        f"- key: `{hashes.key}` ({COMMITMENT})",
        f"- design: `{hashes.design}`",
        f"- stimuli: `{hashes.stimuli}`",
        f"- cohort: `{design.cohort}`",
        *weights,
        f"\n## Software\n\n{versions}\n",
        "## For the people who run the study\n",
        *(f"- {blank}: " for blank in _BLANKS),
    ]
    return "\n".join(lines) + "\n"


def _facts(design: Design) -> dict[str, object]:
    """The design in words."""
    models = ", ".join(f"{n} of {name}" for name, n in design.synthetic.items())
    rows, columns = design.spacing
    kind = (
        "two-alternative forced choice: a real and a synthetic image side by side"
        if design.kind == "2afc"
        else "scores of quality first, then real or synthetic with confidence"
    )
    return {
        "Created (UTC)": design.created,
        "Kind": kind,
        "Readers": design.readers,
        "Images": f"{design.contrast}, {design.size[0]} x {design.size[1]} pixels of "
        f"{rows:.3g} x {columns:.3g} mm, 16 bit",
        "Real images": f"{design.real} of {design.patients} patients of the test split, at most "
        f"{design.per_patient} each",
        "Synthetic images": f"{models}; {design.generators} generator seeds, in the key",
        "Repeats": f"{design.repeats} a reader and part, the same proportion of every source, "
        f"{APART} trials or more after the first showing where that is possible",
        "Practice": f"{design.practice} images, none of a test patient",
        "Order": "random for each reader and part, from a secret; see Commitment",
        "Background": "black outside the head, by one rule for all images"
        if design.masked
        else "as it is",
        "Going back": "possible within a part" if design.back else "not possible",
        "Margin of equivalence": f"{100 * design.margin:g} percentage points",
        "Seed": design.seed,
    }
