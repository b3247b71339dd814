"""What an audit found, as data: a part that can be shared, and a private one that names patients.

Every number has its n, its interval and its method in words. Pseudonyms and places in the training
set are in `PrivateDetails` and nowhere else.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from popgan.evidence.readers.results import Measure

CopyMeasureName = Literal["correlation", "ssim", "embedding"]
AttackName = Literal[
    "GAN-Leaks",
    "calibrated GAN-Leaks",
    "Monte-Carlo",
    "DOMIAS",
    "inversion",
]
Aggregate = Literal["mean", "max"]
Level = Literal["passed", "failed", "too few subjects to test", "no power"]


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CopyMeasure(_Result):
    """One way to be alike; likeness is a distance, 0 for an exact copy."""

    name: CopyMeasureName
    threshold: float = Field(description="an image that is nearer to a training image is flagged")
    quantile: float = Field(description="of held-out images that are not nearer: at most 0.999")
    false_alarms: Measure = Field(description="held-out subjects nearer than the threshold, bound")
    flagged: Measure
    p_excess: float = Field(description="chance of so many flags without copies", ge=0, le=1)
    clear: int = Field(description="flags far beyond anything chance gives", ge=0)


class CopySearch(_Result):
    """Synthetic images that are nearer to a training image than held-out ones ever are."""

    measures: list[CopyMeasure]
    flagged: Measure = Field(description="flagged by any of the measures")
    clear: int = Field(description="by any of the measures", ge=0)
    expected: float = Field(description="upper bound of flags expected without copies")
    p: float = Field(description="smallest p of an excess, times the number of measures")
    train_subjects: int
    heldout_subjects: int
    heldout_images: int
    blur: float = Field(description="pixels by which held-out images were blurred for comparison")
    sentence: str


class Neighbours(_Result):
    """Whether synthetic images lie nearer to training than to held-out patients."""

    ratio: Measure = Field(description="d(syn, training) / d(syn, held-out); 1 expected")
    share: Measure = Field(description="of images nearer to training patients; 1/2 expected")
    p: float = Field(description="of the share, one-sided, patients permuted", ge=0, le=1)
    subjects: int = Field(description="patients on each side")
    images: int
    sentence: str


class Attack(_Result):
    """One attack that tells members from non-members, scored by patient."""

    name: AttackName
    aggregate: Aggregate = Field(description="how the scores of a patient's images become one")
    members: int
    others: int
    auc: Measure
    p: float = Field(description="Mann-Whitney, one-sided", ge=0, le=1)
    tpr: Measure = Field(description="true positive rate at 1 % false positives")
    p_tpr: float | None = Field(default=None, description="exact, one-sided")
    epsilon: Measure = Field(description="lower bound in `low`; `high` is the most that n can show")
    control: Measure = Field(description="the same attack, members against members")


class Control(_Result):
    """Copies that were planted, and how many of them the search found."""

    kind: str
    copies: bool = Field(description="whether it must be found for the audit to have power")
    found: Measure


class Verdict(_Result):
    """A level, and why, in plain words."""

    level: Level
    sentence: str
    reasons: list[str]
    needed: int = Field(description="patients a class with which an honest generator passes")


class PrivacyAudit(_Result):
    """The part that can be shared: no pseudonym, no place in the training set."""

    schema_version: Literal[1] = 1
    synthetic: int
    copies: CopySearch
    neighbours: Neighbours
    attacks: list[Attack]
    controls: list[Control]
    worst_patient: Measure = Field(description="images flagged for the most exposed patient")
    verdict: Verdict


class Flag(_Result):
    """A synthetic image that was flagged, and what it is near to."""

    synthetic: int
    measure: CopyMeasureName
    train: int
    subject: str
    distance: float
    clear: bool


class Exposed(_Result):
    """A patient and how exposed he is."""

    subject: str
    flags: int
    score: float = Field(description="mean standardised attack score")


class PrivateDetails(_Result):
    """The part that stays with the data: names of patients and places of images."""

    flags: list[Flag]
    worst: list[Exposed] = Field(description="training patients, most exposed first, at most ten")


class AuditResult(_Result):
    """Both parts."""

    shared: PrivacyAudit
    private: PrivateDetails
