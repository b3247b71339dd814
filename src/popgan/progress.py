"""What the user sees while popgan works: one small interface, three renderings.

Library code receives a `Reporter` and never prints. `RichReporter` draws bars on a terminal,
`JsonReporter` writes one JSON object a line for machines and logs, and the base class `Reporter`
is silent (the default of the Python API).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any


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
    def task(self, name: str, total: float, start: float = 0) -> Iterator[Task]:
        """A piece of work with a known size; `start` of it is done already (resuming)."""
        yield Task()


class JsonReporter(Reporter):
    """One JSON object a line; progress at most once a second."""

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
    def task(self, name: str, total: float, start: float = 0) -> Iterator[Task]:
        """See `Reporter.task`."""
        self._write(event="start", task=name, total=total, done=start)
        task = _JsonTask(self._write, name, total, start)
        yield task
        self._write(event="end", task=name, total=total, done=task.done)


class _JsonTask(Task):
    def __init__(self, write: Any, name: str, total: float, start: float) -> None:
        self._write, self._name, self._total, self.done = write, name, total, start
        self._last = time.monotonic()

    def advance(self, steps: float = 1, **figures: object) -> None:
        self.done += steps
        if time.monotonic() - self._last >= 1:
            self._last = time.monotonic()
            self._write(
                event="progress", task=self._name, total=self._total, done=self.done, **figures
            )


class RichReporter(Reporter):
    """Bars and coloured lines on a terminal (stderr, so that stdout stays clean)."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)

    def message(self, text: str) -> None:
        """See `Reporter.message`."""
        self.console.print(text, markup=False)

    def warning(self, text: str) -> None:
        """See `Reporter.warning`."""
        from rich.text import Text

        self.console.print(Text("warning: ", style="bold yellow") + Text(text))

    @contextmanager
    def task(self, name: str, total: float, start: float = 0) -> Iterator[Task]:
        """See `Reporter.task`."""
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        with Progress(*columns, console=self.console, refresh_per_second=4) as bar:
            identity = bar.add_task(name, total=total, completed=int(start), figures="")
            yield _RichTask(bar, identity)


class _RichTask(Task):
    def __init__(self, bar: Any, identity: Any) -> None:
        self._bar, self._identity = bar, identity

    def advance(self, steps: float = 1, **figures: object) -> None:
        text = "  ".join(f"{name} {value}" for name, value in figures.items())
        options = {"figures": text} if figures else {}
        self._bar.update(self._identity, advance=steps, **options)
