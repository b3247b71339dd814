"""Worker processes for files that strangers made: a worker may die, the run goes on.

Each thread of the pool talks to one process. When a process dies, or takes too long, the file it
had last opened is to blame; the process is replaced and the work goes on. See `popgan.sandbox`
for the other side and for the limits.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from popgan.provenance import usable_cores
from popgan.sandbox import ANSWER, DONE, FAILED, OPENING, REQUEST

WORKER_BYTES = 4 * 2**30
"""What a worker may allocate; a volume of the largest size taken needs three quarters of it."""
_BASE_BYTES = 600 * 2**20  # what a worker takes before its first answer tells
_WALL = 6.0  # seconds of waiting for each second of processor time allowed
_MOST_JSON, _MOST_BLOB = 2**28, 2**31
_SHARE = 0.8  # of the free memory that workers may take together


@dataclass(frozen=True)
class Request:
    """Something to be done by a worker.

    Attributes:
        body: JSON value for the handler.
        seconds: processor time allowed for each file that is opened.
    """

    body: Any
    seconds: float


@dataclass(frozen=True)
class Reply:
    """What a worker answered."""

    value: Any
    blob: bytes


@dataclass(frozen=True)
class Crash:
    """A worker died of a file.

    Attributes:
        reason: completes the sentence "the file ...".
        path: the file that was last opened; None if none was.
    """

    reason: str
    path: Path | None


class WorkerBugError(Exception):
    """A worker met an exception that no file explains: a bug of popgan."""


class Pool:
    """Worker processes that run `python -c COMMAND MEMORY`.

    Args:
        command: Python code that makes a `Sandbox` and serves.
        workers: processes, at least 1; None takes the cores, as far as memory goes.
        memory: bytes that each may allocate.
    """

    def __init__(
        self, command: str, *, workers: int | None = None, memory: int = WORKER_BYTES
    ) -> None:
        self._command, self._memory = command, memory
        self._fixed = workers is not None
        self.workers = workers if workers is not None else usable_cores()
        self._threads = ThreadPoolExecutor(self.workers)
        self._own = threading.local()
        self._all: list[_Worker] = []
        self._lock = threading.Condition()
        self._busy = 0
        self._peak = _BASE_BYTES
        self._closed = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            for worker in self._all:
                worker.kill()
            self._lock.notify_all()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def map(self, requests: Iterable[Request]) -> Iterator[Reply | Crash]:
        """Answers in the order of the requests, a few of them worked on ahead of time.

        Raises:
            WorkerBugError: a worker met a bug of popgan.
        """
        waiting: deque[Future[Reply | Crash]] = deque()
        for request in requests:
            waiting.append(self._threads.submit(self._ask, request))
            if len(waiting) > 2 * self.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _ask(self, request: Request) -> Reply | Crash:
        """Runs on a thread of the pool."""
        with self._lock:
            self._lock.wait_for(lambda: self._closed or self._busy < self._allowed())
            if self._closed:
                return Crash("was not read", None)
            self._busy += 1
            worker = getattr(self._own, "worker", None)
            if worker is None:
                worker = self._own.worker = _Worker(self._command, self._memory)
                self._all.append(worker)
        try:
            answer = worker.ask(request)
        finally:
            with self._lock:
                self._busy -= 1
                self._peak = max(self._peak, worker.peak)
                self._lock.notify_all()
        return answer

    def _allowed(self) -> int:
        """How many workers may be busy: those asked for, or as many as memory holds."""
        if self._fixed:
            return self.workers
        free = int(psutil.virtual_memory().available * _SHARE)
        # Memory that busy workers hold is no longer free; it must not count against them twice.
        return max(1, min(self.workers, self._busy + free // self._peak))


class _Worker:
    """One process, started when it is first asked and again after it died."""

    def __init__(self, command: str, memory: int) -> None:
        self._command, self._memory = command, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self.peak = 0

    def ask(self, request: Request) -> Reply | Crash:
        """Send a request and wait for its answer, or for the death of the process."""
        answer = self._ask_once(request)
        # A process that died before it opened anything died of something else: once more.
        if isinstance(answer, Crash) and answer.path is None and not self._killed:
            answer = self._ask_once(request)
        return answer

    def _ask_once(self, request: Request) -> Reply | Crash:
        opened: Path | None = None
        try:
            process = self._running()
            body = json.dumps(request.body).encode()
            assert process.stdin is not None
            process.stdin.write(REQUEST.pack(int(request.seconds * 1000), len(body)) + body)
            process.stdin.flush()
            while True:
                kind, value, blob = self._receive(process, request.seconds * _WALL + 30)
                if kind == OPENING:
                    opened = Path(str(value))
                elif kind == FAILED:
                    raise WorkerBugError(str(value))
                else:
                    self.peak = int(value["peak"])
                    return Reply(value["value"], blob)
        except TimeoutError:
            self._end()
            return Crash("takes too long to read", opened)
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return Crash(_cause(self._end()), opened)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            environment = os.environ | {
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
                "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
            }
            # A session of its own: Ctrl-C goes to the parent, which ends its workers.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", self._command, str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
            if self._killed:
                self._process.kill()
        return self._process

    def _receive(
        self, process: subprocess.Popen[bytes], seconds: float
    ) -> tuple[bytes, Any, bytes]:
        assert process.stdout is not None
        deadline = time.monotonic() + seconds
        handle = process.stdout.fileno()
        kind, text, blob = ANSWER.unpack(_read(handle, ANSWER.size, deadline))
        if kind not in (OPENING, DONE, FAILED) or text > _MOST_JSON or blob > _MOST_BLOB:
            raise ValueError("not a message")
        value = json.loads(_read(handle, text, deadline))
        return kind, value, bytes(_read(handle, blob, deadline))

    def _end(self) -> int | None:
        """End the process; its status comes back."""
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        return status

    def kill(self) -> None:
        """End the process from another thread; its own thread then sees the pipe close."""
        self._killed = True
        process = self._process
        if process is not None:
            process.kill()


def _read(handle: int, count: int, deadline: float) -> bytearray:
    """Exactly `count` bytes of a pipe.

    Raises:
        EOFError: the other side is gone.
        TimeoutError: the deadline passed.
    """
    got = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while len(got) < count:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(handle, min(count - len(got), 2**20))
            if not part:
                raise EOFError
            got += part
    return got


def _cause(status: int | None) -> str:
    """Why a process died, from its status."""
    if status is not None and status == -getattr(signal, "SIGXCPU", 0):
        return "takes too long to read"
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        return f"crashed its reader ({name})"
    return "needs more memory to read than any scan does, or crashed its reader"
