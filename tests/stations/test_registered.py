"""A translator is not planned on pairs that are none."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import popgan
from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError
from popgan.planning.translation import check_contrasts
from popgan.progress import Reporter
from popgan.stations.registered import check_cohort
from small_runs import call
from translated_runs import write_pairs


class Listening(Reporter):
    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        self.told.append(text)


def ingested(scans: Path, run: Path) -> Cohort:
    options = IngestOptions(
        contrasts=["T1w", "T2w", "FLAIR"],
        resolution=32,
        slices=8,
        keep_skull=True,
        bias_field="off",
        keep_ids=True,
    )
    return Cohort.from_folder(scans, run, options=options, workers=0)


def changed(path: Path, change: object) -> None:
    image = nib.load(path)
    data = change(np.asanyarray(image.dataobj))  # type: ignore[operator]
    nib.save(nib.Nifti1Image(np.ascontiguousarray(data), image.affine), path)


def test_pairs_that_lie_on_one_another_are_taken(tmp_path: Path) -> None:
    cohort = ingested(write_pairs(tmp_path / "scans", 8, lesions=False), tmp_path / "run")
    said = Listening()
    check_cohort(cohort, ["T1w", "T2w"], "FLAIR", said)
    assert said.told == []


def test_a_shifted_contrast_is_refused_with_its_subject(tmp_path: Path) -> None:
    scans = write_pairs(tmp_path / "scans", 8, lesions=False)
    changed(scans / "Person3/flair.nii.gz", lambda data: np.roll(data, 3, 1))
    cohort = ingested(scans, tmp_path / "run")
    with pytest.raises(UserError, match=r"Person3.*T1w and FLAIR.*shifted by .*register") as found:
        check_cohort(cohort, ["T1w", "T2w"], "FLAIR", Reporter())
    assert len(str(found.value).splitlines()) == 1
    # What is not asked for is not looked at.
    check_cohort(cohort, ["T1w"], "T2w", Reporter())


def test_differing_grids_are_told(tmp_path: Path) -> None:
    scans = write_pairs(tmp_path / "scans", 8, lesions=False)
    path = scans / "Person2/t2.nii.gz"
    image = nib.load(path)
    half = np.asanyarray(image.dataobj)[::2, ::2]
    nib.save(nib.Nifti1Image(half, image.affine @ np.diag([2.0, 2.0, 1.0, 1.0])), path)
    cohort, said = ingested(scans, tmp_path / "run"), Listening()
    check_cohort(cohort, ["T1w", "T2w"], "FLAIR", said)
    (line,) = said.told
    assert "in 1 visit the contrasts had differing grids" in line and "T1w" in line


def test_contrasts_are_checked_before_anything_is_measured() -> None:
    there = ["T1w", "T2w", "FLAIR"]
    assert check_contrasts({"network.target": "FLAIR"}, there) == (["T1w", "T2w"], "FLAIR")
    for values, words in (
        ({}, "not said which contrast"),
        ({"network.target": "PDw"}, "PDw is not in the cohort, which has T1w, T2w, FLAIR"),
        ({"network.target": "FLAIR", "network.sources": ["T9"]}, "T9 is not in the cohort"),
        ({"network.target": "T1w", "network.sources": ["T1w"]}, "both a source and the target"),
    ):
        with pytest.raises(UserError, match=words):
            check_contrasts(values, there)
    with pytest.raises(UserError, match="no contrast but T1w"):
        check_contrasts({"network.target": "T1w"}, ["T1w"])


def test_three_subjects_leave_one_to_learn_from(tmp_path: Path) -> None:
    cohort = ingested(write_pairs(tmp_path / "scans", 3, lesions=False), tmp_path / "run")
    with pytest.raises(UserError, match="a single training subject has T1w, FLAIR"):
        popgan.make_plan(
            cohort,
            recipe="pix2pix",
            overrides={"network.sources": ["T1w"], "network.target": "FLAIR"},
        )


def test_a_single_paired_subject_is_one_line(tmp_path: Path) -> None:
    scans = write_pairs(tmp_path / "scans", 4, lesions=False)
    for number in range(1, 4):
        (scans / f"Person{number}/flair.nii.gz").unlink()
    answer = call(
        "run", scans, "-o", tmp_path / "run", "--recipe", "pix2pix", "--from", "T1w",
        "--to", "FLAIR", "--workers", "0", "--keep-skull",
    )  # fmt: skip
    assert answer.status == 2 and answer.line
