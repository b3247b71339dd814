"""A face never stays: the network's mask is believed only if it can be a brain's."""

from __future__ import annotations

import numpy as np
import pytest
from made_volumes import brain_of, person, volume
from scipy import ndimage

from popgan.preparation.brain import MOST_SIDE, BrainMask, extract_brain
from popgan.scans import ScanError


@pytest.fixture(autouse=True)
def _larger_voxels(monkeypatch):
    """Phantoms of 4 mm stand for what the network takes."""
    monkeypatch.setattr("popgan.preparation.brain._THICKEST", 4.0)


@pytest.fixture
def fallen_back(monkeypatch):
    """What was given as the reason for falling back on the template."""
    reasons: list[str] = []

    def conservative(own, why):
        reasons.append(why)
        empty = np.zeros(own.data.shape, bool)
        return BrainMask(empty, empty, "conservative", why)

    monkeypatch.setattr("popgan.preparation.brain._conservative", conservative)
    return reasons


def head(contrast: str = "T1w", index: int = 1):
    subject = person(index)
    return volume(subject.scans[contrast], subject.affine, contrast)


def face_of(brain: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Head that lies in front of all brain, in the lower half of its height."""
    present = np.flatnonzero(brain.any(axis=(0, 1)))
    front = np.array([np.flatnonzero(row)[-1] if row.any() else 0 for row in brain.any(axis=0).T])
    y, z = np.arange(brain.shape[1])[:, None], np.arange(brain.shape[2])[None]
    low = z < present.mean()
    return tissue & (low & (y > front[None] + 4) & (y > front.max() - 8))[None]


def test_an_outlined_brain_is_taken_as_it_is():
    truth = brain_of(person(1))
    found = extract_brain(head(), lambda data, contrast: truth)
    assert found.choice == "deepbet"
    np.testing.assert_array_equal(found.kept, truth)
    assert found.figures["litres"] == pytest.approx(truth.sum() * 0.064 / 1000, abs=1e-3)


def swollen(truth):
    return ndimage.binary_dilation(truth, iterations=4)


def shrunk(truth):
    return ndimage.binary_erosion(truth, iterations=5)


def halved(truth):
    mask = truth.copy()
    mask[mask.shape[0] // 2 - 2 : mask.shape[0] // 2 + 2] = False
    return mask


def bordering(truth):
    return truth | ndimage.binary_dilation(truth[:, :, :1], iterations=9) | _column(truth)


def _column(truth):
    mask = np.zeros_like(truth)
    mask[20:32, 25:35, :20] = True
    return mask


def lowered(truth):
    return np.roll(truth, -5, axis=2)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (swollen, "no adult brain"),
        (shrunk, "no adult brain"),
        (np.zeros_like, "no adult brain"),
        (halved, "pieces"),
        (bordering, "border"),
        (lowered, "from where the head's brain should"),
    ],
)
def test_a_mask_that_is_no_brains_is_not_believed(spoil, says, fallen_back):
    truth = brain_of(person(1))
    extract_brain(head(), lambda data, contrast: spoil(truth))
    assert [says in reason for reason in fallen_back] == [True]


def test_the_network_is_not_asked_about_what_it_does_not_know(fallen_back, monkeypatch):
    monkeypatch.setattr("popgan.preparation.brain._THICKEST", 3.0)
    for contrast in ("T1w", "FLAIR"):
        extract_brain(head(contrast), lambda data, contrast: pytest.fail("was asked"))
    assert "4.0 mm" in fallen_back[0]
    assert "T1-weighted heads only" in fallen_back[1]


@pytest.mark.parametrize(
    ("contrast", "index"),
    [
        ("T2w", 0),
        pytest.param("FLAIR", 1, marks=pytest.mark.slow),
        pytest.param("T1w", 2, marks=pytest.mark.slow),
        pytest.param("T2w", 3, marks=pytest.mark.slow),
    ],
)
def test_without_the_network_the_brain_stays_and_the_face_goes(contrast, index):
    subject, truth = person(index), brain_of(person(index))
    asked: list[str] = []
    found = extract_brain(
        head(contrast, index), None if contrast == "T1w" else lambda d, c: asked.append(c)
    )
    assert asked == []  # the network does not know these
    assert found.choice == "conservative"
    assert (found.kept & truth).sum() / truth.sum() > 0.995
    face = face_of(truth, subject.fractions.sum(axis=0) > 0.5)
    assert face.sum() > 100
    assert (found.kept & face).sum() / face.sum() < 0.01


def test_a_face_that_cannot_be_found_stops_the_scan():
    rng = np.random.default_rng(0)
    block = np.zeros((60, 60, 60), np.float32)
    block[10:50, 20:40, 5:55] = rng.uniform(50, 60, (40, 20, 50))
    with pytest.raises(ScanError, match=r"face that cannot be removed safely.*--keep-skull"):
        extract_brain(volume(block + rng.random(block.shape), np.diag([5.0, 5, 5, 1])), None)


def test_what_is_finer_than_the_network_can_take_is_thinned_and_comes_back():
    subject = person(1)
    truth = brain_of(subject)
    fine = np.repeat(subject.scans["T1w"], 6, axis=1)
    affine = subject.affine @ np.diag([1, 1 / 6, 1, 1])
    seen = []

    def extract(data, contrast):
        seen.append(data.shape)
        picks = np.linspace(0, fine.shape[1] - 1, MOST_SIDE).round().astype(int)
        return np.repeat(truth, 6, axis=1)[:, picks]

    found = extract_brain(volume(fine, affine), extract)
    assert max(seen[0]) == MOST_SIDE
    assert found.choice == "deepbet"
    whole = np.repeat(truth, 6, axis=1)
    assert 2 * (found.kept & whole).sum() / (found.kept.sum() + whole.sum()) > 0.99
