"""The record of an analysed reader study: the result, and the facts that say what it is about.

What is stored as RUN/study/analysis.json. Nothing in it is a pixel, a path or a pseudonym of a
patient: readers are aliases, and images are counted.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popgan.errors import UserError
from popgan.evidence.readers.results import ReaderStudyResult


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StudyFacts(_Data):
    """What was fixed, what happened and when."""

    title: str
    kind: Literal["likert+authenticity", "2afc"]
    design: str = Field(description="SHA-256 of the design")
    preregistration: str | None = Field(description="SHA-256 of the preregistration")
    registered: str | None = Field(description="when it was written, UTC")
    first_answer: str | None = Field(description="UTC, practice not counted")
    last_answer: str | None
    locked: str | None = Field(description="when the study was locked for all readers, UTC")
    real: int = Field(description="real images, repeats not counted")
    synthetic: dict[str, int] = Field(description="model -> images, repeats not counted")
    patients: int = Field(description="subjects behind the real images")
    per_patient: int
    design_effect: float
    repeats: int
    practice: int
    contrast: str
    size: tuple[int, int]
    spacing: tuple[float, float]
    masked: bool
    back: bool
    margin: float
    seed: int
    generator_seeds: list[int]
    models: dict[str, str] = Field(description="model -> SHA-256 of its weights in the study")
    cohort: str = Field(description="hash of the cohort")
    outcomes: dict[str, Literal["primary", "secondary", "descriptive"]] = Field(
        default_factory=dict,
        description="what was preregistered: detection, scores, models, agreement, times; "
        "everything else is exploratory",
    )
    leak_test: Literal["passed", "failed", "not made"] = Field(
        default="not made",
        description="whether anything but the pixels could tell which image is real",
    )
    notes: list[str] = Field(default_factory=list, description="what a reader must be told")
    versions: dict[str, str] = Field(default_factory=dict)


class StudyAnalysis(_Data):
    """The content of RUN/study/analysis.json."""

    version: Literal[1] = 1
    status: Literal["final", "interim", "rehearsal"] = Field(
        description="final: after the lock; interim: before it; rehearsal: answers were simulated"
    )
    facts: StudyFacts
    result: ReaderStudyResult
    completers: ReaderStudyResult | None = Field(
        default=None,
        description="the same without readers who did not finish; None where all did, or too few",
    )

    @property
    def marking(self) -> str:
        """What must stand beside every number that is not final; "" where nothing must."""
        if self.status == "interim":
            return (
                "INTERIM: the study was not locked when this was computed, and no interim analysis "
                "was preregistered; numbers will change"
            )
        if self.status == "rehearsal":
            return "REHEARSAL: answers were drawn from a reader model; this is no evidence"
        return ""

    def asked_of_each(self, block: str) -> int:
        """Answers that a block asked of each reader, repeats included."""
        planned = next(b.planned for b in self.result.flow.blocks if b.block == block)
        return planned // max(1, self.result.flow.invited)

    @property
    def completed(self) -> list[str]:
        """Readers who gave every answer of every block."""
        return [
            reader
            for reader in self.result.readers
            if all(
                block.by_reader.get(reader, 0) >= self.asked_of_each(block.block)
                for block in self.result.flow.blocks
            )
        ]


def parse_analysis(value: Any, *, where: object) -> StudyAnalysis:
    """A stored analysis from its JSON.

    Raises:
        UserError: it is damaged or of another version of popgan.
    """
    try:
        return StudyAnalysis.model_validate(value)
    except ValidationError as error:
        raise UserError(
            "is not an analysis of this version",
            where=where,
            do="remove it and run `popgan study analyse` again",
        ) from error
