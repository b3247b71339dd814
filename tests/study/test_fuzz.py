"""Schemathesis at the whole interface, bounded: whatever is asked, every reply is as promised."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from popgan.study.database import setting
from popgan.study.server.guard import HEADERS
from popgan.study.server.limits import Limit
from popgan.study.server.protocol import PatientProtocol
from study.interface import openapi
from study.served import House, served
from study.small_studies import make_study

load_all_checks()
SCHEMA = schemathesis.openapi.from_dict(openapi())
CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    response_schema_conformance,
]


@dataclass
class Target:
    """A server in a thread, with a reader and a coordinator who are in."""

    url: str
    house: House
    headers: dict[str, dict[str, str]]

    def headers_for(self, path: str) -> dict[str, str]:
        return self.headers["coordinator" if "/coordinator" in path else "R1"]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    study = make_study(tmp_path_factory.mktemp("fuzz") / "run", readers=3)
    with served(study) as house, socket.socket() as listening:
        house.service.limits.api = Limit(1e9, 1e9)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(
            house.app, http=PatientProtocol, lifespan="off", log_config=None, log_level=100
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        headers = {}
        for who, state in (("R1", "/api/state"), ("coordinator", "/api/coordinator/state")):
            with httpx.Client(base_url=url, headers={"Origin": url}) as client:
                client.post(house.links[who])
                csrf = client.get(state).json()["csrf"]
                proof = {"Origin": url, "X-CSRF-Token": csrf}
                client.post("/api/events", json={"kind": "consent"}, headers=proof)
                cookie = "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)
            headers[who] = proof | {"Cookie": cookie}
        yield Target(url, house, headers)
        server.should_exit = True
        thread.join(20)


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_reply_is_one_that_was_promised(case: schemathesis.Case, target: Target) -> None:
    if isinstance(case.body, dict) and case.body.get("reader") == "R1":
        case.body["reader"] = "R3"  # so that the session of the first one lasts
    reply = case.call(base_url=target.url, headers=target.headers_for(case.path))
    case.validate_response(reply, checks=CHECKS)
    assert {name: reply.headers.get(name) for name in HEADERS} == {
        name: [value] for name, value in HEADERS.items()
    }
    reads = target.house.service.reads
    if setting(reads, "locked") is None:
        for stimulus in target.house.study.key.stimuli:
            assert stimulus.file not in reply.text and stimulus.case not in reply.text
