"""The coordinator's interface: progress, locks, links, export; no truth before the lock."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from popgan.errors import UserError
from popgan.study import links
from popgan.study.answers import as_csv
from popgan.study.counts import counts
from popgan.study.database import COORDINATOR, setting
from popgan.study.export import study_rows
from popgan.study.records import is_locked, note, reveal, set_locked
from popgan.study.refusals import Refusal
from popgan.study.server.messages import LinkMessage, LockMessage, read_message
from popgan.study.server.replies import json_reply
from popgan.study.server.service import COORDINATOR_COOKIE, Service


class Coordinator:
    """The routes under /api/coordinator."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def state(self, request: Request) -> Response:
        """GET /api/coordinator/state: how far everybody is."""
        service = self._service
        service.session(request, COORDINATOR_COOKIE)
        found = await _aside(counts, service.study)
        return json_reply(
            {
                "csrf": links.csrf_of(request.cookies[COORDINATOR_COOKIE]),
                "title": service.study.design.title,
                "texts": service.texts,
                **found,
                "design": service.study.design.model_dump(mode="json"),
            }
        )

    async def lock(self, request: Request) -> Response:
        """POST /api/coordinator/lock: close or open the study for one reader or for all."""
        service = self._service
        service.session(request, COORDINATOR_COOKIE, csrf=True)
        message = await read_message(request, LockMessage)
        if message.reader is not None:
            self._check_reader(message.reader)

        def change(connection: sqlite3.Connection) -> None:
            revealed = setting(connection, "revealed") is not None
            if message.reader is None and not message.locked and revealed:
                raise Refusal(
                    "revealed", "the truth was opened; answers after that would not be blind"
                )
            set_locked(
                connection,
                message.reader,
                message.locked,
                by=COORDINATOR,
                stamp=service.clock.stamp(),
            )

        await service.write(change)
        return json_reply({"ok": True, "reader": message.reader, "locked": message.locked})

    async def link(self, request: Request) -> Response:
        """POST /api/coordinator/link: a new link for a reader; the old one ends."""
        service = self._service
        service.session(request, COORDINATOR_COOKIE, csrf=True)
        message = await read_message(request, LinkMessage)
        self._check_reader(message.reader)

        def renew(connection: sqlite3.Connection) -> str:
            stamp = service.clock.stamp()
            note(connection, COORDINATOR, "link", {"reader": message.reader}, stamp)
            return links.issue(connection, [message.reader], stamp)[message.reader]

        return json_reply({"link": await service.write(renew)})

    async def export(self, request: Request) -> Response:
        """GET /api/coordinator/export: every version as CSV, with the truth once all is locked."""
        service = self._service
        service.session(request, COORDINATOR_COOKIE)

        def allowed(connection: sqlite3.Connection) -> bool:
            locked, stamp = is_locked(connection), service.clock.stamp()
            if locked:
                reveal(connection, by=COORDINATOR, stamp=stamp)
            note(connection, COORDINATOR, "export", {"truth": locked}, stamp)
            return locked

        truth = await service.write(allowed)
        text = await _aside(lambda study: as_csv(study_rows(study, truth=truth)), service.study)
        name = "answers-with-truth.csv" if truth else "answers.csv"
        disposition = f'attachment; filename="{name}"'
        return Response(text, media_type="text/csv", headers={"content-disposition": disposition})

    def _check_reader(self, alias: str) -> None:
        if alias not in self._service.books:
            raise Refusal("unknown", "there is no such reader")


async def _aside(work: Any, *arguments: Any) -> Any:
    """Longer reading in a thread, so that readers do not wait for the coordinator."""
    try:
        return await asyncio.to_thread(work, *arguments)
    except (sqlite3.OperationalError, UserError) as error:
        raise Refusal("storage", "the answers cannot be read now; trying again helps") from error
