"""NIfTI files: nibabel is the oracle of honest ones; every dishonest one gets its reason."""

import gzip
import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from popgan.scans.nifti import read_nifti, write_nifti_bytes
from popgan.scans.scan import Found, Scan, ScanError

AFFINE = np.array([[2, 0, 0, -20], [0, 0, 2.5, -30], [0, -3, 0, 40], [0, 0, 0, 1.0]])


def volume(shape=(12, 14, 10)):
    return np.random.default_rng(0).uniform(0, 900, shape).astype(np.float32)


def save(path: Path, data, affine=AFFINE, kind=nib.Nifti1Image, slope=None):
    image = kind(data, affine)
    if slope is not None:
        image.header.set_slope_inter(*slope)
    nib.save(image, path)
    return path


def read(path: Path) -> Scan:
    return read_nifti(Found(path, path.name, "nifti", "s", None, "T1w"))


@pytest.mark.parametrize(
    ("dtype", "kind", "suffix"),
    list(
        itertools.product(
            [np.uint8, np.int16, np.uint16, np.float32, np.float64],
            [nib.Nifti1Image, nib.Nifti2Image],
            [".nii", ".nii.gz"],
        )
    ),
)
def test_values_and_affine_agree_with_nibabel(tmp_path, dtype, kind, suffix):
    path = save(tmp_path / f"v{suffix}", (volume() / 4).astype(dtype), kind=kind)
    scan, oracle = read(path), nib.load(path)
    np.testing.assert_allclose(scan.data, oracle.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(scan.affine, oracle.affine, atol=1e-5)
    assert scan.data.dtype == np.float32


def test_slope_and_intercept_are_applied(tmp_path):
    path = save(tmp_path / "v.nii", volume(), slope=None)
    image = nib.Nifti1Image(volume(), AFFINE)
    image.set_data_dtype(np.int16)  # nibabel then chooses a slope of its own
    nib.save(image, path)
    assert nib.load(path).dataobj.slope != 1
    np.testing.assert_allclose(read(path).data, nib.load(path).get_fdata(), atol=1e-3)


def test_big_endian_files_are_read(tmp_path):
    header = nib.Nifti1Header(endianness=">")
    image = nib.Nifti1Image(volume().astype(">i2"), AFFINE, header)
    nib.save(image, tmp_path / "v.nii")
    assert (tmp_path / "v.nii").read_bytes()[:4] == (348).to_bytes(4, "big")
    expected = nib.load(tmp_path / "v.nii").get_fdata()
    np.testing.assert_allclose(read(tmp_path / "v.nii").data, expected)


def test_a_trailing_dimension_of_one_is_dropped(tmp_path):
    assert read(save(tmp_path / "v.nii", volume()[..., None])).data.shape == (12, 14, 10)


def bad_values(kind):
    data = volume()
    if kind == "NaN":
        data[3, 4, 5] = np.nan
    elif kind == "infinite":
        data[3, 4, 5] = -np.inf
    elif kind == "constant":
        data[:] = 7
    elif kind == "absurd values":
        data[3, 4, 5] = 1e30
    return data


@pytest.mark.parametrize("kind", ["NaN", "infinite", "constant", "absurd values"])
def test_values_that_are_no_measurement_are_refused(tmp_path, kind):
    with pytest.raises(ScanError, match=kind):
        read(save(tmp_path / "v.nii.gz", bad_values(kind)))


def test_a_label_map_under_the_name_of_a_contrast_is_refused(tmp_path):
    labels = np.random.default_rng(0).integers(0, 5, (12, 14, 10)).astype(np.uint8)
    with pytest.raises(ScanError, match=r"label map or mask \(5 distinct"):
        read(save(tmp_path / "t1.nii.gz", labels))


def test_four_dimensional_series_are_refused(tmp_path):
    with pytest.raises(ScanError, match="more than three dimensions"):
        read(save(tmp_path / "v.nii.gz", np.stack([volume()] * 3, axis=-1)))


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_file_is_called_truncated(tmp_path, keep, suffix):
    path = save(tmp_path / f"v{suffix}", volume())
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    with pytest.raises(ScanError, match="truncated"):
        read(path)


def with_header(path: Path, field: str, value) -> Path:
    raw = bytearray(save(path, volume()).read_bytes())
    header = nib.Nifti1Header(bytes(raw[:348]), check=False)
    header[field] = value
    raw[:348] = header.binaryblock
    path.write_bytes(gzip.compress(bytes(raw)))
    return path


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("dim", [3, -12, 14, 10, 1, 1, 1, 1], "absurd dimensions"),
        ("dim", [3, 32000, 32000, 32000, 1, 1, 1, 1], "absurd dimensions"),
        ("dim", [3, 1500, 1500, 100, 1, 1, 1, 1], "claimed"),
        ("dim", [0, 12, 14, 10, 1, 1, 1, 1], "number of dimensions"),
        ("dim", [9, 12, 14, 10, 1, 1, 1, 1], "number of dimensions"),
        ("datatype", 32, "only plain numbers"),
        ("datatype", 4242, "not known"),
        ("vox_offset", 3e9, "absurd place"),
        ("vox_offset", np.nan, "absurd place"),
        ("magic", b"ni1", "single file"),
        ("srow_x", [0, 0, 0, 0], "voxel size or orientation"),
        ("srow_x", [np.nan, 0, 0, 0], "voxel size or orientation"),
        ("srow_x", [2, 40, 0, 0], "not independent"),
    ],
)
def test_lying_headers_are_refused_with_a_reason(tmp_path, field, value, reason):
    with pytest.raises(ScanError, match=reason):
        read(with_header(tmp_path / "v.nii", field, value))


@pytest.mark.parametrize("raw", [b"x", b"not a nifti file" * 50, bytes(4000)])
def test_anything_else_is_no_nifti(tmp_path, raw):
    (tmp_path / "v.nii").write_bytes(raw)
    with pytest.raises(ScanError, match="not a NIfTI file"):
        read(tmp_path / "v.nii")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(flips=st.lists(st.tuples(st.integers(0, 359), st.integers(0, 255)), max_size=12))
def test_no_damage_of_a_header_raises_anything_but_a_reason(tmp_path, flips):
    raw = bytearray(write_nifti_bytes(volume().astype(np.int16), AFFINE))
    for place, value in flips:
        raw[place] = value
    (tmp_path / "v.nii").write_bytes(bytes(raw))
    try:
        scan = read(tmp_path / "v.nii")
    except ScanError as error:
        assert str(tmp_path) not in str(error)
    else:
        assert np.isfinite(scan.data).all()


def test_the_bytes_written_do_not_depend_on_the_clock():
    first = write_nifti_bytes(volume(), AFFINE)
    assert first == write_nifti_bytes(volume(), AFFINE)
    image = nib.Nifti1Image.from_bytes(first)
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    np.testing.assert_array_equal(image.get_fdata(), volume())
