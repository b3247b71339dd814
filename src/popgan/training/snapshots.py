"""Snapshots of the averaged generator: when they are taken, and where they are kept.

They are taken in the last part of training, when the top level is fully in. Which one is exported
is decided at the end, by whoever can measure them; until then all are kept, so that a run that
falls back to an older checkpoint finds what it had.
"""

from __future__ import annotations

from pathlib import Path

from popgan.config.training import TrainPlan
from popgan.training.checkpoint import write_tensors
from popgan.training.growth import fully_grown_at
from popgan.training.state import TrainState
from popgan.training.tensors import TensorFileError, kinds_of, read_tensors


def snapshot_ticks(plan: TrainPlan) -> list[int]:
    """Numbers of the ticks (1 .. plan.ticks) after which a snapshot is measured.

    The last tick, and others evenly before it, back to where the top level is fully in, but not
    beyond the middle of training; of a mustgan, back to where its place of fusion is chosen:
    before there is none to export. A function of the plan, never of the clock.
    """
    whole = fully_grown_at(plan) + round((plan.search_share or 0.0) * plan.images)
    first = max(-(-whole * plan.ticks // plan.images), plan.ticks // 2, 1)
    span = plan.ticks - first
    return sorted({plan.ticks - index * span // plan.snapshots for index in range(plan.snapshots)})


def keep_snapshot(state: TrainState, folder: Path) -> None:
    """Write the averaged generator beside the checkpoints.

    Raises:
        UserError: the disk is full or read-only.
    """
    write_tensors(place(folder, state.images), dict(state.average.state_dict()), {})


def take_snapshot(state: TrainState, folder: Path, images: int) -> None:
    """Make the averaged generator that of a kept snapshot.

    Raises:
        TensorFileError: it cannot be read.
    """
    path = place(folder, images)
    if not path.exists():
        raise TensorFileError("it is not there any more")
    tensors, _ = read_tensors(path, kinds_of(state.average.state_dict()))
    state.average.load_state_dict(tensors)


def keep_only(folder: Path, images: int) -> None:
    """Remove all snapshots but one."""
    for path in folder.glob("average-*.safetensors"):
        if path != place(folder, images):
            path.unlink(missing_ok=True)


def place(folder: Path, images: int) -> Path:
    """The snapshot at so many images."""
    return folder / f"average-{images:012d}.safetensors"
