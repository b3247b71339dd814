"""Several workers on this machine: processes that run `popgan tune RUN --join`, or `ablate`.

They share nothing with this one but the run folder. GPUs are dealt out among them, one each, and
again from the first where there are fewer. One that dies is replaced, on the same GPU; what it was
training goes on from its last tick.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import IO

from popgan.device import visible_gpus
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.tuning.definition import StudyPlaces

_PATIENCE = 60.0  # seconds for a worker to write a checkpoint when it is told to stop
_REFUSED = 2  # status of a worker whose user can help
_REPLACED = 3
"""How often each worker may die before the machine is to blame."""


class Crew:
    """Workers, started at once and ended with the block.

    Args:
        places: of the study.
        count: workers.
        threads: of each.
        reporter: told when one dies.
    """

    def __init__(self, places: StudyPlaces, count: int, threads: int, reporter: Reporter) -> None:
        self.places, self.threads, self.reporter = places, threads, reporter
        self._gpus = visible_gpus()
        self._running = [self._start(place) for place in range(count)]
        self._left = _REPLACED * count

    def __enter__(self) -> Crew:
        return self

    def busy(self) -> bool:
        """Whether anybody is at work; those that died are replaced.

        Raises:
            UserError: a worker was refused, or too many died.
        """
        for place, (process, said) in enumerate(self._running):
            status = process.poll()
            if status in (None, 0):
                continue
            words = _last_line(said)
            if status == _REFUSED:
                raise UserError(words)
            if self._left == 0:
                raise UserError(
                    f"workers die again and again ({words})",
                    where=self.places.folder,
                    do="take fewer --workers; the same command goes on",
                )
            self._left -= 1
            self.reporter.warning(f"a worker died ({words}); another takes its place")
            said.close()
            self._running[place] = self._start(place)
        return any(process.poll() is None for process, _ in self._running)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End them: each writes a checkpoint first."""
        for process, _ in self._running:
            if process.poll() is None:
                process.terminate()
        for process, said in self._running:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            with contextlib.suppress(OSError):
                said.close()

    def _start(self, place: int) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        run, name = str(self.places.run), self.places.name
        words = ["--quiet", self.places.VERB, run, "--name", name, "--join"]
        command = [sys.executable, "-m", "popgan", *words]
        # Libraries below torch count threads on their own.
        environment = os.environ | {"OMP_NUM_THREADS": str(self.threads)}
        if self._gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpus[place % len(self._gpus)]
        said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        return process, said


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("popgan: ")[:300] if lines else "without a word"
