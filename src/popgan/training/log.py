"""The training log: one row a tick, in a CSV that any tool reads and that survives resuming."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

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
    "accuracy_real",
    "accuracy_fake",
    "augment_p",
    "grad_generator",
    "grad_discriminator",
    "images_per_second",
    "seconds",
    "memory_gib",
)
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
        self.rows.append({**row, "seconds": elapsed + row["seconds"]})
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for entry in self.rows:
            writer.writerow({name: f"{entry[name]:.6g}" for name in COLUMNS})
        write_text(self.path, buffer.getvalue())


def read_log(path: Path) -> list[Row]:
    """Read a log; unreadable rows (a log of another version) are skipped."""
    rows: list[Row] = []
    with path.open(encoding="utf-8", newline="") as handle:
        for record in csv.DictReader(handle):
            try:
                rows.append({name: float(record[name]) for name in COLUMNS})
            except (KeyError, TypeError, ValueError):
                continue
    return rows


def make_row(state: TrainState, stage: Stage, seconds: float, since: int) -> Row:
    """Average a tick's sums into a row.

    Args:
        state: the state at the end of the tick.
        stage: level and fade at the end of the tick.
        seconds: wall time of the tick.
        since: images seen before the tick.

    Raises:
        FloatingPointError: a loss is not finite: training has diverged.
    """
    sums = {name: float(value) for name, value in state.sums.items()}
    steps = max(1.0, sums["steps"])
    row = {
        "images": float(state.images),
        "level": float(stage.level),
        "fade": stage.alpha,
        "loss_generator": sums["loss_generator"] / steps,
        "loss_discriminator": sums["loss_discriminator"] / steps,
        "penalty": sums["penalty"] / max(1.0, sums["penalty_steps"]),
        "likeness_gap": sums["likeness_gap"] / steps,
        "accuracy_real": sums["accuracy_real"] / steps,
        "accuracy_fake": sums["accuracy_fake"] / steps,
        "augment_p": float(state.extras.get("augment_p", 0.0)),
        "grad_generator": float(state.gradient_norms["G"]),
        "grad_discriminator": float(state.gradient_norms["D"]),
        "images_per_second": (state.images - since) / max(seconds, 1e-9),
        "seconds": seconds,
        "memory_gib": memory_gib(),
    }
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    if bad:
        raise FloatingPointError(f"{', '.join(bad)} not finite after {state.images} images")
    return row


def memory_gib() -> float:
    """Memory in use, GiB: peak of the GPU where there is one, else resident size now."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return psutil.Process().memory_info().rss / 2**30
