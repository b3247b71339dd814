"""Brain extraction for all workers: one process, asked in turn, started when the first head comes.

A worker asks back through its pool (`popgan.child`), and the pool's thread asks the process. If
that hangs or crashes, the scan it was given is set aside, and the next one gets a fresh process.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.child import Child, Crash, Request, Service
from popgan.errors import UserError
from popgan.preparation.brain import MOST_SIDE, Extract
from popgan.scans import ScanError

COMMAND = "from popgan.extraction import main; main()"
"""Python code that starts the process; its argument is the memory it may allocate."""
_MEMORY = 6 * 2**30  # address space, of which less than 2 GiB are ever touched
_SECONDS = 120.0  # of processor time a head; a slow core needs a quarter


class Brains:
    """The process that outlines brains.

    Args:
        command: Python code that starts it.
    """

    def __init__(self, command: str = COMMAND) -> None:
        self.child = Child(command, _MEMORY)
        self._lock = threading.Lock()

    def __call__(self, value: Any, blob: bytes) -> tuple[Any, bytes]:
        """Answer a worker: a volume's shape and float32 voxels to a mask's bytes.

        Raises:
            UserError: the networks are not installed.
        """
        with self._lock:
            answer = self.child.ask(Request({"shape": value["shape"]}, _SECONDS, blob))
        if isinstance(answer, Crash):
            late = "takes too long" in answer.reason
            return {"error": "takes too long" if late else "crashed the network"}, b""
        if "missing" in answer.value:
            raise UserError(
                str(answer.value["missing"]),
                do="install deepbet 1.0.2, or keep heads whole, faces included (--keep-skull)",
            )
        return answer.value, answer.blob


def extractor(ask: Service) -> Extract:
    """The function that preparation calls, on top of a way to ask."""

    def extract(data: NDArray[np.float32], contrast: str) -> NDArray[np.bool_]:
        if max(data.shape) > MOST_SIDE:
            raise ValueError(f"a side of {data.shape} is above {MOST_SIDE}")
        value, blob = ask({"shape": list(data.shape)}, data.astype(np.float32).tobytes())
        if "error" in value:
            reason = f"cannot have its brain extracted ({value['error']})"
            raise ScanError(reason, contrast=contrast)
        return np.frombuffer(blob, np.uint8).reshape(data.shape) > 0

    return extract
