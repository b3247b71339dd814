"""Two checklists, filled in as far as a program can: the rest is left blank for a person to see.

CLAIM 2024 is the checklist for artificial intelligence in medical imaging (Tejani et al.,
Radiology: Artificial Intelligence 2024), here by its numbers and in our own words; the original
decides. The seven Cs are those of the scorecard for synthetic medical data by staff of the FDA
(Zamzmi et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.report.content import PageContent, ReportContent


@dataclass(frozen=True)
class Item:
    """One item.

    Args:
        number: of the checklist.
        asks: what it asks for, in a few words.
        answer: where this page answers it, or "".
        anchor: section of the page that does, or "".
        blank: whether something is left to a person.
    """

    number: str
    asks: str
    answer: str = ""
    anchor: str = ""
    blank: bool = True


# number, what is asked, answer, section, whether a person has to add something
_CLAIM: tuple[tuple[str, str, str, bool], ...] = (
    ("Title names the kind of AI", "Head of this page", "tested", False),
    ("Structured summary", "Verdict", "tested", False),
    ("Background and clinical role", "", "", True),
    ("Aims and hypotheses", "", "", True),
    ("Prospective or retrospective", "", "", True),
    ("Goal of the study", "Uses", "tested", True),
    ("Sources of the data", "", "", True),
    ("Who was included and who not", "Files set aside, quality control", "cohort", True),
    ("Preprocessing", "Steps of preparation", "cohort", False),
    ("Which part of the data was used", "Plan: slices and size", "plan", False),
    ("De-identification", "Faces, pseudonyms", "cohort", True),
    ("Missing data", "Files set aside", "cohort", True),
    ("Acquisition protocols", "", "", True),
    ("Reference standard", "Held-out real images", "measured", False),
    ("Why that reference", "", "", True),
    ("Who annotated the reference", "", "", True),
    ("How the test set was annotated", "", "", True),
    ("Agreement of raters", "Readers", "readers", True),
    ("How partitions were made", "Splits and seed", "provenance", False),
    ("At which level they are apart", "The patient", "provenance", False),
    ("Intended sample size", "Patients needed by the audit", "privacy", True),
    ("Description of the model", "Plan: networks", "plan", False),
    ("Software", "Versions and hashes", "provenance", False),
    ("Initial values", "Seed of training", "provenance", False),
    ("Training", "Plan and curves", "training", False),
    ("How the final model was chosen", "How each value was set", "chosen", False),
    ("Ensembles", "None: one averaged generator", "plan", False),
    ("Measures of performance", "Measurements", "measured", False),
    ("Statistical uncertainty", "Intervals by patient", "measured", False),
    ("Robustness", "Trainings compared", "robustness", True),
    ("Explainability", "", "", True),
    ("Test on internal data", "Held-out patients", "measured", False),
    ("Test on external data", "", "", True),
    ("Registration", "Preregistered reader study", "readers", True),
    ("Numbers included and left out", "Counts", "cohort", False),
    ("Demographic and clinical data", "", "", True),
    ("Performance with uncertainty", "Verdict and measurements", "tested", False),
    ("Diagnostic performance", "Readers", "readers", True),
    ("Failures", "The least plausible images", "worst", True),
    ("Limits", "Limits", "limits", False),
    ("Meaning for practice", "", "", True),
    ("Full protocol", "", "", True),
    ("Availability of software, model, data", "Hashes, licences; release", "provenance", True),
    ("Funding", "", "", True),
)
_CS: tuple[tuple[str, str, str, str, bool], ...] = (
    ("Congruence", "Does the set match real data?", "Fidelity", "measured", False),
    ("Coverage", "Does it span their variety?", "Coverage and diversity", "coverage", False),
    ("Constraint", "Does it keep to anatomy?", "Anatomy", "anatomy", True),
    ("Completeness", "Is all there that a use needs?", "", "", True),
    ("Compliance", "Privacy, law, formats?", "Privacy annex, marking", "privacy", True),
    ("Comprehension", "Is it clear how it was made?", "Every figure, plan", "tested", False),
    ("Consistency", "Is it the same on repeating?", "Comparison of trainings", "comparison", True),
)


def sections_of(content: PageContent) -> dict[str, str]:
    """Which sections this page has: name in this file -> anchor."""
    found = {name: name for name in ("tested", "privacy", "training", "cohort", "plan")}
    found |= {"provenance": "provenance", "limits": "limits"}
    found["chosen"] = "plan" if content.tune is None else "tuning"
    if content.ablation is not None:
        found["robustness"] = "ablation"
    if content.readers is not None:
        found["readers"] = "readers"
    if isinstance(content, ReportContent):
        if content.fidelity is not None:
            found |= {"measured": "measurements", "coverage": "coverage"}
        if content.tissue is not None:
            found["anatomy"] = "anatomy"
        if content.comparison.result is not None:
            found["comparison"] = "comparison"
            found.setdefault("robustness", "comparison")
        if content.worst is not None:
            found["worst"] = "worst"
    elif content.verdict is not None:
        found["measured"] = "translation"
    return found


def claim_items(sections: dict[str, str]) -> list[Item]:
    """CLAIM 2024 by its numbers.

    Args:
        sections: what there is on the page: name in this file -> anchor. An item whose section is
            not there is left blank.
    """
    return [
        _item(str(number), asks, answer, section, blank, sections)
        for number, (asks, answer, section, blank) in enumerate(_CLAIM, start=1)
    ]


def c_items(sections: dict[str, str]) -> list[Item]:
    """The seven Cs, likewise."""
    return [
        _item(name, asks, answer, section, blank, sections)
        for name, asks, answer, section, blank in _CS
    ]


def _item(
    number: str, asks: str, answer: str, section: str, blank: bool, sections: dict[str, str]
) -> Item:
    anchor = sections.get(section, "")
    if not anchor:
        return Item(number, asks)
    return Item(number, asks, answer, anchor, blank)


def left_blank(items: Sequence[Item]) -> int:
    """How many items wait for a person."""
    return sum(item.blank for item in items)
