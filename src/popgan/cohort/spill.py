"""Prepared slices parked on disk until the cohort's field of view is known.

The field of view depends on every head, the resampling on the field of view: without this file
every scan would be read twice, or all be held in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.store import FULL, encode
from popgan.errors import UserError


class Spill:
    """A nameless temporary file of uint16 arrays, gone when closed or when the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._places: list[tuple[int, tuple[int, ...]]] = []

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"cannot be written ({error.strerror or error})",
                where=self._folder,
                do="free some space or choose another folder, then run the same command again",
            ) from error

    def put(self, planes: NDArray[np.float32]) -> int:
        """Park planes with values in [0, 1]; their ticket comes back.

        Raises:
            UserError: the disk is full.
        """
        with self._explained():
            self._places.append((self._file.seek(0, 2), planes.shape))
            self._file.write(encode(planes).tobytes())
            self._file.flush()
        return len(self._places) - 1

    def get(self, ticket: int) -> NDArray[np.float32]:
        """Planes by their ticket, to 1/65535."""
        start, shape = self._places[ticket]
        self._file.seek(start)
        raw = self._file.read(int(np.prod(shape)) * 2)
        return np.frombuffer(raw, np.uint16).reshape(shape).astype(np.float32) / np.float32(FULL)
