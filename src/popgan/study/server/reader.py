"""The reader's interface: state, stimuli, answers, events. each reaches their own only."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from popgan.evidence.readers.answers import CRITERIA
from popgan.study import links
from popgan.study.books import Book, progress
from popgan.study.records import (
    Sent,
    Stored,
    begin_block,
    check_open,
    is_locked,
    note_reader,
    store_answers,
)
from popgan.study.refusals import Refusal
from popgan.study.server.messages import (
    AnswerMessage,
    AnswersMessage,
    EventMessage,
    read_message,
    words_of,
)
from popgan.study.server.replies import json_reply
from popgan.study.server.service import READER_COOKIE, Service

_LONGEST_ID = 64


class Reader:
    """The routes under /api that readers use."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def state(self, request: Request) -> Response:
        """GET /api/state: everything the page needs to begin or to go on."""
        service = self._service
        session = service.session(request, READER_COOKIE)
        book = service.books[session.person]
        design = service.study.design
        csrf = links.csrf_of(request.cookies[READER_COOKIE])
        found = service.read(lambda reads: _state(reads, book))
        return json_reply(
            {
                "csrf": csrf,
                "reader": book.alias,
                "title": design.title,
                "kind": design.kind,
                **found,
                "criteria": list(CRITERIA),
                "back": design.back,
                "break_every": design.break_every,
                "image": {
                    "rows": design.size[0],
                    "columns": design.size[1],
                    "spacing": list(design.spacing),
                },
                "texts": service.texts,
                "instructions": service.instructions,
                "consent": service.consent,
                "server_time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            }
        )

    async def stimulus(self, request: Request) -> Response:
        """GET /api/stimuli/ID: an image of an open or finished block of this reader.

        The same look-ups for every image, all of them in memory; any other id is not known.
        """
        service = self._service
        session = service.session(request, READER_COOKIE)
        book, name = service.books[session.person], request.path_params["id"]
        block = book.shown.get(name)

        def visible(reads: sqlite3.Connection) -> bool:
            check_open(reads, book.alias)
            return block is not None and progress(reads, book)[block].visible

        if not service.read(visible):
            raise Refusal("unknown", "there is no such image")
        return Response(service.stimuli[book.files[name]], headers={"content-type": "image/png"})

    async def answers(self, request: Request) -> Response:
        """POST /api/answers: versions of answers, acknowledged when they are on the disk."""
        service = self._service
        session = service.session(request, READER_COOKIE, csrf=True)
        message = await read_message(request, AnswersMessage)
        sent, refused = _sorted(message)

        def store(connection: sqlite3.Connection) -> Stored:
            return store_answers(
                connection,
                service.books[session.person],
                service.study.design,
                sent,
                stamp=service.clock.stamp(),
                session=session.id,
                hashes=service.hashes,
            )

        stored = await service.write(store)
        return json_reply(
            {
                "acknowledged": stored.acknowledged,
                "refused": refused + [{"id": sent_id, "error": w} for sent_id, w in stored.refused],
                "done": stored.done,
            }
        )

    async def event(self, request: Request) -> Response:
        """POST /api/events: what happened in front of the reader."""
        service = self._service
        session = service.session(request, READER_COOKIE, csrf=True)
        message = await read_message(request, EventMessage)
        book = service.books[session.person]

        def keep(connection: sqlite3.Connection) -> None:
            stamp = service.clock.stamp()
            note_reader(
                connection,
                book.alias,
                message.kind,
                message.detail,
                stamp=stamp,
                session=session.id,
            )
            if message.kind == "begin":
                begin_block(connection, book, message.detail.get("block"), stamp)

        await service.write(keep)
        return json_reply({"ok": True})


def _sorted(message: AnswersMessage) -> tuple[list[Sent], list[dict[str, Any]]]:
    """Answers of the right shape, and refusals of the others."""
    sent, refused = [], []
    for answer in message.answers:
        try:
            sent.append(AnswerMessage.model_validate(answer).sent())
        except ValidationError as error:
            given = answer.get("id")
            known = isinstance(given, str) and len(given) <= _LONGEST_ID
            refused.append({"id": given if known else None, "error": words_of(error)})
    return sent, refused


def _state(reads: sqlite3.Connection, book: Book) -> dict[str, Any]:
    locked = is_locked(reads, book.alias)
    consented, checked = reads.execute(
        "SELECT consented, display_checked FROM person WHERE alias = ?", (book.alias,)
    ).fetchone()
    answers = {
        (block, trial): (json.loads(content), shown)
        for block, trial, content, shown in reads.execute(
            "SELECT l.block, l.trial, a.content, l.shown_ms FROM latest l"
            " JOIN answer a ON a.id = l.answer WHERE l.reader = ?",
            (book.alias,),
        )
    }
    blocks = []
    for block, now in progress(reads, book).items():
        # Practice may be loaded ahead while the instructions are read; its images come later.
        shown = not locked and (now.visible or block == "practice")
        trials = []
        for question in book.blocks[block] if shown else ():
            values, milliseconds = answers.get((block, question.id), (None, 0))
            trials.append(
                {
                    "id": question.id,
                    "stimuli": list(question.stimuli),
                    "answer": values or None,
                    "shown_ms": milliseconds,
                }
            )
        blocks.append(
            {
                "name": block,
                "open": now.open and not locked,
                "frozen": now.frozen,
                "total": now.total,
                "done": now.done,
                "trials": trials,
            }
        )
    return {
        "locked": locked,
        "consented": consented is not None,
        "display_checked": checked is not None,
        "blocks": blocks,
    }
