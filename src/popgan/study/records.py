"""What is written while a study is served: answers, events and locks, under the study's rules.

Every function works within a transaction that its caller holds, so rules are checked against
exactly the state that the write builds on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from popgan.study.books import Book, begun_name, progress
from popgan.study.clock import Stamp
from popgan.study.database import set_setting, setting
from popgan.study.frozen import freeze
from popgan.study.refusals import Refusal
from popgan.study.schema import Block, Design
from popgan.study.values import check_values, is_complete


@dataclass(frozen=True)
class Sent:
    """A version of an answer as it came.

    Attributes:
        id: a random UUID made in the browser, so that sending twice stores once.
        block, trial: what is answered.
        values: criterion or question -> value; not yet checked.
        shown_ms: milliseconds that the case was in front of the reader, so far.
        client_time: ISO 8601, by the reader's clock.
    """

    id: str
    block: Block
    trial: str
    values: Mapping[str, object]
    shown_ms: int
    client_time: str


@dataclass
class Stored:
    """What became of answers.

    Attributes:
        acknowledged: ids of those that are stored now or were before.
        refused: (id, words) of those that will never be.
        done: complete answers by block.
    """

    acknowledged: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    done: dict[Block, int] = field(default_factory=dict)


def store_answers(
    connection: sqlite3.Connection,
    book: Book,
    design: Design,
    sent: Sequence[Sent],
    *,
    stamp: Stamp,
    session: int,
    hashes: dict[str, str],
) -> Stored:
    """Store versions of answers in their order; each is taken or refused by itself.

    Args:
        connection: within a transaction.
        book: of the reader.
        design: of the study.
        sent: what came.
        stamp: when it came.
        session: through which session.
        hashes: of everything that freezes with the first answer.

    Raises:
        Refusal: the session was ended, or the reader or the study is locked.
    """
    check_session(connection, session)
    check_open(connection, book.alias)
    outcome = Stored()
    for answer in sent:
        try:
            _store(connection, book, design, answer, stamp, session, hashes)
        except ValueError as error:
            outcome.refused.append((answer.id, str(error)))
        else:
            outcome.acknowledged.append(answer.id)
    outcome.done = {block: p.done for block, p in progress(connection, book).items()}
    return outcome


def _store(
    connection: sqlite3.Connection,
    book: Book,
    design: Design,
    answer: Sent,
    stamp: Stamp,
    session: int,
    hashes: dict[str, str],
) -> None:
    values = check_values(answer.block, design.kind, answer.values)
    content = json.dumps(values)
    known = connection.execute(
        "SELECT block, trial, content FROM answer WHERE reader = ? AND uuid = ?",
        (book.alias, answer.id),
    ).fetchone()
    if known is not None:
        if known != (answer.block, answer.trial, content):
            raise ValueError("another answer was sent under this id before")
        return
    _check_place(connection, book, design, answer)
    complete = is_complete(answer.block, design.kind, values)
    if answer.block != "practice" and setting(connection, "started") is None:
        freeze(connection, hashes, stamp.received)
    where = (book.alias, answer.block, answer.trial)
    row = connection.execute(
        "INSERT INTO answer (reader, block, trial, uuid, content, complete, shown_ms, client_time,"
        " received, monotonic, clock_back, session) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            *(*where, answer.id, content, complete, answer.shown_ms, answer.client_time),
            *(stamp.received, stamp.monotonic, stamp.back, session),
        ),
    ).lastrowid
    connection.execute(
        "INSERT INTO latest VALUES (?,?,?,?,?,?) ON CONFLICT (reader, block, trial) DO UPDATE SET"
        " answer = excluded.answer, complete = excluded.complete,"
        " shown_ms = max(shown_ms, excluded.shown_ms)",
        (*where, row, complete, answer.shown_ms),
    )


def _check_place(connection: sqlite3.Connection, book: Book, design: Design, answer: Sent) -> None:
    """Whether this trial of this block can be answered now."""
    question = book.questions.get(answer.trial)
    if question is None or question.block != answer.block:
        raise ValueError("there is no such trial in this block")
    state = progress(connection, book)[answer.block]
    if state.frozen:
        raise ValueError("this block is finished; its answers can no longer be changed")
    if not state.open:
        raise ValueError("this block is not open yet")
    if design.back:
        return
    later = [q.id for q in book.blocks[answer.block][question.number + 1 :]]
    touched = {
        trial
        for (trial,) in connection.execute(
            "SELECT trial FROM latest WHERE reader = ? AND block = ?", (book.alias, answer.block)
        )
    }
    if touched.intersection(later):
        raise ValueError("a later case was answered already, and this study does not go back")


def check_session(connection: sqlite3.Connection, session: int) -> None:
    """Refuse a session that has ended since it was looked up.

    Raises:
        Refusal: it has.
    """
    row = connection.execute("SELECT ended FROM session WHERE id = ?", (session,)).fetchone()
    if row is None or row[0] is not None:
        raise ended(row[0] if row else "unknown")


def ended(why: str) -> Refusal:
    """The refusal of a session that is no more."""
    if why == "superseded":
        return Refusal("superseded", "the study was opened in another place and goes on there")
    return Refusal("session", "this session has ended; open your link again")


def check_open(connection: sqlite3.Connection, alias: str) -> None:
    """Refuse a reader who is locked, or all of them while the study is.

    Raises:
        Refusal: so it is.
    """
    if is_locked(connection, alias):
        raise Refusal("locked", "the study is closed")


def is_locked(connection: sqlite3.Connection, alias: str | None = None) -> bool:
    """Whether a reader can answer no more; of the whole study without an alias."""
    if setting(connection, "locked") is not None:
        return True
    if alias is None:
        return False
    row = connection.execute("SELECT locked FROM person WHERE alias = ?", (alias,)).fetchone()
    return bool(row and row[0])


def set_locked(
    connection: sqlite3.Connection, alias: str | None, locked: bool, *, by: str, stamp: Stamp
) -> None:
    """Lock or unlock a reader, or the study; it is noted who did and when."""
    if alias is not None:
        connection.execute("UPDATE person SET locked = ? WHERE alias = ?", (locked, alias))
    elif locked:
        if setting(connection, "locked") is None:
            set_setting(connection, "locked", stamp.received)
    else:
        connection.execute("DELETE FROM setting WHERE name = 'locked'")
    note(connection, by, "lock" if locked else "unlock", {"reader": alias}, stamp)


def reveal(connection: sqlite3.Connection, *, by: str, stamp: Stamp) -> None:
    """Note that somebody learns the truth now: what is answered after that is not blind.

    The number of the last answer is kept, because a clock may go back.
    """
    if setting(connection, "revealed") is None:
        last = connection.execute("SELECT coalesce(max(id), 0) FROM answer").fetchone()[0]
        set_setting(connection, "revealed_after", str(last))
        set_setting(connection, "revealed", stamp.received)
    note(connection, by, "reveal", {}, stamp)


def begin_block(connection: sqlite3.Connection, book: Book, block: object, stamp: Stamp) -> None:
    """Show a block that is open; the one before can no longer be changed from here on.

    Raises:
        Refusal: it is not open.
    """
    found = next((name for name in book.blocks if name == block), None)
    state = progress(connection, book)[found] if found is not None else None
    if found is None or state is None or not (state.open or state.frozen):
        raise Refusal("closed", "this block is not open yet")
    name = begun_name(book, found)
    if setting(connection, name) is None:
        set_setting(connection, name, stamp.received)


def note(
    connection: sqlite3.Connection,
    person: str,
    kind: str,
    detail: Mapping[str, object],
    stamp: Stamp,
) -> None:
    """Keep an event."""
    connection.execute(
        "INSERT INTO event (person, kind, detail, received, monotonic, clock_back)"
        " VALUES (?,?,?,?,?,?)",
        (person, kind, json.dumps(detail), stamp.received, stamp.monotonic, stamp.back),
    )


def note_reader(
    connection: sqlite3.Connection,
    alias: str,
    kind: str,
    detail: Mapping[str, object],
    *,
    stamp: Stamp,
    session: int,
) -> None:
    """Keep an event of a reader; consent and the display check are remembered as such.

    Raises:
        Refusal: as `store_answers`.
    """
    check_session(connection, session)
    check_open(connection, alias)
    column = {"consent": "consented", "display_check": "display_checked"}.get(kind)
    if column is not None:
        connection.execute(
            f"UPDATE person SET {column} = coalesce({column}, ?) WHERE alias = ?",
            (stamp.received, alias),
        )
    note(connection, alias, kind, detail, stamp)
