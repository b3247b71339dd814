"""One seed, many independent random streams.

A generator is derived from (seed, purpose, index) by hashing, so that two purposes do not share
numbers, adding a purpose disturbs no other, and item 4711 can be drawn again without drawing
the 4710 before it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive(seed: int, purpose: str, index: int = 0) -> int:
    """A 63-bit seed for one purpose and index; the same on every machine."""
    # File names end up here, and on POSIX a name need not be valid UTF-8.
    text = f"{seed}/{purpose}/{index}".encode(errors="surrogateescape")
    digest = hashlib.sha256(text).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def numpy_rng(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """A NumPy generator for one purpose and index."""
    return np.random.default_rng(derive(seed, purpose, index))


def normal(size: int, seed: int, purpose: str, index: int) -> np.ndarray:
    """Standard normal numbers of one item among very many, float32.

    By NumPy: torch's CPU generator takes 32 bits of its seed, and of 100 000 images two would be
    the same.
    """
    return numpy_rng(seed, purpose, index).standard_normal(size, dtype=np.float32)


def torch_rng(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """A CPU torch generator for one purpose and index.

    It takes the low 32 bits of the seed alone, so among n of them n^2 / 2^33 pairs are the same:
    what must differ among very many items is drawn by `normal`.
    """
    import torch

    return torch.Generator().manual_seed(derive(seed, purpose, index))
