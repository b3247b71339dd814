"""What a study is, as data: its design, its trials, its secret key, and where its files lie.

RUN/study/ may be shown to anybody: it tells what is asked, not what the answers are.
RUN/private/study/ holds patient images, the truth behind every opaque id, and the answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from popgan.errors import UserError
from popgan.files import read_json, sha256_value

_Kind = TypeVar("_Kind", bound=BaseModel)
Block = Literal["practice", "likert", "authenticity", "2afc"]
Kind = Literal["likert+authenticity", "2afc"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Design(_Data):
    """RUN/study/design.json: everything that is fixed before the first answer.

    It does not tell which stimulus is real; its hash stands in the preregistration.
    """

    version: Literal[1] = 1
    title: str
    kind: Kind
    readers: int = Field(ge=1, le=50)
    real: int = Field(description="real images, repeats not counted")
    synthetic: dict[str, int] = Field(description="model -> images, repeats not counted")
    patients: int = Field(description="subjects behind the real images")
    per_patient: int = Field(description="most images of one patient")
    design_effect: float = Field(ge=1, description="variance inflation by several a patient")
    repeats: int
    practice: int
    contrast: str
    size: tuple[int, int] = Field(description="rows and columns of every stimulus")
    spacing: tuple[float, float] = Field(description="mm a row and a column")
    models: dict[str, str] = Field(description="model -> SHA-256 of its weights")
    cohort: str = Field(description="hash of the cohort")
    generators: int = Field(description="generator seeds a model; the key holds them")
    seed: int = Field(description="of the analysis' resampling")
    margin: float = Field(default=0.1, description="of equivalence to chance, as a share")
    masked: bool = Field(description="whether everything outside the head was set to black")
    back: bool = Field(default=True, description="whether readers may go back within a block")
    break_every: int = Field(default=40, ge=1, description="cases between two offers of a break")
    created: str = Field(description="UTC, ISO 8601")

    @property
    def blocks(self) -> list[Block]:
        """The blocks of answers in their order; practice comes before them."""
        return ["2afc"] if self.kind == "2afc" else ["likert", "authenticity"]

    def hash(self) -> str:
        """SHA-256 of all values."""
        return sha256_value(self.model_dump(mode="json"))


class Stimulus(_Data):
    """One image of the study and the truth about it."""

    case: str = Field(description="name of the image, the same in repeats; opaque")
    source: str = Field(description="`real`, or the model that drew it")
    cluster: str = Field(description="patient's pseudonym, or the case itself")
    file: str = Field(description="in RUN/private/study/stimuli")
    row: int | None = Field(default=None, description="of the cohort's store, where it is real")
    seed: int | None = Field(default=None, description="of the model's images")
    index: int | None = Field(default=None, description="of the model's images of that seed")
    practice: bool = False


class Trial(_Data):
    """One question to one reader.

    `id` is random for each reader and block: nothing about the case follows from it, and readers
    who compare notes do not find each other's cases.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    cases: list[str] = Field(min_length=1, max_length=2, description="two, left first, in 2afc")
    stimuli: list[str] = Field(
        min_length=1, max_length=2, description="opaque ids under which the images are served"
    )
    repeat: int = 0


class ReaderPlan(_Data):
    """What one reader sees, in order."""

    alias: str = Field(description="R1, R2, ...")
    trials: dict[Block, list[Trial]]


class Key(_Data):
    """RUN/private/study/key.json: the truth. Never served."""

    version: Literal[1] = 1
    design: str = Field(description="hash of the design it belongs to")
    stimuli: list[Stimulus]
    readers: list[ReaderPlan]


@dataclass(frozen=True)
class Places:
    """Where the files of a run's study lie."""

    run: Path

    @property
    def shared(self) -> Path:
        """RUN/study."""
        return self.run / "study"

    @property
    def private(self) -> Path:
        """RUN/private/study, readable by its owner only."""
        return self.run / "private" / "study"

    @property
    def design(self) -> Path:
        """The design."""
        return self.shared / "design.json"

    @property
    def preregistration(self) -> Path:
        """What was fixed before the first answer, for people; its JSON twin lies beside it."""
        return self.shared / "preregistration.md"

    @property
    def instructions(self) -> Path:
        """Markdown that readers see first; may be edited until the first answer."""
        return self.shared / "instructions.md"

    @property
    def consent(self) -> Path:
        """Markdown that readers agree to; may be edited until the first answer."""
        return self.shared / "consent.md"

    @property
    def texts(self) -> Path:
        """All words of the page, one YAML file; may be translated until the first answer."""
        return self.shared / "texts.yaml"

    @property
    def key(self) -> Path:
        """The truth."""
        return self.private / "key.json"

    @property
    def stimuli(self) -> Path:
        """Folder of the images, all encoded alike."""
        return self.private / "stimuli"

    @property
    def database(self) -> Path:
        """The answers: SQLite in WAL mode."""
        return self.private / "answers.sqlite"

    @property
    def analysis(self) -> Path:
        """What the answers show."""
        return self.shared / "analysis.json"

    @property
    def leaks(self) -> Path:
        """What the leak test found."""
        return self.shared / "leak-test.json"


@dataclass(frozen=True)
class Study:
    """A study that was created: its places, its design and its key.

    Attributes:
        places: where everything lies.
        design: what was fixed.
        key: the truth.
    """

    places: Places
    design: Design
    key: Key

    @classmethod
    def open(cls, run: Path) -> Study:
        """Open the study of a run.

        Raises:
            UserError: there is none, or design and key do not belong together.
        """
        places = Places(run)
        if not places.design.exists() or not places.key.exists():
            raise UserError(
                "holds no reader study", where=run, do="run `popgan study create` first"
            )
        design = _read(Design, places.design)
        key = _read(Key, places.key)
        if key.design != design.hash():
            raise UserError(
                "was changed after the study was created (its hash differs)",
                where=places.design,
                do="put the former file back, or create the study anew",
            )
        _check_names(key, places.key)
        return cls(places, design, key)

    def plan_of(self, alias: str) -> ReaderPlan:
        """What one reader sees; KeyError if there is no such reader."""
        for plan in self.key.readers:
            if plan.alias == alias:
                return plan
        raise KeyError(alias)


def _check_names(key: Key, path: Path) -> None:
    """Refuse a key whose trials show images that it does not list, or files elsewhere."""
    listed = {stimulus.case for stimulus in key.stimuli}
    shown = {
        case
        for plan in key.readers
        for trials in plan.trials.values()
        for trial in trials
        for case in trial.cases
    }
    elsewhere = [s.file for s in key.stimuli if Path(s.file).name != s.file or s.file == ".."]
    if shown - listed or elsewhere:
        raise UserError(
            "was changed after the study was created (its images do not fit together)",
            where=path,
            do="put the former file back, or create the study anew",
        )


def _read(kind: type[_Kind], path: Path) -> _Kind:
    try:
        return kind.model_validate(read_json(path))
    except ValueError as error:
        raise UserError("is damaged or of another version of popgan", where=path) from error
