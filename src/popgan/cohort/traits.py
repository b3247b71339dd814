"""What tables say of people, as far as the user asks for it: class labels and covariates.

Only the columns that the user names get into the manifest, by pseudonym; ages above 89 become 90,
as the Safe Harbor rule of HIPAA wants them (45 CFR 164.514(b)(2)(i)(C)). What is missing stays
missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from popgan.cohort.manifest import CovariateColumn, CovariateRecord, VisitValues
from popgan.cohort.options import IngestOptions
from popgan.cohort.visits import Visit
from popgan.errors import UserError
from popgan.scans.names import words
from popgan.scans.tables import Tables, add_visit_tables, read_participants
from popgan.wording import counted

FROM_MAP = "map"
"""The word of `--label` that takes a slice's class from its label map."""
MOST_WORDS = 64
"""Different words of a column that can still be classes."""
OLDEST = 90.0
"""Years; whoever is older is as old as this in the manifest."""
_OFFERED = 30  # columns that an error lists
_A_YEAR = {"month": 12.0, "week": 52.18, "day": 365.25}

_Key = tuple[str, int]
_Value = float | str | None


@dataclass
class Traits:
    """Labels and covariates of visits, by subject and number of the visit.

    Attributes:
        label: the column of labels; None where labels come from elsewhere.
        labels: class of each visit, None where it is missing.
        columns: covariates, in the user's order.
        values: values of the covariates of each visit.
        tables: everything that the tables say: private.
        notes: remarks for the user; no value of a single person in them.
    """

    tables: Tables
    label: str | None = None
    labels: dict[_Key, str | None] = field(default_factory=dict)
    columns: list[CovariateColumn] = field(default_factory=list)
    values: dict[_Key, list[_Value]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, int]:
        """For how many visits each covariate is known."""
        known = list(zip(*self.values.values(), strict=True))
        return {
            column.name: sum(value is not None for value in own)
            for column, own in zip(self.columns, known, strict=True)
        }

    def record(self, visits: Sequence[Visit], pseudonyms: dict[str, str]) -> CovariateRecord | None:
        """Covariates for the manifest; None where none were asked for."""
        if not self.columns:
            return None
        rows = [
            VisitValues(
                subject=pseudonyms[visit.subject],
                visit=visit.number,
                values=self.values[visit.subject, visit.number],
            )
            for visit in visits
        ]
        return CovariateRecord(columns=self.columns, rows=rows)


def read_traits(source: Path, visits: Sequence[Visit], options: IngestOptions) -> Traits:
    """Look up what the user asks for.

    Raises:
        UserError: an unknown or unusable column.
    """
    traits = Traits(read_participants(source))
    label = options.label if options.label != FROM_MAP else None
    asked = [*([label] if label else []), *(options.covariates or [])]
    if asked:
        scans = [scan for visit in visits for scan in visit.scans]
        add_visit_tables(traits.tables, source, scans)
    traits.notes += [f"{problem}: it is left out" for problem in traits.tables.problems]
    for column in dict.fromkeys(asked):
        _check_known(column, traits, visits, source, label=column == label)
        if traits.tables.conflicts.get(column):
            traits.notes.append(
                f"{column}: {traits.tables.conflicts[column]} repeated rows disagree, so it counts "
                "as missing there"
            )
    if label is not None:
        _add_labels(traits, label, visits)
    capped = 0
    for column in options.covariates or []:
        capped += _add_covariate(traits, column, visits)
    if capped:
        told = counted(capped, "age above 89 is", "ages above 89 are")
        traits.notes.append(f"{told} 90 in the manifest, as HIPAA wants")
    return traits


def _check_known(
    column: str, traits: Traits, visits: Sequence[Visit], source: Path, *, label: bool
) -> None:
    """Refuse a column that is not there, and offer those that make sense.

    Raises:
        UserError: there is no such column.
    """
    tables, option = traits.tables, "--label" if label else "--covariate"
    if column in tables.columns:
        return
    if tables.columns:
        fit = [name for name in tables.columns if _makes_sense(traits, name, visits, label=label)]
        listed = ", ".join(fit[:_OFFERED]) + (" ..." if len(fit) > _OFFERED else "")
        what = "classes" if label else "classes or numbers"
        do = f"take one of {listed}" if fit else f"there is none of {what}"
        raise UserError(f"{option} {column}: there is no such column", do=do)
    if tables.problems:
        raise UserError(f"{option} {column}: {tables.problems[0]}", where=source)
    raise UserError(
        f"{option} {column}: there is no participants.tsv", where=source, do="add one, as in BIDS"
    )


def _makes_sense(traits: Traits, column: str, visits: Sequence[Visit], *, label: bool) -> bool:
    """Whether a column is one to offer: not the same for everybody, and nobody's identifier.

    As a label: of two subjects a class and more, on average. As a covariate: the same, or numbers.
    """
    texts = _texts(traits, column, visits)
    people = _people(texts)
    if len(people) < 2:
        return False
    if not label and all(_number(word, age=is_age(column)) is not None for word in people):
        return True
    return len(people) <= MOST_WORDS and 2 * len(people) <= len(set().union(*people.values()))


def _add_labels(traits: Traits, column: str, visits: Sequence[Visit]) -> None:
    found = _texts(traits, column, visits)
    names = traits.tables.levels.get(column, {})
    if is_age(column):
        found = {
            key: None if text is None else _age_text(text, traits, column)
            for key, text in found.items()
        }
    traits.label = column
    traits.labels = {
        key: None if text is None else names.get(text, text) for key, text in found.items()
    }
    people = _people(traits.labels)
    _check_classes("--label", column, people)
    if len(people) < 2:
        raise UserError(f"--label {column}: everybody is the same there, so it makes no classes")
    rare = sorted(word for word, own in people.items() if len(own) == 1)
    if rare:
        traits.notes.append(
            f"label {column}: {len(rare)} of {len(people)} classes "
            f"{'has' if len(rare) == 1 else 'have'} a single subject, who is in one split only"
        )
    _note_missing(traits, f"label {column}", traits.labels)


def _add_covariate(traits: Traits, column: str, visits: Sequence[Visit]) -> int:
    """Add one column; how many ages were capped."""
    texts = _texts(traits, column, visits)
    names = traits.tables.levels.get(column, {})
    age = is_age(column)
    numbers = {key: _number(text, age=age) for key, text in texts.items()}
    known = [key for key, text in texts.items() if text is not None]
    capped = 0
    values: dict[_Key, _Value]
    if known and not names and all(numbers[key] is not None for key in known):
        values = dict(numbers)
        if age:
            most = OLDEST * _per_year(traits.tables, column)
            capped = sum(number is not None and number >= most for number in numbers.values())
            values = {k: None if n is None else min(n, most) for k, n in numbers.items()}
        traits.columns.append(CovariateColumn(name=column, kind="number", levels=[]))
        same = len({values[key] for key in known}) == 1
    else:
        told = {k: None if text is None else names.get(text, text) for k, text in texts.items()}
        people = _people(told)
        _check_classes("--covariate", column, people)
        values = dict(told)
        levels = sorted(people)
        traits.columns.append(CovariateColumn(name=column, kind="words", levels=levels))
        same = len(levels) < 2
    if same:
        traits.notes.append(f"covariate {column} is the same for everybody: it tells nothing")
    _note_missing(traits, f"covariate {column}", values)
    for key, value in values.items():
        traits.values.setdefault(key, []).append(value)
    return capped


def _texts(traits: Traits, column: str, visits: Sequence[Visit]) -> dict[_Key, str | None]:
    return {
        (visit.subject, visit.number): traits.tables.value(column, visit.scans) for visit in visits
    }


def _people(values: dict[_Key, str | None]) -> dict[str, set[str]]:
    """Subjects of each word."""
    people: dict[str, set[str]] = {}
    for (subject, _), word in values.items():
        if word is not None:
            people.setdefault(word, set()).add(subject)
    return people


def _check_classes(option: str, column: str, people: dict[str, set[str]]) -> None:
    """Refuse a column whose words are no classes.

    Raises:
        UserError: nothing known, too many words, or a word of its own for each subject.
    """
    if not people:
        raise UserError(f"{option} {column}: it is empty for every scan that is used")
    if len(people) > MOST_WORDS:
        raise UserError(
            f"{option} {column}: it has {len(people)} different words, more than {MOST_WORDS}",
            do="take a column of classes",
        )
    subjects = set().union(*people.values())
    if len(people) == len(subjects) > 2:
        raise UserError(
            f"{option} {column}: it says something else of each subject, as an identifier does",
            do="take a column of classes or of numbers",
        )


def _note_missing(
    traits: Traits, what: str, values: dict[_Key, _Value] | dict[_Key, str | None]
) -> None:
    missing = sum(value is None for value in values.values())
    if missing:
        traits.notes.append(f"{what} is missing for {missing} of {len(values)} visits")


def is_age(column: str) -> bool:
    """Whether a column holds ages, by its name: `age`, `AgeAtScan`, `age_years`."""
    parted = re.sub(r"([a-z])([A-Z])", r"\1_\2", column)
    return "age" in words(parted)


def _per_year(tables: Tables, column: str) -> float:
    """How many units of an age column make a year."""
    spoken = f"{tables.units.get(column, '')} {column}".lower()
    return next((count for unit, count in _A_YEAR.items() if unit in spoken), 1.0)


def _number(text: str | None, *, age: bool) -> float | None:
    """A finite number; "89+" and "90+" are above 89."""
    if text is None:
        return None
    if age and re.fullmatch(r"(89|9\d|1\d\d)\+", text):
        return OLDEST
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _age_text(text: str, traits: Traits, column: str) -> str:
    """An age as a class, capped."""
    number = _number(text, age=True)
    most = OLDEST * _per_year(traits.tables, column)
    return text if number is None or number < most else "90+"
