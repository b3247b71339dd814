"""The device that popgan computes on, and what it can do."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor


def best_device() -> torch.device:
    """The GPU if torch has one, otherwise the CPU."""
    return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")


def visible_gpus() -> list[str]:
    """GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES has for them.

    A process that is given one of them there finds it as its only one.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = map(str, range(count)) if named is None else map(str.strip, named.split(","))
    return list(names)[:count]


def side_by_side(workers: int) -> int:
    """How many of so many processes of this machine really compute at the same time.

    Args:
        workers: processes; on CPUs each has cores of its own, but a GPU is shared in turns.
    """
    return min(workers, len(visible_gpus()) or workers)


@functools.cache
def has_fast_bf16() -> bool:
    """Whether convolutions in bfloat16 are faster than in float32 on the best device.

    On CPUs that takes AVX512-BF16 or AMX instructions; without them bfloat16 is emulated.
    """
    if torch.cuda.is_available():
        # Cards before Ampere emulate it, slower than float32.
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return False
    for line in cpuinfo.read_text(errors="replace").splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            return bool(flags & {"avx512_bf16", "amx_bf16"})
    return False


def sent(x: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU on its way to a device: what a GPU has to do before is not waited for.

    Not for the way back: there the numbers would be read before they have arrived.
    """
    return x.to(device, non_blocking=True)


def give_back() -> None:
    """Give the system the memory that was freed and kept; does nothing beyond Linux."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is not None and hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep what is freed within the block for what is needed next, instead of giving it back.

    Linux's C library returns large blocks to the system at once, and gets them back page by page,
    each filled with zeros: of a feature map of 16 MiB that takes longer than most operations on it,
    a tenth of a training step. Does nothing elsewhere, and nothing to the memory of a GPU.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        yield
        return
    # From mallopt(3): -4 is M_MMAP_MAX, -1 M_TRIM_THRESHOLD.
    library.mallopt(-4, 0)
    library.mallopt(-1, -1)
    try:
        yield
    finally:
        library.mallopt(-4, 65536)
        library.mallopt(-1, 64 << 20)  # where it ends up by itself after large blocks
        give_back()
