"""Further processes for one training, started by the first and ended with it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from types import TracebackType
from typing import IO

from popgan.errors import UserError

MOST_PROCESSES = 64
_PATIENCE = 20.0  # seconds for a process to end after the first has


class Helpers:
    """Processes 1 .. count beside this one, which is process 0.

    They run the same command line under the variables that `torchrun` sets. What they say goes to
    a file; if one fails, its last line is in the error.

    Args:
        count: how many to start.
        arguments: their command line, without `popgan`.
    """

    def __init__(self, count: int, arguments: list[str]) -> None:
        self.count, self.arguments = count, arguments
        self._running: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
        self._before: dict[str, str] = {}

    def __enter__(self) -> Helpers:
        """Start them."""
        self._before = dict(os.environ)
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
        command = [sys.executable, "-m", "popgan", "--quiet", *self.arguments]
        for rank in range(1, self.count + 1):
            said = tempfile.TemporaryFile()
            place = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            environment = os.environ | place | {"WORLD_SIZE": str(self.count + 1)}
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            self._running.append((process, said))
        return self

    def check(self) -> None:
        """Raise if one of them has failed.

        Raises:
            UserError: with what it said last.
        """
        for rank, (process, said) in enumerate(self._running, 1):
            if process.poll() not in (None, 0):
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()
                last = lines[-1].removeprefix("popgan: ") if lines else "it said nothing"
                raise UserError(
                    f"process {rank} of {self.count + 1} has ended ({last[:300]})",
                    do="the same command goes on from the last checkpoint",
                )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for them to end, or end them; say whose failure it was."""
        end = time.monotonic() + (_PATIENCE if error is None else 3.0)
        while time.monotonic() < end and any(p.poll() is None for p, _ in self._running):
            time.sleep(0.02)
        stuck = [process for process, _ in self._running if process.poll() is None]
        try:
            # A connection that broke is the consequence of somebody's failure: name that.
            if isinstance(error, UserError) and "another process" in str(error):
                self.check()
        finally:
            for process in stuck:
                process.kill()
                process.wait()
            for _, said in self._running:
                with contextlib.suppress(OSError):
                    said.close()
            os.environ.clear()
            os.environ.update(self._before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
