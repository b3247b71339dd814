"""The other side of a sandbox: a process that is asked, and may die of what it is asked.

What a process says is checked like anything else from outside. It may ask something back while it
works (`Service`): so a worker gets its answer from a process that all workers share.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgan.sandbox import ANSWER, ASKING, DONE, FAILED, OPENING, REQUEST

_WALL = 6.0  # seconds of waiting for each second of processor time allowed
_MOST_JSON, _MOST_BLOB = 2**28, 2**31
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)

Service = Callable[[Any, bytes], tuple[Any, bytes]]
"""What a process asked back (JSON value and bytes), to its answer."""


@dataclass(frozen=True)
class Request:
    """Something to be done by a worker.

    Attributes:
        body: JSON value for the handler.
        seconds: processor time allowed for each file that is opened.
        blob: bytes beside it.
    """

    body: Any
    seconds: float
    blob: bytes = b""


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


class Child:
    """One process, started when it is first asked and again after it died.

    Args:
        command: Python code that makes a `Sandbox` and serves.
        memory: bytes that it may allocate.
        service: answers what the process asks back while it works; None if it never does.
    """

    def __init__(self, command: str, memory: int, *, service: Service | None = None) -> None:
        self._command, self._memory, self._service = command, memory, service
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
            head = REQUEST.pack(int(request.seconds * 1000), len(body), len(request.blob))
            process.stdin.write(head + body)
            process.stdin.write(request.blob)
            process.stdin.flush()
            while True:
                kind, value, blob = self._receive(process, request.seconds * _WALL + 30)
                if kind == OPENING:
                    opened = Path(str(value))
                elif kind == ASKING:
                    self._serve(process, value, blob)
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

    def _serve(self, process: subprocess.Popen[bytes], value: Any, blob: bytes) -> None:
        """Answer what the process asks back."""
        if self._service is None:
            raise ValueError("nobody answers")
        answer, more = self._service(value, blob)
        text = json.dumps(answer).encode()
        assert process.stdin is not None
        process.stdin.write(ANSWER.pack(ASKING, len(text), len(more)) + text)
        process.stdin.write(more)
        process.stdin.flush()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            environment = os.environ | {
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                **dict.fromkeys(_THREADS, "1"),
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
        if kind not in (OPENING, ASKING, DONE, FAILED) or text > _MOST_JSON or blob > _MOST_BLOB:
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
