"""When something was received: by the wall's clock, and by one that never goes backwards.

The order of answers is that of their rows, never of their times. A wall clock that was set back is
told in a flag of the first row after it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

_SLACK = 0.5  # seconds; smaller steps are the fine tuning of every computer's clock


@dataclass(frozen=True)
class Stamp:
    """A moment.

    Attributes:
        received: UTC, ISO 8601 with milliseconds.
        monotonic: seconds since the machine started.
        back: whether the wall clock had gone back since the stamp before.
    """

    received: str
    monotonic: float
    back: bool


class Clock:
    """Gives stamps, one after the other.

    Args:
        last: the wall's time of the last stamp of an earlier server; None if there is none.
        wall, monotonic: where time comes from.
    """

    def __init__(
        self,
        last: float | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._last, self._wall, self._monotonic = last, wall, monotonic

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Clock:
        """A clock that goes on where the database's last row stands."""
        rows = connection.execute(
            "SELECT (SELECT received FROM answer ORDER BY id DESC LIMIT 1) UNION ALL"
            " SELECT (SELECT received FROM event ORDER BY id DESC LIMIT 1)"
        )
        times = [datetime.fromisoformat(row[0]).timestamp() for row in rows if row[0]]
        return cls(max(times, default=None))

    def stamp(self) -> Stamp:
        """The moment now."""
        now = self._wall()
        back = self._last is not None and now < self._last - _SLACK
        self._last = now
        received = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        return Stamp(received, self._monotonic(), back)
