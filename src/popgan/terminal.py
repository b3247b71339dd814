"""Progress on a terminal: a bar a task, and its figures on a line of their own.

Two lines, because a bar, a clock and seven figures of a training do not fit into the width of a
terminal window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.progress import Task as RichTask
from rich.text import Text

from popgan.progress import Reporter, Task, clock, figure_texts


class RichReporter(Reporter):
    """Bars and coloured lines.

    Args:
        console: where to draw; standard error by default, so that standard output stays clean.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._bars: _Bars | None = None

    def message(self, text: str) -> None:
        """See `Reporter.message`."""
        self.console.print(text, markup=False)

    def warning(self, text: str) -> None:
        """See `Reporter.warning`."""
        self.console.print(Text("warning: ", style="bold yellow") + Text(text))

    @contextmanager
    def task(self, name: str, total: float | None, start: float = 0) -> Iterator[Task]:
        """See `Reporter.task`. A task within a task gets a bar below the other's."""
        outermost = self._bars is None
        bars = self._bars = self._bars or _Bars(self.console)
        if outermost:
            bars.start()
        identity = bars.add_task(name, total=total, completed=int(start), figures="")
        try:
            yield _BarTask(bars, identity)
        finally:
            bars.finish(identity)
            if outermost:
                bars.stop()
                self._bars = None


class _BarTask(Task):
    def __init__(self, bars: _Bars, identity: TaskID) -> None:
        self._bars, self._identity = bars, identity

    def advance(self, steps: float = 1, **figures: object) -> None:
        if figures:
            self._bars.update(self._identity, figures="  ".join(figure_texts(figures)))
        self._bars.advance(self._identity, steps)


class _Share(ProgressColumn):
    """Per cent done; empty where the size of the task is not known."""

    def render(self, task: RichTask) -> Text:
        return Text(f"{task.percentage:3.0f}%" if task.total else "    ", style="bold")


class _Clock(ProgressColumn):
    """Time spent and time left; once finished, time spent."""

    def render(self, task: RichTask) -> Text:
        spent = clock(task.finished_time if task.finished_time is not None else task.elapsed or 0)
        if task.finished or task.time_remaining is None:
            return Text(spent)
        return Text(f"{spent}, {clock(task.time_remaining)} left")


class _Bars(Progress):
    """The bars of one reporter."""

    def __init__(self, console: Console) -> None:
        name = TextColumn("{task.description:<18}", markup=False)
        super().__init__(
            name, BarColumn(bar_width=24), _Share(), _Clock(), console=console, refresh_per_second=4
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The table of bars, then the figures of the task that runs."""
        tasks = [task for task in self.tasks if task.visible]
        if tasks:
            yield self.make_tasks_table(tasks)
        for task in tasks:
            if task.fields.get("figures") and not task.finished:
                yield Text(f"  {task.fields['figures']}")

    def finish(self, identity: TaskID) -> None:
        """End a task: a bar of known size stays on the screen, another goes."""
        task = next(task for task in self.tasks if task.id == identity)
        if task.total is None:
            self.remove_task(identity)
        else:
            self.stop_task(identity)
