"""Network and server go away, another computer takes over: no answer is lost or stored twice."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from popgan.evidence.readers.answers import CRITERIA
from popgan.study.answers import read_answers
from popgan.study.clock import Clock
from popgan.study.database import changing, existing
from popgan.study.links import issue
from popgan.study.schema import Study
from study.browsing import Keys, Reader, browsing, needs_browser, serving
from study.small_studies import make_study

pytestmark = [pytest.mark.slow, needs_browser, pytest.mark.xdist_group("browser-network")]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with browsing(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path / "run", readers=2, real=8, synthetic=8, repeats=0, practice=2)


def scores_of(number: int) -> str:
    return "".join(str(1 + (number + place) % 5) for place in range(5))


def versions(study: Study, block: str = "likert") -> list[tuple[str, dict[str, Any], str]]:
    """(trial, values, uuid) in the order in which they were stored."""
    query = "SELECT trial, content, uuid FROM answer WHERE block = ? ORDER BY id"
    with existing(study) as connection:
        assert connection is not None
        rows = connection.execute(query, (block,)).fetchall()
    return [(trial, json.loads(content), uuid) for trial, content, uuid in rows]


def check(study: Study, cases: int) -> None:
    """The latest versions of the first cases are what was typed, each key was stored once."""
    trials = study.plan_of("R1").trials["likert"][:cases]
    stored = versions(study)
    assert len({uuid for _, _, uuid in stored}) == len(stored)
    for number, trial in enumerate(trials, start=1):
        values = [found for name, found, _ in stored if name == trial.id]
        assert values[-1] == dict(zip(CRITERIA, map(int, scores_of(number)), strict=True))
        sizes = Counter(map(len, values))
        # One version a key; the last may come once more with the time up to going on.
        assert [sizes[n] for n in (1, 2, 3, 4)] == [1, 1, 1, 1] and sizes[5] in (1, 2)
    assert len(read_answers(study).ratings) == cases


def test_ten_cases_without_a_network_arrive_exactly_once(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.answer(1, scores_of(1))
        reader.wait_case(2)
        reader.wait_images(14)
        reader.offline(True)
        for number in range(2, 12):
            reader.answer(number, scores_of(number))
        reader.wait_for("answers kept on this computer, will be sent", "#banner")
        assert "Offline" in reader.text("#banner")
        assert reader.unsent() >= 45  # a first one may have slipped through
        closing = (
            "const event = new Event('beforeunload', {cancelable: true});"
            "window.dispatchEvent(event); return event.defaultPrevented"
        )
        assert reader.js(closing)
        assert len({trial for trial, _, _ in versions(study)}) <= 2
        reader.offline(False)
        reader.wait_saved()
        assert reader.text("#banner") == "" and not reader.js(closing)
        reader.wait_for("11 of 16 done")
    check(study, 11)


def test_answers_survive_a_killed_server_and_a_reload(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.wait_case(1)
        reader.keys(scores_of(1)[:2])
        served.kill()
        reader.keys(scores_of(1)[2:], Keys.ENTER)
        reader.answer(2, scores_of(2))
        reader.wait_case(3)
        reader.keys(scores_of(3)[:3])
        reader.wait_for("kept on this computer", "#banner")
        reader.until(lambda: reader.unsent() >= 11)
        served.start()
        reader.driver.refresh()
        reader.wait_case(3)
        assert len(reader.all("input:checked")) == 3
        reader.keys(scores_of(3)[3:], Keys.ENTER)
        reader.wait_case(4)
        reader.wait_saved()
    check(study, 3)


def test_a_server_that_comes_back_takes_what_was_kept(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        served.kill()
        reader.answer(1, scores_of(1))
        reader.wait_case(2)
        starting = threading.Timer(1.5, served.start)
        starting.start()
        for number in (2, 3):
            reader.answer(number, scores_of(number))
        starting.join()
        reader.wait_saved()
    check(study, 3)


def test_a_second_computer_goes_on_and_the_first_one_stops(
    reader: Reader, study: Study, tmp_path: Path
) -> None:
    with serving(study) as served, browsing(tmp_path / "second") as other:
        reader.to_part_one(served.links["R1"])
        reader.answer(1, scores_of(1))
        reader.wait_case(2)
        reader.keys(scores_of(2)[:2])
        reader.wait_saved()
        other.enter(served.links["R1"])
        # Another display: it is checked again; consent is not asked again.
        other.wait_for("Display check")
        other.press()
        other.wait_case(2)
        assert len(other.all("input:checked")) == 2
        assert other.text(".count").startswith("1 of 16 done")
        reader.keys("5")
        reader.wait_for("was opened in another place")
        assert reader.all("canvas") == []
        other.keys(scores_of(2)[2:], Keys.ENTER)
        other.answer(3, scores_of(3))
        other.wait_case(4)
        other.wait_saved()
        check(study, 3)
        # Back at the first computer: its late key is told, and does not undo what came after.
        reader.enter(served.links["R1"])
        reader.wait_case(4)
        reader.wait_saved()
    latest = {trial: values for trial, values, _ in versions(study)}
    second = study.plan_of("R1").trials["likert"][1].id
    assert list(latest[second].values()) == [int(key) for key in scores_of(2)]


def test_a_second_tab_of_the_same_browser_stops_the_first(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.keys("4")
        reader.wait_saved()
        first = reader.driver.current_window_handle
        reader.driver.switch_to.new_window("tab")
        reader.driver.get(f"{served.url}/study")
        reader.wait_case(1)
        second = reader.driver.current_window_handle
        reader.driver.switch_to.window(first)
        reader.wait_for("was opened in another place")
        reader.driver.switch_to.window(second)
        reader.driver.close()
        reader.driver.switch_to.window(first)


def test_a_lock_stops_the_page_with_one_sentence(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.wait_saved()
        csrf = (
            "const state = await (await fetch('/api/coordinator/state')).json();"
            "await fetch('/api/coordinator/lock', {method: 'POST', headers: {'Content-Type':"
            " 'application/json', 'X-CSRF-Token': state.csrf},"
            " body: JSON.stringify({reader: 'R1', locked: true})}); return true"
        )
        reader.driver.switch_to.new_window("tab")
        reader.enter(served.links["coordinator"])
        assert reader.module(csrf)
        reader.driver.close()
        reader.driver.switch_to.window(reader.driver.window_handles[0])
        reader.keys("4")
        reader.wait_for("The study is closed")


def test_a_database_that_another_program_holds_is_waited_for(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.wait_saved()
        held = sqlite3.connect(study.places.database, isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        reader.keys(scores_of(1))
        reader.wait_for("The server cannot store answers at the moment", "#banner")
        held.execute("ROLLBACK")
        held.close()
        reader.keys(Keys.ENTER)
        reader.wait_saved()
    check(study, 1)


def test_a_new_link_ends_the_session_and_the_page_says_so(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.wait_saved()
        with changing(study) as connection:
            link = issue(connection, ["R1"], Clock.of(connection).stamp())["R1"]
        reader.keys(scores_of(1)[0])
        reader.wait_for("Please open your personal link again")
        reader.wait_for("1 answer is still kept on this computer")
        reader.driver.get(f"{served.url}/study")
        reader.wait_for("open your link again")
        reader.enter(f"{served.url}{link}")
        reader.wait_case(1)
        reader.keys(scores_of(1)[1:], Keys.ENTER)
        reader.wait_case(2)
        reader.wait_saved()
    check(study, 1)


def test_a_browser_that_keeps_nothing_is_told_to_stay_open(study: Study, tmp_path: Path) -> None:
    none = "Object.defineProperty(window, 'indexedDB', { get() { throw new Error('no'); } });"
    with serving(study) as served, browsing(tmp_path / "private") as reader:
        reader.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": none})
        reader.to_part_one(served.links["R1"])
        reader.wait_for("does not keep answers when the page is closed", "#banner")
        reader.offline(True)
        reader.answer(1, scores_of(1))
        reader.wait_for("answers kept on this computer, will be sent. This browser", "#banner")
        reader.offline(False)
        reader.until(lambda: reader.text(".saved") == "Saved")
    check(study, 1)


def test_time_stands_still_in_a_tab_behind_another(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        begun = time.monotonic()
        reader.keys(scores_of(1)[:4])
        first = reader.driver.current_window_handle
        reader.driver.switch_to.new_window("tab")
        time.sleep(3)
        reader.driver.close()
        reader.driver.switch_to.window(first)
        reader.until(lambda: reader.js("return !document.hidden"))
        reader.keys(scores_of(1)[4:])
        reader.wait_saved()
        awake = time.monotonic() - begun - 3
    assert 0 < read_answers(study).ratings[0].seconds < awake + 0.5
