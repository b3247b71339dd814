"""How a study begins or goes on: what every search and every ablation does before it trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from popgan.cohort.cohort import Cohort
from popgan.config.preset import load_preset
from popgan.device import side_by_side
from popgan.errors import UserError
from popgan.planning.budget import parse_budget
from popgan.planning.trial import LEAST_SUBJECTS
from popgan.progress import Reporter
from popgan.provenance import usable_cores
from popgan.stations.presets import TUNED, check_study, find_preset, is_tuned
from popgan.tuning.folder import remove
from popgan.tuning.study import (
    Start,
    Study,
    StudyPlaces,
    hash_of,
    refuse_other_cohort,
    refuse_other_default,
)

Kind = TypeVar("Kind", bound=Study)
_ANYWAY = ("workers", "beside", "threads", "given")
GRANTED = {
    "train.images": "follows from --budget",
    "train.ticks": "is where trainings are measured and stopped",
    "train.snapshots": "is where trainings are measured",
}
"""Values that are the study's own, and why."""


@dataclass(frozen=True)
class ExperimentOptions(ABC):
    """What the user asks of a study; None or nothing takes the default, or what it was begun with.

    Attributes:
        recipe: name of a recipe that draws images.
        preset: the default that it is about: one of the recipe's, "tuned" for what the study named
            after the recipe has found, or "tuned:NAME".
        budget: time of the whole study on this machine, such as "2h".
        workers: processes on this machine, or trainings at the same time on a cluster.
        beside: how many of these really compute at the same time; None: as this machine can.
        seed: of the study.
        overrides: values of the plan that are held.
        given: options that the user has typed, even where they say what is the default anyway.
    """

    recipe: str = "popgan"
    preset: str = "standard"
    budget: str | None = None
    workers: int = 1
    beside: int | None = None
    seed: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    @abstractmethod
    def defaults(self) -> dict[str, Any]:
        """Values of options that were not given, the budget's among them."""

    @property
    def at_once(self) -> int:
        """How many trainings really run at the same time; the budget is divided among them."""
        return self.beside or side_by_side(self.workers)

    @property
    def start(self) -> str:
        """The preset by its full name: `tuned` is short for what the recipe's study has found."""
        return f"{TUNED}:{self.recipe}" if self.preset == TUNED else self.preset

    def asked(self) -> dict[str, Any]:
        """What decides the study; how many work at it does not."""
        values = {**asdict(self), "preset": self.start}
        values |= {name: values[name] or value for name, value in self.defaults().items()}
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        return {name: value for name, value in plain.items() if name not in _ANYWAY}

    def unlike(self, before: Mapping[str, Any]) -> list[str]:
        """What is asked for now and was not then, in words; what is not given asks for nothing.

        Args:
            before: what a study was begun with; see `asked`.
        """
        now, plain = self.asked(), type(self)()
        return [
            f"{name} {_shown(now[name])}, was {_shown(before.get(name))}"
            for name in now
            if now[name] != before.get(name)
            and (
                name in self.given
                or (getattr(self, name) or None) != (getattr(plain, name) or None)
            )
        ]

    def check(self, run: Path | None = None) -> None:
        """Refuse what is not possible, before anything heavy.

        Args:
            run: run folder, whose studies a tuned preset comes from; None: that is not looked up.

        Raises:
            UserError: which option, and why.
        """
        if not is_tuned(self.preset):
            load_preset(self.preset, self.recipe)
        elif run is not None:
            find_preset(self.preset, self.recipe, run)
        parse_budget(self.asked()["budget"])
        check_count("workers", self.workers, 256)
        for name, why in GRANTED.items():
            if name in self.overrides:
                raise UserError(f"--set {name}: in a study it {why}", do="leave it out")


def check_count(name: str, value: int | None, most: int) -> None:
    """Refuse a number that is not possible.

    Raises:
        UserError: it is given, and not from 1 to `most`.
    """
    if value is not None and not 1 <= value <= most:
        raise UserError(f"--{name} {value} is not possible", do=f"give 1 to {most}")


def begin(
    places: StudyPlaces,
    kind: type[Kind],
    options: ExperimentOptions,
    define: Callable[[Cohort], Kind],
    say: Callable[[Kind], None],
    reporter: Reporter,
) -> Kind:
    """What a study is about: the one that is there, or a new one.

    Args:
        places: of the study.
        kind: of it.
        options: of the user.
        define: decides what a new one is about.
        say: says it.
        reporter: shows progress.

    Raises:
        UserError: the study was begun with other options or for another cohort, or cannot begin.
    """
    cohort = Cohort.open(places.run)
    if places.definition.exists():
        study = kind.load(places.definition)
        refuse_other_cohort(places, study, cohort)
        refuse_other_default(places, study)
        _refuse_otherwise(places, study, options)
        reporter.message(f"going on with {places.definition}")
        cores = usable_cores()
        if options.beside is None and options.workers * study.threads > max(cores, study.threads):
            reporter.message(
                f"note: the trainings of this study have {study.threads} threads each, and "
                f"{options.workers} workers share {cores} cores; another --name would divide them"
            )
        return study
    options.check(places.run)
    count = len(set(cohort.subjects("tuning")))
    if count < LEAST_SUBJECTS:
        raise UserError(
            f"{count} tuning subjects are too few to score trainings by ({LEAST_SUBJECTS} or more)",
            where=cohort.run,
            do="ingest more subjects",
        )
    _refuse_remains(places)
    # Plans, speeds and ends of a study that had this name, and was removed, are not this one's.
    remove(places.private)
    with _made(places), reporter.task(f"planning the {places.WORD}", None):
        study = define(cohort)
        study = study.model_copy(update={"default_hash": hash_of(study.default_preset)})
    study.save(places.definition)
    say(study)
    return study


@contextmanager
def _made(places: StudyPlaces) -> Iterator[None]:
    """Make the folders of a study; one that cannot begin leaves no empty ones."""
    places.make()
    try:
        yield
    except BaseException:
        with suppress(OSError):  # what is not empty stays
            places.folder.rmdir()
            places.folder.parent.rmdir()
        raise


def _refuse_remains(places: StudyPlaces) -> None:
    """Trials of another study must not be taken for those of the one that begins.

    Raises:
        UserError: there is a journal, and nothing that says what it is about.
    """
    if places.journal.exists():
        raise UserError(
            f"holds trials, but no {places.definition.name} that says what they are of",
            where=places.folder,
            do="remove the folder, or choose another --name",
        )


def _refuse_otherwise(places: StudyPlaces, study: Study, options: ExperimentOptions) -> None:
    """Options that a study was not begun with must not be taken for those that it has.

    Raises:
        UserError: there are some.
    """
    if changes := options.unlike(study.asked):
        raise UserError(
            f"study {places.name!r} was begun otherwise ({'; '.join(changes)})",
            where=places.folder,
            do="repeat the former options to go on with it, or add --name NEW to begin another",
        )


def joined(
    places: StudyPlaces, kind: type[Kind], options: ExperimentOptions | None = None
) -> tuple[Kind, Cohort]:
    """A study that somebody else has begun, and its cohort.

    Args:
        places: of the study.
        kind: of it.
        options: of the user, which must not say anything else than it was begun with.

    Raises:
        UserError: there is none of that name, it is of another cohort, or was begun otherwise.
    """
    if not places.definition.exists():
        raise UserError(
            f"holds no study {places.name!r} to join",
            where=places.run,
            do=f"begin it with `popgan {places.VERB} RUN`",
        )
    study, cohort = kind.load(places.definition), Cohort.open(places.run)
    refuse_other_cohort(places, study, cohort)
    refuse_other_default(places, study)
    if options is not None:
        _refuse_otherwise(places, study, options)
    return study, cohort


def start_of(options: ExperimentOptions, cohort: Cohort, reporter: Reporter) -> Start | None:
    """What an earlier study has found, where a new one starts from that; None where it does not.

    Args:
        options: of the user.
        cohort: that the new one is about.
        reporter: told where the earlier one is of another cohort.

    Raises:
        UserError: there is no such study, it has found nothing yet, or it is of another cohort and
            was not asked for by its name.
    """
    if not is_tuned(options.preset):
        return None
    chosen = find_preset(options.preset, options.recipe, cohort.run)
    check_study(chosen, options.preset, cohort.hash, reporter)
    assert chosen.study and chosen.digest and chosen.extends, "of a study"
    return Start(
        study=chosen.study,
        digest=chosen.digest,
        cohort=chosen.cohort,
        extends=chosen.extends,
        preset=chosen.preset,
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in value.items()) or "none"
    return str(value)
