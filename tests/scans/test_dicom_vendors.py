"""Series of five vendors: decided right, and read to the voxel as dcm2niix reads them."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from popgan.preparation.orientation import to_ras
from popgan.scans import discover, read_scan
from popgan.scans.dicom_series import Series
from popgan.scans.scan import Found

pytestmark = pytest.mark.realdata

DECISIONS = {
    "philips_ingenia_t1_mprage": ("used", "T1w", "GR TR 6.501 ms, TE 2.93 ms", "high"),
    "uih_umr770_t1_gre": ("used", "T1w", "TI 750 ms", "high"),
    "studyforrest_t1_converted": ("used", "T1w", "named T1w in the description", "low"),
    "philips_ingenia_asl_enhanced": ("left out", None, "arterial spin labelling", None),
    "ge_mr750_epi": ("left out", None, "functional (echo-planar)", None),
    "siemens_prisma_fmri_mosaic": ("left out", None, "functional (echo-planar)", None),
    "siemens_prisma_dwi": ("left out", None, "diffusion", None),
    "canon_galan_dwi_enhanced": ("left out", None, "diffusion", None),
}
# Volumes that are complete, and the files of GE's series that make them: it ends within one.
VOLUMES = {"ge_mr750_epi": 3, "siemens_prisma_fmri_mosaic": 2, "canon_galan_dwi_enhanced": 13}
COMPLETE_FILES = {"ge_mr750_epi": 45}


@pytest.fixture(scope="module")
def vendors(real_data: Path) -> dict[str, Series]:
    """The one series of each vendor's folder."""
    series = discover(real_data / "dicom_mr_vendors").series
    return {found.files[0].parent.name: found for found in series}


def test_every_series_is_decided_with_its_reason(vendors: dict[str, Series]) -> None:
    assert set(vendors) == set(DECISIONS)
    for name, (decision, contrast, reason, confidence) in DECISIONS.items():
        found = vendors[name]
        assert (found.decision, name) == (decision, name)
        assert reason in found.reason, (name, found.reason)
        if contrast is not None:
            assert found.contrast is not None
            assert (found.contrast.contrast, found.contrast.confidence) == (contrast, confidence)


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_geometry_and_voxels_are_those_of_dcm2niix(
    vendors: dict[str, Series], name: str, tmp_path: Path
) -> None:
    series = vendors[name]
    assert series.volumes is not None
    expected = converted(series.files[: COMPLETE_FILES.get(name)], tmp_path)
    assert len(series.volumes.volumes) == VOLUMES.get(name, 1)
    assert expected.shape[3:] in ((), (VOLUMES.get(name, 1),))
    for number, places in enumerate(series.volumes.volumes):
        found = Found(places[0].path, name, "dicom", "s", None, "T1w", places=places)
        scan = read_scan(found)
        data, affine = to_ras(scan.data, scan.affine)
        voxels = expected.get_fdata(dtype=np.float32)
        wanted, place = to_ras(voxels if voxels.ndim == 3 else voxels[..., number], expected.affine)
        assert data.shape == wanted.shape
        np.testing.assert_allclose(affine, place, atol=2e-3)
        np.testing.assert_allclose(data, wanted, rtol=1e-5, atol=1e-3)


def converted(files: tuple[Path, ...], folder: Path) -> nib.Nifti1Image:
    """The series as dcm2niix converts it; it reads no gzipped DICOM."""
    source, out = folder / "in", folder / "out"
    source.mkdir()
    out.mkdir()
    for number, path in enumerate(files):
        target = source / f"{number:04d}.dcm"
        if path.suffix == ".gz":
            target.write_bytes(gzip.decompress(path.read_bytes()))
        else:
            shutil.copy(path, target)
    program = Path(sys.executable).with_name("dcm2niix")
    # -p n: the scanner's display values, which the standard's rescale slope gives.
    command = [program, "-z", "n", "-b", "n", "-p", "n", "-f", "out", "-o", out, source]
    subprocess.run(command, capture_output=True, check=True, timeout=60)
    (image,) = out.glob("*.nii")
    return nib.load(image)
