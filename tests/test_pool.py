"""Workers that die, hang and gorge themselves: the run goes on and the file is named."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from popgan.child import Crash, Reply, Request, WorkerBugError
from popgan.pool import Pool

# A worker that does what the "file" it is asked to open says.
COMMAND = """
import ctypes, os, sys, time
from pathlib import Path
from popgan.sandbox import Sandbox

box = Sandbox(int(sys.argv[1]))

def handle(body, _):
    box.opening(Path(body["path"]))
    do = body["do"]
    if do == "segfault":
        ctypes.string_at(0)
    elif do == "memory":
        bytearray(body["size"])
    elif do == "spin":
        while True:
            pass
    elif do == "sleep":
        time.sleep(1000)
    elif do == "write":
        Path(body["path"]).write_bytes(b"stolen")
    elif do == "bug":
        raise KeyError("of popgan")
    elif do == "print":
        print("noise from a library", flush=True)
        os.write(2, b"noise")
    elif do == "exit":
        os._exit(3)
    return [body["path"], os.getpid()], bytes(body.get("blob", 0))

box.serve(handle)
"""


def ask(pool: Pool, *wanted: dict, seconds: float = 20) -> list[Reply | Crash]:
    bodies = [{"path": f"f{i}", **body} for i, body in enumerate(wanted)]
    return list(pool.map(Request(body, seconds) for body in bodies))


@pytest.fixture(scope="module")
def pool():
    with Pool(COMMAND, workers=1, memory=2**28) as one:
        yield one


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"do": "segfault"}, r"crashed its reader \(SIGSEGV\)"),
        ({"do": "memory", "size": 2**29}, "needs more memory"),
        ({"do": "exit"}, "crashed its reader"),
    ],
)
def test_a_file_that_kills_its_worker_is_named_and_the_rest_is_done(pool, body, reason):
    before, died, after = ask(pool, {"do": "no"}, body, {"do": "no"})
    assert isinstance(died, Crash)
    assert died.path == Path("f1")
    assert re.search(reason, died.reason)
    assert isinstance(before, Reply)
    assert isinstance(after, Reply)
    assert before.value[1] != after.value[1]  # another process


def test_processor_time_is_bounded(pool):
    start = time.monotonic()
    (died,) = ask(pool, {"do": "spin"}, seconds=0.2)
    assert isinstance(died, Crash)
    assert (died.path, died.reason) == (Path("f0"), "takes too long to read")
    assert time.monotonic() - start < 30


def test_waiting_is_bounded(pool, monkeypatch):
    monkeypatch.setattr("popgan.child._WALL", -100.0)  # 30 - 100 * 0.295 = half a second
    (died,) = ask(pool, {"do": "sleep"}, seconds=0.295)
    assert isinstance(died, Crash)
    assert died.reason == "takes too long to read"


def test_a_worker_can_write_no_file(pool, tmp_path):
    target = tmp_path / "loot"
    with pytest.raises(WorkerBugError, match="File too large"):
        list(pool.map([Request({"path": str(target), "do": "write"}, 20)]))
    assert target.read_bytes() == b""


def test_what_libraries_print_does_not_get_between_the_messages(pool):
    first, second = ask(pool, {"do": "print"}, {"do": "no", "blob": 100_000})
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert second.blob == bytes(100_000)


def test_a_bug_is_a_bug_and_blames_no_file(pool):
    with pytest.raises(WorkerBugError, match="KeyError: 'of popgan'"):
        ask(pool, {"do": "bug"})


def test_answers_keep_the_order_of_the_requests_whatever_the_workers():
    with Pool(COMMAND, workers=2, memory=2**28) as two:
        answers = ask(two, *[{"do": "no"}] * 30)
    assert [a.value[0] for a in answers] == [f"f{i}" for i in range(30)]
    assert len({a.value[1] for a in answers}) == 2


def test_leaving_ends_every_process_even_in_the_middle_of_work():
    with pytest.raises(KeyboardInterrupt), Pool(COMMAND, workers=1, memory=2**28) as one:
        (answer,) = ask(one, {"do": "no"})
        one.map([Request({"path": "x", "do": "sleep"}, 1000)])
        future = one._threads.submit(one._ask, Request({"path": "x", "do": "sleep"}, 1000))
        time.sleep(0.2)
        raise KeyboardInterrupt
    assert future.done()
    with pytest.raises(ProcessLookupError):
        os.kill(answer.value[1], 0)


def test_as_many_workers_as_memory_holds(monkeypatch):
    class Memory:
        available = 3 * 2**30

    monkeypatch.setattr("popgan.pool.usable_cores", lambda: 8)
    monkeypatch.setattr("popgan.pool.psutil.virtual_memory", lambda: Memory)
    with Pool(COMMAND) as auto:
        assert auto.workers == 8
        auto._peak = 2**30
        assert auto._allowed() == 2
        auto._peak = 2**34
        assert auto._allowed() == 1
    with Pool(COMMAND, workers=5) as fixed:
        fixed._peak = 2**34
        assert fixed._allowed() == 5
