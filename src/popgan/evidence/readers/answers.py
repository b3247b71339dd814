"""The answers of a reader study as values: cases, ratings, judgements and choices.

What is judged is a case: one image. A repeat shows the same case again; it serves intra-rater
agreement alone and never counts as another case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CRITERIA = ("anatomy", "contrast", "artefacts", "usefulness", "realism")
"""Anatomical accuracy, tissue contrast, freedom from artefacts, diagnostic usefulness and overall
realism; each is scored 1 (worst) to 5 (best)."""
SCORES = (1, 2, 3, 4, 5)
CONFIDENCES = (1, 2, 3)
"""Guessing, fairly sure, certain."""
REAL = "real"


@dataclass(frozen=True)
class Case:
    """One image that readers judge.

    Attributes:
        name: identity of the image; the same for all readers and for its repeat.
        source: `REAL`, or the name of the model that drew it.
        cluster: images of one cluster are not independent: the patient's pseudonym for a real
            image; a synthetic image is a cluster of its own.
    """

    name: str
    source: str
    cluster: str

    @property
    def is_real(self) -> bool:
        """Whether it is a patient's."""
        return self.source == REAL


@dataclass(frozen=True)
class Rating:
    """Block 1: a reader's scores of a case.

    Attributes:
        reader: alias, such as "R1".
        case: name of the case.
        scores: criterion -> 1 .. 5, all of `CRITERIA`.
        repeat: 0 the first time, 1 when shown again.
        seconds: that the case was in front of the reader.
    """

    reader: str
    case: str
    scores: Mapping[str, int]
    repeat: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Judgement:
    """Block 2: whether a reader holds a case for real.

    Attributes:
        reader, case, repeat, seconds: as in `Rating`.
        says_real: the answer.
        confidence: one of `CONFIDENCES`.
    """

    reader: str
    case: str
    says_real: bool
    confidence: int
    repeat: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Choice:
    """Two-alternative forced choice: which of two images a reader holds for the real one.

    Attributes:
        reader, repeat, seconds: as in `Rating`.
        real, synthetic: names of the two cases.
        correct: whether the real one was chosen.
        confidence: one of `CONFIDENCES`.
        left_chosen: whether the left one was chosen, for a reader's bias.
    """

    reader: str
    real: str
    synthetic: str
    correct: bool
    confidence: int
    left_chosen: bool
    repeat: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Answers:
    """Everything that readers of one study answered; practice cases are not in it.

    Attributes:
        cases: by name; all that were to be judged, whether anybody did or not.
        readers: aliases of all invited readers, whether they answered or not.
        ratings, judgements, choices: what was answered, the last version of each.
        planned: answers that each reader was asked for, by block ("likert", "authenticity",
            "2afc"), repeats included.
    """

    cases: Mapping[str, Case]
    readers: tuple[str, ...]
    ratings: tuple[Rating, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    choices: tuple[Choice, ...] = ()
    planned: Mapping[str, int] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models whose images are among the cases, sorted."""
        return tuple(sorted({case.source for case in self.cases.values() if not case.is_real}))
