"""Tiny studies being served: in this process for most tests, in one of its own for the others."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx import Response
from starlette.testclient import TestClient

from popgan.evidence.readers.answers import CRITERIA
from popgan.study.database import COORDINATOR, changing
from popgan.study.links import issue
from popgan.study.schema import Study, Trial
from popgan.study.server.app import make_app
from popgan.study.server.guard import Hosts
from popgan.study.server.service import Service, open_service

BASE = "http://127.0.0.1:8000"
OWN = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
BEGIN = {"kind": "begin", "detail": {"block": "authenticity"}}
LIKERT = dict.fromkeys(CRITERIA, 4)
FULL: dict[str, dict[str, Any]] = {
    "practice": LIKERT,
    "likert": LIKERT,
    "authenticity": {"real": True, "confidence": 2},
    "2afc": {"choice": "left", "confidence": 3},
}


@dataclass
class Visitor:
    """A browser with cookies of its own."""

    client: TestClient
    csrf: str = ""

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, value: Any, **headers: str) -> Response:
        sent = OWN | {"X-CSRF-Token": self.csrf} | headers
        return self.client.post(path, json=value, headers=sent)

    def enter(self, link: str) -> Response:
        """Press the button behind a link."""
        return self.client.post(link, headers=OWN)

    def state(self) -> dict[str, Any]:
        found = self.get("/api/state").json()
        self.csrf = found.get("csrf", self.csrf)
        return found

    def begin(self, link: str) -> Visitor:
        """Press the button, and agree."""
        assert self.enter(link).status_code == 303
        self.state()
        assert self.post("/api/events", {"kind": "consent"}).status_code == 200
        return self

    def answer(self, *answers: dict[str, Any]) -> dict[str, Any]:
        reply = self.post("/api/answers", {"answers": list(answers)})
        assert reply.status_code == 200, reply.text
        return reply.json()

    def finish(self, block: str) -> None:
        """Answer a whole block."""
        state = self.state()
        if block == "authenticity":
            assert self.post("/api/events", BEGIN).status_code == 200
            state = self.state()
        (found,) = [b for b in state["blocks"] if b["name"] == block]
        values = FULL["2afc" if state["kind"] == "2afc" else block]
        sent = [answer(block, trial["id"], values) for trial in found["trials"]]
        assert len(self.answer(*sent)["acknowledged"]) == len(sent) == found["total"]


def answer(block: str, trial: str, values: Any = None, **changes: Any) -> dict[str, Any]:
    """A version of an answer as the page sends it."""
    full = {
        "id": str(uuid.uuid4()),
        "block": block,
        "trial": trial,
        "values": FULL[block] if values is None else values,
        "shown_ms": 1500,
        "client_time": "2026-01-01T12:00:00.000Z",
    }
    return full | changes


@dataclass
class House:
    """A served study and everybody's links."""

    study: Study
    service: Service
    links: dict[str, str]
    app: Any
    bugs: list[str] = field(default_factory=list)

    def visitor(self) -> Visitor:
        """Somebody with no cookie."""
        return Visitor(TestClient(self.app, base_url=BASE, follow_redirects=False))

    def reader(self, alias: str = "R1") -> Visitor:
        """A reader who has agreed to take part."""
        return self.visitor().begin(self.links[alias])

    def coordinator(self) -> Visitor:
        visitor = self.visitor()
        assert visitor.enter(self.links[COORDINATOR]).status_code == 303
        visitor.csrf = visitor.get("/api/coordinator/state").json()["csrf"]
        return visitor

    def trials(self, block: str, alias: str = "R1") -> list[Trial]:
        return self.study.plan_of(alias).trials[block]  # type: ignore[index]


@contextmanager
def served(study: Study, hosts: Hosts | None = None) -> Iterator[House]:
    """Serve a study in this process, with new links for everybody."""
    from popgan.study.clock import Clock

    with changing(study) as connection:
        people = [*(plan.alias for plan in study.key.readers), COORDINATOR]
        links = issue(connection, people, Clock().stamp())
    hosts = hosts or Hosts(frozenset({"127.0.0.1", "localhost"}))
    bugs: list[str] = []
    with open_service(study, hosts) as service:
        yield House(study, service, links, make_app(service, bugs.append), bugs)
    assert bugs == []


@dataclass
class Running:
    """`popgan study serve` in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    links: dict[str, str]

    def kill(self) -> None:
        """End it as a cut of power would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        """End it politely: its status and what it said."""
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


def start_server(run: Path, *options: str) -> Running:
    """Start a server through the command line; back when browsers can connect."""
    command = [sys.executable, "-m", "popgan", "study", "serve", str(run), "--json", *options]
    if "--port" not in options:
        command += ["--port", "0"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # pytest's workers may ignore Ctrl-C; a server of a user does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith('{"url"'):
        _, said = process.communicate(timeout=30)
        raise AssertionError(f"no server: {line} {said}")
    told = json.loads(line)
    return Running(process, told["url"], told["links"])


@contextmanager
def running(run: Path, *options: str) -> Iterator[Running]:
    """`start_server` that is ended at the end."""
    server = start_server(run, *options)
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.process.kill()
        server.process.communicate(timeout=30)
