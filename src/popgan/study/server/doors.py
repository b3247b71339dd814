"""Pages and the way in: a personal link shows a button, and the button begins a session.

Looking at a link changes nothing, because mail programs and chats open links before people do.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from popgan.study import links
from popgan.study.database import COORDINATOR
from popgan.study.records import is_locked
from popgan.study.refusals import Refusal
from popgan.study.server.messages import read_body
from popgan.study.server.replies import page_reply
from popgan.study.server.service import (
    COORDINATOR_COOKIE,
    READER_COOKIE,
    Service,
    address_of,
)

_MOST_FORM = 1024


class Doors:
    """Links, pages and their files."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def root(self, request: Request) -> Response:
        """GET /: nothing but a hint."""
        return self._page("begin", ["ended"], status=404)

    async def study(self, request: Request) -> Response:
        """GET /study: the reader's page, which asks for its state itself."""
        return self._file("study.html")

    async def coordinator(self, request: Request) -> Response:
        """GET /coordinator: the coordinator's page."""
        return self._file("coordinator.html")

    async def static(self, request: Request) -> Response:
        """GET /static/NAME: a file that was loaded at the start; no path is ever made of NAME."""
        return self._file(request.path_params["name"])

    async def look(self, request: Request) -> Response:
        """GET of a link: a page with a button."""
        person = self._owner(request)
        if person is None:
            return self._page(self._words(request), ["ended"], status=404)
        if self._locked(person):
            return self._page("begin", ["locked"], status=423)
        name = self._words(request)
        return self._page(name, ["text", "one_place"], button=True)

    async def enter(self, request: Request) -> Response:
        """POST of a link: a fresh session, whatever cookie came; the former one ends."""
        person = self._owner(request)
        await read_body(request, _MOST_FORM)
        secret = None
        if person is not None:
            if self._locked(person):
                return self._page("begin", ["locked"], status=423)
            self._service.limits.logins.take(person)
            owner, link, clock = person, request.path_params["link"], self._service.clock
            secret = await self._service.write(
                lambda connection: links.begin(connection, owner, link, clock.stamp())
            )
        if secret is None:
            return self._page(self._words(request), ["ended"], status=404)
        reader = person != COORDINATOR
        reply = Response(
            status_code=303, headers={"location": "/study" if reader else "/coordinator"}
        )
        reply.set_cookie(
            READER_COOKIE if reader else COORDINATOR_COOKIE,
            secret,
            httponly=True,
            samesite="strict",
            secure=self._service.hosts.secure,
            path="/",
        )
        return reply

    def _owner(self, request: Request) -> str | None:
        """Whose link it is. A wrong one costs its address one of a few tries; a right one is free.

        Who has a link is not kept out by a neighbour behind the same address.
        """
        service, link = self._service, request.path_params["link"]
        person = None
        if links.is_secret(link):
            person = service.read(lambda reads: links.owner(reads, link))
        at_door = self._words(request) == "coordinator_begin"
        if person is None or (person == COORDINATOR) is not at_door:
            service.limits.guesses.take(address_of(request))
            return None
        return person

    def _locked(self, person: str) -> bool:
        if person == COORDINATOR:
            return False
        return self._service.read(lambda reads: is_locked(reads, person))

    def _words(self, request: Request) -> str:
        return "coordinator_begin" if request.scope["path"].startswith("/c/") else "begin"

    def _page(
        self, name: str, keys: list[str], *, button: bool = False, status: int = 200
    ) -> Response:
        texts: dict[str, Any] = self._service.texts
        begin = {**_section(texts, "begin"), **_section(texts, name)}
        if name != "begin":
            begin.pop("one_place", None)
        return page_reply(
            texts,
            str(begin.get("heading", "Reader study")),
            [str(begin[key]) for key in keys if key in begin],
            button=str(begin.get("button", "Begin")) if button else None,
            status=status,
        )

    def _file(self, name: str) -> Response:
        found = self._service.pages.get(name)
        if found is None:
            raise Refusal("unknown", "there is nothing here")
        content, kind = found
        return Response(content, headers={"content-type": kind})


def _section(texts: dict[str, Any], name: str) -> dict[str, Any]:
    section = texts.get(name)
    return section if isinstance(section, dict) else {}
