"""The file of a study's answers: SQLite in WAL mode, an append-only log of versions.

A commit returns only when its pages are on the disk (`synchronous=FULL`), so what was acknowledged
outlives a killed server and a cut of power. Answers are never changed nor deleted: triggers refuse.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from popgan.errors import UserError
from popgan.files import disk_error, owners_folder
from popgan.study.schema import Study

COORDINATOR = "coordinator"
_APPLICATION, _VERSION = 0x706F7067, 1
_PATIENCE = 5.0
_SCHEMA = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE person (
    alias TEXT PRIMARY KEY, link BLOB UNIQUE, issued TEXT, locked INTEGER NOT NULL DEFAULT 0,
    consented TEXT, display_checked TEXT
) WITHOUT ROWID;
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE,
    person TEXT NOT NULL REFERENCES person (alias), created TEXT NOT NULL, ended TEXT
);
CREATE INDEX session_person ON session (person) WHERE ended IS NULL;
CREATE TABLE answer (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reader TEXT NOT NULL REFERENCES person (alias),
    uuid TEXT NOT NULL, block TEXT NOT NULL, trial TEXT NOT NULL, content TEXT NOT NULL,
    complete INTEGER NOT NULL, shown_ms INTEGER NOT NULL, client_time TEXT NOT NULL,
    received TEXT NOT NULL, monotonic REAL NOT NULL, clock_back INTEGER NOT NULL,
    session INTEGER REFERENCES session (id), UNIQUE (reader, uuid)
);
CREATE TABLE latest (
    reader TEXT NOT NULL, block TEXT NOT NULL, trial TEXT NOT NULL,
    answer INTEGER NOT NULL REFERENCES answer (id), complete INTEGER NOT NULL,
    shown_ms INTEGER NOT NULL, PRIMARY KEY (reader, block, trial)
) WITHOUT ROWID;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL REFERENCES person (alias),
    kind TEXT NOT NULL, detail TEXT NOT NULL, received TEXT NOT NULL, monotonic REAL NOT NULL,
    clock_back INTEGER NOT NULL
);
CREATE TRIGGER answers_stay BEFORE DELETE ON answer
    BEGIN SELECT RAISE (ABORT, 'answers are never deleted'); END;
CREATE TRIGGER answers_stand BEFORE UPDATE ON answer
    BEGIN SELECT RAISE (ABORT, 'answers are never changed'); END;
"""


def open_database(study: Study, *, patience: float = _PATIENCE) -> sqlite3.Connection:
    """Open the answers of a study; make the file, readable by its owner only, if need be.

    The connection may be used from any thread, by one at a time; transactions are explicit.

    Args:
        study: whose answers.
        patience: seconds to wait for another program that holds the file.

    Raises:
        UserError: the file is damaged, not popgan's, held by another program, or cannot be written.
    """
    path = study.places.database
    with _explained(path):
        _make_file(path)
        connection = sqlite3.connect(
            path, timeout=patience, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, study)
        except BaseException:
            connection.close()
            raise
    return connection


def _make_file(path: Path) -> None:
    """SQLite gives its journals the rights of the file, which therefore come first."""
    owners_folder(path.parent)
    try:
        # Never opened where it exists: closing it again would end this process's locks on it (they
        # are of POSIX), another program would then take itself for the last one and delete the
        # journal, and what is written after that would be lost.
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise disk_error(path, error) or error from error


def _prepare(connection: sqlite3.Connection, study: Study) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    known = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if tables and (known, version) != (_APPLICATION, _VERSION):
        raise UserError(
            "is not a file of answers of this version of popgan", where=study.places.database
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    aliases = [COORDINATOR, *(plan.alias for plan in study.key.readers)]
    if tables and connection.execute("SELECT count(*) FROM person").fetchone()[0] == len(aliases):
        return
    with transaction(connection):
        # Asked again within the transaction: two programs may open a new file at once.
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _statements(_SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.executemany(
            "INSERT OR IGNORE INTO person (alias) VALUES (?)", [(alias,) for alias in aliases]
        )


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit in between."""
    text = ""
    for line in script.strip().splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            yield text
            text = ""


def check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Look through the whole file for damage; some milliseconds for a study.

    Raises:
        UserError: it is damaged.
    """
    with _explained(path):
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        lost = connection.execute("PRAGMA foreign_key_check").fetchone()
    if found != "ok" or lost is not None:
        raise _damaged(path)


@contextmanager
def existing(study: Study) -> Iterator[sqlite3.Connection | None]:
    """The answers of a study for reading; None where no reader was invited yet.

    Raises:
        UserError: as `open_database`.
    """
    if not study.places.database.exists():
        yield None
        return
    connection = open_database(study)
    with contextlib.closing(connection), _explained(study.places.database):
        yield connection


@contextmanager
def changing(study: Study) -> Iterator[sqlite3.Connection]:
    """The answers of a study within one transaction, for verbs beside a server.

    Raises:
        UserError: as `open_database`.
    """
    connection = open_database(study)
    with contextlib.closing(connection), _explained(study.places.database), transaction(connection):
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; on the disk when the block has ended."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # A full disk has ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    try:
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def setting(connection: sqlite3.Connection, name: str) -> str | None:
    """A value kept under a name."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_setting(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a value under a name."""
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """One line for whatever SQLite can say of a file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise UserError(
                "is held by another program", where=path, do="close it, then try again"
            ) from error
        raise UserError(
            f"cannot be used ({text})", where=path, do="look at the disk and at its rights"
        ) from error
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> UserError:
    return UserError("is damaged", where=path, do="keep a copy of it, then put back a former one")
