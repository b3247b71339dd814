"""Which stations of a run are done, for which inputs: the run's provenance record.

RUN/provenance.json names for each finished station the hash of its inputs, its outputs, its
time, and the software and machine that did it. A station whose inputs' hash is unchanged and
whose outputs still exist is skipped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from popgan import provenance
from popgan.errors import UserError
from popgan.files import read_json, sha256_value, write_json
from popgan.progress import Reporter

_MEND = "remove it and repeat the command; if that asks for it, add --restart"


class Entry(BaseModel):
    """A finished station.

    Attributes:
        inputs: hash of everything that shapes the outputs.
        asked: what the user asked for, by name; to say what is different the next time.
        outputs: paths within the run folder.
        seconds: wall time.
        versions: of popgan and the packages that shape its numbers.
        machine: where it ran.
        created: when it finished, UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    inputs: str
    asked: dict[str, Any] = {}
    outputs: list[str]
    seconds: float
    versions: dict[str, Any]
    machine: dict[str, Any]
    created: str


class _Record(BaseModel):
    """The content of provenance.json."""

    model_config = ConfigDict(extra="forbid")
    popgan_run: int
    stations: dict[str, Entry]


class Ledger:
    """The record of one run folder.

    Args:
        run: the run folder.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.path = run / "provenance.json"

    def stations(self) -> dict[str, Entry]:
        """All finished stations by name, in the order in which they finished.

        Raises:
            UserError: the record exists but is damaged.
        """
        if not self.path.exists():
            return {}
        try:
            return _Record.model_validate(read_json(self.path)).stations
        except (UserError, ValidationError) as error:
            raise UserError("is damaged", where=self.path, do=_MEND) from error

    def is_done(self, station: str, inputs: Any) -> bool:
        """Whether a station has run on these inputs and its outputs are still there."""
        entry = self._entry(station, inputs)
        return entry is not None and all((self.run / name).exists() for name in entry.outputs)

    def has_run(self, station: str, inputs: Any) -> bool:
        """Whether a station has run on these inputs, whatever has become of its outputs."""
        return self._entry(station, inputs) is not None

    def _entry(self, station: str, inputs: Any) -> Entry | None:
        """What is known of a station that has run on these inputs."""
        entry = self.stations().get(station)
        return entry if entry is not None and entry.inputs == sha256_value(inputs) else None

    def changes(self, station: str, asked: Mapping[str, Any]) -> list[str]:
        """What is asked of a station now and was asked otherwise before: "budget 6m, was 30s"."""
        entry = self.stations().get(station)
        if entry is None:
            return []
        before = entry.asked
        names = [*asked, *(name for name in before if name not in asked)]
        return [
            f"{name} {_word(asked.get(name))}, was {_word(before.get(name))}"
            for name in names
            if asked.get(name) != before.get(name)
        ]

    @contextmanager
    def station(
        self,
        station: str,
        inputs: Any,
        outputs: list[Path],
        reporter: Reporter,
        *,
        asked: Mapping[str, Any] | None = None,
    ) -> Iterator[None]:
        """Do a station's work in the block; record it if the block succeeds.

        Args:
            station: its name.
            inputs: everything that shapes the outputs; JSON.
            outputs: files within the run folder that the block leaves behind.
            reporter: told that the station begins.
            asked: see `Entry`; nothing that names a person or a place.
        """
        reporter.message(f"[{station}]")
        start = time.monotonic()
        yield
        entry = Entry(
            inputs=sha256_value(inputs),
            asked=dict(asked or {}),
            outputs=[path.relative_to(self.run).as_posix() for path in outputs],
            seconds=round(time.monotonic() - start, 2),
            **provenance.record(),
        )
        stations = self.stations()
        stations.pop(station, None)
        self._write({**stations, station: entry})

    def forget(self, *names: str) -> None:
        """Make stations run again next time."""
        stations = self.stations()
        left = {name: entry for name, entry in stations.items() if name not in names}
        if len(left) < len(stations):
            self._write(left)

    def _write(self, stations: dict[str, Entry]) -> None:
        record = _Record(popgan_run=1, stations=stations)
        write_json(self.path, record.model_dump(mode="json"))


def _word(value: object) -> str:
    return "not given" if value is None else str(value)
