"""Small data sets on disk: heads of a few thousand voxels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from made_heads import head_volume


def save_head(path: Path, seed: int, *, spacing: float = 5.0, bright: float = 900.0) -> Path:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = (-100, -120, -110)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(head_volume(seed, spacing=spacing, bright=bright), affine), path)
    return path


@pytest.fixture
def write_head() -> Callable[..., Path]:
    return save_head


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    """Eight subjects with T1w, in plain folders whose names are not to leak."""
    folder = tmp_path / "source"
    for seed in range(8):
        save_head(folder / f"Mueller{seed}" / "t1.nii.gz", seed)
    return folder
