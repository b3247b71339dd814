"""A server in a process of its own: a kill, a new start, an end; slow and encrypted browsers."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from popgan.study.answers import read_log
from popgan.study.server import protocol
from small_runs import call
from study.served import answer, running, served, start_server
from study.small_studies import make_study


def test_a_server_is_killed_started_anew_and_ended_politely(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run")
    run = study.places.run
    with running(run) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        own = {"Origin": server.url}
        assert set(server.links) == {"R1", "R2", "coordinator"}
        assert client.post(server.links["R1"], headers=own).status_code == 303
        own["X-CSRF-Token"] = client.get("/api/state").json()["csrf"]
        client.post("/api/events", json={"kind": "consent"}, headers=own)
        sent = answer("practice", study.key.readers[0].trials["practice"][0].id)
        reply = client.post("/api/answers", json={"answers": [sent]}, headers=own)
        assert reply.json()["acknowledged"] == [sent["id"]]
        assert {"server", "date"}.isdisjoint(reply.headers)
        assert "is served by another popgan already" in call("study", "serve", run).line
        server.kill()
        again = start_server(run, "--port", server.url.rsplit(":", 1)[1])
        assert again.links == {}  # told once
        # The page goes on with its session, and sends what it does not know to be stored.
        reply = client.post("/api/answers", json={"answers": [sent]}, headers=own)
        assert reply.json()["acknowledged"] == [sent["id"]]
        status, said = again.stop(signal.SIGINT)
        assert (status, len(said.splitlines())) == (0, 1)
        assert "1 version of an answer is stored" in said
    assert [row["id"] for row in read_log(study)] == [sent["id"]]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
@pytest.mark.slow
def test_a_certificate_makes_it_https_and_a_wide_host_without_one_warns(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run")
    pem = tmp_path / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    pem.write_bytes(cert.read_bytes() + key.read_bytes())
    trusted = ssl.create_default_context(cafile=str(cert))
    for options in (("--tls-cert", pem), ("--tls-cert", cert, "--tls-key", key)):
        with running(study.places.run, *map(str, options)) as server:
            assert server.url.startswith("https://127.0.0.1:")
            with httpx.Client(verify=trusted, base_url=server.url, timeout=60) as client:
                assert client.get("/study").status_code == 200
                if server.links:
                    link = server.links["R1"]
                    reply = client.post(link, headers={"Origin": server.url})
                    assert "Secure" in reply.headers["set-cookie"]
    with running(study.places.run, "--host", "0.0.0.0") as server:
        # Once it answers it has taken over the signals.
        port = httpx.URL(server.url).port
        assert httpx.get(f"http://127.0.0.1:{port}/study").status_code == 200
        status, said = server.stop()
        assert status == 0 and "travel in the clear" in said


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that waits a third of a second for a request."""
    monkeypatch.setattr(protocol, "PATIENCE", 0.3)
    with served(make_study(tmp_path / "run")) as house, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(
            *(house.app,),
            **{"http": protocol.PatientProtocol, "lifespan": "off", "log_config": None},  # type: ignore[arg-type]
            **{"log_level": 100, "ws": "none", "h11_max_incomplete_event_size": 16384},  # type: ignore[arg-type]
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def test_who_sends_too_slowly_is_let_go_and_who_waits_between_requests_is_not(
    impatient: int,
) -> None:
    head = b"POST /api/answers HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    slow = [b"", b"GET", head, head + b"Content-Length: 50\r\n\r\n12345"]
    lines = [socket.create_connection(("127.0.0.1", impatient), timeout=10) for _ in slow]
    began = time.monotonic()
    for line, start in zip(lines, slow, strict=True):
        line.sendall(start)
    with httpx.Client(base_url=f"http://127.0.0.1:{impatient}", timeout=60) as client:
        for _ in range(4):  # one connection, kept alive
            assert client.get("/study").status_code == 200
            time.sleep(0.2)
    for line in lines:
        line.sendall(b"x")  # a byte now and then buys no time
        assert ended(line)
        line.close()
    assert time.monotonic() - began < 8


def ended(line: socket.socket) -> bool:
    try:
        while line.recv(4096):
            pass
    except ConnectionError:
        return True
    return True


def test_a_head_without_end_is_refused(impatient: int) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=10) as line:
        line.sendall(b"GET /study HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        try:
            for _ in range(100):
                line.sendall(b"X-Header: " + b"x" * 1000 + b"\r\n")
            answer_line = line.recv(100)
        except ConnectionError:
            answer_line = b""
    assert answer_line == b"" or b" 400 " in answer_line or b" 431 " in answer_line
