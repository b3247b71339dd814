"""FreeSurfer and Analyze: the voxels and the space that nibabel finds, hostile headers refused."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from made_heads import head_volume
from popgan.scans import discover, read_scan
from popgan.scans.scan import Found, ScanError

AFFINE = np.array([[0, 0, -5.0, 90], [5, 0, 0, -100], [0, -5, 0, 120], [0, 0, 0, 1]])


def read(path: Path, kind: str):
    return read_scan(Found(path, path.name, kind, "s", None, "T1w"))


@pytest.mark.parametrize("suffix", ["mgh", "mgz"])
def test_freesurfer_volumes_come_with_their_space(tmp_path, suffix):
    data = head_volume(1).astype(np.float32)
    path = tmp_path / "sub-1" / f"T1.{suffix}"
    path.parent.mkdir()
    nib.save(nib.MGHImage(data, AFFINE), path)
    (found,) = discover(tmp_path).scans
    assert (found.kind, found.contrast, found.subject) == ("mgh", "T1w", "sub-1")
    scan = read_scan(found)
    np.testing.assert_array_equal(scan.data, data)
    np.testing.assert_allclose(scan.affine, AFFINE, atol=1e-4)


def test_nibabels_own_freesurfer_file_is_a_series_of_volumes():
    path = Path(nib.__file__).parent / "tests" / "data" / "test.mgz"
    with pytest.raises(ScanError, match=r"more than three dimensions|too small"):
        read(path, "mgh")


@pytest.mark.parametrize("kind", [nib.Spm99AnalyzeImage, nib.AnalyzeImage, nib.Nifti1Pair])
def test_a_pair_is_read_by_its_header(tmp_path, kind):
    data = head_volume(1)
    image = kind(data, np.diag([-5.0, 5, 5, 1]))
    nib.save(image, tmp_path / "t1.hdr")
    (found,) = discover(tmp_path).scans
    assert found.kind == "analyze"
    scan = read_scan(found)
    np.testing.assert_array_equal(scan.data, data.astype(np.float32))
    np.testing.assert_allclose(scan.affine[:3, :3], np.diag([-5.0, 5, 5]), atol=1e-6)


def test_a_header_without_voxels_says_what_is_missing(tmp_path):
    nib.save(nib.AnalyzeImage(head_volume(1), np.eye(4)), tmp_path / "t1.hdr")
    (tmp_path / "t1.img").unlink()
    with pytest.raises(ScanError, match=r"no \.img"):
        read(tmp_path / "t1.hdr", "analyze")


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (4, 100_000, "absurd dimensions"),
        (4, -5, "absurd dimensions"),
        (16, 9, "more than three dimensions"),
        (20, 77, "voxel type"),
        (0, 2, "not an MGH"),
    ],
)
def test_absurd_freesurfer_headers_are_refused(tmp_path, at, value, reason):
    path = tmp_path / "t1.mgh"
    nib.save(nib.MGHImage(head_volume(1).astype(np.float32), AFFINE), path)
    raw = bytearray(path.read_bytes())
    raw[at : at + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(bytes(raw))
    with pytest.raises(ScanError, match=reason):
        read(path, "mgh")


def test_a_cut_pair_is_truncated(tmp_path):
    nib.save(nib.AnalyzeImage(head_volume(1), np.eye(4)), tmp_path / "t1.hdr")
    path = tmp_path / "t1.img"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ScanError, match="truncated"):
        read(tmp_path / "t1.hdr", "analyze")
