"""Personal links and sessions: random, kept as hashes only, one at a time for each person.

A link is 256 random bits in a path. Who opens it gets a session: 256 other bits in a cookie. The
database knows SHA-256 of both, so a copy of it lets nobody in. No slow hash is needed for secrets
of that length, because they cannot be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from popgan.study.clock import Stamp
from popgan.study.database import COORDINATOR

_BYTES = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    """256 random bits, as 43 characters that may stand in a path."""
    return secrets.token_urlsafe(_BYTES)


def is_secret(text: str) -> bool:
    """Whether a text has the shape of a secret; others are not even looked up."""
    return _SECRET.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_of(session: str) -> str:
    """The proof that a request comes from our page: no other can know what the cookie holds."""
    return hmac.new(session.encode(), b"popgan study csrf", hashlib.sha256).hexdigest()


def path_of(person: str, secret: str) -> str:
    """The path of a personal link."""
    return f"/{'c' if person == COORDINATOR else 'r'}/{secret}"


def issue(connection: sqlite3.Connection, people: Sequence[str], stamp: Stamp) -> dict[str, str]:
    """New links; the old ones and what was opened with them end.

    Returns:
        person -> path of the link, which is told this once.
    """
    found = {}
    for person in people:
        secret = new_secret()
        connection.execute(
            "UPDATE person SET link = ?, issued = ? WHERE alias = ?",
            (digest(secret), stamp.received, person),
        )
        _end(connection, person, "link")
        found[person] = path_of(person, secret)
    return found


def owner(connection: sqlite3.Connection, secret: str) -> str | None:
    """Whose link a secret is; None if nobody's."""
    return _find(connection, "SELECT link, alias FROM person WHERE link = ?", secret)


def begin(connection: sqlite3.Connection, person: str, link: str, stamp: Stamp) -> str | None:
    """A fresh session for the owner of a link; an older one ends.

    Returns:
        The session's secret; None where the link has ended meanwhile.
    """
    if owner(connection, link) != person:
        return None
    _end(connection, person, "superseded")
    secret = new_secret()
    connection.execute(
        "INSERT INTO session (hash, person, created) VALUES (?, ?, ?)",
        (digest(secret), person, stamp.received),
    )
    return secret


@dataclass(frozen=True)
class Session:
    """Somebody who opened a link.

    Attributes:
        id: row of the session.
        person: alias, or `COORDINATOR`.
        ended: why it ended; None while it lasts.
    """

    id: int
    person: str
    ended: str | None


def find_session(connection: sqlite3.Connection, secret: str) -> Session | None:
    """The session of a secret, ended or not; None if there never was one."""
    row = connection.execute(
        "SELECT hash, id, person, ended FROM session WHERE hash = ?", (digest(secret),)
    ).fetchone()
    if row is None or not hmac.compare_digest(row[0], digest(secret)):
        return None
    return Session(*row[1:])


def _find(connection: sqlite3.Connection, query: str, secret: str) -> str | None:
    row = connection.execute(query, (digest(secret),)).fetchone()
    if row is None or not hmac.compare_digest(row[0], digest(secret)):
        return None
    return str(row[1])


def _end(connection: sqlite3.Connection, person: str, why: str) -> None:
    connection.execute(
        "UPDATE session SET ended = ? WHERE person = ? AND ended IS NULL", (why, person)
    )


def is_csrf(session: str, proof: str) -> bool:
    """Whether a proof is that of a session; takes as long for any proof."""
    return hmac.compare_digest(csrf_of(session).encode(), proof.encode(errors="replace"))
