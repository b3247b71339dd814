"""Made-up Inception weights, and torch-fidelity beside popgan's own network.

torch-fidelity names torchvision, which popgan's tests do without, and torchmetrics fails to import
where one is without the other. So `make test` puts it into a folder of its own, outside of what
Python searches, and its network is loaded from there.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from popgan.evidence.inception_network import InceptionNetwork

ORACLES = Path(sys.prefix) / "oracles"


def made_up_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights under which every layer's map stays of about unit size, none of them alike."""
    rng, weights = np.random.default_rng(seed), {}
    with torch.device("meta"):
        network = InceptionNetwork()
    for name, tensor in sorted(network.state_dict().items()):
        shape = tuple(tensor.shape)
        if name.endswith("num_batches_tracked"):
            values = np.zeros(shape, np.int64)
        elif name.endswith("running_var"):
            values = rng.uniform(0.5, 1.5, shape)
        elif name.endswith(("running_mean", "bias")):
            values = 0.1 * rng.standard_normal(shape)
        elif name.endswith("bn.weight"):
            values = rng.uniform(0.8, 1.2, shape)
        else:
            values = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        weights[name] = torch.from_numpy(np.asarray(values)).to(tensor.dtype)
    return weights


def torch_fidelity_network(monkeypatch: pytest.MonkeyPatch, weights: Path) -> Any:
    """torch-fidelity's extractor with the weights of a file; skips where it is not installed."""
    folder = ORACLES / "torch_fidelity"
    if not folder.is_dir():
        pytest.skip(f"torch-fidelity is not in {ORACLES}")
    package = types.ModuleType("torch_fidelity")  # its own __init__ would import torchvision
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    module = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    for name in [n for n in sys.modules if n.startswith("torch_fidelity.")]:
        monkeypatch.delitem(sys.modules, name)
    return module.FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(weights)
    )
