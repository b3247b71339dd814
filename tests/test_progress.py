"""What is seen while popgan works: bars that fit, lines for logs, JSON for machines."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from popgan import progress
from popgan.progress import JsonReporter, LineReporter, Reporter, Task, clock
from popgan.terminal import RichReporter

# As a training reports them, at their longest.
FIGURES = {
    "level": "6",
    "fade": "0.75",
    "kimg": "12345.6",
    "img/s": "1234",
    "s/kimg": "0.8",
    "G": "-12.34",
    "D": "-12.34",
}


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of the reporters."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def terminal(width: int = 80) -> tuple[RichReporter, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, color_system=None)
    return RichReporter(console), stream


def test_the_silent_reporter_takes_everything(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter()
    reporter.message("a")
    reporter.warning("b")
    with reporter.task("c", None) as task:
        task.advance(3, level=1)
    assert isinstance(task, Task)
    assert capsys.readouterr() == ("", "")


def test_json_lines_say_what_a_bar_says(tick: Callable[[float], None]) -> None:
    stream = io.StringIO()
    reporter = JsonReporter(stream)
    reporter.warning('a "quoted"\nword')
    with reporter.task("training", 100, start=20) as task:
        task.advance(1)
        tick(2)
        task.advance(19, level=3)
        task.advance(1)
        tick(1.5)
        task.advance(1)
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [record["event"] for record in records] == [
        *("warning", "start", "progress", "progress", "end")
    ]
    assert records[0]["text"] == 'a "quoted"\nword'
    assert records[2] | {"done": 40, "seconds_left": 6.3, "level": 3} == records[2]
    # The latest figures stay until there are others.
    assert records[3]["level"] == 3
    assert records[3]["done"] == 42
    assert records[4] == {
        **{"event": "end", "task": "training", "total": 100, "done": 42, "seconds": 3.5}
    }


def test_json_shows_new_figures_at_once() -> None:
    stream = io.StringIO()
    with JsonReporter(stream).task("training", 10) as task:
        for loss in range(3):
            task.advance(1, loss=loss)
    assert [json.loads(line).get("loss") for line in stream.getvalue().splitlines()] == [
        *(None, 0, 1, 2, None)
    ]


def test_a_slow_first_step_does_not_promise_hours(tick: Callable[[float], None]) -> None:
    stream = io.StringIO()
    with LineReporter(stream).task("over-training", 600) as task:
        tick(14)
        task.advance(1)
        for _ in range(200):
            tick(0.125)
            task.advance(1)
    assert stream.getvalue().splitlines() == [
        *("over-training 0%", "over-training 14%, 1:05 left", "over-training 27%, 0:55 left"),
        "over-training done in 0:39",
    ]


def test_a_log_gets_a_line_every_ten_seconds(tick: Callable[[float], None]) -> None:
    stream = io.StringIO()
    reporter = LineReporter(stream)
    reporter.message("[train]")
    reporter.warning("few subjects")
    with reporter.task("training", 100) as task:
        for second in range(35):
            tick(1)
            task.advance(2, **({"loss": second} if second == 3 else {}))
    with reporter.task("short", 5) as task:
        task.advance(5)
    assert stream.getvalue().splitlines() == [
        "[train]",
        "warning: few subjects",
        "training 20%, 0:40 left  loss 3",
        "training 40%, 0:30 left  loss 3",
        "training 60%, 0:20 left  loss 3",
        "training done in 0:35",
    ]


def test_a_task_of_unknown_size_has_no_per_cent(tick: Callable[[float], None]) -> None:
    stream = io.StringIO()
    with LineReporter(stream).task("measuring", None) as task:
        tick(11)
        task.advance(1)
    assert stream.getvalue().splitlines() == ["measuring", "measuring done in 0:11"]


@pytest.mark.parametrize("width", [80, 100])
def test_bar_and_figures_fit_the_window(width: int) -> None:
    reporter, stream = terminal(width)
    reporter.message("[train popgan]")
    with reporter.task("resampling slices", 1000, start=300) as task:
        task.advance(100, **FIGURES)
        reporter._bars.refresh()
        drawn = stream.getvalue()
        task.advance(600)
    lines = drawn.replace("\r", "\n").splitlines()
    assert max(len(line.split("\x1b[2K")[-1]) for line in lines) <= width
    assert all(f"{name} {value}" in drawn for name, value in FIGURES.items())
    assert " 40%" in drawn
    assert "…" not in drawn
    # Once finished the figures go; the bar and the time stay.
    assert "level" not in stream.getvalue()[len(drawn) :].split("\x1b[2K")[-1]


def test_a_task_within_a_task_is_drawn_below() -> None:
    reporter, stream = terminal()
    with reporter.task("outer", 2) as outer, reporter.task("inner", 3) as inner:
        inner.advance(3)
        outer.advance(2)
    assert "outer" in stream.getvalue()
    assert "inner" in stream.getvalue()
    with reporter.task("next", 1) as task:
        task.advance()


def test_a_bar_survives_an_error() -> None:
    reporter, stream = terminal()
    with pytest.raises(KeyboardInterrupt), reporter.task("a", 1):
        raise KeyboardInterrupt
    assert stream.getvalue().endswith("\x1b[?25h"), "the cursor is shown again"
    with reporter.task("b", None):
        pass


def test_names_are_text_and_no_markup() -> None:
    reporter, stream = terminal()
    reporter.message("[ingest] /a/[b]/c")
    reporter.warning("[bold]x[/bold]")
    with reporter.task("[red]t", 1) as task:
        task.advance(1, loss="[/]")
    assert "[ingest] /a/[b]/c" in stream.getvalue()
    assert "warning: [bold]x[/bold]" in stream.getvalue()
    assert "[red]t" in stream.getvalue()


@settings(deadline=None)
@given(st.floats(0, 10**6))
def test_a_clock_reads_back(seconds: float) -> None:
    parts = [int(part) for part in clock(seconds).split(":")]
    back = sum(part * 60**place for place, part in enumerate(reversed(parts)))
    assert abs(back - seconds) <= 0.5
    assert all(part < 60 for part in parts[1:])


def test_a_clock_looks_like_one() -> None:
    assert [clock(value) for value in (0, 7, 754, 3723)] == ["0:00", "0:07", "12:34", "1:02:03"]
