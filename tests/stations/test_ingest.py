"""Scans that were copied are the same scans; a trained model survives that and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from popgan import Cohort
from popgan.cohort.licence import read_licence
from popgan.cohort.options import IngestOptions
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.ingest import ingest_station
from small_runs import head, leavings, save, write_heads

OPTIONS = {"resolution": 16, "slices": 6, "keep_skull": True, "bias_field": "off"}


class Said(Reporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def ingest(scans: Path, run: Path) -> tuple[Cohort, list[str]]:
    said = Said()
    options = IngestOptions.parse(**OPTIONS)
    return ingest_station(scans, run, options, workers=0, reporter=said), said.messages


def test_scans_with_new_times_are_the_same_cohort_and_other_scans_are_refused(
    tmp_path: Path,
) -> None:
    scans, run = write_heads(tmp_path / "scans", 10), tmp_path / "run"
    before, _ = ingest(scans, run)
    weights = run / "models" / "popgan" / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"trained for hours")
    # A licence that is stated later belongs to the same cohort.
    assert read_licence(run).licence is None
    (scans / "dataset_description.json").write_text('{"License": "CC0"}')
    for path in scans.rglob("*.nii.gz"):
        os.utime(path, (1.7e9, 1.7e9))
    after, said = ingest(scans, run)
    assert after.hash == before.hash
    assert any("only their files are newer" in line for line in said)
    assert read_licence(run).licence == "CC0"
    (run / "dataset" / "licence.json").unlink()  # as in a run of an older version
    assert ingest(scans, run)[1] == ["[ingest] unchanged, skipped"]
    assert read_licence(run).licence == "CC0"
    save(scans / "Person0" / "t1.nii.gz", head(77))
    with pytest.raises(UserError, match="other or newer scans"):
        ingest(scans, run)
    shutil.rmtree(scans / "Person0")
    with pytest.raises(UserError, match="other or newer scans"):
        ingest(scans, run)
    assert Cohort.open(run).hash == before.hash
    assert not leavings(tmp_path)


@pytest.mark.parametrize("lost", ["cache", "cache/slices.npy", "dataset/manifest.json"])
def test_a_cohort_whose_files_were_removed_is_made_again_under_a_trained_model(
    tmp_path: Path, lost: str
) -> None:
    scans, run = write_heads(tmp_path / "scans", 6), tmp_path / "run"
    before, _ = ingest(scans, run)
    weights = run / "models" / "popgan" / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"trained for hours")
    place = run / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert ingest(scans, run)[0].hash == before.hash and place.exists()
    assert ingest(scans, run)[1] == ["[ingest] unchanged, skipped"]


def test_a_cohort_is_not_made_again_with_other_pseudonyms_than_a_trained_model_knows(
    tmp_path: Path,
) -> None:
    scans, run = write_heads(tmp_path / "scans", 6), tmp_path / "run"
    ingest(scans, run)
    weights = run / "models" / "popgan" / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"trained for hours")
    manifest = (run / "dataset/manifest.json").read_bytes()
    for lost in ("private", "cache"):
        shutil.rmtree(run / lost)
    with pytest.raises(UserError, match=r"pseudonyms\.key: the key of pseudonyms is gone.*popgan"):
        ingest(scans, run)
    assert (run / "dataset/manifest.json").read_bytes() == manifest
    weights.unlink()
    assert ingest(scans, run)[0].run == run
