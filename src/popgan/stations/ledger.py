"""Which stations of a run are done, for which inputs: the run's provenance record.

RUN/provenance.json names for each finished station the hash of its inputs, its outputs, its
time, and the software and machine that did it. A station whose inputs' hash is unchanged and
whose outputs still exist is skipped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from popgan import provenance
from popgan.errors import UserError
from popgan.files import read_json, sha256_value, write_json
from popgan.progress import Reporter


class Ledger:
    """The record of one run folder.

    Raises:
        UserError: the record exists but cannot be read.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.path = run / "provenance.json"

    def stations(self) -> dict[str, dict[str, Any]]:
        """All finished stations by name, in the order in which they finished."""
        if not self.path.exists():
            return {}
        data = read_json(self.path)
        if not isinstance(data, dict) or not isinstance(data.get("stations"), dict):
            raise UserError("is not a popgan record", where=self.path, do="remove it")
        return data["stations"]

    def is_done(self, station: str, inputs: Any) -> bool:
        """Whether a station has run on these inputs and its outputs are still there."""
        entry = self.stations().get(station)
        if entry is None or entry["inputs"] != sha256_value(inputs):
            return False
        return all((self.run / name).exists() for name in entry["outputs"])

    @contextmanager
    def station(
        self, station: str, inputs: Any, outputs: list[Path], reporter: Reporter
    ) -> Iterator[None]:
        """Do a station's work in the block; record it if the block succeeds."""
        reporter.message(f"[{station}]")
        start = time.monotonic()
        yield
        seconds = time.monotonic() - start
        stations = self.stations()
        stations.pop(station, None)
        stations[station] = {
            "inputs": sha256_value(inputs),
            "outputs": [path.relative_to(self.run).as_posix() for path in outputs],
            "seconds": round(seconds, 2),
            **provenance.record(),
        }
        write_json(self.path, {"popgan_run": 1, "stations": stations})

    def forget(self, station: str) -> None:
        """Make a station run again next time."""
        stations = self.stations()
        if stations.pop(station, None) is not None:
            write_json(self.path, {"popgan_run": 1, "stations": stations})
