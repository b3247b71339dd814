"""The record of a run: what is done is skipped, what is changed or gone is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.ledger import Ledger


def do(run: Path, station: str = "ingest", inputs: object = 1, **asked: object) -> None:
    ledger, output = Ledger(run), run / f"{station}.txt"
    with ledger.station(station, inputs, [output], Reporter(), asked=asked):
        output.write_text("done")


def test_a_station_is_done_for_its_inputs_only(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert not ledger.is_done("ingest", {"a": 1, "b": 2})
    do(tmp_path, inputs={"a": 1, "b": 2})
    assert ledger.is_done("ingest", {"b": 2, "a": 1})
    assert not ledger.is_done("ingest", {"a": 1, "b": 3})
    assert not ledger.is_done("plan", {"a": 1, "b": 2})


def test_a_station_whose_output_is_gone_is_not_done(tmp_path: Path) -> None:
    do(tmp_path)
    (tmp_path / "ingest.txt").unlink()
    assert not Ledger(tmp_path).is_done("ingest", 1)


def test_a_station_that_fails_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Ledger(tmp_path).station("x", 1, [], Reporter()):
        raise ZeroDivisionError
    assert Ledger(tmp_path).stations() == {}
    assert not (tmp_path / "provenance.json").exists()


def test_stations_stand_in_the_order_in_which_they_finished(tmp_path: Path) -> None:
    for name in ("a", "b", "a"):
        do(tmp_path, name)
    assert list(Ledger(tmp_path).stations()) == ["b", "a"]


def test_forgetting_takes_away_what_is_named(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        do(tmp_path, name)
    Ledger(tmp_path).forget("a", "c", "never")
    assert list(Ledger(tmp_path).stations()) == ["b"]


def test_changes_are_told_by_name(tmp_path: Path) -> None:
    do(tmp_path, budget="6m", seed=0, gone=3)
    changes = Ledger(tmp_path).changes("ingest", {"budget": None, "seed": 0, "new": [1, 2]})
    assert changes == [
        "budget not given, was 6m",
        "new [1, 2], was not given",
        "gone not given, was 3",
    ]
    assert Ledger(tmp_path).changes("never", {"a": 1}) == []


def test_the_record_names_no_place_outside_of_the_run(tmp_path: Path) -> None:
    do(tmp_path)
    assert str(tmp_path) not in (tmp_path / "provenance.json").read_text()
    with (
        pytest.raises(ValueError, match="not in the subpath"),
        Ledger(tmp_path).station("x", 1, [Path("/elsewhere")], Reporter()),
    ):
        pass


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b'{"stations": {}}',
        b'{"popgan_run": 1, "stations": []}',
        b'{"popgan_run": 1, "stations": {"ingest": {"inputs": "x"}}}',
    ],
)
def test_a_damaged_record_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "provenance.json").write_bytes(content)
    with pytest.raises(UserError, match=r"provenance\.json: is damaged; remove it"):
        Ledger(tmp_path).is_done("ingest", 1)


def test_a_truncated_record_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    do(tmp_path, budget="6m")
    path = tmp_path / "provenance.json"
    content = path.read_bytes()
    json.loads(content)
    for length in range(1, len(content) - 2, 97):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match="is damaged"):
            Ledger(tmp_path).stations()
