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


class ReaderFlow(_Data):
    """How far one reader came."""

    alias: str
    asked: int = Field(description="answers asked for, repeats included")
    given: int = Field(description="complete answers that counted")

    @property
    def started(self) -> bool:
        """Whether there is any answer."""
        return self.given > 0

    @property
    def completed(self) -> bool:
        """Whether nothing is missing."""
        return self.given >= self.asked > 0


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
    readers: list[ReaderFlow]
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
    notes: list[str] = Field(default_factory=list, description="what a reader must be told")
    versions: dict[str, str] = Field(default_factory=dict)

    @property
    def started(self) -> list[ReaderFlow]:
        """Readers with at least one answer."""
        return [reader for reader in self.readers if reader.started]

    @property
    def completed(self) -> list[ReaderFlow]:
        """Readers without a missing answer."""
        return [reader for reader in self.readers if reader.completed]


class StudyAnalysis(_Data):
    """The content of RUN/study/analysis.json."""

    version: Literal[1] = 1
    status: Literal["final", "interim", "rehearsal"] = Field(
        description="final: after the lock; interim: before it; rehearsal: answers were simulated"
    )
    facts: StudyFacts
    result: ReaderStudyResult

    @property
    def marking(self) -> str:
        """What must stand beside every number that is not final; "" where nothing must."""
        if self.status == "interim":
            return "INTERIM: the study was not locked when this was computed; numbers will change"
        if self.status == "rehearsal":
            return "REHEARSAL: answers were drawn from a reader model; this is no evidence"
        return ""


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
