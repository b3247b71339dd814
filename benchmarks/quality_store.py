"""Measured cells in one JSON file, which several processes may fill at the same time.

Who measures a cell holds a lock of that cell; who writes reads the file again under a lock of the
file. Locks die with their process, so a killed one leaves nothing behind that has to be removed.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from main_line import commit
from popgan import provenance
from popgan.errors import UserError
from popgan.files import read_json, write_json

Record = dict[str, Any]


class Store:
    """The cells of one results file.

    Args:
        path: the JSON file.
        locks: folder of the locks; not committed.
        beside: results files of other benchmarks, whose cells may serve here as well.
    """

    def __init__(self, path: Path, locks: Path, beside: Sequence[Path] = ()) -> None:
        self.path, self.locks, self.beside = path, locks, beside
        locks.mkdir(parents=True, exist_ok=True)

    def cells(self) -> dict[str, Record]:
        """All cells by name, as they stand in the file now."""
        return dict(read_json(self.path)["cells"]) if self.path.exists() else {}

    def find(self, name: str, asked: Mapping[str, Any]) -> Record | None:
        """A cell that was measured as it is asked for now; None if there is none."""
        record = self.cells().get(name)
        return record if record is not None and record["asked"] == dict(asked) else None

    def adopt(self, name: str, asked: Mapping[str, Any]) -> bool:
        """Whether another benchmark has measured the very same training; its cell is taken over.

        Only a cell that names its plan can be: its hash stands for all that shapes the result.
        """
        if "plan" not in asked:
            return False
        for path in self.beside:
            for other, record in (read_json(path)["cells"] if path.exists() else {}).items():
                if record["asked"] == dict(asked):
                    with self._change() as cells:
                        cells[name] = {**record, "measured_as": f"{path.name}: {other}"}
                    return True
        return False

    def put(self, name: str, asked: Mapping[str, Any], value: Any, **more: Any) -> None:
        """Write a cell, with where it comes from; other processes' cells stay."""
        record = {"asked": dict(asked), "value": value, **more, "commit": commit()}
        with self._change() as cells:
            cells[name] = {**record, **provenance.record()}

    def forget(self, names: list[str]) -> None:
        """Remove cells."""
        with self._change() as cells:
            for name in names:
                cells.pop(name, None)

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Hold a cell within the block; False if another process holds it."""
        with self._open(name.replace("/", "--").replace(" ", "_")) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    @contextmanager
    def alone(self, name: str = "results") -> Iterator[None]:
        """Wait for a lock and hold it within the block."""
        with self._open(name) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _change(self) -> Iterator[dict[str, Record]]:
        with self.alone():
            cells = self.cells()
            yield cells
            write_json(self.path, {"cells": dict(sorted(cells.items()))})

    def _open(self, name: str) -> IO[str]:
        try:
            return (self.locks / f"{name}.lock").open("w")
        except OSError as error:
            raise UserError(f"cannot be written ({error.strerror})", where=self.locks) from error
