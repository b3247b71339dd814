"""The file of answers and its writer: whole, private, shared, full, damaged, killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import wait
from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.study.clock import Clock
from popgan.study.database import (
    changing,
    check_whole,
    existing,
    open_database,
    set_setting,
    setting,
)
from popgan.study.refusals import Refusal, StorageError
from popgan.study.schema import Study
from popgan.study.writer import Writer
from study.small_studies import make_study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path / "run")


def test_the_file_is_its_owners_alone_and_safe_against_cuts(study: Study) -> None:
    connection = open_database(study)
    set_setting(connection, "a", "b")
    files = list(study.places.private.glob("answers.sqlite*"))
    assert len(files) == 3 and all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert study.places.private.stat().st_mode & 0o777 == 0o700
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    connection.close()


def test_there_is_no_file_before_anybody_was_invited(study: Study) -> None:
    with existing(study) as connection:
        assert connection is None
    assert not study.places.database.exists()


def test_a_damaged_or_foreign_file_is_named_in_one_line(study: Study) -> None:
    path = study.places.database
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(UserError, match=r"answers.sqlite: is damaged"):
        open_database(study)
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE something (x)")
    other.close()
    with pytest.raises(UserError, match="is not a file of answers"):
        open_database(study)


def test_damage_in_the_middle_is_found_before_anything_is_served(study: Study) -> None:
    with changing(study) as connection:
        for n in range(2000):
            set_setting(connection, f"name{n}", "value" * 10)
    path = study.places.database
    content = bytearray(path.read_bytes())
    content[40960:61440] = b"\xff" * 20480
    path.write_bytes(content)
    connection = open_database(study)
    with pytest.raises(UserError, match="is damaged"):
        check_whole(connection, path)
    connection.close()


def test_a_file_held_by_another_program_is_waited_for_then_told(study: Study) -> None:
    open_database(study).close()
    other = sqlite3.connect(study.places.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    writer = Writer(open_database(study, patience=0.05))
    future = writer.submit(lambda connection: set_setting(connection, "a", "b"))
    with pytest.raises(StorageError, match="locked"):
        future.result(10)
    other.execute("ROLLBACK")
    writer.submit(lambda connection: set_setting(connection, "a", "b")).result(10)
    writer.close()
    other.close()


def test_a_full_disk_fails_what_waits_and_loses_nothing_of_before(study: Study) -> None:
    connection = open_database(study)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    writer = Writer(connection)
    writer.submit(lambda found: set_setting(found, "before", "kept")).result(10)
    writer.submit(lambda found: found.execute(f"PRAGMA max_page_count = {pages + 2}")).result(10)
    future = writer.submit(lambda found: set_setting(found, "big", "x" * 100_000))
    with pytest.raises(StorageError, match="full"):
        future.result(10)
    writer.submit(lambda found: found.execute("PRAGMA max_page_count = 1000000")).result(10)
    writer.submit(lambda found: set_setting(found, "after", "kept")).result(10)
    writer.close()
    with existing(study) as found:
        assert found is not None
        assert [setting(found, name) for name in ("before", "big", "after")] == [
            "kept",
            None,
            "kept",
        ]


def test_many_pieces_share_a_commit_and_one_that_fails_fails_alone(study: Study) -> None:
    connection = open_database(study)
    commits: list[str] = []
    connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
    writer = Writer(connection)

    def piece(n: int) -> object:
        def work(found: sqlite3.Connection) -> int:
            set_setting(found, f"n{n}", str(n))
            if n % 10 == 3:
                raise Refusal("locked", "no")
            if n % 10 == 7:
                raise ZeroDivisionError
            return n

        return work

    futures = [writer.submit(piece(n)) for n in range(100)]  # type: ignore[arg-type]
    wait(futures, 30)
    failed = [n for n, future in enumerate(futures) if future.exception() is not None]
    assert failed == [n for n in range(100) if n % 10 in {3, 7}]
    assert futures[42].result() == 42
    assert isinstance(futures[3].exception(), Refusal)
    writer.close()
    assert len(commits) < 60
    with existing(study) as found:
        assert found is not None
        assert found.execute("SELECT count(*) FROM setting").fetchone()[0] == 80


def test_what_was_committed_outlives_a_kill(study: Study) -> None:
    code = (
        "import os, sys; from pathlib import Path; from popgan.study.schema import Study;"
        "from popgan.study.database import open_database, set_setting;"
        "from popgan.study.writer import Writer;"
        "writer = Writer(open_database(Study.open(Path(sys.argv[1]))));"
        "writer.submit(lambda c: set_setting(c, 'a', 'kept')).result();"
        "os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(study.places.run)], timeout=60)
    assert ended.returncode == -9
    with existing(study) as connection:
        assert connection is not None and setting(connection, "a") == "kept"


def test_a_clock_set_back_is_flagged_once_and_times_go_on(study: Study) -> None:
    times = iter([1000.0, 1001.0, 900.0, 901.0, 900.9, 2000.0])
    clock = Clock(wall=lambda: next(times), monotonic=lambda: 5.0)
    stamps = [clock.stamp() for _ in range(6)]
    assert [stamp.back for stamp in stamps] == [False, False, True, False, False, False]
    assert stamps[0].received == "1970-01-01T00:16:40.000+00:00"
    assert Clock(last=5000.0, wall=lambda: 10.0).stamp().back  # an earlier server's time
