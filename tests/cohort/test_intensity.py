"""One normalisation a contrast: by a rule or as asked, learnt on training subjects, and back."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from made_heads import head_volume
from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.intensity import FEWEST, SPREAD, decide, landmark_spread, normalise
from popgan.errors import UserError
from popgan.preparation.landmarks import Landmarks
from popgan.preparation.visit import SliceChoice, prepare_visit
from popgan.scans import Scan

EVEN = np.linspace(0.2, 0.8, 11)


def marks(shift: float = 0.0) -> Landmarks:
    return Landmarks("brain", tuple(EVEN + shift), 0.5 + shift, 0.2, 0.7 + shift)


def shifted(by: float, count: int = 10) -> list[Landmarks]:
    """Scans of which every second one is brighter."""
    return [marks(by * (i % 2)) for i in range(count)]


def test_the_spread_is_the_standard_deviation_in_percent_of_the_range():
    # Ten values, half of them 0.1 higher: SD 0.05 * sqrt(10 / 9), range 0.6.
    expected = 100 * 0.05 * np.sqrt(10 / 9) / 0.6
    assert landmark_spread(shifted(0.1)) == pytest.approx(expected)
    assert landmark_spread([marks()]) is None
    assert landmark_spread([Landmarks("brain", (0.4,) * 11, 0.4, 0, 0.4)] * 9) is None


def test_scans_of_one_kind_keep_their_own_range_and_others_come_to_a_scale():
    alike, apart = decide("T1w", "auto", shifted(0.02)), decide("T1w", "auto", shifted(0.1))
    assert alike.spread < SPREAD < apart.spread
    assert (alike.method, alike.source) == ("percentile", "rule")
    assert (apart.method, apart.source) == ("nyul", "rule")
    assert f"{apart.spread:.1f} %" in apart.reason
    assert f"{SPREAD:g} %" in apart.reason
    assert alike.curve(marks()).points == ()
    np.testing.assert_allclose(apart.scale, EVEN + 0.05, atol=1e-9)


def test_too_few_training_scans_to_measure_their_spread_keep_their_own_range():
    found = decide("FLAIR", "auto", [*shifted(0.2, FEWEST - 1), None, None])
    assert (found.method, found.training_scans) == ("percentile", FEWEST - 1)
    assert f"fewer than {FEWEST}" in found.reason


@pytest.mark.parametrize("asked", ["percentile", "zscore", "wm-peak", "nyul"])
def test_what_the_user_asks_for_is_done_whatever_the_spread(asked):
    found = decide("T1w", asked, shifted(0.02))
    assert (found.method, found.source, found.reason) == (asked, "fixed", "asked for")
    assert bool(found.curve(marks()).points) == (asked != "percentile")


def visit(tmp_path: Path, seed: int, *, power: float = 1.0):
    data = head_volume(seed).astype(np.float32)
    data = (data / 1000) ** power * 1000 + 50
    affine = np.diag([5.0, 5, 5, 1])
    scan = Scan("s", None, "T1w", data, affine, tmp_path / "x", None, "00", True)
    return data, prepare_visit([scan], SliceChoice(count=4, keep_skull=True, bias_field="off"))


@pytest.mark.parametrize("asked", ["percentile", "zscore", "wm-peak", "nyul"])
def test_the_record_leads_back_to_the_scanners_values(asked, tmp_path):
    data, prepared = visit(tmp_path, 1, power=0.7)
    others = [visit(tmp_path, seed)[1].facts[0].landmarks for seed in (2, 3)]
    chosen = decide("T1w", asked, others)
    fact = prepared.facts[0]
    after = normalise(prepared.planes.copy(), prepared, [chosen])[:, 0]
    before = after.astype(np.float64)
    points = np.array(chosen.curve(fact.landmarks).points or [(0, 0), (1, 1)])
    # As the manifest says it: back along the points, then by scale and offset.
    original = np.interp(before, points[:, 1], points[:, 0])
    original = original * fact.intensity.scale + fact.intensity.offset
    slices = np.round(prepared.positions / 5).astype(int)
    truth = np.moveaxis(data[:, :, slices], 2, 0)
    # All that neither the robust range nor the method has clipped.
    own = prepared.planes[:, 0]
    kept = (own > 0) & (own < 1) & (after < 1)
    assert kept.mean() > 0.3
    np.testing.assert_allclose(original[kept], truth[kept], atol=0.02)


def ingest(source: Path, run: Path, **options) -> dict:
    chosen = IngestOptions(
        resolution=32,
        slices=4,
        keep_ids=True,
        keep_skull=True,
        bias_field="off",
        **options,
    )
    Cohort.from_folder(source, run, options=chosen, workers=0)
    return json.loads((run / "dataset" / "preparation.json").read_text())


def test_nothing_is_learnt_from_subjects_outside_of_training(heads, tmp_path):
    first = ingest(heads, tmp_path / "a", intensity="nyul")
    splits = json.loads((tmp_path / "a/dataset/splits.json").read_text())["splits"]
    for subject in splits["tuning"] + splits["test"]:
        path = heads / subject.removeprefix("sub-") / "t1.nii.gz"
        image = nib.load(path)
        changed = (np.asarray(image.dataobj) / 1000.0) ** 2 * 1000
        nib.save(nib.Nifti1Image(changed.astype(np.int16), image.affine), path)
    second = ingest(heads, tmp_path / "b", intensity="nyul")
    assert second["intensity"] == first["intensity"]
    assert len(second["intensity"][0]["standard_scale"]) == 11


def test_another_normalisation_reads_no_scan_again_and_gives_other_slices(heads, tmp_path):
    run = tmp_path / "run"
    ingest(heads, run, intensity="percentile")
    visits = {path: path.stat().st_mtime_ns for path in (run / "cache/visits").iterdir()}
    plain = np.load(run / "cache/slices.npy")
    ingest(heads, run, intensity="wm-peak")
    changed = np.load(run / "cache/slices.npy")
    assert {path: path.stat().st_mtime_ns for path in (run / "cache/visits").iterdir()} == visits
    assert not np.array_equal(plain, changed)
    assert (changed[plain == 0] == 0).all()
    record = json.loads((run / "dataset/manifest.json").read_text())
    assert all(len(scan["curve"]) == 2 for scan in record["scans"])


def test_a_normalisation_that_does_not_exist_is_one_line():
    with pytest.raises(UserError, match=r"--intensity histogram .* take auto, percentile, zscore"):
        IngestOptions.parse(intensity="histogram")
