"""A study that is being served: everything the pages need, loaded once and kept in memory.

Stimuli are kept as bytes, so that no disk or cache makes one image slower to come than another.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import Request

from popgan.errors import UserError
from popgan.files import read_yaml
from popgan.study import links
from popgan.study.books import Book, make_books
from popgan.study.clock import Clock
from popgan.study.database import COORDINATOR, check_whole, open_database
from popgan.study.frozen import check_unchanged, digests
from popgan.study.records import ended
from popgan.study.refusals import Refusal, StorageError, storage
from popgan.study.schema import Study
from popgan.study.server.guard import Hosts
from popgan.study.server.limits import Limit, address_key
from popgan.study.writer import Writer

PAGE = Path(__file__).resolve().parent.parent / "page"
READER_COOKIE, COORDINATOR_COOKIE = "popgan_study", "popgan_coordinator"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_T = TypeVar("_T")


@dataclass
class Limits:
    """How often what may be tried.

    Attributes:
        guesses: wrong links and sessions, by address.
        logins: right links, by person.
        api: requests, by session.
    """

    guesses: Limit = field(default_factory=lambda: Limit(30, 0.1))
    logins: Limit = field(default_factory=lambda: Limit(20, 0.2))
    api: Limit = field(default_factory=lambda: Limit(600, 10))


@dataclass
class Service:
    """See the module.

    Attributes:
        study: what is served.
        books: what each reader is asked.
        stimuli: file -> bytes.
        pages: name -> (bytes, type) of the page's files.
        texts: all words of the pages.
        instructions, consent: Markdown.
        hashes: of everything that freezes with the first answer.
        hosts: own names.
        reads: connection that only reads, used by the loop of events alone.
        writer: the thread that writes.
        clock: used by the writer's thread alone.
        limits: how often what may be tried.
    """

    study: Study
    books: Mapping[str, Book]
    stimuli: Mapping[str, bytes]
    pages: Mapping[str, tuple[bytes, str]]
    texts: dict[str, Any]
    instructions: str
    consent: str
    hashes: dict[str, str]
    hosts: Hosts
    reads: sqlite3.Connection
    writer: Writer
    clock: Clock
    limits: Limits = field(default_factory=Limits)

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Look something up.

        Raises:
            Refusal: another program keeps even readers out.
        """
        try:
            return work(self.reads)
        except sqlite3.OperationalError as error:
            raise storage(error) from error

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Change something; done when it is on the disk.

        Raises:
            Refusal: as the work says, or nothing can be stored now.
        """
        try:
            return await self.writer.write(work)
        except StorageError as error:
            raise storage(error) from error

    def session(self, request: Request, cookie: str, *, csrf: bool = False) -> links.Session:
        """Who asks, and whether they may.

        Args:
            request: with a cookie.
            cookie: `READER_COOKIE` or `COORDINATOR_COOKIE`.
            csrf: whether the request must prove that it comes from our page.

        Raises:
            Refusal: nobody known, an ended session, no proof, or too many requests.
        """
        secret = request.cookies.get(cookie, "")
        found = None
        if links.is_secret(secret):
            found = self.read(lambda reads: links.find_session(reads, secret))
        wants_coordinator = cookie == COORDINATOR_COOKIE
        if found is None or (found.person == COORDINATOR) is not wants_coordinator:
            # Who has a session is not kept out by a neighbour behind the same address.
            self.limits.guesses.check(address_of(request))
            if secret:
                self.limits.guesses.spend(address_of(request))
            raise Refusal("session", "there is no session; open your link again")
        self.limits.api.take(found.id)
        if found.ended is not None:
            raise ended(found.ended)
        if csrf and not links.is_csrf(secret, request.headers.get("x-csrf-token", "")):
            raise Refusal("csrf", "the request does not come from this study's page")
        return found

    def close(self) -> None:
        """Finish what is being written."""
        self.writer.close()
        self.reads.close()


def address_of(request: Request) -> str:
    """What limits count as one address."""
    return address_key(request.client.host if request.client else "")


@contextmanager
def open_service(study: Study, hosts: Hosts) -> Iterator[Service]:
    """Load a study for serving.

    Raises:
        UserError: it was edited after its first answer, files are missing or damaged.
    """
    with contextlib.closing(open_database(study)) as connection:
        check_whole(connection, study.places.database)
    check_unchanged(study)
    hashes = digests(study)
    stimuli = _load_stimuli(study)
    words = _Words.of(study)
    # The loop of events waits for nobody: a reader that finds the file held is told so at once.
    reads = open_database(study, patience=0.05)
    writing = open_database(study, patience=2.0)
    service = Service(
        study=study,
        books=make_books(study),
        stimuli=stimuli,
        pages=_load_pages(),
        texts=words.texts,
        instructions=words.instructions,
        consent=words.consent,
        hashes=hashes,
        hosts=hosts,
        reads=reads,
        clock=Clock.of(reads),
        writer=Writer(writing),
    )
    try:
        yield service
    finally:
        service.close()


def _load_stimuli(study: Study) -> dict[str, bytes]:
    found = {}
    for stimulus in study.key.stimuli:
        path = study.places.stimuli / stimulus.file
        if Path(stimulus.file).name != stimulus.file:
            raise UserError("names a file outside of its folder", where=study.places.key)
        try:
            found[stimulus.file] = path.read_bytes()
        except OSError as error:
            raise UserError(f"cannot be read ({error.strerror})", where=path) from error
    if len({len(image) for image in found.values()}) > 1:
        raise UserError(
            "holds images of different lengths, which would tell them apart",
            where=study.places.stimuli,
            do="create the study anew with `popgan study create --restart`",
        )
    return found


def _load_pages() -> dict[str, tuple[bytes, str]]:
    """The files that are served: those lying in the folder now, of known types, and no others."""
    return {
        path.name: (path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(PAGE.iterdir())
        if path.suffix in _TYPES and path.is_file()
    }


@dataclass(frozen=True)
class _Words:
    """Everything that readers read."""

    texts: dict[str, Any]
    instructions: str
    consent: str

    @classmethod
    def of(cls, study: Study) -> _Words:
        texts = read_yaml(study.places.texts)
        if not isinstance(texts, dict):
            raise UserError("holds no texts", where=study.places.texts)
        places = study.places
        return cls(_merged(_english(), texts), _text(places.instructions), _text(places.consent))


@cache
def _english() -> dict[str, Any]:
    own = PAGE / "texts" / "en.yaml"
    return read_yaml(own) if own.exists() else {}


def _merged(known: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Texts of the study; English ones where a translation leaves something out."""
    merged = dict(known)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(known.get(key), dict)
        merged[key] = _merged(known[key], value) if both else value
    return merged


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot be read as UTF-8 text", where=path) from error
