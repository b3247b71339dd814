"""Inside a worker process: limits that the kernel enforces, and a loop that answers requests.

A worker opens files that strangers made. What it may use is bounded before the first one is
opened: address space, processor time a file, no files written, no core dumped. A file that breaks
a limit kills this process and nothing else; `popgan.pool` is the other side.

Requests and answers are JSON, with an array's bytes beside it. No pickle: an attacker who takes
over a worker must not be able to hand code to the process that trusts it.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

REQUEST = struct.Struct("<IQQ")
"""Before a request: milliseconds of processor time for each file, bytes of JSON, of the blob."""
ANSWER = struct.Struct("<cQQ")
"""Before a message of a worker: its kind, bytes of JSON, bytes of the blob."""
OPENING, ASKING, DONE, FAILED = b"o", b"a", b"d", b"f"
"""Kinds: a file is about to be opened; a question back, and its answer; the answer; an exception
that is a bug of popgan."""

Handler = Callable[[Any, bytes], tuple[Any, bytes]]
"""A request to an answer, both a JSON value and bytes."""


class Sandbox:
    """The worker's end of the pipe.

    Args:
        memory: bytes that may be allocated beyond what the program itself takes.
    """

    def __init__(self, memory: int) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        self._in: IO[bytes] = sys.stdin.buffer
        self._seconds = 10.0
        # Libraries that print must not get between the messages.
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        _restrict(memory)

    def opening(self, path: Path) -> None:
        """Tell the other side which file comes next, and give it a fresh allowance of time."""
        _allow_seconds(self._seconds)
        self._send(OPENING, os.fsdecode(path), b"")

    def ask(self, value: Any, blob: bytes) -> tuple[Any, bytes]:
        """Ask the other side something while a request is worked on; the answer comes back."""
        self._send(ASKING, value, blob)
        _, text, more = ANSWER.unpack(self._in.read(ANSWER.size))
        return json.loads(self._in.read(text)), self._in.read(more)

    def serve(self, handle: Handler) -> None:
        """Answer requests until the pipe closes."""
        while head := self._in.read(REQUEST.size):
            milliseconds, size, more = REQUEST.unpack(head)
            self._seconds = milliseconds / 1000
            _allow_seconds(self._seconds)
            body = json.loads(self._in.read(size))
            try:
                value, blob = handle(body, self._in.read(more))
            except MemoryError:
                raise
            except Exception as error:
                self._send(FAILED, f"{type(error).__name__}: {error}"[:2000], b"")
            else:
                self._send(DONE, {"value": value, "peak": peak_bytes()}, blob)

    def _send(self, kind: bytes, value: Any, blob: bytes) -> None:
        text = json.dumps(value).encode()
        self._out.write(ANSWER.pack(kind, len(text), len(blob)))
        self._out.write(text)
        self._out.write(blob)
        self._out.flush()


def peak_bytes() -> int:
    """Largest resident size of this process so far, bytes; 0 where it cannot be known."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _restrict(memory: int) -> None:
    """Bound what this process may do from now on."""
    try:
        import resource
    except ImportError:  # not a POSIX system: no limits but those of the readers
        return
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        taken = pages * resource.getpagesize()
    except (OSError, ValueError):
        taken = 2**33
    _lower(resource.RLIMIT_AS, taken + memory)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)


def _lower(kind: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (bound, bound))


def _allow_seconds(seconds: float) -> None:
    """Let this process run for so many seconds of processor time from now; then it is killed."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(used.ru_utime + used.ru_stime + seconds) + 1
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
