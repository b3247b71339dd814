"""One thread writes for all requests: what arrives during a commit goes into the next one together.

A commit waits for the disk, some milliseconds each; one for every request would make fifty readers
queue. Grouping needs no delay: while a commit runs, the next group gathers by itself.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from popgan.study.database import transaction
from popgan.study.refusals import StorageError

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], Any]
_MOST = 256  # requests in one commit, so that no group makes everybody wait
_MOST_WAITING = 4096


class Writer:
    """Work on the database, one after the other, in a thread of its own.

    Args:
        connection: the only one in this process that writes; closed with the writer.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: queue.Queue[tuple[_Work, Future[Any]] | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], _T]) -> Future[_T]:
        """Do a piece of work within a transaction; the future is done when it is on the disk.

        It fails with a `Refusal` that the work raised (and then has changed nothing), or with a
        `StorageError` where nothing could be stored.
        """
        future: Future[_T] = Future()
        try:
            self._queue.put_nowait((work, future))
        except queue.Full:
            future.set_exception(StorageError("too much is waiting for the disk"))
        return future

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """`submit` for the loop of events, which goes on meanwhile."""
        # Shielded: a browser that goes away must not take back what its neighbours commit.
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def close(self) -> None:
        """Finish what waits, then close the connection."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            group, ends = self._group()
            if group:
                self._commit(group)
            if ends:
                return

    def _group(self) -> tuple[list[tuple[_Work, Future[Any]]], bool]:
        """Everything that waits now; at least one, so this blocks while there is nothing."""
        group = []
        entry = self._queue.get()
        while entry is not None:
            group.append(entry)
            if len(group) == _MOST:
                return group, False
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[tuple[_Work, Future[Any]]]) -> None:
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            with transaction(self._connection):
                outcomes = [self._attempt(work) for work, _ in group]
        except Exception as error:
            words = _words(error)
            outcomes = [(None, StorageError(words))] * len(group)
        for (_, future), (result, failure) in zip(group, outcomes, strict=True):
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _attempt(self, work: _Work) -> tuple[Any, BaseException | None]:
        """One piece of work, which fails alone unless the whole transaction does."""
        self._connection.execute("SAVEPOINT piece")
        try:
            result = work(self._connection)
        except sqlite3.OperationalError:
            raise  # the disk or a lock: no other piece would fare better
        except Exception as error:
            self._connection.execute("ROLLBACK TO piece")
            self._connection.execute("RELEASE piece")
            return None, error
        self._connection.execute("RELEASE piece")
        return result, None


def _words(error: Exception) -> str:
    """What SQLite says, for the person at the server."""
    return " ".join(str(error).split()) or type(error).__name__
