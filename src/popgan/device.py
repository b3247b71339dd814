"""The device that popgan computes on, and what it can do."""

from __future__ import annotations

import functools
from pathlib import Path

import torch


def best_device() -> torch.device:
    """The GPU if torch has one, otherwise the CPU."""
    return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")


@functools.cache
def has_fast_bf16() -> bool:
    """Whether convolutions in bfloat16 are faster than in float32 on the best device.

    On CPUs that takes AVX512-BF16 or AMX instructions; without them bfloat16 is emulated.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return False
    for line in cpuinfo.read_text(errors="replace").splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            return bool(flags & {"avx512_bf16", "amx_bf16"})
    return False
