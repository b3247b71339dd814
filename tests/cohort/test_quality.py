"""Scans that stand out are flagged and used; heads that come twice are found and kept together."""

from __future__ import annotations

import json
import shutil

import nibabel as nib
import numpy as np
import pytest

from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.quality import _stand_out, unjudged

SMALL = IngestOptions(resolution=16, slices=4, keep_skull=True, bias_field="off")


def qc_of(cohort: Cohort) -> dict:
    return json.loads((cohort.run / "dataset" / "qc.json").read_text())


def home(cohort: Cohort, subject: str) -> str:
    return next(info.split for info in cohort.slices if info.subject == subject)


def test_a_scan_far_noisier_than_the_rest_is_flagged_and_used(heads, tmp_path, write_head):
    for seed in range(8, 12):
        write_head(heads / f"Mueller{seed}" / "t1.nii.gz", seed)
    path = heads / "Mueller3" / "t1.nii.gz"
    image = nib.load(path)
    rng = np.random.default_rng(0)
    noisy = np.abs(np.asanyarray(image.dataobj) + 120 * rng.standard_normal(image.shape))
    nib.save(nib.Nifti1Image(noisy.astype(np.int16), image.affine), path)
    options = SMALL.model_copy(update={"keep_ids": True})
    cohort = Cohort.from_folder(heads, tmp_path / "run", options=options, workers=0)
    rows = {row["subject"]: row for row in qc_of(cohort)["scans"]}
    assert len(rows) == 12
    assert "snr" in rows["Mueller3"]["outlying"]
    assert rows["Mueller3"]["snr"] < 0.5 * rows["Mueller4"]["snr"]
    assert "Mueller3" in {info.subject for info in cohort.slices}


def test_one_patient_under_two_ids_is_found_and_never_split(heads, tmp_path):
    (heads / "Schmidt").mkdir()
    # Packed differently: the files differ, the pixels do not.
    image = nib.load(heads / "Mueller5" / "t1.nii.gz")
    nib.save(image, heads / "Schmidt" / "t1.nii")
    for seed in range(4):
        options = SMALL.model_copy(update={"keep_ids": True, "seed": seed})
        cohort = Cohort.from_folder(heads, tmp_path / "run", options=options, workers=0)
        (pair,) = [pair for pair in qc_of(cohort)["doubles"] if pair["identical"]]
        assert pair["subjects"] == ["Mueller5", "Schmidt"]
        assert home(cohort, "Mueller5") == home(cohort, "Schmidt")
    assert any("same pixels" in note for note in qc_of(cohort)["notes"])


def test_a_cohort_of_three_with_a_double_has_too_few_people(heads, tmp_path):
    for number in range(2, 8):
        shutil.rmtree(heads / f"Mueller{number}")
    shutil.copytree(heads / "Mueller0", heads / "Copy")
    with pytest.raises(Exception, match="2 subjects cannot be split"):
        Cohort.from_folder(heads, tmp_path / "run", options=SMALL, workers=0)


def test_what_stands_out_is_judged_by_the_median_and_needs_company():
    values = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02, 0.98, 5.0]
    assert _stand_out(values) == [False] * 7 + [True]
    assert _stand_out(values[-4:]) == [False] * 4
    assert _stand_out([1.0] * 8) == [False] * 8
    assert _stand_out([None, *values])[0] is False
    assert unjudged(["T1w"] * 7 + ["T2w"] * 8 + ["FLAIR"]) == ["FLAIR", "T1w"]


def test_a_scan_that_covers_only_part_of_the_head_is_flagged_and_used(heads, tmp_path):
    path = heads / "Mueller3" / "t1.nii.gz"
    image = nib.load(path)
    nib.save(image.slicer[:, :, 20:34], path)  # 14 slices of 5 mm through the brain
    options = SMALL.model_copy(update={"keep_ids": True})
    cohort = Cohort.from_folder(heads, tmp_path / "run", options=options, workers=0)
    rows = {row["subject"]: row for row in qc_of(cohort)["scans"]}
    assert rows["Mueller3"]["flags"] == ["covers only part of the head (70 mm)"]
    assert rows["Mueller3"]["height_mm"] == 70
    assert all(not row["flags"] for name, row in rows.items() if name != "Mueller3")
    assert any(note.startswith("1 scan covers only part") for note in qc_of(cohort)["notes"])
    assert "Mueller3" in {info.subject for info in cohort.slices}


@pytest.mark.realdata
def test_no_two_real_heads_are_taken_for_one_and_a_rescan_is(real_data, tmp_path):
    source = tmp_path / "ixi"
    for subject in sorted((real_data / "ixi_t1_2mm").glob("sub-*")):
        (source / subject.name).mkdir(parents=True)
        shutil.copy(subject / "t1.nii.gz", source / subject.name)
    first = min(source.iterdir())
    image = nib.load(first / "t1.nii.gz")
    rng = np.random.default_rng(0)
    # The same head a second time: other noise, other gain, moved by a voxel.
    data = np.roll(np.asanyarray(image.dataobj).astype(float), (1, 0, 1), (0, 1, 2)) * 1.2
    again = np.abs(data + 4 * rng.standard_normal(data.shape))
    (source / "zzz").mkdir()
    nib.save(nib.Nifti1Image(again.astype(np.float32), image.affine), source / "zzz" / "t1.nii")
    options = SMALL.model_copy(update={"keep_ids": True, "slices": 24})
    cohort = Cohort.from_folder(source, tmp_path / "run", options=options)
    pairs = [(pair["subjects"], pair["identical"]) for pair in qc_of(cohort)["doubles"]]
    assert pairs == [([first.name, "zzz"], False)]


def test_few_scans_are_said_not_to_be_judged(heads, tmp_path):
    for number in range(5, 8):
        shutil.rmtree(heads / f"Mueller{number}")
    cohort = Cohort.from_folder(heads, tmp_path / "run", options=SMALL, workers=0)
    assert any("T1w not judged: fewer than 8" in note for note in qc_of(cohort)["notes"])
