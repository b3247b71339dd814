"""The weights of the physics prior: files beside this one, read only if they are the known ones.

How they were made stands in NOTICE and in their metadata.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from popgan.errors import UserError
from popgan.files import sha256_file

FOLDER = Path(__file__).resolve().parent
DIGESTS = {
    64: "3b1ba60eacdc9268592c212dbf776bb098508b594e691d51cb967f2e7491f23c",
    128: "6ee7e572ddb9533e18924a292d4f6d2011b7628c279636a72810243635a75ba0",
}
"""SHA-256 of the file for each side that there is a prior for."""

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Prior:
    """Networks that know phantoms.

    Attributes:
        side: of their images, pixels.
        kinds: of images that they were told, in order (`popgan.prior.kinds`).
        generator: averaged generator's tensors by name, float32.
        discriminator: the discriminator's.
    """

    side: int
    kinds: tuple[str, ...]
    generator: Tensors
    discriminator: Tensors


def file_of(side: int) -> Path:
    """Where the weights for images of a side lie."""
    return FOLDER / f"phantom-{side}.safetensors"


def load_prior(side: int) -> Prior:
    """Read the prior for images of a side.

    Raises:
        UserError: the file of the installation is missing or is not the one that was shipped.
    """
    path = file_of(side)
    if not path.exists() or sha256_file(path) != DIGESTS[side]:
        raise UserError(
            "the physics prior is missing or damaged",
            where=path,
            do="install popgan again, or train with --set train.init=scratch",
        )
    return read_prior(path, side)


def read_prior(path: Path, side: int) -> Prior:
    """Read a file of weights as `tools/prior_train.py` writes it.

    Raises:
        UserError: it is not such a file.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            kinds = json.loads((handle.metadata() or {})["kinds"])
            tensors = {name: handle.get_tensor(name).float() for name in sorted(handle.keys())}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"cannot be read as a prior ({error})", where=path) from error
    parts: dict[str, Tensors] = {"generator": {}, "discriminator": {}}
    for name, value in tensors.items():
        network, _, key = name.partition(".")
        parts[network][key] = value
    return Prior(side, tuple(kinds), **parts)
