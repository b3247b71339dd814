"""Each shared set of real MRI gives the subjects, contrasts and labels that it is known to hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.cohort import Cohort, IngestOptions

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

# Folder: contrasts asked for, contrasts, subjects, slices, labels.
SETS = {
    "ixi_t1_2mm": (None, ["T1w"], 40, 960, []),
    "lgg_tcga_128": (["T1w", "FLAIR", "T1wCE"], ["T1w", "FLAIR", "T1wCE"], 49, None, []),
    "ms_lesjak": (["FLAIR"], ["FLAIR"], 6, None, []),
    "cheng_t1ce_axial": (None, ["T1wCE"], None, 634, ["glioma", "meningioma", "pituitary"]),
    "dicom_mr_vendors": (None, ["T1w"], 3, None, []),
}


@pytest.mark.parametrize("name", sorted(SETS))
def test_a_data_set_is_what_it_is_known_to_be(real_data: Path, tmp_path: Path, name: str) -> None:
    asked, contrasts, subjects, slices, labels = SETS[name]
    options = IngestOptions(contrasts=asked, resolution=32)
    cohort = Cohort.from_folder(real_data / name, tmp_path / "run", options=options)
    assert cohort.contrasts == contrasts
    if subjects is not None:
        assert cohort.fingerprint["subjects"] == subjects
    if slices is not None:
        assert len(cohort.slices) == slices
    assert sorted({info.label for info in cohort.slices if info.label}) == labels
    assert cohort.quality()["quarantined"] == []
    # Those who are known to share nobody: no head is taken for another's.
    if name != "cheng_t1ce_axial":
        assert cohort.quality()["doubles"] == []


def test_two_patients_are_too_few_for_three_splits(real_data: Path, tmp_path: Path) -> None:
    from popgan.errors import UserError

    with pytest.raises(UserError, match="2 subjects cannot be split"):
        Cohort.from_folder(real_data / "tcga_lgg_4contrast", tmp_path / "run")
