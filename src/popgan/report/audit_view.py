"""The privacy annex: what was asked, how it was tested, what was found, what that does not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.privacy.results import PrivacyAudit
from popgan.report.audit_claims import audit_claims
from popgan.report.audit_content import AuditContent
from popgan.report.audit_figures import attacks_panel, planted_panel
from popgan.report.audit_tables import (
    Row,
    attack_meanings,
    attack_table,
    copy_table,
    found_rows,
    inversion_rows,
    overtrained_rows,
)
from popgan.report.audit_words import CANNOT, LEVELS, MEMORY_QUESTION, POWER_QUESTION, QUESTIONS
from popgan.report.reader_panels import ReaderPanel
from popgan.report.reader_tables import Table
from popgan.report.words import number, typeset

_UNTESTED = {
    "none": "Not tested: no audit was made",
    "stale": "Not tested: the audit is stale",
    "not applicable": "Not tested: there is no such audit of a translator",
    "current": "Not tested: it cannot be tested on this cohort",
}


@dataclass(frozen=True)
class AuditView:
    """What the template prints.

    Attributes:
        tone, headline, sentence: the box at the top.
        reasons: what the verdict rests on.
        questions: what was asked, or would be.
        facts: (what, value) of the test's setting.
        meanings: (attack, one line) of what was tried.
        panels: figures.
        groups: (title, remark, rows) of figures in words.
        tables: everything else, folded.
        cannot: what none of it shows.
    """

    tone: str
    headline: str
    sentence: str
    reasons: Sequence[str]
    questions: Sequence[str]
    facts: Sequence[tuple[str, str]]
    meanings: Sequence[tuple[str, str]]
    panels: Sequence[ReaderPanel]
    groups: Sequence[tuple[str, str, Sequence[Row]]]
    tables: Sequence[Table]
    cannot: Sequence[str]


def audit_view(content: AuditContent) -> AuditView:
    """What the annex shows; without a current audit, that nothing is known."""
    result = content.result
    if not content.tested or result is None or content.verdict is None:
        row = audit_claims(content)[0]
        return AuditView(
            "unknown", _UNTESTED[content.state], row.result, [], _questions(content),
            _facts(content), [], [], [], [], list(CANNOT),
        )  # fmt: skip
    tone, headline = LEVELS[content.verdict.level]
    found = [*result.attacks, *(content.inversion.attacks if content.inversion else [])]
    panels = (attacks_panel(found), planted_panel(result.controls))
    tables = (copy_table(result.copies), attack_table(found))
    return AuditView(
        tone=tone,
        headline=headline,
        sentence=typeset(content.verdict.sentence),
        reasons=[typeset(reason) for reason in content.verdict.reasons],
        questions=_questions(content),
        facts=_facts(content),
        meanings=attack_meanings(found),
        panels=[panel for panel in panels if panel is not None],
        groups=_groups(content, result),
        tables=[table for table in tables if table is not None],
        cannot=list(CANNOT),
    )


def _questions(content: AuditContent) -> list[str]:
    further = QUESTIONS["generator"] if content.released == "generator" else ()
    memory = () if content.tested and content.overtrained is None else (MEMORY_QUESTION,)
    return [*QUESTIONS["images"], *further, POWER_QUESTION, *memory]


def _facts(content: AuditContent) -> list[tuple[str, str]]:
    """Who and what took part; nothing where there is no current audit."""
    if content.state != "current":
        return []
    held = "the images and the generator" if content.released == "generator" else "the images alone"
    rows = [
        ("What the attacker is taken to hold", held),
        ("Synthetic images audited", f"{number(content.images)}, of seed {content.seed}"),
    ]
    if content.result is not None:
        copies = content.result.copies
        rows += [
            ("Patients trained on", number(copies.train_subjects)),
            ("Patients never seen, for comparison", number(copies.heldout_subjects)),
        ]
    reference = number(content.reference_subjects)
    rows.append(("Patients on neither side, who calibrate two attacks", reference))
    if content.features:
        rows.append(("Features compared in", content.features))
    if content.result is not None:
        needed = content.verdict.needed if content.verdict else content.result.verdict.needed
        rows.append(("Patients a side with which an honest model passes", number(needed)))
        rows.append(("Unit of everything", "the patient, never the slice"))
    return [(name, typeset(value)) for name, value in rows]


def _groups(content: AuditContent, result: PrivacyAudit) -> list[tuple[str, str, Sequence[Row]]]:
    groups: list[tuple[str, str, Sequence[Row]]] = [
        ("Copies and nearness", typeset(result.copies.sentence), found_rows(result))
    ]
    if content.inversion is not None:
        groups.append(
            (
                "The generator itself",
                typeset(content.inversion.sentence),
                inversion_rows(content.inversion),
            )
        )
    if content.overtrained is not None:
        groups.append(
            (
                "A model made to memorise",
                typeset(content.overtrained.sentence),
                overtrained_rows(content.overtrained),
            )
        )
    return groups
