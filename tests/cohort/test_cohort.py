"""An opened cohort is the one that was ingested, or it is refused."""

import json

import numpy as np
import pytest

from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError
from popgan.files import sha256_file, write_json


@pytest.fixture
def run(heads, tmp_path):
    Cohort.from_folder(
        heads,
        tmp_path / "run",
        options=IngestOptions(resolution=16, slices=4, keep_skull=True, bias_field="off"),
        workers=0,
    )
    return tmp_path / "run"


def test_an_opened_cohort_is_the_same(run, heads):
    cohort = Cohort.open(run)
    assert cohort.hash == sha256_file(run / "dataset" / "manifest.json")
    order = np.concatenate([cohort.indices(s) for s in ("train", "tuning", "test")])
    assert sorted(order) == list(range(len(cohort.slices)))
    assert len(cohort.subjects("test")) == len(cohort.images("test"))


def test_a_folder_without_a_cohort_says_so(tmp_path):
    with pytest.raises(UserError, match="holds no cohort; run ingest"):
        Cohort.open(tmp_path)


def test_an_unknown_split_is_refused(run):
    with pytest.raises(UserError, match="no split 'validation'"):
        Cohort.open(run).images("validation")


def test_changed_pixels_are_noticed(run):
    store = np.lib.format.open_memmap(run / "cache" / "slices.npy", mode="r+")
    store[0, 0, 3, 3] += 1
    store.flush()
    with pytest.raises(UserError, match=r"slices.npy: was changed since ingest"):
        Cohort.open(run)


def test_a_changed_split_is_noticed_at_once_and_later(run):
    cohort = Cohort.open(run)
    path = run / "dataset" / "splits.json"
    table = json.loads(path.read_text())
    table["splits"]["train"], table["splits"]["test"] = (
        table["splits"]["test"],
        table["splits"]["train"],
    )
    write_json(path, table)
    with pytest.raises(UserError, match="was changed"):
        Cohort.open(run)
    with pytest.raises(UserError, match="was changed"):
        cohort.check_splits()


def forge(run, change):
    """Change the manifest as someone would who also repairs the hash of the splits."""
    path = run / "dataset" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    manifest["splits"] = sha256_file(run / "dataset" / "splits.json")
    write_json(path, manifest)


def test_a_subject_in_two_splits_is_refused_even_with_valid_hashes(run):
    def leak(manifest):
        other = next(s for s in manifest["slices"] if s["split"] == "test")
        train = next(s for s in manifest["slices"] if s["split"] == "train")
        other["subject"] = train["subject"]

    forge(run, leak)
    with pytest.raises(UserError, match="would leak"):
        Cohort.open(run)


def test_slices_that_disagree_with_the_splits_are_refused(run):
    def swap(manifest):
        names = {"train": "test", "test": "train"}
        for record in manifest["slices"]:
            record["split"] = names.get(record["split"], record["split"])

    forge(run, swap)
    with pytest.raises(UserError, match="does not agree"):
        Cohort.open(run)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}'])
def test_a_damaged_manifest_is_one_line(run, text):
    (run / "dataset" / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json"):
        Cohort.open(run)


def test_fingerprint_numbers_agree_with_the_cohort(run):
    cohort = Cohort.open(run)
    numbers = cohort.fingerprint
    assert numbers["slices"] == len(cohort.slices)
    assert numbers["splits"]["train"]["slices"] == len(cohort.indices("train"))
    assert numbers["kinds"] == {"head": 8}
    every = np.concatenate([cohort.images(s) for s in ("train", "tuning", "test")])
    assert numbers["intensity"]["T1w"]["mean"] == pytest.approx((every.mean() + 1) / 2, abs=1e-4)
    assert 0.005 < numbers["noise"]["T1w"]["median"] < 0.06
