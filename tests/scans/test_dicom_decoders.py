"""Every transfer syntax of MR decodes to the same voxels; pydicom's and nibabel's own files."""

from __future__ import annotations

import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from nibabel.nicom.dicomwrappers import wrapper_from_data
from pydicom.data import get_testdata_file
from pydicom.uid import JPEGLosslessSV1

from popgan.scans.dicom import decode, read_dicom_header
from popgan.scans.dicom_file import read_whole
from popgan.scans.dicom_header import describe
from popgan.scans.dicom_kind import no_image
from popgan.scans.jpeg2000 import check_frames
from popgan.scans.scan import ScanError

NIBABEL = Path(nib.nicom.__file__).parent / "tests" / "data"


def planes(path: str | Path, indices: tuple[int, ...] = (0,)) -> np.ndarray:
    data = read_whole(Path(path).read_bytes())
    return np.stack(decode(data, describe(data, pixels=True), list(indices)))


def own(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return Path(str(path))


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ],
)
def test_a_syntax_gives_the_voxels_of_the_plain_file(name: str) -> None:
    plain = planes(own("MR_small.dcm"))
    assert plain.std() > 100
    np.testing.assert_array_equal(planes(own(name)), plain)


def test_jpeg_lossless_the_usual_one_of_archives_is_read(tmp_path: Path) -> None:
    import gdcm

    plain = own("MR_small.dcm")
    reader = gdcm.ImageReader()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(tmp_path / "lossless.dcm"))
    assert writer.Write()
    assert pydicom.dcmread(tmp_path / "lossless.dcm").file_meta.TransferSyntaxUID == JPEGLosslessSV1
    np.testing.assert_array_equal(planes(tmp_path / "lossless.dcm"), planes(plain))


def test_a_deflated_file_is_inflated_within_bounds() -> None:
    data = read_whole(own("image_dfl.dcm").read_bytes())
    header = read_dicom_header(own("image_dfl.dcm"))
    assert (header.rows, header.columns, header.pixels) == (512, 512, True)
    # It shows no MR, but its pixels are as good as any.
    expected = pydicom.dcmread(own("image_dfl.dcm")).pixel_array
    np.testing.assert_array_equal(decode(data, header, [0])[0], expected)


def test_frames_are_counted_and_taken_by_their_number() -> None:
    data = read_whole(own("rtdose.dcm").read_bytes())
    header = describe(data, pixels=True)
    whole = pydicom.dcmread(own("rtdose.dcm")).pixel_array
    np.testing.assert_array_equal(np.stack(decode(data, header, [3, 11])), whole[[3, 11]])
    assert no_image(header) == "is not MR (modality RTDOSE)"


def test_truncated_pixels_are_told_from_the_header_alone() -> None:
    with pytest.raises(ScanError, match="truncated"):
        read_dicom_header(own("MR_truncated.dcm"))


@pytest.mark.parametrize("name", ["DICOMDIR", "SC_rgb_rle.dcm", "reportsi.dcm", "rtplan.dcm"])
def test_what_is_no_mr_is_said_to_be_none(name: str) -> None:
    path = next(Path(pydicom.__file__).parent.rglob(name))
    reason = no_image(read_dicom_header(path))
    assert reason is not None


@pytest.mark.parametrize("name", ["siemens_dwi_0.dcm.gz", "siemens_dwi_1000.dcm.gz"])
def test_a_mosaic_has_the_geometry_and_voxels_that_nibabel_finds(name: str) -> None:
    path = NIBABEL / name
    header = read_dicom_header(path)
    assert header.mosaic == len(header.frames) == 48
    raw = path.read_bytes()
    data = read_whole(raw)
    tiles = np.stack(decode(data, header, list(range(header.mosaic))))
    wrapper = wrapper_from_data(data)
    np.testing.assert_array_equal(tiles.transpose(1, 2, 0), wrapper.get_data())
    np.testing.assert_allclose(header.frames[0].position, wrapper.image_position, atol=1e-3)
    step = np.subtract(header.frames[1].position, header.frames[0].position)
    np.testing.assert_allclose(step, wrapper.affine[:3, 2], atol=1e-3)


def test_nibabels_philips_slice_has_its_contrast() -> None:
    header = read_dicom_header(NIBABEL / "philips_mprage.dcm.gz")
    assert header.manufacturer.startswith("Philips")
    assert no_image(header) is None


def test_a_slope_that_is_no_number_is_refused() -> None:
    data = pydicom.dcmread(own("MR_small.dcm"))
    data.RescaleIntercept = 0
    data.RescaleSlope = 1
    buffer = io.BytesIO()
    data.save_as(buffer)
    raw = buffer.getvalue()
    loaded = read_whole(raw)
    loaded["RescaleSlope"]._value = float("nan")
    with pytest.raises(ScanError, match="no number"):
        decode(loaded, describe(loaded, pixels=True), [0])


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (40, b"\x2f\x4f"),  # twelve thousand components
        (8, b"\x7f\xff\xff\xff"),  # two thousand million columns
        (24, b"\0\0\0\0"),  # tiles of no width
        (42, b"\x7e"),  # 127 bits a voxel
        (43, b"\x02"),  # every second column
        (2, b"\0\0"),  # no sizes at all
    ],
)
def test_jpeg_2000_that_contradicts_its_header_never_reaches_the_decoder(at, value):
    # The decoder ends the process on the first of these instead of raising an error.
    data = pydicom.dcmread(get_testdata_file("MR_small_jp2klossless.dcm"))
    raw = data.PixelData
    start = raw.index(b"\xff\x4f\xff\x51")
    check_frames(data, 64, 64, [0])
    data.PixelData = raw[: start + at] + value + raw[start + at + len(value) :]
    with pytest.raises(ScanError, match="cannot be decoded"):
        check_frames(data, 64, 64, [0])


def test_a_jpeg_2000_frame_that_is_not_there_or_not_whole_is_refused():
    data = pydicom.dcmread(get_testdata_file("MR_small_jp2klossless.dcm"))
    with pytest.raises(ScanError, match="cannot be decoded"):
        check_frames(data, 64, 64, [1])
    with pytest.raises(ScanError, match="contradict"):
        check_frames(data, 64, 32, [0])
    data.PixelData = data.PixelData.replace(b"\xff\xd9", b"\0\0")
    with pytest.raises(ScanError, match="contradict"):
        check_frames(data, 64, 64, [0])
