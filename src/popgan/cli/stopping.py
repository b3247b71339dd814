"""What an interruption leaves, in words: most verbs go on where they stopped, some begin anew."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class StoppedError(Exception):
    """A verb was interrupted and cannot go on where it stopped; the words say what was kept."""


@contextmanager
def begins_anew(kept: str = "nothing of it was kept") -> Iterator[None]:
    """For verbs that make one thing, which is whole or absent.

    Args:
        kept: what is left of it.

    Raises:
        StoppedError: interrupted.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        raise StoppedError(f"{kept}, the same command begins anew.") from stop


def is_of_interruption(error: BaseException) -> bool:
    """Whether an error is what code that was being loaded has made of an interruption."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, KeyboardInterrupt | ImportError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


@contextmanager
def terminable() -> Iterator[list[int]]:
    """Treat SIGTERM (a batch system's time limit) like Ctrl-C: tidy up, stay resumable.

    Yields:
        The signals that came; see `is_of_interruption`.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        came.append(number)
        raise KeyboardInterrupt

    # Where Ctrl-C is ignored, as in the background of a shell, it stays so.
    ctrl_c = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    numbers = [signal.SIGTERM, *([signal.SIGINT] if ctrl_c else [])]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
