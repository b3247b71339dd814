"""Fifty readers at once at a served study: how long they wait, and what a killed server loses.

    python benchmarks/study_load.py -o benchmarks/results/study_load.json

The server is a process of its own on loopback, started by `popgan study serve`. Each reader goes
through the blocks as the page does: a draft, then the whole answer, then the image of a case to
come, with pauses of half a second to a second in between. First nothing happens, for the times;
then the server is killed outright again and again and started anew on the same port, for the
answers. Readers keep what was not acknowledged and send it once more, as the page does. The
coordinator's page is open all the time.

Times are those of the client, on the same cores as the server, its own work included. Where the
system allows it, client and server go before whatever else the machine does (as with `chrt -r 1`),
because the neighbours' work is not what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from popgan.files import write_json
from popgan.provenance import machine
from popgan.study.answers import read_log
from popgan.study.schema import Study
from study.served import FULL, Running, start_server
from study.small_studies import make_study

PAUSE = (0.5, 1.0)


@dataclass
class Result:
    """What was seen.

    Attributes:
        seconds: of each request while nothing was killed, by kind.
        acknowledged: id of an answer -> what was acknowledged.
        refused: words of refusals; there should be none.
        statuses: of every reply.
        kills: how often the server was killed.
        again: requests that had to be sent once more.
        lost, doubled, changed: acknowledged answers that are not there, there twice, or different.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"answer": [], "stimulus": []})
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    kills: int = 0
    again: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0

    def percentile(self, kind: str, share: float) -> float:
        """Milliseconds within which a share of the requests of a kind was answered."""
        return 1000 * float(np.quantile(self.seconds[kind], share))

    def summary(self) -> dict[str, Any]:
        """Everything, as data."""
        times = {
            kind: {
                "requests": len(self.seconds[kind]),
                **{f"p{n}_ms": round(self.percentile(kind, n / 100), 1) for n in (50, 95, 99)},
                "most_ms": round(self.percentile(kind, 1), 1),
            }
            for kind in self.seconds
        }
        return {
            "times": times,
            "kills": self.kills,
            "acknowledged": len(self.acknowledged),
            "sent_again": self.again,
            "lost": self.lost,
            "doubled": self.doubled,
            "changed": self.changed,
            "refused": len(self.refused),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
        }


class Reader:
    """One simulated reader, who never loses patience."""

    def __init__(self, url: str, link: str, result: Result, seed: int) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=10)
        self._link, self._result, self._random = link, result, random.Random(seed)
        self._origin = {"Origin": url}
        self._measuring = False
        self._ends = 0.0

    def until(self, ends: float, *, measuring: bool) -> None:
        """Go on until a moment of the monotonic clock."""
        self._ends, self._measuring = ends, measuring

    async def enter(self) -> None:
        """Open the link and agree."""
        reply = await self._client.post(self._link, headers=self._origin)
        assert reply.status_code == 303, reply.status_code
        state = (await self._client.get("/api/state")).json()
        self._origin["X-CSRF-Token"] = state["csrf"]
        await self._client.post("/api/events", json={"kind": "consent"}, headers=self._origin)

    async def read(self) -> None:
        """Go through the blocks, then through the last one again, until the time is over."""
        await asyncio.sleep(self._random.uniform(0, PAUSE[1]))
        while time.monotonic() < self._ends:
            state = await self._request("GET", "/api/state")
            if state is None:
                return
            blocks = [block for block in state.json()["blocks"] if block["open"]]
            block = next((b for b in blocks if b["done"] < b["total"]), blocks[-1])
            whole = block["done"] == block["total"]
            for trial in block["trials"]:
                if whole or len(trial["answer"] or ()) < len(FULL[block["name"]]):
                    await self._answer(block["name"], trial)
                if time.monotonic() >= self._ends:
                    return

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _answer(self, block: str, trial: dict[str, Any]) -> None:
        full = FULL[block]
        first = next(iter(full))
        image = await self._request("GET", f"/api/stimuli/{trial['stimuli'][0]}", "stimulus")
        assert image is None or image.content.startswith(b"\x89PNG")
        for values in ({first: full[first]}, full):
            await asyncio.sleep(self._random.uniform(*PAUSE))
            if time.monotonic() < self._ends:
                await self._send({"block": block, "trial": trial["id"], "values": values})

    async def _send(self, answer: dict[str, Any]) -> None:
        sent: dict[str, Any] = {
            "id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "shown_ms": 900,
            "client_time": "2026-01-01T12:00:00.000Z",
        } | answer
        reply = await self._request("POST", "/api/answers", "answer", {"answers": [sent]})
        if reply is None:
            return
        told = reply.json()
        self._result.refused += [refusal["error"] for refusal in told["refused"]]
        if sent["id"] in told["acknowledged"]:
            self._result.acknowledged[sent["id"]] = sent

    async def _request(
        self, method: str, path: str, kind: str | None = None, value: Any = None
    ) -> httpx.Response | None:
        """One request, again and again until it is granted; None if the time is over before."""
        while True:
            began = time.perf_counter()
            try:
                reply = await self._client.request(
                    method, path, json=value, headers=self._origin if value else {}
                )
            except httpx.TransportError:
                pass  # asked again below
            else:
                self._result.statuses[reply.status_code] += 1
                if reply.status_code == 200:
                    if kind and self._measuring:
                        self._result.seconds[kind].append(time.perf_counter() - began)
                    return reply
            self._result.again += 1
            if time.monotonic() >= self._ends:
                return None
            await asyncio.sleep(self._random.uniform(0.1, 0.3))


async def drive(
    study: Study, *, quiet: float, harsh: float, kills: int, say: Any = lambda text: None
) -> Result:
    """Let all readers of a study answer; kill the server meanwhile.

    Args:
        study: with one plan for each simulated reader.
        quiet: seconds in which nothing is killed and times are taken; two more come before.
        harsh: seconds in which the server is killed.
        kills: how often.
        say: told what goes on.
    """
    result = Result()
    server = start_server(study.places.run)
    port = server.url.rsplit(":", 1)[1]
    people = [plan.alias for plan in study.key.readers]
    readers = [Reader(server.url, server.links[who], result, n) for n, who in enumerate(people)]
    watching = asyncio.ensure_future(_watch(server.url, server.links["coordinator"], result))
    try:
        await asyncio.gather(*(reader.enter() for reader in readers))
        for seconds, measuring in ((2.0, False), (quiet, True)):
            await _together(readers, seconds, measuring)
        say(f"quiet: {result.summary()['times']}")
        reading = asyncio.ensure_future(_together(readers, harsh, False))
        for _ in range(kills):
            await asyncio.sleep(max(harsh / kills - 2.5, 1.0))
            server.kill()
            result.kills += 1
            server = await asyncio.to_thread(_start, study, port)
            say(f"killed {result.kills} times; {len(result.acknowledged)} acknowledged")
        await reading
    finally:
        watching.cancel()
        for reader in readers:
            await reader.close()
        server.kill()
    _compare(study, result)
    return result


@contextmanager
def first_in_line() -> Iterator[bool]:
    """Go before the machine's other work, if that is allowed; what is started meanwhile, too."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, *before)


def _start(study: Study, port: str) -> Running:
    return start_server(study.places.run, "--port", port)


async def _watch(url: str, link: str, result: Result) -> None:
    """The coordinator's page, open all the time."""
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        await client.post(link, headers={"Origin": url})
        while True:
            await asyncio.sleep(5)
            with contextlib.suppress(httpx.TransportError):
                reply = await client.get("/api/coordinator/state")
                result.statuses[reply.status_code] += 1


async def _together(readers: list[Reader], seconds: float, measuring: bool) -> None:
    ends = time.monotonic() + seconds
    for reader in readers:
        reader.until(ends, measuring=measuring)
    await asyncio.gather(*(reader.read() for reader in readers))


def _compare(study: Study, result: Result) -> None:
    """Hold what was acknowledged against what is in the file."""
    stored = read_log(study)
    ids = Counter(row["id"] for row in stored)
    by_id = {row["id"]: row for row in stored}
    result.doubled = sum(count > 1 for count in ids.values())
    for name, sent in result.acknowledged.items():
        row = by_id.get(name)
        if row is None:
            result.lost += 1
        elif any(row[key] != sent[key] for key in ("block", "trial", "values")):
            result.changed += 1


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="Fifty readers at once; see the file.")
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--quiet", type=float, default=60, help="seconds without kills")
    parser.add_argument("--harsh", type=float, default=120, help="seconds with kills")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("-o", "--o", dest="out", type=Path, required=True)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = (asked.pixels, asked.pixels)
        study = make_study(
            Path(folder) / "run", readers=asked.readers, real=60, synthetic=60, size=size
        )
        with first_in_line() as first:
            result = asyncio.run(
                drive(study, quiet=asked.quiet, harsh=asked.harsh, kills=asked.kills, say=print)
            )
    pause = f"{PAUSE[0]} to {PAUSE[1]} s"
    asked_for = {"readers": asked.readers, "pixels": asked.pixels, "pause": pause}
    asked_for |= {"quiet_s": asked.quiet, "harsh_s": asked.harsh, "first": first}
    write_json(asked.out, {"machine": machine(), "asked": asked_for, **result.summary()})
    print(json.dumps(result.summary(), indent=1))


if __name__ == "__main__":
    main()
