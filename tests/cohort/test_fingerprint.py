"""The fingerprint: what it counts and measures, and that an older one is completed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.fingerprint import VERSION, completed
from popgan.cohort.fingerprint_words import cohort_rows
from popgan.cohort.manifest import SliceRecord
from popgan.cohort.source import source_hash
from popgan.files import sha256_file, write_json

ADDED = ("version", "balance", "air", "quality", "doubles")


def record(subject: str, split: str, label: str | None) -> SliceRecord:
    facts = {"visit": 1, "height": 0.5, "position_mm": 0.0}
    return SliceRecord(subject=subject, split=split, label=label, **facts)


SLICES = [
    *(record("a", "train", "ill") for _ in range(2)),
    *(record("b", "train", "well") for _ in range(6)),
    *(record("c", "tuning", "well") for _ in range(3)),
    *(record("d", "test", "ill") for _ in range(1)),
    record("d", "test", None),
]
QC = {
    "scans": [
        {"contrast": "T1w", "snr": 20.0, "cnr": 3.0, "outlying": []},
        {"contrast": "T1w", "snr": 30.0, "cnr": None, "outlying": ["snr"]},
        {"contrast": "FLAIR", "snr": None, "cnr": None, "outlying": []},
    ],
    "doubles": [
        {"subjects": ["a", "b"], "contrast": "T1w", "correlation": 1.0, "identical": True},
        {"subjects": ["a", "b"], "contrast": "FLAIR", "correlation": 0.99, "identical": False},
        {"subjects": ["c", "d"], "contrast": "T1w", "correlation": 0.99, "identical": False},
    ],
}


def store() -> np.ndarray:
    """Bright heads in the middle of noisy air; of FLAIR the air is gone."""
    rng = np.random.default_rng(0)
    images = 0.03 * np.abs(rng.standard_normal((len(SLICES), 2, 32, 32)))
    images[:, :, 8:-8, 8:-8] += 0.6
    images[:, 1] *= images[:, 1] > 0.5
    return np.round(images * 65535).astype(np.uint16)


def made() -> dict[str, Any]:
    numbers = {"contrasts": ["T1w", "FLAIR"]}
    return completed(numbers, slices=SLICES, stored=store(), quality=QC)


def test_classes_are_counted_by_slice_and_subject_and_compared_in_the_training_split() -> None:
    balance = made()["balance"]
    assert balance["classes"] == {
        "ill": {"slices": 3, "subjects": 2, "train_slices": 2, "train_subjects": 1},
        "well": {"slices": 9, "subjects": 2, "train_slices": 6, "train_subjects": 1},
    }
    assert (balance["unlabelled"], balance["ratio"]) == (1, 3.0)
    bare = [record("a", "train", None)]
    nothing = completed({"contrasts": []}, slices=bare, stored=store()[:1], quality={})
    assert nothing["balance"] == {"classes": {}, "unlabelled": None, "ratio": None}
    assert "doubles" not in nothing and "quality" not in nothing


def test_noise_of_the_air_is_that_of_the_corners() -> None:
    air, images = made()["air"], store()[:, 0].astype(np.float64) / 65535
    corners = [images[:, :4, :4], images[:, :4, -4:], images[:, -4:, :4], images[:, -4:, -4:]]
    expected = np.concatenate([corner.ravel() for corner in corners])
    assert air["T1w"]["sd"] == pytest.approx(expected.std(), abs=1e-5)
    assert air["T1w"]["mean"] == pytest.approx(expected.mean(), abs=1e-5)
    # A folded normal of deviation 0.03 has this spread.
    assert air["T1w"]["sd"] == pytest.approx(0.03 * np.sqrt(1 - 2 / np.pi), rel=0.1)
    assert air["FLAIR"] == {"mean": 0.0, "sd": 0.0, "zero_share": 1.0}


def test_what_quality_control_measured_is_summed_up() -> None:
    found = made()
    assert found["quality"]["T1w"] == {
        "snr": {"min": 20.0, "median": 25.0, "max": 30.0},
        "cnr": {"min": 3.0, "median": 3.0, "max": 3.0},
        "outlying": 1,
    }
    assert found["quality"]["FLAIR"] == {"snr": None, "cnr": None, "outlying": 0}
    # A pair counts once, however many of its contrasts are alike.
    assert found["doubles"] == {"identical": 1, "alike": 1}


def small(heads: Path, run: Path) -> Cohort:
    options = IngestOptions(resolution=16, slices=4, keep_skull=True, bias_field="off")
    return Cohort.from_folder(heads, run, options=options, workers=0)


def rewrite(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = run / "dataset" / "fingerprint.json"
    numbers = json.loads(path.read_text())
    change(numbers)
    write_json(path, numbers)
    manifest = json.loads((run / "dataset" / "manifest.json").read_text())
    write_json(run / "dataset" / "manifest.json", manifest | {"fingerprint": sha256_file(path)})


def test_a_fingerprint_of_an_older_version_is_completed_and_nothing_is_ingested_again(
    heads: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    cohort = small(heads, run)
    assert cohort.fingerprint["version"] == VERSION
    rows = dict(cohort_rows(cohort.fingerprint))
    assert rows["subjects"].startswith("8: ") and "to train on" in rows["subjects"]
    assert rows["images"].startswith("T1w; 16 x 16 pixels of")
    assert "signal to noise" in rows["noise"] and rows["doubles"].startswith("0 pairs")
    assert "classes" not in rows

    rewrite(run, lambda numbers: [numbers.pop(name) for name in ADDED] and None)
    older = Cohort.open(run)
    assert {n: older.fingerprint[n] for n in ADDED} == {n: cohort.fingerprint[n] for n in ADDED}
    (run / "dataset" / "qc.json").write_text("{")
    assert "quality" not in Cohort.open(run).fingerprint
    assert "air" in Cohort.open(run).fingerprint
    assert dict(cohort_rows(Cohort.open(run).fingerprint))["subjects"] == rows["subjects"]


def test_the_version_of_the_fingerprint_does_not_count_as_another_ingest(
    heads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = source_hash(heads, IngestOptions())
    monkeypatch.setattr("popgan.cohort.fingerprint.VERSION", VERSION + 1)
    assert source_hash(heads, IngestOptions()) == before


def test_a_fingerprint_of_pictures_with_classes_is_told_in_words() -> None:
    numbers = made() | {
        **{"subjects": 4, "slices": 13, "scans": 13, "kinds": {"picture": 13}},
        "splits": {"train": {"subjects": 2, "slices": 8}, "tuning": {"subjects": 1, "slices": 3}},
        **{"height": 32, "width": 32, "spacing_known": False, "spacing_mm": [1, 1, 1]},
        "native": {"shape": [], "spacing_mm": [], "mixed": True, "grids": 3},
        "noise": {"T1w": {"min": 0.01, "median": 0.02, "max": 0.04}},
    }
    rows = dict(cohort_rows(numbers))
    assert rows["subjects"] == "4: 2 to train on, 1 to tune to; 13 slices, 8 to train on"
    assert rows["images"].endswith("the size of a pixel is not known")
    assert rows["scans"] == "13 scans (picture 13); 3 different grids"
    assert rows["classes"] == (
        "well 9 slices of 2 subjects, ill 3 slices of 2 subjects; 1 slice without a label; "
        "to train on, the largest is 3 times the smallest"
    )
    assert rows["doubles"] == (
        "1 pair of subjects with the same pixels, 1 pair that looks like one head"
    )
