"""Whether training waits for cores that other programs have, told once in words.

A slow training that says nothing looks broken. Threads share every operation, and the last of them
decides when it ends: one other program on one core of two makes training not half as fast but a
thirteenth (benchmarks/busy.py).
"""

from __future__ import annotations

import time

from popgan.progress import Reporter

QUIET = 0.8
"""Share of the time that the measuring thread must have a core. It takes part in all work, so where
nobody disturbs it that is nearly all of the time; with one other program a core it is a half."""
ENOUGH = 30.0
"""Seconds of training that say something; a moment does not."""


class Neighbours:
    """Watches how much of the time the thread that trains had a core.

    Args:
        reporter: told.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter, self._told = reporter, False
        self._seconds = self._own = 0.0
        self.begin()

    def begin(self) -> None:
        """A tick begins."""
        self._from = time.monotonic(), time.thread_time()

    def end(self) -> None:
        """A tick on the CPU has ended."""
        wall, own = self._from
        self._seconds += time.monotonic() - wall
        self._own += time.thread_time() - own
        if self._told or self._seconds < ENOUGH:
            return
        share = self._own / self._seconds
        self._seconds = self._own = 0.0
        if share >= QUIET:
            return
        self._told = True
        self._reporter.warning(
            "training waits for cores that other programs have, or for the disk: it got one for "
            f"{share:.0%} of the time. It takes longer than planned and gives the same model; "
            "pause them if you can"
        )
