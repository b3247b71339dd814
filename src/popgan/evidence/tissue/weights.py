"""The weights of the tissue network: a file beside this one, read only if it is the known one.

How they were made stands in NOTICE and in their metadata.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from popgan.errors import UserError
from popgan.evidence.tissue.network import TissueNetwork
from popgan.files import sha256_file

FILE = Path(__file__).resolve().parent / "tissue.safetensors"
SHA256 = "4d15139ebd9b6838a98de8eec62e8ae274d9918099302201bfc9151380f2194d"


@cache
def load_network() -> TissueNetwork:
    """The trained network, read once a process.

    Raises:
        UserError: the file of the installation is missing or is not the one that was shipped.
    """
    if not FILE.exists() or sha256_file(FILE) != SHA256:
        raise UserError(
            "the weights of the tissue segmenter are missing or damaged",
            where=FILE,
            do="install popgan again",
        )
    return read_network(FILE)


def read_network(path: Path) -> TissueNetwork:
    """Read a file of weights as `tools/tissue_train.py` writes it.

    Raises:
        UserError: it is not such a file.
    """
    network = TissueNetwork().eval()
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (SafetensorError, OSError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"cannot be read as a tissue network ({first})", where=path) from error
    # mypy has no overload with a memory format; torch documents one.
    options: dict[str, Any] = {"memory_format": torch.channels_last}
    network.to(**options)
    return network
