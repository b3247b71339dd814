"""`popgan study serve`, `links`, `lock`, `unlock`, `status`; what a server says when it cannot."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.study.answers import read_events, read_log
from popgan.study.create import _refuse_existing
from popgan.study.database import changing, set_setting
from popgan.study.locking import only_server
from popgan.study.records import is_locked
from popgan.study.schema import Study
from popgan.study.server.serve import Place, _first_links, _hosts, _is_loopback, _url
from small_runs import call
from study.served import answer, served
from study.small_studies import make_study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path / "run")


def test_new_links_end_the_old_ones_while_the_study_is_served(study: Study) -> None:
    run = study.places.run
    with served(study) as house:
        reader = house.reader("R1")
        told = call("study", "links", run, "--reader", "r1", "--url", "https://study.example/")
        assert told.status == 0 and "only" in told.out.lower()
        (line,) = [line for line in told.out.splitlines() if line.startswith("R1")]
        assert "https://study.example/r/" in line
        assert house.visitor().enter(house.links["R1"]).status_code == 404
        assert reader.get("/api/state").status_code == 401
        assert house.visitor().enter("/r/" + line.rsplit("/", 1)[1]).status_code == 303
        assert house.visitor().enter(house.links["R2"]).status_code == 303
        found = call("study", "links", run, "--all", "--url", "http://x", "--json").result["links"]
        assert set(found) == {"R1", "R2", "coordinator"}
        assert house.visitor().enter(house.links["R2"]).status_code == 404
        assert (
            house.visitor().enter(found["coordinator"].removeprefix("http://x")).status_code == 303
        )


def test_links_need_a_person_and_an_address(study: Study) -> None:
    run = study.places.run
    assert "say whose links" in call("study", "links", run).line
    assert "say whose links" in call("study", "links", run, "--all", "--coordinator").line
    assert "never served; give --url" in call("study", "links", run, "--all").line
    assert "--reader R9 is not in this study" in call("study", "links", run, "--reader", "R9").line
    for url in ("study.example", "https://study.example/x", "https://a@b", "ftp://x", "https://"):
        assert "is no address" in call("study", "links", run, "--all", "--url", url).line
    with changing(study) as connection:
        set_setting(connection, "url", "http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000/c/" in call("study", "links", run, "--coordinator").out


def test_the_first_start_gives_links_to_those_who_have_none(study: Study) -> None:
    call("study", "links", study.places.run, "--reader", "R2", "--url", "http://x")
    first = _first_links(study, "http://127.0.0.1:8000")
    assert list(first) == ["R1", "coordinator"]
    assert _first_links(study, "http://127.0.0.1:8000") == {}


def test_a_study_that_is_served_is_not_replaced(study: Study) -> None:
    with only_server(study.places), pytest.raises(UserError, match="is served by another"):
        _refuse_existing(study.places, restart=True)
    _refuse_existing(study.places, restart=True)


def test_locks_of_the_command_line_hold_in_the_browser_at_once(study: Study) -> None:
    run = study.places.run
    with served(study) as house:
        reader = house.reader()
        trial = house.trials("practice")[0].id
        assert call("study", "lock", run, "--reader", "R1").out == "R1 is locked\n"
        sent = {"answers": [answer("practice", trial)]}
        assert reader.post("/api/answers", sent).status_code == 423
        assert "the study is locked" in call("study", "lock", run).out
        unlocked = call("study", "unlock", run, "--reader", "R1")
        assert "but the whole study is locked" in unlocked.out
        assert call("study", "unlock", run, "--json").result == {"reader": None, "locked": False}
        assert reader.post("/api/answers", sent).status_code == 200
    status = call("study", "status", run)
    assert "R1: practice 1 of 2" in status.out and "R2: practice 0 of 2" in status.out
    assert call("study", "status", run, "--json").result["answers"] == 1
    assert [event["kind"] for event in read_events(study)][-4:] == [
        *("lock", "lock", "unlock", "unlock"),
    ]


def test_opening_a_study_whose_truth_was_opened_takes_force_and_is_warned_of(study: Study) -> None:
    with changing(study) as connection:
        set_setting(connection, "revealed", "2026-01-01T00:00:00+00:00")
    assert call("study", "lock", study.places.run).err == ""
    refused = call("study", "unlock", study.places.run)
    assert refused.status == 2 and "--force" in refused.err
    with changing(study) as connection:
        assert is_locked(connection)
    assert "not blind" in call("study", "unlock", study.places.run, "--force").err
    with changing(study) as connection:
        assert not is_locked(connection)
    assert "truth was opened" in call("study", "status", study.places.run).out


def test_a_server_that_cannot_start_says_why_in_one_line(study: Study, tmp_path: Path) -> None:
    run = study.places.run

    def line(*options: object, folder: Path = run) -> str:
        said = call("study", "serve", folder, *options)
        assert said.status == 2
        return said.line

    (tmp_path / "empty").mkdir()
    assert "holds no reader study" in line(folder=tmp_path / "empty")
    assert "holds no reader study" in line(folder=tmp_path / "nowhere")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"--port {port} is in use" in line("--port", port)
    assert "--host 203.0.113.7 cannot be listened on" in line("--host", "203.0.113.7")
    assert "is no address of this computer" in line("--host", "no such host")
    with only_server(study.places):
        assert "is served by another popgan already" in line("--port", 0)
    assert "--tls-key needs --tls-cert" in line("--tls-key", tmp_path / "key.pem")
    assert "does not exist" in line("--tls-cert", tmp_path / "cert.pem")
    (tmp_path / "cert.pem").write_text("nothing")
    assert "is no certificate" in line("--tls-cert", tmp_path / "cert.pem")
    study.places.consent.unlink()
    assert "consent.md: cannot be read" in line("--port", 0)
    assert read_log(study) == []


def test_damage_and_foreign_locks_are_told_before_anything_is_served(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = study.places.run
    monkeypatch.setattr("popgan.study.database.open_database.__kwdefaults__", {"patience": 0.05})
    call("study", "lock", run)
    other = sqlite3.connect(study.places.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert "is held by another program" in call("study", "unlock", run).line
    other.execute("ROLLBACK")
    other.close()
    for path in study.places.private.glob("answers.sqlite*"):
        path.write_bytes(b"rubbish" * 2000)
    assert "is damaged" in call("study", "serve", run, "--port", 0).line
    assert "is damaged" in call("study", "status", run).line


def test_a_changed_design_is_refused(study: Study) -> None:
    path = study.places.design
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    for verb in ("serve", "status", "lock"):
        assert (
            "was changed after the study was created" in call("study", verb, study.places.run).line
        )


def test_the_address_and_the_names_of_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert _url(Place(), listening) == f"http://127.0.0.1:{port}"
        assert _url(Place(host="::1", certificate=Path("x")), listening) == f"https://[::1]:{port}"
        named = Place(host="0.0.0.0", allowed=("Study.example",))
        assert _url(named, listening) == f"http://Study.example:{port}"
        assert _url(Place(host="0.0.0.0"), listening).startswith("http://")
    assert _is_loopback("127.0.0.9") and _is_loopback("localhost") and not _is_loopback("::")
    hosts = _hosts(named, "http://study.example:1")
    for good in ("study.example", "STUDY.example:80", "192.0.2.4:1", "[2001:db8::1]:5"):
        assert hosts.allows(good), good
    assert not hosts.allows("other.example")
    narrow = _hosts(Place(url="https://study.example"), "https://study.example")
    assert narrow.secure and narrow.allows("study.example") and narrow.allows("127.0.0.1:8000")
    assert not narrow.allows("192.0.2.4")
