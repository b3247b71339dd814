"""Checkpoints: the whole training state in one safetensors file, written whole or not at all.

The two latest are kept, and the last one that nothing spoke against; if the newest cannot be read
(a disk error, say) the one before is used. A checkpoint holds the discriminator, which remembers
patients, so it lives in the run's private folder and is never exported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from popgan.errors import DiskError, UserError
from popgan.files import atomic_path
from popgan.training.guard import Guard
from popgan.training.state import TrainState
from popgan.training.tensors import Expected, TensorFileError, kinds_of, read_tensors

KEEP = 2
MOST_IMAGES = 10**12 - 1  # what fits into the names of files
_OPTIMISER = ("step", "exp_avg", "exp_avg_sq")


def save(state: TrainState, folder: Path, plan_hash: str) -> Path:
    """Write the state; drop all but the two latest checkpoints and the last good one.

    Raises:
        DiskError: the disk is full or read-only; older checkpoints are untouched.
    """
    path = place(folder, state.images)
    metadata = {
        "images": str(state.images),
        "step": str(state.step),
        "plan": plan_hash,
        "guard": state.guard.model_dump_json(),
    }
    write_tensors(path, state.tensors(), metadata)
    needed = {place(folder, state.guard.good), *found(folder)[:KEEP]}
    for old in set(found(folder)) - needed:
        old.unlink(missing_ok=True)
    return path


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file whole or not at all.

    Raises:
        DiskError: the disk is full or read-only.
    """
    still = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with atomic_path(path) as temporary:
        try:
            save_file(still, temporary, metadata)
        except SafetensorError as error:
            raise DiskError(
                f"checkpoint cannot be written ({error})",
                where=path,
                do="free some space, then run the same command again",
            ) from error


def restore(state: TrainState, folder: Path, plan_hash: str) -> tuple[bool, list[str]]:
    """Continue from the newest readable checkpoint of the same plan.

    Returns:
        Whether a checkpoint was restored, and a warning for each that could not be read.

    Raises:
        UserError: the checkpoints belong to another plan, or none of them can be read; nothing
            is overwritten.
    """
    warnings: list[str] = []
    paths = found(folder)
    for path in paths:
        try:
            load(state, path, plan_hash)
        except TensorFileError as error:
            reason = str(error)
            warnings.append(f"checkpoint {path.name} cannot be read ({reason}); using an older one")
            continue
        return True, warnings
    if paths:
        raise UserError(
            f"none of the {len(paths)} checkpoints can be read ({reason})",
            where=folder,
            do="restore them from a backup, or train anew with --restart",
        )
    return False, warnings


def load(state: TrainState, path: Path, plan_hash: str) -> None:
    """Replace the state by that of one checkpoint.

    Raises:
        TensorFileError: it is no checkpoint of such a state.
        UserError: it belongs to another plan.
    """
    required, optional = _expected(state)
    tensors, metadata = read_tensors(path, required, optional)
    try:
        images, step = (int(metadata[name]) for name in ("images", "step"))
        stored_plan, guard = metadata["plan"], Guard.model_validate_json(metadata["guard"])
    except (KeyError, ValueError, ValidationError) as error:
        raise TensorFileError("its metadata are not those of a checkpoint") from error
    if not 0 <= step <= images <= MOST_IMAGES or path != place(path.parent, images):
        raise TensorFileError(f"{images} images in {step} steps cannot be")
    told = [guard.good, guard.back, *(score.images for score in guard.scores)]
    if max(told) > images:
        raise TensorFileError(f"it tells of {max(told)} images and has seen {images}")
    if stored_plan != plan_hash:
        raise UserError(
            "holds a checkpoint of another plan",
            where=path.parent,
            do="--restart trains anew, --name NEW keeps both models",
        )
    for name in state.optimisers:
        _check_whole(name, [key for key, _ in state.network(name).named_parameters()], tensors)
    state.load(tensors, images, step, guard)


def _expected(
    state: TrainState,
) -> tuple[dict[str, Expected], Callable[[str], Expected | None]]:
    """What must be in a checkpoint, and what may: optimisers know only what was trained."""
    required = {k: v for k, v in state.tensors().items() if not k.startswith("optimiser.")}
    allowed: dict[str, Expected] = {}
    for name in state.optimisers:
        for key, value in state.network(name).named_parameters():
            kind = (tuple(value.shape), value.dtype)
            for item in _OPTIMISER:
                stored = ((), torch.float32) if item == "step" else kind
                allowed[f"optimiser.{name}.{item}.{key}"] = stored
    return kinds_of(required), allowed.get


def _check_whole(name: str, keys: list[str], tensors: dict[str, Tensor]) -> None:
    for key in keys:
        there = [f"optimiser.{name}.{item}.{key}" in tensors for item in _OPTIMISER]
        if any(there) and not all(there):
            raise TensorFileError(f"the optimiser's entry for {key} is not complete")


def place(folder: Path, images: int) -> Path:
    """The checkpoint at so many images."""
    return folder / f"state-{images:012d}.safetensors"


def found(folder: Path) -> list[Path]:
    """All checkpoints of a folder, newest first."""
    return sorted(folder.glob("state-*.safetensors"), reverse=True)


def set_aside(folder: Path, *, after: int) -> None:
    """Rename the checkpoints that are later than the one that could be read.

    Else they would count among the two latest, and the readable one would be dropped for them.
    """
    for path in found(folder):
        if path > place(folder, after):
            with contextlib.suppress(FileNotFoundError):
                path.rename(path.with_suffix(".damaged"))


def discard(folder: Path, *, after: int = -1) -> None:
    """Remove the checkpoints of a folder that are later than `after` images; all by default."""
    for path in found(folder):
        if path > place(folder, after) or after < 0:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
