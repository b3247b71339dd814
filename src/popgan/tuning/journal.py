"""The journal of a search as a file: opened whole, written whole, and one line where it is lost.

Optuna appends a line for everything that happens, and whoever appends holds a lock. A process that
dies, or a disk that is full, in the middle of that leaves half a line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from popgan.tuning.study import LostError

_BLOCK = 2**16


class WholeLines(JournalFileSymlinkLock):
    """Optuna's lock of a journal; whoever gets it finds whole lines alone.

    Optuna would write the next line behind half a one, and could read neither ever after. Only the
    holder of the lock writes, so what follows the last line break is of nobody who still lives.

    Args:
        journal: absolute: the lock is a link to it, and its age is looked up through that link.
    """

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal = journal

    def acquire(self) -> bool:
        """Wait for the lock, then cut what was not written to its end.

        Raises:
            OSError: the journal cannot be reached; then the lock is not held.
        """
        held = super().acquire()
        try:
            if not _whole(self._journal):
                _cut(self._journal)
        except BaseException:
            self.release()
            raise
        return held


def open_journal(path: Path) -> JournalStorage:
    """Optuna's storage of a journal, which is made if need be and mended where it ends halfway.

    Raises:
        OSError, ValueError, KeyError: it cannot be read or written; see `reachable`.
    """
    path = path.absolute()
    lock = WholeLines(path)
    backend = JournalFileBackend(str(path), lock_obj=lock)
    if not _whole(path):  # or somebody is writing just now, and is waited for
        lock.acquire()
        lock.release()
    return JournalStorage(backend)


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """Say in one line that a journal cannot be read or written within the block.

    Raises:
        LostError: so it is.
    """
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        raise LostError(
            f"cannot be read or written ({error})",
            where=path,
            do="make its folder reachable and see that its disk has space; the same command goes "
            "on, every trial that was told is kept there",
        ) from error


def _whole(path: Path) -> bool:
    """Whether a file is empty or ends with a line break."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _cut(path: Path) -> None:
    """Cut what follows the last line break."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            place = file.read(end - start).rfind(b"\n")
            if place >= 0:
                end = start + place + 1
                break
            end = start
        file.truncate(end)
