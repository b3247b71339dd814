"""Tables about people beside their scans: participants.tsv, sessions.tsv and scans.tsv of BIDS.

They are files of strangers like any other: bounded in size, read as text, and whatever is wrong
with one is a reason in words, not a guess.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar

from popgan.scans.limits import open_regular
from popgan.scans.scan import Found, ScanError
from popgan.scans.sidecars import read_object

MAX_BYTES = 16 * 2**20
"""Largest table read."""
MAX_COLUMNS = 2000
_LONGEST = 200  # characters of a value
_MISSING = {"", "n/a", "na", "nan", "null", "#n/a"}

Row = dict[str, str]
_Key = TypeVar("_Key", bound=Hashable)


@dataclass
class Tables:
    """What tables say, by whom or what it is said of.

    Attributes:
        subjects: rows of participants.tsv by participant_id.
        visits: rows of sessions.tsv by subject and session_id.
        scans: rows of scans.tsv by the relative name of the file.
        columns: names of all columns, in order.
        levels: column to its words and their names (participants.json).
        units: column to its unit (participants.json).
        problems: tables that cannot be used, each with the reason; no path of a machine.
        conflicts: columns in which two rows of one subject disagree, with how many do.
    """

    subjects: dict[str, Row] = field(default_factory=dict)
    visits: dict[tuple[str, str], Row] = field(default_factory=dict)
    scans: dict[str, Row] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    levels: dict[str, dict[str, str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    conflicts: dict[str, int] = field(default_factory=dict)

    def person(self, subject: str) -> Row:
        """The row of a subject; `sub-1` and `1` are the same."""
        bare = subject.removeprefix("sub-")
        for name in (subject, bare, f"sub-{bare}"):
            if name in self.subjects:
                return self.subjects[name]
        return {}

    def value(self, column: str, scans: Sequence[Found]) -> str | None:
        """A value for a visit, or None: of a scan, else of the visit, else of the subject."""
        first = scans[0]
        rows = [self.scans.get(found.name, {}) for found in scans]
        rows += [self.visits.get((first.subject, first.session or ""), {})]
        rows += [self.person(first.subject)]
        for row in rows:
            text = row.get(column, "").strip()
            if text.lower() not in _MISSING:
                return text
        return None


def read_table(path: Path) -> tuple[list[str], list[Row]]:
    """Columns and rows of a tab-separated file.

    Raises:
        ScanError: too large, binary, not UTF-8, a column named twice, or no columns.
    """
    with open_regular(path) as (handle, size):
        if size > MAX_BYTES:
            raise ScanError(f"is too large for a table ({size} bytes, at most {MAX_BYTES})")
        raw = handle.read(size)
    if b"\0" in raw:
        raise ScanError("holds NUL bytes, so it is no text")
    try:
        lines = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter="\t"))
    except UnicodeDecodeError as error:
        raise ScanError("is not UTF-8 text") from error
    except csv.Error as error:
        raise ScanError(f"is not a readable table ({error})") from error
    if not lines:
        raise ScanError("has no line of column names")
    columns = [name.strip() for name in lines[0]]
    if len(columns) > MAX_COLUMNS:
        raise ScanError(f"has {len(columns)} columns, which no table of people has")
    if len(set(columns)) < len(columns):
        raise ScanError("names a column twice")
    rows = [
        {name: text[:_LONGEST] for name, text in zip(columns, line, strict=False) if name}
        for line in lines[1:]
        if any(line)
    ]
    return [name for name in columns if name], rows


def read_participants(source: Path) -> Tables:
    """participants.tsv and participants.json of a folder; empty where there are none."""
    tables = Tables()
    path = source / "participants.tsv"
    if path.exists() or path.is_symlink():
        try:
            columns, rows = read_table(path)
        except ScanError as error:
            tables.problems.append(f"participants.tsv {error}")
            return tables
        if "participant_id" not in columns:
            tables.problems.append("participants.tsv has no column participant_id")
            return tables
        _note_columns(tables, columns, "participant_id")
        for row in rows:
            _add(tables.subjects, row.pop("participant_id", ""), row, tables.conflicts)
    _read_meanings(source / "participants.json", tables)
    return tables


def add_visit_tables(tables: Tables, source: Path, scans: Iterable[Found]) -> None:
    """Add the sessions.tsv and scans.tsv that lie beside the scans of a BIDS data set."""
    folders = {part for found in scans for part in PurePosixPath(found.name).parents}
    for folder in sorted(folders):
        parts = [part for part in folder.parts if part.startswith(("sub-", "ses-"))]
        if not parts or folder.name != parts[-1]:
            continue
        prefix = "_".join(parts)
        for columns, rows in _table_of(tables, source / folder / f"{prefix}_sessions.tsv"):
            _note_columns(tables, columns, "session_id")
            for row in rows:
                session = row.pop("session_id", "")
                _add(tables.visits, (parts[0], session), row, tables.conflicts)
        for columns, rows in _table_of(tables, source / folder / f"{prefix}_scans.tsv"):
            _note_columns(tables, columns, "filename")
            for row in rows:
                name = (folder / row.pop("filename", "")).as_posix()
                _add(tables.scans, name, row, tables.conflicts)


def _table_of(tables: Tables, path: Path) -> list[tuple[list[str], list[Row]]]:
    """A table in a list, or an empty list where there is none of use."""
    if not path.exists():
        return []
    try:
        return [read_table(path)]
    except ScanError as error:
        kind = path.stem.rpartition("_")[2]  # the name before it is a subject's
        tables.problems.append(f"a {kind}.tsv {error}")
        return []


def _note_columns(tables: Tables, columns: list[str], own: str) -> None:
    tables.columns += [name for name in columns if name != own and name not in tables.columns]


def _add(into: dict[_Key, Row], key: _Key, row: Row, conflicts: dict[str, int]) -> None:
    """Add a row; where a second one of the same key disagrees, nobody knows which is right."""
    known = into.get(key)
    if known is None:
        into[key] = row
        return
    for column, text in row.items():
        if known.get(column, text) != text:
            known[column] = ""
            conflicts[column] = conflicts.get(column, 0) + 1


def _read_meanings(path: Path, tables: Tables) -> None:
    """Names of levels and units from participants.json."""
    if not path.exists():
        return
    try:
        said = read_object(path)
    except ScanError as error:
        tables.problems.append(f"participants.json {error}")
        return
    for column in tables.columns:
        about = said.get(column)
        if not isinstance(about, dict):
            continue
        levels = about.get("Levels")
        if isinstance(levels, dict):
            tables.levels[column] = {
                str(word): str(name)[:_LONGEST]
                for word, name in levels.items()
                if isinstance(name, str)
            }
        if isinstance(about.get("Units"), str):
            tables.units[column] = about["Units"][:_LONGEST]
