"""Pseudonyms that only the owner can undo; splits in which nobody is twice."""

from __future__ import annotations

import json
import os

import pytest

from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.identity import pseudonyms, ranks, split_together
from popgan.errors import UserError

SMALL = IngestOptions(resolution=16, slices=4, keep_skull=True, bias_field="off")
THIRDS = (0.34, 0.33, 0.33)


def test_a_pseudonym_depends_on_the_key_and_on_nothing_else(tmp_path):
    one = pseudonyms(["Anna", "Bert"], tmp_path / "1", keep_ids=False)
    again = pseudonyms(["Bert", "Anna", "Carl"], tmp_path / "1", keep_ids=False)
    other = pseudonyms(["Anna", "Bert"], tmp_path / "2", keep_ids=False)
    assert one["Anna"] == again["Anna"] != other["Anna"]
    assert len(set(again.values())) == 3
    key = tmp_path / "1" / "private" / "pseudonyms.key"
    assert key.stat().st_mode & 0o777 == 0o600
    # A copied key gives the same names in another run folder.
    (tmp_path / "2" / "private" / "pseudonyms.key").write_bytes(key.read_bytes())
    assert pseudonyms(["Anna"], tmp_path / "2", keep_ids=False)["Anna"] == one["Anna"]


def test_ids_are_kept_on_demand_and_no_key_is_made(tmp_path):
    assert pseudonyms(["Anna"], tmp_path, keep_ids=True) == {"Anna": "Anna"}
    assert not (tmp_path / "private").exists()


def test_a_name_that_is_not_utf8_has_a_pseudonym(tmp_path):
    strange = os.fsdecode(b"Doe\xff")
    assert pseudonyms([strange], tmp_path, keep_ids=False)[strange].isascii()


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_a_damaged_key_is_one_clear_line(tmp_path, content):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "pseudonyms.key").write_text(content)
    with pytest.raises(UserError, match="is not the key of pseudonyms"):
        pseudonyms(["Anna"], tmp_path, keep_ids=False)


def test_order_comes_from_what_scans_hold_not_from_names():
    one = ranks({"Anna": ["aa", "bb"], "Bert": ["cc"]}, [], keep_ids=False, seed=0)
    other = ranks({"X": ["bb", "aa"], "Y": ["cc"]}, [], keep_ids=False, seed=0)
    assert list(one.values()) == list(other.values())
    assert one["Anna"] != one["Bert"]


def test_subjects_with_the_same_scans_are_split_as_one_person():
    labels = {name: name for name in "abcdefgh"}
    for seed in range(20):
        pairs = [("a", "b"), ("b", "c")]
        splits = split_together(labels, pairs, seed=seed, fractions=THIRDS)
        homes = [{name for name in "abc" if name in own} for own in splits.values()]
        assert {"a", "b", "c"} in homes
        assert sorted(name for own in splits.values() for name in own) == list("abcdefgh")


def test_a_cohort_is_the_same_in_every_run_folder_but_for_its_pseudonyms(heads, tmp_path):
    first, second = (
        Cohort.from_folder(heads, tmp_path / name, options=SMALL, workers=0) for name in "ab"
    )
    stores = [(tmp_path / name / "cache" / "slices.npy").read_bytes() for name in "ab"]
    assert stores[0] == stores[1]
    assert [info.split for info in first.slices] == [info.split for info in second.slices]
    assert set(first.subjects("train")).isdisjoint(second.subjects("train"))
    assert len(set(first.subjects("train"))) == len(set(second.subjects("train")))


def test_ids_that_are_kept_are_those_of_the_source(heads, tmp_path):
    options = SMALL.model_copy(update={"keep_ids": True})
    cohort = Cohort.from_folder(heads, tmp_path / "run", options=options, workers=0)
    assert {info.subject for info in cohort.slices} == {f"Mueller{i}" for i in range(8)}
    splits = json.loads((tmp_path / "run" / "dataset" / "splits.json").read_text())["splits"]
    assert sum(len(own) for own in splits.values()) == 8
