"""The reader study over HTTP: a whole session, autosave, resume, locks, the coordinator."""

from __future__ import annotations

import csv
import io
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from popgan.study.answers import read_answers, read_events, read_log
from popgan.study.counts import counts
from popgan.study.server.guard import HEADERS, Hosts
from study.served import BEGIN, FULL, LIKERT, House, answer, served
from study.small_studies import make_study


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with served(make_study(tmp_path / "run")) as found:
        yield found


def test_looking_at_a_link_changes_nothing_and_the_button_begins(house: House) -> None:
    visitor = house.visitor()
    before = counts(house.study)
    page = visitor.get(house.links["R1"])
    assert page.status_code == 200 and "<form" in page.text
    assert "set-cookie" not in page.headers
    assert house.service.reads.execute("SELECT count(*) FROM session").fetchone()[0] == 0
    assert counts(house.study) == before
    entered = visitor.enter(house.links["R1"])
    assert (entered.status_code, entered.headers["location"]) == (303, "/study")
    cookie = entered.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/"))
    assert "secure" not in cookie
    assert visitor.get("/study").status_code == 200
    assert visitor.get("/static/study.js").headers["content-type"].startswith("text/javascript")


def test_under_tls_cookies_are_secure(tmp_path: Path) -> None:
    hosts = Hosts(frozenset({"127.0.0.1"}), secure=True)
    with served(make_study(tmp_path / "run"), hosts) as house:
        reply = house.visitor().client.post(
            house.links["R1"], headers={"Origin": "https://127.0.0.1:8000"}
        )
        assert "secure" in reply.headers["set-cookie"].lower()
        assert house.visitor().enter(house.links["R1"]).status_code == 403  # from http://


def test_a_whole_session_is_what_the_analysis_reads(house: House) -> None:
    reader = house.reader()
    state = reader.state()
    assert [(b["name"], b["open"]) for b in state["blocks"]] == [
        ("practice", True),
        ("likert", False),
        ("authenticity", False),
    ]
    assert [len(b["trials"]) for b in state["blocks"]] == [2, 0, 0]
    assert counts(house.study)["started"] is None
    for block in ("practice", "likert", "authenticity"):
        reader.finish(block)
    state = reader.state()
    assert [(b["done"], b["frozen"]) for b in state["blocks"]] == [
        (2, True),
        (7, True),
        (7, False),
    ]
    assert counts(house.study)["started"] is not None
    answers = read_answers(house.study)
    assert (len(answers.ratings), len(answers.judgements)) == (7, 7)
    assert answers.planned == {"likert": 7, "authenticity": 7}
    assert answers.readers == ("R1", "R2")
    assert len(answers.cases) == 6
    rating = answers.ratings[0]
    assert (rating.reader, dict(rating.scores), rating.seconds) == ("R1", LIKERT, 1.5)
    assert [rating.repeat for rating in answers.ratings].count(1) == 1
    assert rating.case == house.trials("likert")[0].cases[0]


def test_pairs_say_which_was_chosen_and_whether_it_was_real(tmp_path: Path) -> None:
    with served(make_study(tmp_path / "run", kind="2afc", repeats=0)) as house:
        reader = house.reader()
        for block in ("practice", "2afc"):
            reader.finish(block)
        answers = read_answers(house.study)
    sources = {case.name: case.is_real for case in answers.cases.values()}
    assert len(answers.choices) == 3
    for choice, trial in zip(answers.choices, house.trials("2afc"), strict=True):
        assert choice.left_chosen
        assert choice.correct is sources[trial.cases[0]]
        assert sources[choice.real] and not sources[choice.synthetic]


def test_drafts_are_kept_but_do_not_count_and_undo_takes_an_answer_back(house: House) -> None:
    reader = house.reader()
    trial = house.trials("practice")[0].id
    draft = reader.answer(answer("practice", trial, {"anatomy": 3}))
    assert draft["done"]["practice"] == 0 and len(draft["acknowledged"]) == 1
    assert reader.state()["blocks"][0]["trials"][0]["answer"] == {"anatomy": 3}
    assert reader.answer(answer("practice", trial, shown_ms=9000))["done"]["practice"] == 1
    assert reader.answer(answer("practice", trial, {}))["done"]["practice"] == 0
    first = reader.state()["blocks"][0]["trials"][0]
    assert (first["answer"], first["shown_ms"]) == (None, 9000)
    log = read_log(house.study)
    assert [(row["complete"], row["latest"]) for row in log] == [
        (False, False),
        (True, False),
        (False, True),
    ]


def test_a_block_opens_after_consent_when_all_before_it_is_complete(house: House) -> None:
    visitor = house.visitor()
    visitor.enter(house.links["R1"])
    visitor.state()
    trial = house.trials("practice")[0].id
    (refused,) = visitor.answer(answer("practice", trial))["refused"]
    assert refused["error"] == "this block is not open yet"
    image = f"/api/stimuli/{house.trials('practice')[0].stimuli[0]}"
    assert visitor.get(image).status_code == 404
    visitor.post("/api/events", {"kind": "consent"})
    assert visitor.get(image).status_code == 200
    visitor.finish("practice")
    assert visitor.state()["blocks"][1]["open"]
    # A practice answer taken back closes the block again, until the block has begun.
    visitor.answer(answer("practice", trial, {}))
    assert not visitor.state()["blocks"][1]["open"]
    visitor.answer(answer("practice", trial))
    visitor.answer(answer("likert", house.trials("likert")[0].id))
    (refused,) = visitor.answer(answer("practice", trial, {}))["refused"]
    assert refused["error"] == "this block is finished; its answers can no longer be changed"


def test_a_part_is_shown_once_it_was_begun_and_then_the_one_before_is_fixed(house: House) -> None:
    reader = house.reader()
    reader.finish("practice")
    first = house.trials("authenticity")[0]
    image, begin = f"/api/stimuli/{first.stimuli[0]}", BEGIN
    assert reader.post("/api/events", begin).json()["code"] == "closed"
    reader.finish("likert")
    last = reader.state()["blocks"][2]
    assert last["open"] and last["trials"] == []
    assert reader.get(image).status_code == 404
    again = house.trials("likert")[0].id
    assert reader.answer(answer("likert", again))["refused"] == []
    assert reader.post("/api/events", begin).status_code == 200
    assert reader.get(image).status_code == 200
    assert len(reader.state()["blocks"][2]["trials"]) == 7
    (refused,) = reader.answer(answer("likert", again))["refused"]
    assert refused["error"] == "this block is finished; its answers can no longer be changed"


def test_one_request_may_end_a_block_and_begin_the_next(house: House) -> None:
    reader = house.reader()
    reader.finish("practice")
    sent = [answer("likert", trial.id) for trial in house.trials("likert")]
    sent.append(answer("authenticity", house.trials("authenticity")[0].id))
    reply = reader.answer(*sent)
    assert (reply["refused"], reply["done"]["authenticity"]) == ([], 1)


def test_a_study_that_does_not_go_back_refuses_earlier_cases(tmp_path: Path) -> None:
    with served(make_study(tmp_path / "run", back=False)) as house:
        reader = house.reader()
        first, second = (trial.id for trial in house.trials("practice"))
        reader.answer(answer("practice", first))
        assert not reader.answer(answer("practice", first, LIKERT | {"anatomy": 1}))["refused"]
        reader.answer(answer("practice", second, {"anatomy": 1}))
        (refused,) = reader.answer(answer("practice", first))["refused"]
        assert "does not go back" in refused["error"]


def test_a_second_computer_takes_over_with_everything_that_was_saved(house: House) -> None:
    first = house.reader()
    first.finish("practice")
    second = house.visitor()
    second.enter(house.links["R1"])
    assert second.state()["blocks"][0]["done"] == 2
    for reply in (
        first.get("/api/state"),
        first.get(f"/api/stimuli/{house.trials('practice')[0].stimuli[0]}"),
        first.post("/api/answers", {"answers": []}),
        first.post("/api/events", {"kind": "break"}),
    ):
        assert (reply.status_code, reply.json()["code"]) == (409, "superseded")


def test_a_locked_reader_or_study_takes_no_answers_and_says_so(house: House) -> None:
    one, other, coordinator = house.reader("R1"), house.reader("R2"), house.coordinator()
    trial = house.trials("practice")[0]
    lock = {"reader": "R1", "locked": True}
    assert coordinator.post("/api/coordinator/lock", lock).status_code == 200
    sent = {"answers": [answer("practice", trial.id)]}
    for reply in (
        one.post("/api/answers", sent),
        one.post("/api/events", {"kind": "break"}),
        one.get(f"/api/stimuli/{trial.stimuli[0]}"),
    ):
        assert (reply.status_code, reply.json()["code"]) == (423, "locked")
    state = one.state()
    assert state["locked"] and all(b["trials"] == [] for b in state["blocks"])
    assert house.visitor().get(house.links["R1"]).status_code == 423
    assert house.visitor().enter(house.links["R1"]).status_code == 423
    assert not other.state()["locked"]
    coordinator.post("/api/coordinator/lock", {"reader": None, "locked": True})
    assert other.state()["locked"]
    coordinator.post("/api/coordinator/lock", {"reader": None, "locked": False})
    coordinator.post("/api/coordinator/lock", lock | {"locked": False})
    assert one.post("/api/answers", sent).status_code == 200
    kinds = [event["kind"] for event in read_events(house.study) if "lock" in event["kind"]]
    assert kinds == ["lock", "lock", "unlock", "unlock"]


def test_the_coordinator_sees_progress_and_gives_new_links(house: House) -> None:
    reader, coordinator = house.reader(), house.coordinator()
    reader.finish("practice")
    state = coordinator.get("/api/coordinator/state").json()
    first, second = state["readers"]
    assert (first["done"]["practice"], first["total"]["likert"]) == (2, 7)
    assert first["median_seconds"] == {"practice": 1.5, "likert": None, "authenticity": None}
    assert first["consented"] and not second["consented"]
    assert second["last_answer"] is None
    assert (state["started"], state["locked"], state["clock_warnings"]) == (None, False, 0)
    link = coordinator.post("/api/coordinator/link", {"reader": "R1"}).json()["link"]
    assert house.visitor().enter(house.links["R1"]).status_code == 404
    assert reader.get("/api/state").status_code == 401  # whoever had the old link is out
    assert house.visitor().enter(link).status_code == 303
    assert coordinator.post("/api/coordinator/link", {"reader": "R9"}).status_code == 404


def test_the_export_holds_every_version_and_the_truth_only_after_the_lock(house: House) -> None:
    reader, coordinator = house.reader(), house.coordinator()
    trial = house.trials("practice")[0].id
    reader.answer(answer("practice", trial, {"anatomy": 1}), answer("practice", trial))
    rows = _rows(coordinator.get("/api/coordinator/export").text)
    assert [row["complete"] for row in rows] == ["false", "true"]
    assert {"source", "case", "cluster", "repeat"}.isdisjoint(rows[0])
    coordinator.post("/api/coordinator/lock", {"reader": "R1", "locked": True})
    assert "source" not in _rows(coordinator.get("/api/coordinator/export").text)[0]
    coordinator.post("/api/coordinator/lock", {"reader": None, "locked": True})
    rows = _rows(coordinator.get("/api/coordinator/export").text)
    (truth,) = [s for s in house.study.key.stimuli if s.case == rows[0]["case"]]
    assert rows[0]["source"] == truth.source
    again = coordinator.post("/api/coordinator/lock", {"reader": None, "locked": False})
    assert (again.status_code, again.json()["code"]) == (409, "revealed")


def test_no_pseudonym_leaves_with_the_export(house: House) -> None:
    reader, coordinator = house.reader(), house.coordinator()
    for block in ("practice", "likert", "authenticity"):
        reader.finish(block)
    before = coordinator.get("/api/coordinator/export").text
    coordinator.post("/api/coordinator/lock", {"reader": None, "locked": True})
    after = coordinator.get("/api/coordinator/export").text
    patients = {s.cluster for s in house.study.key.stimuli if s.source == "real"}
    assert patients and not any(name in before or name in after for name in patients)
    named = {row["cluster"] for row in _rows(after) if row["source"] == "real"}
    assert named == {f"P{n}" for n in range(1, len(patients) + 1)}


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_reply_has_the_same_headers(house: House) -> None:
    reader = house.reader()
    for reply in (
        reader.get("/"),
        reader.get("/nothing"),
        reader.get("/study"),
        reader.get("/api/state"),
        reader.get("/api/stimuli/zero"),
        reader.post("/api/answers", {"answers": 1}),
        reader.post("/api/state", {}),
        reader.client.get("/api/state", headers={"Host": "evil.example"}),
    ):
        assert {name: reply.headers[name] for name in HEADERS} == HEADERS
        assert {"etag", "last-modified", "server", "date"}.isdisjoint(reply.headers)


def test_a_bug_gives_one_line_and_no_traceback(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = house.reader()
    secret = house.study.key.stimuli[0].source

    def broken(*_: object) -> None:
        raise KeyError(f"{secret} /private/path")

    monkeypatch.setattr("popgan.study.server.reader._state", broken)
    reader.client = type(reader.client)(
        house.app,
        raise_server_exceptions=False,
        base_url="http://127.0.0.1:8000",
        cookies=reader.client.cookies,
    )
    reply = reader.get("/api/state")
    assert (reply.status_code, reply.json()["code"]) == (500, "bug")
    assert "private" not in reply.text and "KeyError" not in reply.text
    assert len(house.bugs) == 1 and "private" not in house.bugs.pop()


def test_answers_that_cannot_be_stored_now_are_told_so_and_stored_later(house: House) -> None:
    reader = house.reader()
    house.service.writer.submit(lambda found: found.execute("PRAGMA busy_timeout = 20")).result()
    sent = {"answers": [answer("practice", house.trials("practice")[0].id)]}
    other = sqlite3.connect(house.study.places.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for path, value in (("/api/answers", sent), ("/api/events", {"kind": "break"})):
        reply = reader.post(path, value)
        assert (reply.status_code, reply.json()["code"]) == (503, "storage")
    assert reader.get("/api/state").status_code == 200  # reading goes on meanwhile
    other.execute("ROLLBACK")
    other.close()
    assert reader.post("/api/answers", sent).json()["refused"] == []
    house.service.writer.submit(lambda found: found.execute("PRAGMA max_page_count = 1")).result()
    remark = {"remark": "x" * 2000}
    full = [answer("practice", trial.id, remark) for trial in house.trials("practice")] * 40
    for one in full:
        one = one | {"id": str(uuid.uuid4())}
        reply = reader.post("/api/answers", {"answers": [one]})
        if reply.status_code != 200:
            break
    assert (reply.status_code, reply.json()["code"]) == (503, "storage")
    assert "full" in reply.json()["error"]
    house.service.writer.submit(lambda found: found.execute("PRAGMA max_page_count = 99999"))
    assert reader.post("/api/answers", {"answers": [one]}).json()["acknowledged"] == [one["id"]]


def test_a_clock_that_goes_back_is_told_and_changes_no_order(house: House) -> None:
    reader = house.reader()
    first, second = (trial.id for trial in house.trials("practice"))
    reader.answer(answer("practice", first))
    house.service.clock._wall = lambda: 1000.0
    reader.answer(answer("practice", second), answer("practice", first, {"anatomy": 1}))
    log = read_log(house.study)
    assert [row["clock_went_back"] for row in log] == [False, True, True]
    assert [row["trial"] for row in log] == [first, second, first]
    assert house.coordinator().get("/api/coordinator/state").json()["clock_warnings"] == 2
    assert reader.state()["blocks"][0]["trials"][0]["answer"] == {"anatomy": 1}


def test_values_of_every_block_are_complete() -> None:
    assert set(FULL) == {"practice", "likert", "authenticity", "2afc"}
