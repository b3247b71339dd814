"""Where everything comes from: the way of the patients through the work, splits, marks, release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from popgan.report.audit_words import bounded, p_text
from popgan.report.content import PageContent, ReportContent
from popgan.report.evidence_content import ReleaseContent, SplitFacts
from popgan.report.readers import FlowColumn
from popgan.report.words import number, typeset
from popgan.wording import counted

_TITLES = {"train": "Training", "tuning": "Tuning", "test": "Test"}
MARKS = (
    ("File names", "desc-synthetic, a BIDS entity"),
    ("NIfTI header", "descrip and intent_name say that the image is synthetic"),
    ("Sidecar (JSON) and participants.tsv", "a key of their own beside each image and subject"),
    (
        "dataset_description.json",
        "DatasetType derivative, GeneratedBy with version and weights",
    ),
    ("PNG files", "a text chunk, synthetic = true, and a file that says so beside them"),
)
"""Where the synthetic data set is marked as such, because any one mark gets lost on the way."""


def data_flow(content: PageContent) -> list[FlowColumn]:
    """Columns of the flow diagram: what became of the patients of each split, and of the images."""
    if not content.splits:
        return []
    audited = content.audit.tested
    steps: dict[str, list[list[str]]] = {
        "train": [
            ["train the model", f"{number(content.plan.train.images)} images shown"],
            ["privacy: members"] if audited else [],
        ],
        "tuning": [
            ["choose weights, calibrate"],
            ["privacy: calibrate attacks"] if audited and content.audit.reference_subjects else [],
        ],
        "test": [
            ["never shown in training"],
            ["what images are measured against"] if content.verdict is not None else [],
            ["privacy: strangers"] if audited else [],
        ],
    }
    columns = [
        FlowColumn(f"{_TITLES[name]} patients", [_counts(split), *filter(None, steps[name])])
        for name, split in content.splits.items()
        if name in steps
    ]
    made = _made(content)
    return [*columns, FlowColumn("Synthetic images", made)] if made else columns


def _counts(split: SplitFacts) -> list[str]:
    return [
        counted(split.subjects, "patient", "patients"),
        f"{number(split.slices)} slices",
    ]


def _made(content: PageContent) -> list[list[str]]:
    if not isinstance(content, ReportContent):
        return []
    steps = []
    if content.fidelity is not None:
        steps.append([f"{number(content.fidelity.n_synthetic)} measured"])
    if content.audit.tested:
        steps.append([f"{number(content.audit.images)} audited"])
    if content.release.state == "current":
        steps.append([f"{number(content.release.images)} released"])
    return steps or [["drawn, not measured"]]


def split_rows(splits: Mapping[str, SplitFacts]) -> list[tuple[str, str, str, str]]:
    """(split, patients, slices, SHA-256 of its pixels) of each split."""
    return [
        (_TITLES.get(name, name), number(s.subjects), number(s.slices), s.digest)
        for name, s in splits.items()
    ]


def release_rows(release: ReleaseContent) -> Sequence[tuple[str, str]]:
    """What is known of the set that was made for sharing; nothing where there is none."""
    if release.state in ("none", "changed"):
        return []
    rows = [
        ("Images in the set", number(release.images)),
        ("Drawn anew, because the copy search had flagged them", number(release.dropped)),
        *_searched(release),
        ("Audit of this very set", release.level),
    ]
    if release.accepted:
        rows.append(("Released untested, because", release.accepted))
    if release.manifest:
        rows.append(("SHA-256 of its list of hashes", release.manifest))
    return [(name, typeset(value)) for name, value in rows]


def _searched(release: ReleaseContent) -> Sequence[tuple[str, str]]:
    """The generator has a rate and its bound; the set has none, for the search selected it."""
    first = release.first_draw
    if first is None:
        return []
    found = f"{bounded(first.flagged, upper=True)}; {p_text(first.p)} for more than chance"
    return [
        ("Flagged in the first draw, before any was left out", found),
        ("Flagged in the set", "none: flagged images were left out"),
    ]


def release_sentence(release: ReleaseContent) -> str:
    """One sentence on the set that was made for sharing."""
    if release.state == "none":
        return (
            "No set for sharing lies in the run folder; what does is for use in the house. popgan "
            "generate --release writes a set that is audited as a whole."
        )
    if release.state == "stale":
        return (
            "A set for sharing was made, but of other weights or data, or by older rules. What "
            "this page says does not hold for it."
        )
    if release.state == "changed":
        return (
            "A set for sharing was made, but its files are no longer those that were audited. "
            "Nothing on this page holds for it."
        )
    if release.accepted:
        return "A set for sharing was made although it could not be tested; a person accepted that."
    return "A set for sharing was made, and audited as a whole after flagged images were left out."
