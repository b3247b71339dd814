"""Parked visits: they come back as they were, or not at all."""

from __future__ import annotations

import dataclasses
import errno
import json
import os

import numpy as np
import pytest

from made_heads import head_volume
from popgan.cohort.parked import Parking, pack
from popgan.errors import UserError
from popgan.preparation.steps import Step, StepPicture
from popgan.preparation.visit import SliceChoice, prepare_visit
from popgan.scans import Scan


@pytest.fixture
def visit(tmp_path):

    affine = np.diag([5.0, 5, 5, 1])
    data = head_volume(1).astype(np.float32)
    scan = Scan("s", None, "T1w", data, affine, tmp_path / "x", None, "00", True)
    return prepare_visit([scan], SliceChoice(count=4, keep_skull=True, bias_field="off"))


def test_a_visit_comes_back_to_sixteen_bits(visit, tmp_path):
    parking = Parking(tmp_path / "visits")
    parking.put("k", *pack(visit))
    found = parking.find("k")
    np.testing.assert_allclose(parking.planes("k"), visit.planes, atol=1e-5)
    np.testing.assert_array_equal(found.heights, visit.heights)
    assert (found.facts, found.centre, found.world) == (visit.facts, visit.centre, visit.world)


def test_pictures_and_steps_come_back_and_slices_stay_as_they_were(visit, tmp_path):
    rng = np.random.default_rng(0)
    pictures = tuple(
        StepPicture("T1w", title, rng.integers(0, 255, shape, dtype=np.uint8))
        for title, shape in (("as scanned", (30, 20)), ("brain", (7, 9)))
    )
    step = Step("brain", "deepbet", "rule", "a head of a person", {"litres": 1.4})
    facts = (dataclasses.replace(visit.facts[0], steps=(step,)),)
    full = dataclasses.replace(visit, pictures=pictures, facts=facts)
    parking = Parking(tmp_path)
    value, blob = pack(full)
    parking.put("k", json.loads(json.dumps(value)), blob)
    np.testing.assert_allclose(parking.planes("k"), visit.planes, atol=1e-5)
    assert parking.find("k").facts[0].steps == (step,)
    # What waits in memory for the second pass holds no pixels.
    assert parking.find("k").pictures == ()
    for one, other in zip(parking.pictures("k"), pictures, strict=True):
        assert (one.contrast, one.title) == (other.contrast, other.title)
        np.testing.assert_array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize("shape", [[0, 5], [5000, 5000], [3], [-1, -1], "ab"])
def test_pictures_of_impossible_size_are_refused(visit, tmp_path, shape):
    value, blob = pack(visit)
    wrong = {**value, "pictures": [{"contrast": "T1w", "title": "x", "shape": shape}]}
    with pytest.raises(ValueError, match=r"no prepared visit|invalid literal"):
        Parking(tmp_path).put("k", wrong, blob)
    assert Parking(tmp_path).find("k") is None


@pytest.mark.parametrize("damage", ["cut", "text", "gone"])
def test_a_damaged_visit_is_read_again_not_believed(visit, tmp_path, damage):
    parking = Parking(tmp_path)
    parking.put("k", *pack(visit))
    path = tmp_path / "k.prepared"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "text":
        path.write_bytes(b'{"shape": [1]}\n12')
    else:
        path.unlink()
    assert parking.find("k") is None


def test_an_answer_that_makes_no_sense_is_refused(visit, tmp_path):
    value, blob = pack(visit)
    for wrong in ({**value, "centre": [1]}, {**value, "facts": [{}]}, {}):
        with pytest.raises(ValueError, match="no prepared visit"):
            Parking(tmp_path).put("k", wrong, blob)
    with pytest.raises(ValueError, match="no prepared visit"):
        Parking(tmp_path).put("k", value, blob[:-2])


def test_sweeping_keeps_what_is_in_use_and_leaves_no_empty_folder(visit, tmp_path):
    parking = Parking(tmp_path / "visits")
    for key in "ab":
        parking.put(key, *pack(visit))
    parking.sweep({"b"})
    assert parking.find("a") is None
    assert parking.find("b") is not None
    parking.sweep(set())
    assert not (tmp_path / "visits").exists()


def test_a_disk_that_fills_while_a_visit_is_parked_is_one_clear_line(visit, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.open", full)
    with pytest.raises(UserError, match=r"No space left.*free some space"):
        Parking(tmp_path).put("k", *pack(visit))
