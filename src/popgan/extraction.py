"""Brain extraction: a T1-weighted head in, the mask of its brain out, in a process of its own.

The two networks are those of deepbet (Fisch et al., Computers in Biology and Medicine 179, 108845,
2024; MIT licence), trained on T1-weighted scans of adults. They lie in its Python package as
TorchScript. Nothing else of that package is imported: it would pull in a graphical toolkit. The
SHA-256 of both files is checked before torch reads a byte of them, so that nothing but these very
networks can run.

One process serves all workers of an ingest: the networks take most of two gigabytes, whoever
asks. What comes in are arrays that a reader has checked, never files.
"""

from __future__ import annotations

import hashlib
import io
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage

from popgan.provenance import usable_cores
from popgan.sandbox import Sandbox

MAX_SIDE = 256
"""Voxels along the longest side of a volume that is taken."""
NETWORKS = {
    "bbox_model.pt": "39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa",
    "model.pt": "de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd",
}
_MOST_THREADS = 4  # more than that do not make the networks faster
_COARSE, _FINE = (128, 128, 128), (256, 256, 256)
_MARGIN = 0.1  # of the brain's box, on each side
_SLIVER = 0.02  # a plane with a smaller share of brain is not within the box
# What both networks were trained on: clipped, standardised, and then moved to these.
_MEAN, _SD = 0.449, 0.226


def main() -> None:
    """Serve requests until the pipe closes."""
    torch.set_num_threads(min(usable_cores(), _MOST_THREADS))
    sandbox = Sandbox(int(sys.argv[1]))
    sandbox.serve(handle)


def handle(body: Any, blob: bytes) -> tuple[Any, bytes]:
    """Answer one request: {"shape": X, Y, Z} and float32 voxels to a mask of bytes."""
    shape = tuple(int(side) for side in body["shape"])
    if len(shape) != 3 or max(shape) > MAX_SIDE or len(blob) != 4 * int(np.prod(shape)):
        return {"error": "gave brain extraction no volume"}, b""
    try:
        mask = brain_mask(np.frombuffer(blob, np.float32).reshape(shape))
    except NoNetworkError as error:
        return {"missing": str(error)}, b""
    return {"shape": shape}, mask.astype(np.uint8).tobytes()


class NoNetworkError(Exception):
    """The networks are not installed, or are not those this version was measured with."""


@lru_cache(maxsize=1)
def networks() -> tuple[Any, Any]:
    """The network that finds the brain's box, and the one that draws its outline.

    Raises:
        NoNetworkError: not installed, or another version.
    """
    try:
        package = distribution("deepbet")
    except PackageNotFoundError as error:
        raise NoNetworkError("deepbet, which finds the brain, is not installed") from error
    return _load(package, "bbox_model.pt"), _load(package, "model.pt")


def _load(package: Any, name: str) -> Any:
    try:
        raw = Path(package.locate_file(f"data/models/{name}")).read_bytes()
    except OSError as error:
        raise NoNetworkError("the networks of deepbet cannot be read") from error
    if hashlib.sha256(raw).hexdigest() != NETWORKS[name]:
        raise NoNetworkError("the networks of deepbet are not those of version 1.0.2")
    return torch.jit.load(io.BytesIO(raw), map_location="cpu").eval()


def brain_mask(data: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The brain of a T1-weighted head; empty if there is none.

    Args:
        data: X x Y x Z in RAS+, any unit, finite; voxels need not be cubes, since both networks
            see the volume stretched to a cube.

    Raises:
        NoNetworkError: see `networks`.
    """
    rough, fine = networks()
    volume = torch.from_numpy(np.array(data))
    with torch.inference_mode():
        mask = _probability(rough, volume, _COARSE) > 0.5
        box = _box(_largest(mask.numpy()), volume.shape)
        found = np.zeros(volume.shape, bool)
        if box is None:
            return found
        inside = _probability(fine, volume[box], _FINE)
        back = F.interpolate(inside[None, None], volume[box].shape, mode="trilinear")[0, 0]
        found[box] = (back > 0.5).numpy()
    return np.asarray(ndimage.binary_fill_holes(_largest(found)))


def _probability(network: Any, volume: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """Probability of brain in each voxel of the volume stretched to a cube."""
    cube = F.interpolate(volume[None, None], shape, mode="nearest-exact")
    # Every fourth voxel along one axis settles percentiles; torch takes no more values.
    thin = cube.flatten()[:: max(1, cube.numel() // 2**21)]
    low, high = torch.quantile(thin, 0.005), torch.quantile(thin, 0.995)
    cube = ((cube - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    cube = (cube - cube.mean()) / cube.std().clamp(min=1e-12) * _SD + _MEAN
    answer: torch.Tensor = network(cube)[0, 1]
    return answer


def _box(mask: NDArray[np.bool_], shape: torch.Size) -> tuple[slice, slice, slice] | None:
    """The mask's box in the volume, with a margin; None around nothing."""
    ends = []
    for axis in range(3):
        share = mask.mean(axis=tuple(other for other in range(3) if other != axis))
        line = np.flatnonzero(share > _SLIVER)
        if line.size == 0:
            return None
        zoom = shape[axis] / mask.shape[axis]
        low, high = float(line[0]) * zoom, float(line[-1] + 1) * zoom
        more = _MARGIN * (high - low)
        ends.append(slice(max(0, round(low - more)), min(shape[axis], round(high + more))))
    return ends[0], ends[1], ends[2]


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == int(sizes.argmax()))
