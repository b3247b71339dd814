"""What every study of parameters is, as data: its file, its start, and where its files lie.

The file is written once and read by every worker, on whichever machine; nothing else is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset, load_preset
from popgan.errors import UserError
from popgan.files import (
    owners_folder,
    private_folder,
    read_yaml,
    sha256_file,
    sha256_value,
    write_text,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class LostError(UserError):
    """What workers share cannot be reached: no fault of the training that notices it."""


class Start(BaseModel):
    """What an earlier study had found, where a study starts from that.

    It is kept whole: the earlier study may go on, or be removed.

    Attributes:
        study: its name.
        digest: SHA-256 of its preset file.
        cohort: hash of the cohort that it is of; None where that is not known.
        extends: recipe and preset that it started from, such as "popgan/standard".
        preset: what it had found.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: str
    digest: str
    cohort: str | None
    extends: str
    preset: Preset


class Study(BaseModel):
    """A study: fixed when it begins.

    Attributes:
        name: of the study.
        recipe, preset: the default that it starts from.
        start: the same, where it was found by an earlier study; None for a preset of the recipe.
        cohort: hash of the cohort's manifest.
        seed: of the study.
        overrides: values of the plan that are held.
        seconds: of training, granted to every training alike.
        threads: of every training.
        default_hash: of its default, where that is a preset of the recipe: a later popgan may
            have other values. None where it was not kept.
        notes: what the user should know of how it came about.
        asked: what the user asked for, to recognise it.
    """

    TOP: ClassVar[str] = "# What this study is about; written once.\n"

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    version: int = 1
    name: str
    recipe: str
    preset: str
    start: Start | None = None
    cohort: str
    seed: int
    overrides: dict[str, Any] = Field(default_factory=dict)
    seconds: float = Field(gt=0)
    threads: int = Field(ge=1, le=1024)
    default_hash: str | None = None
    notes: list[str] = Field(default_factory=list)
    asked: dict[str, Any] = Field(default_factory=dict)

    @property
    def default_preset(self) -> Preset:
        """The default that it starts from."""
        return self.start.preset if self.start else load_preset(self.preset, self.recipe)

    @property
    def extends(self) -> str:
        """Recipe and preset that everything began with, such as "popgan/standard"."""
        return self.start.extends if self.start else f"{self.recipe}/{self.preset}"

    @property
    def told_start(self) -> list[str]:
        """What the user should know of the start; nothing where it is a preset of the recipe."""
        if self.start is None:
            return []
        recipe, _, name = self.extends.partition("/")
        shipped, own = load_preset(name, recipe).tuned, self.start.preset.tuned
        beyond = [name for name, why in own.items() if shipped.get(name) != why]
        names = ", ".join(beyond) or "nothing"
        found = f"what study {self.start.study} had found beyond {self.extends}: {names}"
        return [f"the default is {found}"]

    def save(self, path: Path) -> None:
        """Write it as YAML, atomically."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100)
        write_text(path, self.TOP + text)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it.

        Raises:
            UserError: it is missing or damaged.
        """
        try:
            return cls.model_validate(read_yaml(path))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError(
                f"is no study of popgan ({place}: {first['msg']})",
                where=path,
                do="choose another --name, or remove its folder",
            ) from error


@dataclass(frozen=True)
class StudyPlaces:
    """Where the files of a study lie.

    Attributes:
        run: the run folder.
        name: of the study.
    """

    VERB: ClassVar[str] = "tune"
    """Of the command line, by which workers are started."""
    KIND: ClassVar[str] = "tune"
    """Folder of such studies."""
    WORD: ClassVar[str] = "search"
    """For such a study."""

    run: Path
    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"name {self.name!r} is not usable as a folder", do="use letters, digits, - and _"
            )

    @property
    def folder(self) -> Path:
        """RUN/tune/NAME: what can be shared."""
        return self.run / self.KIND / self.name

    @property
    def definition(self) -> Path:
        """What it is about."""
        return self.folder / "study.yaml"

    @property
    def digest(self) -> str:
        """SHA-256 of the file that says what it is about; empty where that is not written yet."""
        return sha256_file(self.definition) if self.definition.exists() else ""

    @property
    def journal(self) -> Path:
        """Optuna's storage: all trials of a search."""
        return self.folder / "journal.log"

    @property
    def results(self) -> Path:
        """The results for people and reports."""
        return self.folder / "results.json"

    @property
    def preset(self) -> Path:
        """What a search has found, as a preset."""
        return self.folder / "preset.yaml"

    @property
    def private(self) -> Path:
        """Checkpoints of trials and locks; they hold discriminators, so they are private."""
        return self.run / "private" / self.KIND / self.name

    @property
    def speeds(self) -> Path:
        """Measured speeds of this machine."""
        return self.private / "speeds.json"

    def trial(self, study: str, number: int) -> Path:
        """Folder of one training."""
        return self.private / study / f"{number:05d}"

    def make(self) -> None:
        """Make the folders.

        Raises:
            UserError: the disk is full or read-only.
        """
        private_folder(self.run)
        owners_folder(self.private)
        self.folder.mkdir(parents=True, exist_ok=True)


def hash_of(preset: Preset) -> str:
    """Of the values of a preset; not of its reasons."""
    values = preset.model_dump(mode="json", exclude={"name", "summary", "tuned"})
    plain = {name: value for name, value in values.items() if not name.endswith("_reason")}
    plain["values"] = {name: value for name, (value, _) in values["values"].items()}
    return sha256_value(plain)


def refuse_other_default(places: StudyPlaces, study: Study) -> None:
    """Trainings of two defaults under one name would be taken for replicates.

    Raises:
        UserError: the preset that the study is about has other values in this popgan.
    """
    if (
        study.default_hash
        and not study.start
        and study.default_hash != hash_of(study.default_preset)
    ):
        raise UserError(
            f"was begun with another popgan, whose preset {study.preset} had other values",
            where=places.folder,
            do="go on with that popgan, or begin another study with --name",
        )


def refuse_other_cohort(places: StudyPlaces, study: Study, cohort: Cohort) -> None:
    """Scores on other slices say nothing about these.

    Raises:
        UserError: the study belongs to another cohort.
    """
    if study.cohort != cohort.hash:
        raise UserError(
            "belongs to another cohort than the one ingested now",
            where=places.folder,
            do="ingest the former scans again, or begin another study with --name",
        )
