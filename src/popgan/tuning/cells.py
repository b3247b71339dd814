"""The trainings of an ablation as cells: who trains which, how each ended.

A cell has a folder of its own, whose lock is held by whoever trains it and dies with the process,
and a file beside it that says how it ended; both know of which study they are. Nothing else is
shared, so any number of processes and machines that see the run folder can work at the same study,
and be killed at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from popgan.errors import UserError
from popgan.evidence.experiments.results import Outcome, Setting
from popgan.files import read_json, write_json
from popgan.tuning.folder import belongs, hold, ticks

MOST_STARTS = 3
_PLAIN = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        name: of its folder.
        variant: name of its variant; empty for a trial that fills the space.
        setting: what differs from the default.
        seed: of the training.
    """

    name: str
    variant: str
    setting: Setting
    seed: int


class Ended(Outcome):
    """How a cell ended, who trained it, and the hash of its study; empty: not known."""

    cell: str
    worker: str = ""
    study: str = ""

    @classmethod
    def of(cls, cell: Cell, outcome: Outcome, worker: str) -> Ended:
        """An outcome as a record."""
        return cls(cell=cell.name, worker=worker, **vars(outcome))


@dataclass
class Claim:
    """A cell that this process may train; its lock is held until it is told or left."""

    cell: Cell
    lock: IO[str]


class Cells:
    """The cells of a study in the order in which they are trained.

    Args:
        folder: private, of the study.
        cells: all of them.
        study: hash of the study; what is of another one is no cell of it. Empty: not known.
    """

    def __init__(self, folder: Path, cells: Sequence[Cell], study: str = "") -> None:
        self._folder, self.cells, self._study = folder, list(cells), study
        self._known: dict[str, Ended] = {}

    def folder(self, cell: Cell) -> Path:
        """Of its plan, log and checkpoints."""
        return self._folder / "cells" / cell.name

    def ended(self, cell: Cell) -> Ended | None:
        """How it ended; None while it has not.

        Raises:
            UserError: the record is damaged.
        """
        if cell.name not in self._known and (path := self._record(cell)).exists():
            try:
                found = Ended.model_validate(read_json(path))
            except (ValidationError, UserError) as error:
                raise UserError(
                    "is no record of a training",
                    where=path,
                    do="remove it and its training is done again; all others are kept",
                ) from error
            if not found.study or not self._study or found.study == self._study:
                self._known[cell.name] = found
        return self._known.get(cell.name)

    def records(self) -> Iterator[tuple[Cell, Ended]]:
        """All that have ended, in their order."""
        for cell in self.cells:
            if (found := self.ended(cell)) is not None:
                yield cell, found

    def done(self) -> bool:
        """Whether all have ended."""
        return all(self.ended(cell) is not None for cell in self.cells)

    def claim(self) -> Claim | None:
        """The first cell that nobody trains and that has not ended; None if there is none now.

        One whose worker died goes on from its last tick, by whoever takes it; after some deaths
        on which it got no further it is to blame itself.
        """
        for cell in self.cells:
            if self.ended(cell) is not None:
                continue
            lock = hold(self.folder(cell))
            if lock is None:
                continue
            # It may have ended between the look and the lock.
            if self.ended(cell) is None:
                belongs(self.folder(cell), self._study)
                if self._may_start(cell):
                    return Claim(cell, lock)
            lock.close()
        return None

    def tell(self, claim: Claim, ended: Ended) -> None:
        """Write how a cell ended, and let it go."""
        self._write(claim.cell, ended)
        claim.lock.close()

    def leave(self, claim: Claim, *, died: bool) -> None:
        """Let a cell go that has not ended.

        Args:
            claim: of it.
            died: whether that speaks against the cell; an interruption does not.
        """
        if not died:
            starts, rows = self._starts(claim.cell)
            with suppress(UserError):  # then it counts as a death, which does no harm
                self._count(claim.cell, max(0, starts - 1), rows)
        claim.lock.close()

    def _may_start(self, cell: Cell) -> bool:
        starts, rows = self._starts(cell)
        come = ticks(self.folder(cell))
        if come > rows:
            # A worker that got further was not killed by the cell: it was interrupted, or its
            # machine died.
            starts = 0
        if starts >= MOST_STARTS:
            reason = f"its worker died {MOST_STARTS} times, without a word"
            self._write(cell, Ended(cell=cell.name, state="failed", reason=reason))
            return False
        self._count(cell, starts + 1, max(come, rows))
        return True

    def _starts(self, cell: Cell) -> tuple[int, int]:
        """How often it was started since it last got further, and how many ticks it had then."""
        with suppress(UserError, TypeError, ValueError, KeyError):
            found = read_json(self._counter(cell))
            # Earlier versions kept the number of starts alone.
            known = found if isinstance(found, dict) else {"starts": found, "ticks": 0}
            return int(known["starts"]), int(known["ticks"])
        return 0, 0

    def _count(self, cell: Cell, starts: int, rows: int) -> None:
        write_json(self._counter(cell), {"starts": starts, "ticks": rows})

    def _counter(self, cell: Cell) -> Path:
        return self.folder(cell) / "starts.json"

    def _record(self, cell: Cell) -> Path:
        return self._folder / "ended" / f"{cell.name}.json"

    def _write(self, cell: Cell, ended: Ended) -> None:
        known = ended.model_copy(update={"study": self._study})
        write_json(self._record(cell), known.model_dump(mode="json"))
        self._known[cell.name] = known


def cell_name(place: int, title: str, seed: int) -> str:
    """A name for a cell's folder: unique by place and seed, and readable."""
    plain = _PLAIN.sub("-", title).strip("-").lower()[:40]
    return f"{place:03d}-{plain}-{seed}"
