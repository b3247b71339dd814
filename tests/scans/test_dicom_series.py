"""Messy series: what belongs together, what is missing, what is no scan; each with its reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from made_dicom import T1, T2, dataset, enhanced, head, save, write_series
from popgan.errors import UserError
from popgan.scans import discover, read_scan
from popgan.scans.scan import ScanError


def only(folder: Path):
    """The one series of a folder."""
    (series,) = discover(folder).series
    return series


def decisions(folder: Path) -> list[tuple[str, str]]:
    """Decision and reason of every series, in a folder that also holds a good one."""
    write_series(folder / "good", SeriesInstanceUID="9.9", StudyInstanceUID="9", **T1)
    return [(s.decision, s.reason) for s in discover(folder).series if s.uid != "9.9"]


def test_slices_are_sorted_along_the_normal_whatever_the_files_are_called(tmp_path):
    voxels = head()
    write_series(tmp_path, voxels, **T1)
    (found,) = discover(tmp_path).scans
    scan = read_scan(found)
    np.testing.assert_array_equal(scan.data, voxels.transpose(2, 1, 0))
    # Columns run to the left and rows to the back in DICOM; both are negative in RAS+.
    expected = np.array([[-1.5, 0, 0, 15], [0, -2, 0, 24], [0, 0, 3, 10], [0, 0, 0, 1]])
    np.testing.assert_allclose(scan.affine, expected)
    assert (found.contrast, found.subject) == ("T1w", "Mueller^7")


def test_an_enhanced_image_and_its_gzipped_copy_give_the_volume_of_the_classic_series(tmp_path):
    voxels = head()
    write_series(tmp_path / "classic", voxels, **T1)
    path = save(enhanced(voxels, slope=0.5), tmp_path / "enhanced" / "one")
    (tmp_path / "zipped").mkdir()
    (tmp_path / "zipped" / "one.gz").write_bytes(gzip.compress(path.read_bytes()))
    classic, multi, zipped = (
        read_scan(discover(tmp_path / name).scans[0]) for name in ("classic", "enhanced", "zipped")
    )
    np.testing.assert_allclose(multi.data, classic.data * 0.5)
    np.testing.assert_allclose(multi.affine, classic.affine)
    np.testing.assert_array_equal(zipped.data, multi.data)
    assert multi.contrast == "T1w"


def test_rescale_and_inverted_grey_are_undone(tmp_path):
    voxels = head()
    inverted = 4095 - voxels
    shown = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    write_series(tmp_path, inverted, RescaleSlope=2, RescaleIntercept=-5, **shown, **T1)
    scan = read_scan(discover(tmp_path).scans[0])
    np.testing.assert_allclose(scan.data, 2.0 * voxels.transpose(2, 1, 0) - 5)


def test_a_series_of_two_echoes_is_two_contrasts(tmp_path):
    write_series(tmp_path / "a", **{**T2, "EchoTime": 15})
    write_series(tmp_path / "b", first=50, **T2)
    found = {scan.contrast for scan in discover(tmp_path).scans}
    assert found == {"PDw", "T2w"}


def test_duplicates_are_counted_and_read_once(tmp_path):
    paths = write_series(tmp_path, **T1)
    (tmp_path / "copy").write_bytes(paths[3].read_bytes())
    series = only(tmp_path)
    assert (series.decision, series.volumes.shape[2]) == ("used", 12)
    assert series.notes == ("1 duplicate files",)


def test_missing_slices_set_a_series_aside_with_their_number(tmp_path):
    write_series(tmp_path / "holes", skip=(4, 5, 8), **T1)
    assert decisions(tmp_path) == [("set aside", "misses 3 of 12 slices")]
    assert discover(tmp_path).quarantined[0].reason == "misses 3 of 12 slices"


def test_uneven_distances_set_a_series_aside(tmp_path):
    for k, step in enumerate(np.cumsum([3, 3, 4.1, 3, 3.6, 3, 3])):
        data = dataset(head()[k], position=(0, 0, step), number=k, **T1)
        save(data, tmp_path / "odd" / str(k))
    ((decision, reason),) = decisions(tmp_path)
    assert decision == "set aside"
    assert "uneven distances of slices (3.00 to 4.10 mm)" in reason


def test_a_gap_between_slices_is_geometry_not_a_loss(tmp_path):
    write_series(tmp_path, step=5.5, SliceThickness=5, **T1)
    assert only(tmp_path).decision == "used"
    assert read_scan(discover(tmp_path).scans[0]).affine[2, 2] == pytest.approx(5.5)


def test_repeats_give_the_first_volume_and_a_long_repetition_is_functional(tmp_path):
    for time in range(2):
        write_series(tmp_path / f"t{time}", head(seed=time), first=100 * time, **T1)
    scan = read_scan(discover(tmp_path).scans[0])
    np.testing.assert_array_equal(scan.data, head(seed=0).transpose(2, 1, 0))
    for time in range(2, 6):
        write_series(tmp_path / f"t{time}", head(seed=time), first=100 * time, **T1)
    with pytest.raises(UserError, match="functional \\(a time series of 6 volumes\\)"):
        discover(tmp_path)


LOCAL = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localiser (by its image type)"),
        ({"SeriesDescription": "AAHead_Scout"}, "localiser (by its description)"),
        ({"Modality": "CT"}, "is not MR (modality CT)"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"PixelData": None}, "holds no image"),
        ({"BurnedInAnnotation": "YES"}, "annotation burned into its pixels"),
        ({"ImagePositionPatient": None}, "states no position"),
        ({"ImageType": ["DERIVED", "PRIMARY", "ADC"]}, "diffusion (a map computed from it)"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "reformatted from another series"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "phase of the signal"),
        ({"DiffusionBValue": 1000.0}, "diffusion (by its header)"),
        ({"ScanningSequence": ["EP", "GR"]}, "functional (echo-planar)"),
        ({"AngioFlag": "Y"}, "angiography"),
        ({"SeriesDescription": "pCASL baseline"}, "arterial spin labelling"),
        ({"SeriesDescription": "gre_field_mapping"}, "field or calibration map"),
    ],
)
def test_what_is_no_anatomical_scan_is_left_out_with_its_reason(tmp_path, header, reason):
    write_series(tmp_path / "other", **{**T1, **header})
    ((decision, told),) = decisions(tmp_path)
    assert decision == "left out"
    assert reason in told


def test_few_slices_in_three_directions_are_a_localiser(tmp_path):
    turns = ([1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1])
    for n, turn in enumerate(turns):
        write_series(tmp_path / f"d{n}", head(6), first=n, ImageOrientationPatient=turn, **T1)
    found = decisions(tmp_path)
    assert found == [("left out", "localiser (few slices in each of several directions)")] * 3


def test_of_two_series_with_one_contrast_the_original_and_larger_is_taken(tmp_path):
    derived = ["DERIVED", "PRIMARY", "M", "ND"]
    write_series(tmp_path / "a", head(14), SeriesInstanceUID="1.1", ImageType=derived, **T1)
    write_series(tmp_path / "b", head(10), SeriesInstanceUID="1.2", **T1)
    write_series(tmp_path / "c", head(12), SeriesInstanceUID="1.3", **T1)
    used = [s.uid for s in discover(tmp_path).series if s.decision == "used"]
    assert used == ["1.3"]
    reasons = [s.reason for s in discover(tmp_path).series if s.decision == "left out"]
    assert all("another series of this study gives T1w" in reason for reason in reasons)


def test_a_study_without_a_patient_id_is_a_subject_and_the_user_is_told(tmp_path):
    write_series(tmp_path, PatientID="***", **T1)
    found = discover(tmp_path)
    assert found.scans[0].subject == "study 1.2.3"
    assert any("state no patient id" in note for note in found.notes)


def test_the_contrast_map_overrides_recognition_and_leaves_out(tmp_path):
    write_series(tmp_path / "d" / "a", SeriesInstanceUID="1.1", SeriesDescription="odd one", **T1)
    write_series(tmp_path / "d" / "b", SeriesInstanceUID="1.2", SeriesDescription="PD weird", **T2)
    write_series(tmp_path / "d" / "c", SeriesInstanceUID="1.3", SeriesDescription="x", **LOCAL)
    rules = tmp_path / "map.yaml"
    rules.write_text('"ODD*": leave out\n"1.3": flair\n"*weird": t1gd\n')
    found = discover(tmp_path / "d", contrast_map=str(rules))
    assert {s.uid: (s.decision, s.contrast.contrast) for s in found.series} == {
        "1.1": ("left out", "T1w"),
        "1.2": ("used", "T1wCE"),
        "1.3": ("used", "FLAIR"),
    }


@pytest.mark.parametrize("text", ["", "- a\n", "1: T1w\n", "a: [T1w]\n", "a: {\n"])
def test_a_map_that_is_none_is_one_clear_line(tmp_path, text):
    write_series(tmp_path / "d", **T1)
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(UserError, match=r"map\.yaml"):
        discover(tmp_path / "d", contrast_map=str(tmp_path / "map.yaml"))


def test_a_file_exchanged_after_the_headers_were_read_is_noticed(tmp_path):
    write_series(tmp_path / "a", **T1)
    other = write_series(tmp_path / "b", SeriesInstanceUID="7", **T1)
    found = next(s for s in discover(tmp_path).scans if s.path.parent.name == "a")
    found.places[2].path.write_bytes(other[2].read_bytes())
    with pytest.raises(ScanError, match="was changed") as error:
        read_scan(found)
    assert error.value.path == found.places[2].path


def test_a_truncated_file_is_set_aside_by_its_name(tmp_path):
    paths = write_series(tmp_path, **T1)
    victim = paths[-1]
    victim.write_bytes(victim.read_bytes()[:-300])
    found = discover(tmp_path)
    assert [item.path for item in found.quarantined] == [victim]
    assert "truncated" in found.quarantined[0].reason
    assert found.series[0].volumes.shape[2] == 11  # its end is cut, which nobody can know


def test_dicom_without_preamble_is_read(tmp_path):
    paths = write_series(tmp_path, **T1)
    for path in paths:
        raw = path.read_bytes()
        path.write_bytes(raw[132:])
    assert only(tmp_path).decision == "used"
    assert read_scan(discover(tmp_path).scans[0]).data.shape == (20, 24, 12)
