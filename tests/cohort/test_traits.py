"""Labels and covariates: by the user's word, typed, capped, and missing where they are missing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.traits import is_age, read_traits
from popgan.cohort.visits import Visit
from popgan.errors import UserError
from popgan.scans.scan import Found

SMALL = IngestOptions(resolution=16, slices=3, keep_skull=True, bias_field="off")
ROWS = {
    "participant_id": [f"Mueller{i}" for i in range(8)],
    "age": ["61.5", "20", "93", "n/a", "45", "90", "89+", "33"],
    "sex": ["1", "2", "1", "2", "1", "2", "1", "n/a"],
    "site": ["A", "B", "C", "A", "B", "C", "A", "B"],
    "group": ["case", "case", "case", "case", "control", "control", "control", "rare"],
    "constant": ["x"] * 8,
    "source_id": [f"IXI{i:03d}" for i in range(8)],
    "name": [f"Mueller, Person {i}" for i in range(8)],
}


def table(folder, **columns):
    rows = ROWS | columns
    lines = ["\t".join(rows)] + ["\t".join(line) for line in zip(*rows.values(), strict=True)]
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def source(heads):
    table(heads)
    levels = {"sex": {"Levels": {"1": "male", "2": "female"}}}
    (heads / "participants.json").write_text(json.dumps(levels))
    return heads


def visits(folder, subjects=8):
    names = [f"Mueller{i}" for i in range(subjects)]
    return [Visit(n, 0, (Found(folder / n, n, "nifti", n, None, "T1w"),)) for n in names]


def traits(source, **options):
    return read_traits(source, visits(source), IngestOptions(**options))


def test_named_columns_reach_the_cohort_and_no_others(source, tmp_path):
    options = SMALL.model_copy(update={"label": "group", "covariates": ["age", "sex", "site"]})
    cohort = Cohort.from_folder(source, tmp_path / "run", options=options, workers=0)
    key = json.loads((tmp_path / "run/private/subjects.json").read_text())["subjects"]
    number = {own: int(entry["source_id"][-1]) for own, entry in key.items()}
    seen = 0
    for split in ("train", "tuning", "test"):
        names, values = cohort.covariates(split)
        assert names == ["age", "sex=male", "site=A", "site=B", "site=C"]
        assert values.dtype == np.float32
        assert values.shape == (len(cohort.indices(split)), 5)
        for label, subject, line in zip(
            cohort.labels(split), cohort.subjects(split), values, strict=True
        ):
            i = number[subject]
            assert label == ROWS["group"][i]
            age = {"93": 90, "89+": 90, "n/a": np.nan}.get(ROWS["age"][i])
            sex = {"1": 1, "2": 0, "n/a": np.nan}[ROWS["sex"][i]]
            site = [float(ROWS["site"][i] == own) for own in "ABC"]
            expected = [float(ROWS["age"][i]) if age is None else age, sex, *site]
            np.testing.assert_allclose(line, expected)
            seen += 1
    assert seen == len(cohort.slices)
    public = "".join(path.read_text() for path in (tmp_path / "run/dataset").iterdir())
    assert "Mueller" not in public
    assert "constant" not in public
    manifest = json.loads((tmp_path / "run/dataset/manifest.json").read_text())
    ages = [row["values"][0] for row in manifest["covariates"]["rows"]]
    assert max(age for age in ages if age is not None) == 90
    # What was not asked for stays where it was.
    assert {entry["covariates"]["age"] for entry in key.values()} == set(ROWS["age"])


def test_without_a_word_from_the_user_nothing_is_taken(source, tmp_path):
    cohort = Cohort.from_folder(source, tmp_path / "run", options=SMALL, workers=0)
    names, values = cohort.covariates("train")
    assert (names, values.shape) == ([], (len(cohort.indices("train")), 0))
    assert set(cohort.labels("train")) == {None}


def test_missing_values_capped_ages_and_rare_classes_are_told_with_counts(source):
    found = traits(source, label="group", covariates=["age", "sex"])
    text = " | ".join(found.notes)
    assert "3 ages above 89 are 90 in the manifest, as HIPAA wants" in text
    assert "1 of 3 classes has a single subject" in text
    assert "covariate age is missing for 1 of 8 visits" in text
    assert "covariate sex is missing for 1 of 8 visits" in text


def test_a_label_that_is_missing_for_some_leaves_their_slices_without_one(source):
    found = traits(source, label="sex")
    assert found.labels["Mueller7", 0] is None
    assert found.labels["Mueller0", 0] == "male"
    assert "label sex is missing for 1 of 8 visits" in found.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"label": "nope"},
            r"--label nope: there is no such column; take one of sex, site, group\.$",
        ),
        (
            {"covariates": ["nope"]},
            r"--covariate nope: there is no such column; take one of age, sex, site, group\.$",
        ),
        ({"label": "constant"}, "everybody is the same there"),
        ({"label": "name"}, "as an identifier does"),
        ({"covariates": ["name"]}, "as an identifier does"),
    ],
)
def test_a_column_of_no_use_is_one_clear_line(source, options, message):
    with pytest.raises(UserError, match=message):
        traits(source, **options)


def test_where_no_column_makes_classes_none_is_offered(source):
    (source / "participants.tsv").write_text(
        "participant_id\tsource_id\n" + "".join(f"Mueller{i}\tIXI{i}\n" for i in range(8))
    )
    with pytest.raises(UserError, match="no such column; there is none of classes"):
        traits(source, label="nope")


def test_a_constant_covariate_is_told(source):
    assert "is the same for everybody" in traits(source, covariates=["constant"]).notes[0]


def test_a_column_of_five_hundred_words_is_no_class(tmp_path):
    rows = [f"Mueller{i}\tw{i // 2}" for i in range(1000)]
    (tmp_path / "participants.tsv").write_text("participant_id\tfree\n" + "\n".join(rows))
    for options in ({"label": "free"}, {"covariates": ["free"]}):
        with pytest.raises(UserError, match="500 different words, more than 64"):
            read_traits(tmp_path, visits(tmp_path, 1000), IngestOptions(**options))


def test_a_table_that_cannot_be_read_is_an_error_only_where_it_is_needed(tmp_path):
    (tmp_path / "participants.tsv").write_bytes(b"participant_id\tage\n\0")
    assert "NUL bytes, so it is no text: it is left out" in traits(tmp_path).notes[0]
    with pytest.raises(UserError, match=r"--label age: participants\.tsv holds NUL bytes"):
        traits(tmp_path, label="age")
    (tmp_path / "participants.tsv").unlink()
    with pytest.raises(UserError, match=r"there is no participants\.tsv"):
        traits(tmp_path, covariates=["age"])


def test_repeated_rows_that_disagree_are_told(tmp_path):
    rows = "Mueller0\t1\nMueller0\t2\nMueller1\t3\nMueller2\t4\n"
    (tmp_path / "participants.tsv").write_text("participant_id\tdose\n" + rows)
    found = read_traits(tmp_path, visits(tmp_path, 3), IngestOptions(covariates=["dose"]))
    assert found.values == {("Mueller0", 0): [None], ("Mueller1", 0): [3], ("Mueller2", 0): [4]}
    assert "1 repeated rows disagree" in found.notes[0]


def test_ages_in_months_and_as_labels_are_capped_too(tmp_path):
    rows = "\n".join(f"Mueller{i}\t{months}" for i, months in enumerate((1200, 60, 60, 1300)))
    (tmp_path / "participants.tsv").write_text("participant_id\tage\n" + rows)
    (tmp_path / "participants.json").write_text('{"age": {"Units": "months"}}')
    found = read_traits(
        tmp_path, visits(tmp_path, 4), IngestOptions(covariates=["age"], label="age")
    )
    assert [found.values[f"Mueller{i}", 0] for i in range(4)] == [[1080], [60], [60], [1080]]
    assert set(found.labels.values()) == {"90+", "60"}


def test_columns_of_ages_are_known_by_their_names():
    assert all(map(is_age, ("age", "Age", "AgeAtScan", "age_years", "Patient Age")))
    assert not any(map(is_age, ("agent", "stage", "dosage", "image")))


def test_a_covariate_is_named_once():
    with pytest.raises(UserError, match="name each column once"):
        IngestOptions.parse(covariates=["age", "age"])
