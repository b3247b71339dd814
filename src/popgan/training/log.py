"""The training log: one row a tick, in a CSV that any tool reads and that survives resuming."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import psutil
import torch

from popgan.files import write_text
from popgan.training.growth import Stage
from popgan.training.state import TrainState

COLUMNS = (
    "images",
    "level",
    "fade",
    "loss_generator",
    "loss_discriminator",
    "penalty",
    "likeness_gap",
    "reconstruction",
    "accuracy_real",
    "accuracy_fake",
    "augment_p",
    "grad_generator",
    "grad_discriminator",
    "variety",
    "kid_tuning",
    "mae_tuning",
    "rate",
    "broken",
    "images_per_second",
    "seconds",
    "memory_gib",
)
_ABSENT = dict.fromkeys(COLUMNS, "no number") | {
    **dict.fromkeys(("variety", "kid_tuning", "mae_tuning", "augment_p", "reconstruction"), "nan"),
    **{"rate": "1", "broken": "0"},
}
"""What a log without a column means by it: earlier versions had fewer."""
Row = dict[str, float]


class TrainingLog:
    """Rows of one model's training, kept in memory and on disk.

    Args:
        path: the CSV file; read if it exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = read_log(path) if path.exists() else []

    def truncate(self, images: int) -> None:
        """Forget rows later than `images`, which a resumed run will write again."""
        self.rows = [row for row in self.rows if row["images"] <= images]

    def append(self, row: Row) -> None:
        """Add a row; its `seconds` become cumulative over interruptions."""
        elapsed = self.rows[-1]["seconds"] if self.rows else 0.0
        row = {**row, "seconds": elapsed + row["seconds"]}
        # As it will be read again, so that whoever judges by rows judges alike after resuming.
        self.rows.append({name: float(_text(row[name])) for name in COLUMNS})
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for entry in self.rows:
            writer.writerow({name: _text(entry[name]) for name in COLUMNS})
        write_text(self.path, buffer.getvalue())


def read_log(path: Path) -> list[Row]:
    """Read a log; unreadable rows (damaged, or of another version) are skipped."""
    rows: list[Row] = []
    with path.open(encoding="utf-8", errors="replace", newline="") as handle:
        for record in _records(handle):
            try:
                rows.append({name: float(record.get(name, _ABSENT[name])) for name in COLUMNS})
            except (KeyError, TypeError, ValueError):
                continue
    return rows


def _records(handle: TextIO) -> Iterator[dict[str, str]]:
    """The records of a CSV file that can be told apart."""
    reader = csv.DictReader(handle)
    while True:
        try:
            yield next(reader)
        except csv.Error:
            continue
        except StopIteration:
            return


def make_row(
    state: TrainState,
    stage: Stage,
    seconds: float,
    since: int,
    *,
    rate: float = 1.0,
    variety: float = math.nan,
) -> Row:
    """Average a tick's sums into a row.

    Args:
        state: the state at the end of the tick.
        stage: level and fade at the end of the tick.
        seconds: wall time of the tick.
        since: images seen before the tick.
        rate: what the plan's learning rates are multiplied with now.
        variety: see `monitor.variety`; NaN where nothing was drawn.

    Returns:
        A number for every column; NaN for what was not measured.
    """
    sums = {name: float(value) for name, value in state.sums.items()}
    steps = max(1.0, sums["steps"])
    a_step = ("loss_generator", "loss_discriminator", "likeness_gap", "reconstruction")
    return {
        **{
            name: sums[name] / steps
            for name in (*a_step, "accuracy_real", "accuracy_fake", *_NORMS)
        },
        "images": float(state.images),
        "level": float(stage.level),
        "fade": stage.alpha,
        "penalty": sums["penalty"] / max(1.0, sums["penalty_steps"]),
        "augment_p": float(state.extras.get("augment_p", 0.0)),
        "variety": variety,
        "kid_tuning": math.nan,
        "mae_tuning": math.nan,
        "rate": rate,
        "broken": sums["broken"],
        "images_per_second": (state.images - since) / max(seconds, 1e-9),
        "seconds": seconds,
        "memory_gib": memory_gib(),
    }


_NORMS = ("grad_generator", "grad_discriminator")


def _text(value: float) -> str:
    return f"{value:.6g}"


def memory_gib() -> float:
    """Memory in use, GiB: peak of the GPU where there is one, else resident size now."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return psutil.Process().memory_info().rss / 2**30
