"""The stores: arrays on disk, mapped into memory when read. Slices are uint16, N x C x H x W."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.files import atomic_path

LABEL_MAPS = "label_maps.npy"
"""Name of the store of label maps in cache/; uint8, N x H x W."""
FULL = 65535
"""The stored value of full brightness."""


def encode(normal: NDArray[np.float32]) -> NDArray[np.uint16]:
    """[0, 1] to 0..65535, rounded."""
    return np.round(np.clip(normal, 0, 1) * FULL).astype(np.uint16)


def decode(stored: NDArray[np.uint16]) -> NDArray[np.float32]:
    """0..65535 to [-1, 1], float32."""
    return stored.astype(np.float32) * np.float32(2 / FULL) - np.float32(1)


@contextmanager
def new_store(
    path: Path, shape: tuple[int, ...], *, dtype: type[np.unsignedinteger[Any]] = np.uint16
) -> Iterator[np.memmap[Any, Any]]:
    """A writable store of zeros that gets its name when the block succeeds.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    with atomic_path(path, mode=0o600) as temporary:  # slices of patients
        store = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
        _claim_blocks(temporary)
        yield store
        store.flush()
        del store


def _claim_blocks(path: Path) -> None:
    """Take the disk blocks of a sparse file now.

    A write into a mapped hole of a full disk kills the process (SIGBUS); asking for the blocks
    first turns that into an OSError.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as handle:
        try:
            os.posix_fallocate(handle.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise


def open_store(
    path: Path, shape: tuple[int, ...], *, dtype: type[np.unsignedinteger[Any]] = np.uint16
) -> NDArray[Any]:
    """Map a store for reading.

    Raises:
        UserError: it is missing, damaged, or of another shape.
    """
    again = "run ingest again"
    try:
        store = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError("does not exist", where=path, do=again) from error
    except (OSError, ValueError, EOFError) as error:
        raise UserError("is damaged", where=path, do=again) from error
    if store.dtype != dtype or store.shape != tuple(shape):
        raise UserError(
            f"holds {store.dtype} {store.shape}, the manifest says {np.dtype(dtype)} "
            f"{tuple(shape)}",
            where=path,
            do=again,
        )
    return store
