"""Checkpoints: the whole training state in one safetensors file, written whole or not at all.

The two latest are kept; if the newest cannot be read (a disk error, say) the one before is used.
A checkpoint holds the discriminator, which remembers patients, so it lives in the run's private
folder and is never exported.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from popgan.errors import UserError
from popgan.files import atomic_path
from popgan.training.state import TrainState

KEEP = 2


def save(state: TrainState, folder: Path, plan_hash: str) -> Path:
    """Write the state; drop all but the two latest checkpoints.

    Raises:
        UserError: the disk is full or read-only; older checkpoints are untouched.
    """
    path = folder / f"state-{state.images:012d}.safetensors"
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in state.tensors().items()}
    metadata = {"images": str(state.images), "step": str(state.step), "plan": plan_hash}
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:
            raise UserError(
                f"checkpoint cannot be written ({error})",
                where=path,
                do="free some space, then run the same command again",
            ) from error
    for old in sorted(folder.glob("state-*.safetensors"))[:-KEEP]:
        old.unlink(missing_ok=True)
    return path


def restore(state: TrainState, folder: Path, plan_hash: str) -> tuple[bool, list[str]]:
    """Continue from the newest readable checkpoint of the same plan.

    Returns:
        Whether a checkpoint was restored, and a warning for each that could not be read.

    Raises:
        UserError: the checkpoints belong to another plan.
    """
    warnings: list[str] = []
    for path in sorted(folder.glob("state-*.safetensors"), reverse=True):
        try:
            images, step, stored_plan, tensors = _read(path, state)
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            warnings.append(f"checkpoint {path.name} cannot be read ({error}); using an older one")
            continue
        if stored_plan != plan_hash:
            raise UserError(
                "holds a checkpoint of another plan",
                where=folder,
                do="--restart trains anew, --name NEW keeps both models",
            )
        state.load(tensors, images, step)
        return True, warnings
    return False, warnings


def _read(path: Path, state: TrainState) -> tuple[int, int, str, dict[str, torch.Tensor]]:
    expected = {k: v for k, v in state.tensors().items() if not k.startswith("optimiser.")}
    parameters = {
        f"{name}.{key}": value
        for name in state.optimisers
        for key, value in state.network(name).named_parameters()
    }
    with safe_open(path, framework="pt") as handle:
        metadata = handle.metadata() or {}
        names = set(handle.keys())
        if missing := expected.keys() - names:
            raise ValueError(f"{len(missing)} tensors are missing, {min(missing)} first")
        for name in names:
            # Shapes are checked in the header, before anything is allocated.
            shape = list(handle.get_slice(name).get_shape())
            if name.startswith("optimiser."):
                network, item, key = name.removeprefix("optimiser.").split(".", 2)
                wanted = parameters.get(f"{network}.{key}")
                good = wanted is not None and shape == ([] if item == "step" else [*wanted.shape])
            else:
                good = name in expected and shape == list(expected[name].shape)
            if not good:
                raise ValueError(f"unexpected tensor {name} {shape}")
        tensors = {name: handle.get_tensor(name) for name in sorted(names)}
    return int(metadata["images"]), int(metadata["step"]), metadata["plan"], tensors


def discard(folder: Path) -> None:
    """Remove all checkpoints of a folder."""
    for path in folder.glob("state-*.safetensors"):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
