"""A training that others slow down says so once, and a quiet one says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from popgan.progress import Reporter
from popgan.training import neighbours
from popgan.training.neighbours import ENOUGH, Neighbours


class Clock:
    """In place of the module `time`."""

    wall = own = 0.0

    def monotonic(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.own


class Told(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str, *_: Any, **__: Any) -> None:
        self.warnings.append(text)


def after(monkeypatch: pytest.MonkeyPatch, ticks: list[tuple[float, float]]) -> list[str]:
    """Warnings after ticks of so many seconds and such a share of a core."""
    clock, told = Clock(), Told()
    monkeypatch.setattr(neighbours, "time", clock)
    watch = Neighbours(told)
    for seconds, share in ticks:
        watch.begin()
        clock.wall, clock.own = clock.wall + seconds, clock.own + share * seconds
        watch.end()
    return told.warnings


@pytest.mark.parametrize("seconds", [ENOUGH / 20, ENOUGH, 10 * ENOUGH])
def test_what_lasts_is_told_once_however_long_a_tick_is(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    warnings = after(monkeypatch, [(seconds, 0.4)] * 60)
    assert len(warnings) == 1 and "for 40% of the time" in warnings[0]


@pytest.mark.parametrize(
    "ticks",
    [
        [(30.0, 0.97)] * 6,  # quiet
        [(2.0, 0.4), *[(2.0, 0.97)] * 20] * 3,  # a moment now and then
        [(1.0, 0.1)] * 20,  # over before it says anything
    ],
)
def test_what_does_not_last_is_not_told(
    monkeypatch: pytest.MonkeyPatch, ticks: list[tuple[float, float]]
) -> None:
    assert after(monkeypatch, ticks) == []
