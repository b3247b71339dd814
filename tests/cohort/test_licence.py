"""The licence of a data set is taken from its own words, and from nothing else."""

from __future__ import annotations

import json

import pytest

from popgan.cohort.licence import FILE, SourceLicence, keep_licence, read_licence, stated_licence


def describe(folder, told):
    folder.mkdir(exist_ok=True)
    (folder / "dataset_description.json").write_text(told)
    return folder


@pytest.mark.parametrize(
    ("told", "licence"),
    [
        ('{"Name": "x", "License": "CC BY-SA 3.0"}', "CC BY-SA 3.0"),
        (json.dumps({"License": "  CC0\n\tor\u202e \x1b[31mlike it "}), "CC0 or [31mlike it"),
        ('{"License": ""}', None),
        ('{"License": ["CC0"]}', None),
        ('{"Name": "x"}', None),
        ("[1, 2]", None),
        ('"License"', None),
        ("{", None),
        ("[" * 100_000, None),
    ],
)
def test_what_a_description_says_is_one_line_and_anything_else_nothing(tmp_path, told, licence):
    assert stated_licence(describe(tmp_path, told)) == licence


def test_a_whole_text_is_cut_and_a_giant_or_a_link_not_read(tmp_path):
    long = stated_licence(describe(tmp_path, json.dumps({"License": "word " * 100})))
    assert len(long) == 300
    assert long.endswith("…")
    assert stated_licence(describe(tmp_path, json.dumps({"License": "x" * 2**20}))) is None
    other = describe(tmp_path / "other", '{"License": "CC0"}')
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "dataset_description.json").symlink_to(other / "dataset_description.json")
    assert stated_licence(linked) is None
    assert stated_licence(tmp_path / "nowhere") is None


def test_it_is_kept_and_follows_the_data_set(tmp_path):
    run, source = tmp_path / "run", describe(tmp_path / "in", '{"License": "CC0"}')
    assert read_licence(run) == SourceLicence()  # of an older version
    keep_licence(source, run)
    path = run / "dataset" / FILE
    assert read_licence(run) == SourceLicence(licence="CC0")
    written = path.stat().st_ino
    keep_licence(source, run)
    assert path.stat().st_ino == written
    made = [{"Name": "popgan"}]
    describe(source, json.dumps({"Name": "popgan phantom", "GeneratedBy": made}))
    keep_licence(source, run)
    assert read_licence(run) == SourceLicence(simulated=True)


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2}', '{"licence": 3}'])
def test_a_damaged_record_counts_as_none_and_is_mended(tmp_path, content):
    run, source = tmp_path / "run", describe(tmp_path / "in", '{"License": "CC0"}')
    (run / "dataset").mkdir(parents=True)
    (run / "dataset" / FILE).write_text(content)
    assert read_licence(run) == SourceLicence()
    keep_licence(source, run)
    assert read_licence(run).licence == "CC0"
