"""Worker processes for files that strangers made: a worker may die, the run goes on.

Each thread of the pool talks to one process. When a process dies, or takes too long, the file it
had last opened is to blame; the process is replaced and the work goes on. See `popgan.sandbox`
for the other side and for the limits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import psutil

from popgan.child import Child, Crash, Reply, Request, Service
from popgan.provenance import usable_cores

WORKER_BYTES = 4 * 2**30
"""What a worker may allocate; a volume of the largest size taken needs three quarters of it."""
_BASE_BYTES = 600 * 2**20  # what a worker takes before its first answer tells
_SHARE = 0.8  # of the free memory that workers may take together


class Pool:
    """Worker processes that run `python -c COMMAND MEMORY`.

    Args:
        command: Python code that makes a `Sandbox` and serves.
        workers: processes, at least 1; None takes the cores, as far as memory goes.
        memory: bytes that each may allocate.
        service: answers what workers ask back; called on the pool's threads.
        shared: process behind the service, which ends with the pool.
    """

    def __init__(
        self,
        command: str,
        *,
        workers: int | None = None,
        memory: int = WORKER_BYTES,
        service: Service | None = None,
        shared: Child | None = None,
    ) -> None:
        self._command, self._memory = command, memory
        self._service, self._shared = service, shared
        self._fixed = workers is not None
        self.workers = workers if workers is not None else usable_cores()
        self._threads = ThreadPoolExecutor(self.workers)
        self._own = threading.local()
        self._all: list[Child] = []
        self._lock = threading.Condition()
        self._busy = 0
        self._peak = _BASE_BYTES
        self._closed = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            for worker in (*self._all, *([self._shared] if self._shared else [])):
                worker.kill()
            self._lock.notify_all()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def map(self, requests: Iterable[Request]) -> Iterator[Reply | Crash]:
        """Answers in the order of the requests, a few of them worked on ahead of time.

        Raises:
            WorkerBugError: a worker met a bug of popgan.
        """
        waiting: deque[Future[Reply | Crash]] = deque()
        for request in requests:
            waiting.append(self._threads.submit(self._ask, request))
            if len(waiting) > 2 * self.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _ask(self, request: Request) -> Reply | Crash:
        """Runs on a thread of the pool."""
        with self._lock:
            self._lock.wait_for(lambda: self._closed or self._busy < self._allowed())
            if self._closed:
                return Crash("was not read", None)
            self._busy += 1
            worker = getattr(self._own, "worker", None)
            if worker is None:
                worker = self._own.worker = Child(
                    self._command, self._memory, service=self._service
                )
                self._all.append(worker)
        try:
            answer = worker.ask(request)
        finally:
            with self._lock:
                self._busy -= 1
                self._peak = max(self._peak, worker.peak)
                self._lock.notify_all()
        return answer

    def _allowed(self) -> int:
        """How many workers may be busy: those asked for, or as many as memory holds."""
        if self._fixed:
            return self.workers
        free = int(psutil.virtual_memory().available * _SHARE)
        # Memory that busy workers hold is no longer free; it must not count against them twice.
        return max(1, min(self.workers, self._busy + free // self._peak))
