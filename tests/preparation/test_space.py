"""The way to MNI: a head that nods gets there, a wrong way is refused with its figure."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest
from made_volumes import brain_of, person, volume
from scipy.spatial.transform import Rotation

from popgan.preparation import space
from popgan.preparation.atlas import load_atlas
from popgan.preparation.brain import BrainMask
from popgan.preparation.resample import onto_grid
from popgan.preparation.space import in_template
from popgan.scans import ScanError


def turned(degrees: float) -> np.ndarray:
    """A pitch about the middle of the phantom's grid, in its world."""
    subject = person(1)
    middle = (subject.affine @ [*(np.array(subject.scans["T1w"].shape) / 2), 1])[:3]
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("x", degrees, degrees=True).as_matrix()
    turn[:3, 3] = middle - turn[:3, :3] @ middle
    return turn


def nodding(degrees: float):
    """The phantom that nodded, its voxels resampled, with the mask of its brain."""
    subject = person(1)
    parts = (subject.scans["T1w"].astype(np.float32), brain_of(subject).astype(np.float32))
    place = turned(degrees) @ subject.affine
    data, mask = (onto_grid(part, place, part.shape, subject.affine) for part in parts)
    outlined = mask > 0.5
    return volume(data, subject.affine), BrainMask(outlined, outlined, "deepbet", "known")


@lru_cache(maxsize=1)
def straight():
    """The phantom's own way to MNI."""
    return in_template(*nodding(0))


def test_a_phantom_that_nods_by_twenty_degrees_is_brought_upright():
    still = in_template(*nodding(20))
    # Upright first, then to the template: both ways must lead a point to one place.
    left = still.world @ turned(20) @ np.linalg.inv(straight().world)
    low, high = load_atlas().box()
    corners = np.array([[*(low * w + high * (1 - w)), 1] for w in (0.2, 0.5, 0.8)]).T
    assert np.linalg.norm((left @ corners - corners)[:3], axis=0).max() < 6
    assert still.step.figures["overlap_dice"] > 0.9
    assert "overlap dice" in still.step.reason


def test_a_wrong_pitch_is_refused_with_its_overlap():
    first, mask = nodding(0)
    right = straight().world

    def wrong(*_):
        return right @ turned(25)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space, "_aligned", wrong)
        with pytest.raises(ScanError, match="Dice of 0"):
            in_template(first, mask)


def test_a_mask_that_is_the_templates_own_is_no_proof_of_the_position():
    first, mask = nodding(0)
    own = dataclasses.replace(mask, choice="conservative", world=straight().world)
    figures = in_template(first, own).step.figures
    assert figures["information_nats"] > 0.2
    assert "overlap_dice" not in figures


def test_a_whole_head_far_from_its_place_is_refused(monkeypatch):
    away = straight().world.copy()
    away[2, 3] += 60
    monkeypatch.setattr(space, "_aligned", lambda *_: away)
    with pytest.raises(ScanError, match=r"MNI: the aligned brain ends|MNI: \d+% of the aligned"):
        in_template(nodding(0)[0], None)


@pytest.mark.slow
def test_a_head_without_an_outline_records_its_information():
    found = in_template(nodding(0)[0], None)
    assert found.step.figures["information_nats"] > 0.2
    assert "overlap_dice" not in found.step.figures
