"""What a worker says of a whole visit is checked like anything else from outside."""

from __future__ import annotations

import copy

import nibabel as nib
import numpy as np
import pytest

from popgan.cohort.whole import grid_of
from popgan.cohort.whole_rules import WholeRules
from popgan.cohort.whole_work import pack_whole, unpack_whole
from popgan.preparation.visit import SliceChoice
from popgan.preparation.whole import prepare_whole
from popgan.scans import Found, Scan
from popgan.scans.nifti import GEOMETRY, stated_geometry
from whole_cohorts import affine_of, ingested, scan_of

pytestmark = pytest.mark.xdist_group("whole volumes")


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """What a worker says of a skull-stripped head: it has a mask."""
    cohort = ingested(tmp_path_factory.mktemp("whole"), 3)
    rules = WholeRules.read(cohort.run, cohort.hash)
    data = scan_of(1, "T1w")
    data[data < 60] = 0
    data[np.indices(data.shape)[2] < 5] = 0
    scan = Scan("p", None, "T1w", data, affine_of(), cohort.run, None, "a" * 64, True)
    whole = prepare_whole([scan], SliceChoice(count=6, keep_skull=True, bias_field="off"))
    return pack_whole(whole, scan, grid_of(rules, ["T1w"]), None)


def test_what_is_packed_is_unpacked(answer) -> None:
    value, blob = answer
    visit = unpack_whole(value, blob)
    assert visit.stack.shape == tuple(value["stack"])
    assert visit.kept is None or visit.kept.shape == (value["stack"][0], *value["shape"])
    assert visit.file.shape == (40, 48, 14)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("stack", [2**40, 1, 64, 64]),
        ("stack", [14, 1, 64]),
        ("stack", [-14, -1, 64, 64]),
        ("shape", [2**20, 2**20]),
        ("kept", None),
        ("facts", []),
        ("heights", [0.5]),
        ("heights", ["x"] * 14),
        ("shown", None),
        ("taken", []),
        ("taken", [3, 2]),
        ("taken", [0, 14]),
        ("spacing", [1, 2]),
        ("spacing", [float("nan")] * 3),
        ("affine", [[1]]),
        ("file", {}),
        ("file", {"shape": [2**20] * 3, "affine": np.eye(4).tolist(), "stated": None}),
        ("file", {"shape": [4, 4, 4], "affine": np.eye(4).tolist(), "stated": {"pixdim": [1]}}),
    ],
)
def test_nonsense_is_refused_before_memory_is_given(answer, name, wrong) -> None:
    value, blob = copy.deepcopy(answer[0]), answer[1]
    value[name] = wrong
    if name == "kept":
        value["kept"] = not value["kept"]
    with pytest.raises(ValueError):
        unpack_whole(value, blob)
    with pytest.raises(ValueError):
        unpack_whole(answer[0], blob[:-1])


def test_what_a_header_states_twice_is_told_word_by_word(tmp_path) -> None:
    path = tmp_path / "t1.nii.gz"
    image = nib.Nifti1Image(np.zeros((9, 9, 9), np.int16), None)
    image.set_sform(np.diag([2, 2, 2, 1.0]), 4)
    image.set_qform(np.diag([-2, 2, 2, 1.0]), 2)
    nib.save(image, path)
    found = Found(path, path.name, "nifti", "", None, "T1w")
    stated = stated_geometry(found)
    assert stated is not None
    assert stated.keys() == GEOMETRY.keys()
    assert (stated["sform_code"], stated["qform_code"]) == ([4], [2])
    assert stated["srow_x"] == [2, 0, 0, 0]
    other = Found(path, path.name, "mgh", "", None, "T1w")
    assert stated_geometry(other) is None
    path.write_bytes(b"no volume")
    assert stated_geometry(found) is None
