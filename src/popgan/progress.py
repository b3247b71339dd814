"""What the user sees while popgan works: one small interface, several renderings.

Library code receives a `Reporter` and never prints. `LineReporter` writes plain lines to a log,
`JsonReporter` one JSON object a line for machines, `popgan.terminal` draws bars, and the base
class `Reporter` is silent (the default of the Python API).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

_EVERY_JSON, _EVERY_LINE = 1.0, 10.0  # seconds between two records of progress


class Task:
    """A running piece of work. `advance` moves it on and may show named figures."""

    def advance(self, steps: float = 1, **figures: object) -> None:
        """Move on by `steps` of the task's total; `figures` are shown beside the bar."""


class Reporter:
    """Silent reporter, and the interface of the others."""

    def message(self, text: str) -> None:
        """Tell the user something worth a line."""

    def warning(self, text: str) -> None:
        """Tell the user about something that may spoil the result."""

    @contextmanager
    def task(self, name: str, total: float | None, start: float = 0) -> Iterator[Task]:
        """A piece of work; `start` of it is done already (resuming).

        Args:
            name: what is being done.
            total: its size, in steps of `Task.advance`; None where it is not known.
            start: steps done before.
        """
        yield Task()


class JsonReporter(Reporter):
    """One JSON object a line; progress at most once a second, but for new figures.

    Args:
        stream: where to; standard error by default.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr

    def _write(self, **record: object) -> None:
        self._stream.write(json.dumps(record, default=str) + "\n")
        self._stream.flush()

    def message(self, text: str) -> None:
        """See `Reporter.message`."""
        self._write(event="message", text=text)

    def warning(self, text: str) -> None:
        """See `Reporter.warning`."""
        self._write(event="warning", text=text)

    @contextmanager
    def task(self, name: str, total: float | None, start: float = 0) -> Iterator[Task]:
        """See `Reporter.task`."""
        self._write(event="start", task=name, total=total, done=start)

        def show(task: _TimedTask) -> None:
            record = {"task": name, "total": total, "done": task.done}
            left = task.left()
            if left is not None:
                record["seconds_left"] = round(left, 1)
            self._write(event="progress", **record, **task.figures)

        task = _TimedTask(total, start, _EVERY_JSON, show, figures_at_once=True)
        yield task
        self._write(
            event="end", task=name, total=total, done=task.done, seconds=round(task.elapsed(), 2)
        )


class LineReporter(Reporter):
    """Plain lines for a log file: messages as they are, progress every ten seconds.

    Args:
        stream: where to; standard error by default.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr

    def _write(self, text: str) -> None:
        # Names of files may hold line breaks; a line is a line.
        self._stream.write(text.replace("\n", " ") + "\n")
        self._stream.flush()

    def message(self, text: str) -> None:
        """See `Reporter.message`."""
        self._write(text)

    def warning(self, text: str) -> None:
        """See `Reporter.warning`."""
        self._write(f"warning: {text}")

    @contextmanager
    def task(self, name: str, total: float | None, start: float = 0) -> Iterator[Task]:
        """See `Reporter.task`."""

        def show(task: _TimedTask) -> None:
            parts = [f"{name} {task.done / total:.0%}" if total else name]
            left = task.left()
            if left is not None:
                parts[0] += f", {clock(left)} left"
            self._write("  ".join(parts + figure_texts(task.figures)))

        task = _TimedTask(total, start, _EVERY_LINE, show)
        yield task
        if task.elapsed() >= _EVERY_LINE:
            self._write(f"{name} done in {clock(task.elapsed())}")


class _TimedTask(Task):
    """Counts, keeps the latest figures, and shows itself now and then."""

    def __init__(
        self,
        total: float | None,
        start: float,
        every: float,
        show: Callable[[_TimedTask], None],
        *,
        figures_at_once: bool = False,
    ) -> None:
        self.total, self.start, self.done = total, start, start
        self.figures: dict[str, object] = {}
        self._every, self._show, self._figures_at_once = every, show, figures_at_once
        self._begun = self._shown = time.monotonic()
        self._first: tuple[float, float] | None = None  # what was done when, after the first step

    def elapsed(self) -> float:
        """Seconds since the task began."""
        return time.monotonic() - self._begun

    def left(self) -> float | None:
        """Seconds left at the pace since the first step, which may take far longer than others
        (a network is prepared, a cache filled); None where it cannot be told."""
        if self.total is None or self._first is None:
            return None
        done, when = self._first
        if self.done <= done:
            return None
        pace = (time.monotonic() - when) / (self.done - done)
        return max(0.0, (self.total - self.done) * pace)

    def advance(self, steps: float = 1, **figures: object) -> None:
        self.done += steps
        if self._first is None and self.done > self.start:
            self._first = self.done, time.monotonic()
        self.figures.update(figures)
        due = time.monotonic() - self._shown >= self._every
        if due or (figures and self._figures_at_once):
            self._shown = time.monotonic()
            self._show(self)


def figure_texts(figures: dict[str, object]) -> list[str]:
    """Figures as "name value"."""
    return [f"{name} {value}" for name, value in figures.items()]


def clock(seconds: float) -> str:
    """A duration as 0:07, 12:34 or 1:02:03."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    text = f"{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
    return f"{hours}:{text}" if hours else text
