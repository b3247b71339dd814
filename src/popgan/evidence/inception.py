"""Images in, the features that FID is defined with out; the weights are a file that the user has.

FID (Heusel et al. 2017) is the Frechet distance in the 2048 pooled features of one particular
network with one particular set of weights, fed in one particular way. The weights have 91 MiB and
are not in popgan, so the user names a file: `pt_inception-2015-12-05-6726825d.pth`, as published
with pytorch-fid; `weights-inception-2015-12-05-6726825d.pth` of torch-fidelity is the same one. Its
SHA-256 is pinned as public projects that check it state it, all alike; the first eight digits are
in its name. Any other file is refused, because a distance in other features is no FID.

Images are fed as torch-fidelity does: 8 bits, enlarged to 299 x 299 by the interpolation of
TensorFlow 1, whose pixels have no centres, and (v - 128) / 128.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popgan.errors import UserError
from popgan.evidence.features import compute_features
from popgan.evidence.inception_network import FEATURES, InceptionNetwork

BACKBONE = "inception-v3-2015-12-05"
WEIGHTS_NAME = "pt_inception-2015-12-05-6726825d.pth"
WEIGHTS_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIDE = 299
_LARGEST = 2**28  # bytes; the file has 95,628,359, and something huge is not read at all
_PREPROCESSING = "8 bits, bilinear as in TensorFlow 1 to 299 x 299, (v - 128) / 128"
_DO = f"give the file {WEIGHTS_NAME}, as published with pytorch-fid"
# Without this counter old files and new ones differ; in use it changes nothing.
_COUNTER = "num_batches_tracked"
_BATCH = 4


class InceptionExtractor:
    """Pooled features of the network that FID is defined with.

    Sides that differ are stretched to a square, because the reference does so. Several contrasts
    are shown one after the other as grey RGB and their features concatenated, as in
    `FeatureExtractor`; a distance between those is no FID any more, and is not called so.

    An image's features do not depend on the images that it is processed with.

    Args:
        weights: the file.
        device: torch device.

    Raises:
        UserError: no such file, or not the pinned one.
    """

    def __init__(self, weights: Path, *, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        options: dict[str, Any] = {"memory_format": torch.channels_last}
        self._network: Any = load_inception(weights).to(self.device, **options)

    @property
    def identity(self) -> dict[str, Any]:
        """Backbone, input size, weights and preprocessing: scores compare only where all agree."""
        return {
            "backbone": BACKBONE,
            "input_size": SIDE,
            "weights_sha256": WEIGHTS_SHA256,
            "preprocessing": _PREPROCESSING,
        }

    def __call__(
        self, images: np.ndarray, *, advance: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Features of images N x C x H x W in [-1, 1]: N x (C * 2048), float32.

        Raises:
            UserError: not four axes, or a value that is not a finite number.
        """
        return compute_features(
            images, self._one, FEATURES, batch=_BATCH, device=self.device, advance=advance
        )

    @torch.no_grad()
    def _one(self, block: Tensor) -> np.ndarray:
        x = network_input(block.to(self.device)[:, None])
        features: np.ndarray = self._network(x).cpu().numpy()
        return features


def network_input(grey: Tensor) -> Tensor:
    """Grey images n x 1 x H x W in [-1, 1] -> n x 3 x 299 x 299, as torch-fidelity feeds them."""
    # Rounded as popgan writes pictures, so that a folder of them gets the same number elsewhere.
    eight_bits = ((grey + 1) * 127.5).clamp(0, 255).round()
    x = (resize_as_tensorflow_1(eight_bits, SIDE) - 128) / 128
    return x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def resize_as_tensorflow_1(images: Tensor, side: int) -> Tensor:
    """Bilinear interpolation as TensorFlow 1 does it without aligned corners: n x C x side x side.

    Pixel i of the result is read at i * (old size / side), from the corner of the image and not
    from the middle of its pixels, and not smoothed where the image becomes smaller. Beyond the
    last pixel the last one goes on.

    Args:
        images: n x C x H x W, float32.
        side: of the result.
    """
    across = _between(images, side)
    return _between(across.transpose(2, 3), side).transpose(2, 3)


def _between(images: Tensor, side: int) -> Tensor:
    """Interpolate along the last axis."""
    size = images.shape[-1]
    place = torch.arange(side, dtype=torch.float32, device=images.device)
    place = place * torch.tensor(size / side, dtype=torch.float32)
    low = place.long()
    high = (low + 1).clamp(max=size - 1)
    left, right = images[..., low], images[..., high]
    return left + (right - left) * (place - low)


def load_inception(weights: Path) -> InceptionNetwork:
    """The network with the weights of a file, in evaluation mode.

    Raises:
        UserError: no such file, not the pinned one, or its tensors are not the network's.
    """
    content = _read(weights)
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise UserError("is not the weights that FID is defined with", where=weights, do=_DO)
    try:
        found = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # whatever a reader of damaged files comes to
        raise UserError("cannot be read as weights", where=weights, do=_DO) from error
    with torch.device("meta"):  # no numbers of its own: all of them come from the file
        network = InceptionNetwork()
    if (wrong := _mismatch(network.state_dict(), found)) is not None:
        raise UserError(f"holds other weights: {wrong}", where=weights, do=_DO)
    names = [name for name in network.state_dict() if name.endswith(_COUNTER)]
    counters = {name: torch.zeros((), dtype=torch.long) for name in names}
    network.load_state_dict(counters | found, assign=True)
    return network.eval().requires_grad_(False)


def _read(weights: Path) -> bytes:
    try:
        if not weights.is_file():
            raise UserError("there is no such file of weights", where=weights, do=_DO)
        if weights.stat().st_size > _LARGEST:
            raise UserError("is too large for the weights of Inception", where=weights, do=_DO)
        return weights.read_bytes()
    except OSError as error:
        raise UserError("the weights cannot be read", where=weights, do=_DO) from error


def _mismatch(wanted: dict[str, Tensor], found: Any) -> str | None:
    """What of a file is not as the network has it, in words; None if all of it is."""
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        return "not a table of tensors"
    needed = {name: tensor for name, tensor in wanted.items() if not name.endswith(_COUNTER)}
    if lacking := sorted(needed.keys() - found.keys()):
        return f"{lacking[0]} is missing"
    if unknown := sorted(found.keys() - wanted.keys()):
        return f"{unknown[0]} is unknown"
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape:
            return f"{name} has shape {tuple(tensor.shape)}, not {tuple(wanted[name].shape)}"
        if name in needed and tensor.dtype != torch.float32:
            return f"{name} is {tensor.dtype}, not float32"
    return None
