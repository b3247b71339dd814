"""The record of preparation: short for many scans, complete for each, and of nobody by name."""

from __future__ import annotations

import json
import re

from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.preparation import summary
from popgan.preparation.steps import Step


def bias(percent: float, choice: str = "n4") -> Step:
    return Step("bias field", choice, "rule", f"the field varies by {percent} %, more than 10 %")


def test_reasons_that_differ_in_numbers_are_one_with_their_range():
    (row,) = summary([bias(31.5), bias(9.25), bias(104)])
    assert row == {
        "step": "bias field",
        "choice": "n4",
        "source": "rule",
        "reason": "the field varies by 9.25 to 104 %, more than 10 %",
        "scans": 3,
    }


def test_other_choices_sources_and_words_stay_apart_in_the_order_of_the_work():
    steps = [
        Step("intensity", "percentile", "rule", "scans of one kind"),
        bias(12, "none"),
        bias(12),
        bias(13),
        Step("brain", "none", "fixed", "asked for"),
    ]
    rows = summary(steps)
    assert [(row["step"], row["choice"], row["scans"]) for row in rows] == [
        ("bias field", "n4", 2),
        ("bias field", "none", 1),
        ("brain", "none", 1),
        ("intensity", "percentile", 1),
    ]


def test_numbers_within_names_are_names():
    rows = summary([Step("brain", "none", "rule", text) for text in ("T1w at 3 T", "T2w at 3 T")])
    assert sorted(row["reason"] for row in rows) == ["T1w at 3 T", "T2w at 3 T"]


def test_negative_numbers_have_a_range_by_value():
    (row,) = summary(
        [Step("registration", "rigid", "rule", f"turned by {x} degrees") for x in ("-2.5", "10")]
    )
    assert row["reason"] == "turned by -2.5 to 10 degrees"


def test_every_scan_has_its_steps_and_nobody_a_name(heads, tmp_path):
    run = tmp_path / "run"
    options = IngestOptions(resolution=32, slices=4, keep_skull=True, bias_field="off")
    cohort = Cohort.from_folder(heads, run, options=options, workers=0)
    text = (run / "dataset" / "preparation.json").read_text()
    record = json.loads(text)
    assert record == cohort.preparation()
    assert not re.search("Mueller|source|nii", text.replace('"source": "', ""))
    assert {scan["subject"] for scan in record["scans"]} == {i.subject for i in cohort.slices}
    for scan in record["scans"]:
        step = scan["steps"][-1]
        assert (step["name"], step["choice"]) == ("intensity", "percentile")
        assert step["figures"]["scale"] > 0
        assert 0 < step["figures"]["tissue_median"] < 1
    intensity = [row for row in record["steps"] if row["step"] == "intensity"]
    assert [row["scans"] for row in intensity] == [8]


def test_a_cohort_of_an_older_version_has_no_record(heads, tmp_path):
    run = tmp_path / "run"
    options = IngestOptions(resolution=32, slices=4, keep_skull=True, bias_field="off")
    cohort = Cohort.from_folder(heads, run, options=options, workers=0)
    (run / "dataset" / "preparation.json").unlink()
    assert cohort.preparation() == {}
