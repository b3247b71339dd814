"""Every stimulus of a study asked for once or twice, of the real application: time and headers.

The application is called without a socket in between, so what is timed is what the server does
for an image and not what a network adds. A copy of the study is asked, in a temporary folder with
a database of its own: nothing of the study itself is touched.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Message

from popgan.errors import UserError
from popgan.files import owners_folder, write_json
from popgan.seeds import numpy_rng
from popgan.study import links
from popgan.study.clock import Clock
from popgan.study.database import changing, open_database
from popgan.study.schema import Key, Places, ReaderPlan, Study
from popgan.study.server.app import make_app
from popgan.study.server.guard import Hosts
from popgan.study.server.limits import Limit
from popgan.study.server.service import READER_COOKIE, Limits, open_service

_HOST = "localhost"
_PASSES = 2
_UNLIMITED = 1e12


@dataclass(frozen=True)
class Reply:
    """What came back for one stimulus.

    Attributes:
        case: the image.
        seconds: that it took, once a pass.
        head: status and headers as one text.
        length: of the body.
    """

    case: str
    seconds: tuple[float, ...]
    head: str
    length: int


def ask_server(study: Study, most: int = 2000) -> list[Reply]:
    """Ask for stimuli of all readers and blocks, in random order.

    Args:
        study: whose.
        most: requests of one pass, at random where there are more.

    Raises:
        UserError: the study cannot be served.
    """
    with tempfile.TemporaryDirectory(prefix="popgan-study-") as folder:
        copy = _copy(study, Path(folder))
        wanted = [
            (plan.alias, stimulus, case)
            for plan in copy.key.readers
            for trials in plan.trials.values()
            for trial in trials
            for stimulus, case in zip(trial.stimuli, trial.cases, strict=True)
        ]
        order = numpy_rng(study.design.seed, "study probe").permutation(len(wanted))[:most]
        wanted = [wanted[i] for i in order]
        with closing(open_database(copy)):
            pass
        cookies = _enter(copy)
        with open_service(copy, Hosts(frozenset({_HOST}))) as service:
            service.limits = Limits(api=Limit(_UNLIMITED, _UNLIMITED))
            asked = [(f"/api/stimuli/{name}", cookies[who]) for who, name, _ in wanted]
            replies = asyncio.run(_ask_all(make_app(service), asked))
    return [
        Reply(case, tuple(seconds), head, length)
        for (_, _, case), (seconds, head, length) in zip(wanted, replies, strict=True)
    ]


def _copy(study: Study, folder: Path) -> Study:
    """The same study for the server, with a reader for each block so that all are open at once."""
    readers = [
        ReaderPlan(alias=f"{plan.alias}-{block}", trials={block: trials})
        for plan in study.key.readers
        for block, trials in plan.trials.items()
        if block != "practice" and trials
    ]
    key = Key(design=study.key.design, stimuli=study.key.stimuli, readers=readers)
    places = Places(folder)
    owners_folder(places.private)
    places.stimuli.symlink_to(study.places.stimuli.resolve(), target_is_directory=True)
    shutil.copytree(study.places.shared, places.shared)
    write_json(places.key, key.model_dump(mode="json"), mode=0o600)
    return Study(places, study.design, key)


def _enter(study: Study) -> dict[str, str]:
    """A session for everybody, consent given."""
    aliases = [plan.alias for plan in study.key.readers]
    cookies = {}
    with changing(study) as connection:
        stamp = Clock.of(connection).stamp()
        issued = links.issue(connection, aliases, stamp)
        connection.execute("UPDATE person SET consented = ?", (stamp.received,))
        for alias, path in issued.items():
            secret = links.begin(connection, alias, path.rsplit("/", 1)[1], stamp)
            if secret is None:
                raise UserError("gives no session to a reader", where=study.places.database)
            cookies[alias] = f"{READER_COOKIE}={secret}"
    return cookies


async def _ask_all(
    app: ASGIApp, asked: Sequence[tuple[str, str]]
) -> list[tuple[list[float], str, int]]:
    found: list[tuple[list[float], str, int]] = []
    gc.collect()
    gc.disable()  # a pause would fall on whichever image is being served
    try:
        for path, cookie in asked:
            seconds = []
            for _ in range(_PASSES):
                start = time.perf_counter()
                head, length = await _ask(app, path, cookie)
                seconds.append(time.perf_counter() - start)
            found.append((seconds, head, length))
    finally:
        gc.enable()
    return found


async def _ask(app: ASGIApp, path: str, cookie: str) -> tuple[str, int]:
    head, length = [""], [0]

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            pairs = [f"{n.decode()}: {v.decode()}" for n, v in message["headers"]]
            head[0] = "\n".join([str(message["status"]), *pairs])
        else:
            length[0] += len(message.get("body", b""))

    scope = {
        **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"},
        **{"scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b""},
        **{"root_path": "", "client": ("127.0.0.1", 1), "server": (_HOST, 80)},
        "headers": [(b"host", _HOST.encode()), (b"cookie", cookie.encode())],
    }
    await app(scope, receive, send)
    return head[0], length[0]
