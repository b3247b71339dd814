"""On real heads the scale of the scores is the documented one: floor, blur, mean image."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from popgan.evidence.features import FeatureExtractor
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.kid import kid

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif("POPGAN_DATA" not in os.environ, reason="POPGAN_DATA is unset"),
]

SLICES = 8


def slices_of(folder: Path) -> np.ndarray:
    """Axial slices of a whole head, 64 x 64 in [-1, 1], at 30 to 90 % of the brain's height."""
    volume = np.asarray(nib.load(folder / "t1.nii.gz").dataobj, np.float32)
    brain = np.asarray(nib.load(folder / "dlmuse.nii.gz").dataobj) > 0
    low, high = np.flatnonzero(brain.any((0, 1)))[[0, -1]]
    levels = np.rint(low + np.linspace(0.3, 0.9, SLICES) * (high - low)).astype(int)
    volume = np.clip(volume / np.percentile(volume, 99.5), 0, 1)
    volume = np.rot90(volume[:, :, levels]).transpose(2, 0, 1)
    missing = [max(volume.shape[1:]) - side for side in volume.shape[1:]]
    volume = np.pad(volume, [(0, 0), *((m // 2, m - m // 2) for m in missing)])
    small = torch.nn.functional.interpolate(
        torch.from_numpy(volume)[:, None], size=(64, 64), mode="bilinear", antialias=True
    )
    return small.numpy() * 2 - 1


@pytest.fixture(scope="module")
def scores() -> dict[str, tuple[float, float]]:
    source = Path(os.environ["POPGAN_DATA"]) / "ixi_t1_2mm"
    heads = np.concatenate([slices_of(f) for f in sorted(source.glob("sub-*"))[:18]])
    train, test = heads[: 12 * SLICES], heads[12 * SLICES :]
    extractor = FeatureExtractor()
    reference = extractor(test)
    mean = np.repeat(train.mean(0, keepdims=True), 2, 0)
    blur = {s: gaussian_filter(train, (0, 0, s, s)) for s in (0.8, 1.5)}
    sets = {"real": train, "blur 0.8": blur[0.8], "blur 1.5": blur[1.5], "mean": mean}
    features = {name: extractor(images) for name, images in sets.items()}
    return {n: (kid(f, reference), frechet_distance(f, reference)) for n, f in features.items()}


def test_kid_has_the_documented_scale(scores: dict[str, tuple[float, float]]) -> None:
    """Benchmark cohort: 0.01, 0.13, 0.6, 1.6; wider here for the fewer heads."""
    assert abs(scores["real"][0]) < 0.06
    assert 0.08 < scores["blur 0.8"][0] < 0.22
    assert 0.45 < scores["blur 1.5"][0] < 0.75
    assert 1.3 < scores["mean"][0] < 1.9


def test_frechet_keeps_the_order_above_a_floor_that_is_far_from_zero(
    scores: dict[str, tuple[float, float]],
) -> None:
    values = [scores[name][1] for name in ("real", "blur 0.8", "blur 1.5", "mean")]
    assert values == sorted(values) and values[0] > 30
