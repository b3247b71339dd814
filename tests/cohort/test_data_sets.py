"""Each shared set of real MRI gives the subjects, contrasts, labels and maps that it holds."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

MULTI = ["T1w", "FLAIR", "T1wCE"]


def ingest(source: Path, run: Path, **options: object) -> Cohort:
    kept = {"keep_ids": True, "keep_skull": True, "bias_field": "off"}
    values = {"resolution": 64, **kept, **options}
    return Cohort.from_folder(source, run, options=IngestOptions.parse(**values))


def people(source: Path) -> dict[str, dict[str, str]]:
    with (source / "participants.tsv").open(encoding="utf-8") as handle:
        return {row["participant_id"]: row for row in csv.DictReader(handle, delimiter="\t")}


def clean(cohort: Cohort) -> bool:
    """Whether no file was set aside, and no head taken for another's."""
    found = cohort.quality()
    return found["quarantined"] == [] and found["doubles"] == []


def test_ixi_forty_adults_with_age_sex_and_tissue(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "ixi_t1_2mm"
    options = {"label": "sex", "covariates": ["age", "sex"], "label_map": "tissue"}
    cohort = ingest(source, tmp_path / "run", **options)
    assert (cohort.contrasts, cohort.fingerprint["subjects"]) == (["T1w"], 40)
    assert len(cohort.slices) == 40 * 24
    assert clean(cohort)
    known = people(source)
    names, values = cohort.covariates("train")
    assert names == ["age", "sex=M"]
    for subject, label, line in zip(
        cohort.subjects("train"), cohort.labels("train"), values, strict=True
    ):
        assert label == known[subject]["sex"]
        np.testing.assert_allclose(line, [float(known[subject]["age"]), label == "M"])
    rows = np.arange(len(cohort.slices))
    maps = cohort.label_maps(rows)
    assert maps.values == (0, 1, 2, 3)
    assert maps.valid.all()
    # 1 fluid, 2 grey, 3 white matter: brighter in this order in every subject's T1w.
    images = np.array([cohort.image(row)[0] for row in rows])
    owners = np.array([info.subject for info in cohort.slices])
    for subject in known:
        own = owners == subject
        means = [images[own][maps.codes[own] == tissue].mean() for tissue in (1, 2, 3)]
        assert means == sorted(means), subject


def test_ixi_has_two_kinds_of_maps_and_one_of_them_is_too_fine(
    real_data: Path, tmp_path: Path
) -> None:
    source = tmp_path / "some"
    for folder in sorted((real_data / "ixi_t1_2mm").glob("sub-*"))[:4]:
        shutil.copytree(folder, source / folder.name)
    cohort = ingest(source, tmp_path / "run")
    assert cohort.label_map is None
    assert any("dlmuse (4 visits), tissue (4" in note for note in cohort.quality()["notes"])
    with pytest.raises(UserError, match=r"dlmuse has 1\d\d different values.*--label-map"):
        ingest(source, tmp_path / "run", label_map="dlmuse")


@pytest.mark.parametrize("contrasts", [["FLAIR"], MULTI])
def test_lgg_tcga_stacks_with_contrasts_masks_and_tumour_slices(
    real_data: Path, tmp_path: Path, contrasts: list[str]
) -> None:
    source = real_data / "lgg_tcga_128"
    known = people(source)
    complete = [
        name
        for name, row in known.items()
        if contrasts == ["FLAIR"] or row["has_t1"] == row["has_t1ce"] == "1"
    ]
    assert len(complete) == (54 if contrasts == ["FLAIR"] else 49)
    options = {"slices": 512, "slice_range": (0.0, 100.0), "label": "map"}
    cohort = ingest(source, tmp_path / "run", contrasts=contrasts, **options)
    assert cohort.contrasts == contrasts
    assert {info.subject for info in cohort.slices} == set(complete)
    assert clean(cohort)
    assert cohort.label_map == "mask"
    assert cohort.label_maps(np.arange(3)).values == (0, 1)
    # Every slice of the source but near-empty ones; and of its tumours those of ten pixels.
    counted = Counter(info.subject for info in cohort.slices)
    shown = Counter(info.subject for info in cohort.slices if info.label == "present")
    for name in complete:
        mask = np.asarray(nib.load(source / name / "mask.nii.gz").dataobj)
        assert counted[name] + 2 >= int(known[name]["n_slices"]) >= counted[name]
        assert shown[name] == int(((mask > 0).sum(axis=(0, 1)) >= 10).sum()), name


def test_cheng_three_classes_of_pictures_with_their_masks(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "cheng_t1ce_axial"
    cohort = ingest(source, tmp_path / "run", keep_ids=False)
    assert (cohort.contrasts, len(cohort.slices)) == (["T1wCE"], 634)
    classes = {"glioma": 316, "meningioma": 128, "pituitary": 190}
    assert cohort.fingerprint["labels"] == classes
    assert cohort.quality()["quarantined"] == []
    assert cohort.label_map == "masks"
    maps = cohort.label_maps(np.arange(634))
    assert maps.values == (0, 1)
    assert maps.valid.all()
    # The share of the picture that was drawn is that of the source's own table, on average.
    with (source / "index.tsv").open(encoding="utf-8") as handle:
        drawn = [int(row["mask_px"]) for row in csv.DictReader(handle, delimiter="\t")]
    pixel = cohort.spacing[0] * cohort.spacing[1]
    assert maps.codes.sum(axis=(1, 2)).mean() * pixel == pytest.approx(np.mean(drawn), rel=0.02)


def test_native_tiff_three_contrasts_in_a_colour_picture_with_their_masks(
    real_data: Path, tmp_path: Path
) -> None:
    source = real_data / "lgg_tcga_native_tiff"
    # One patient; each slice is taken for a subject here, since three are needed for splits.
    options = {"channels": MULTI, "contrasts": MULTI, "subjects": r"_(\d+)\.tif$", "label": "map"}
    cohort = ingest(source, tmp_path / "run", **options)
    assert (cohort.contrasts, len(cohort.slices)) == (MULTI, 9)
    assert cohort.label_map == "mask"
    for row, info in enumerate(cohort.slices):
        (path,) = source.rglob(f"*_{info.subject}_mask.tif")
        mask = np.asarray(Image.open(path)) > 0
        assert info.label == ("present" if mask.sum() >= 10 else "absent")
        found = cohort.label_maps(np.array([row]))
        assert found.values == (0, 255)
        area = (found.codes > 0).sum() * cohort.spacing[0] * cohort.spacing[1]
        assert area == pytest.approx(mask.sum(), rel=0.1, abs=25)


def test_ms_lesjak_six_patients_and_lesions_of_some(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "ms_lesjak"
    asked = {"contrasts": ["FLAIR"], "covariates": ["age", "sex", "ms_type"]}
    cohort = ingest(source, tmp_path / "run", label_map="lesion_mask", **asked)
    assert cohort.fingerprint["subjects"] == 6
    assert clean(cohort)
    owners = {info.subject: info.mapped for info in cohort.slices}
    assert owners == {name: name.startswith("sub-MSc") for name in people(source)}
    names, values = cohort.covariates("train")
    assert names == ["age", "sex=M", "ms_type=RR"]
    assert np.isfinite(values[:, :2]).all()
    told = cohort.quality()["notes"]
    assert "4 of 6 visits have no usable label map; their slices are marked" in told
    assert "covariate ms_type is missing for 3 of 6 visits" in told
    # The lesions that are drawn are bright on FLAIR: brighter than the head around them.
    rows = np.array([i for i, info in enumerate(cohort.slices) if info.mapped])
    maps, images = cohort.label_maps(rows), np.array([cohort.image(i)[0] for i in rows])
    assert images[maps.codes == 1].mean() > images[(maps.codes == 0) & (images > -0.9)].mean() + 0.2


def test_tcga_four_contrasts_of_two_patients_are_found_but_too_few(
    real_data: Path, tmp_path: Path
) -> None:
    from popgan.scans import discover

    source = real_data / "tcga_lgg_4contrast"
    found = discover(source)
    assert Counter(scan.contrast for scan in found.scans) == dict.fromkeys(
        ["T1w", "T1wCE", "T2w", "FLAIR"], 2
    )
    assert {own.name for scan in found.scans for own in scan.maps} == {"tumour_auto"}
    with pytest.raises(UserError, match="2 subjects cannot be split"):
        ingest(source, tmp_path / "run")
    # With a third patient they are a cohort; labels 1, 2 and 4 keep their values.
    for name in sorted(path.name for path in source.iterdir()):
        shutil.copytree(source / name, tmp_path / "three" / name)
    third = real_data / "ms_lesjak" / "sub-MSc07"
    shutil.copytree(third, tmp_path / "three" / "sub-third")
    contrasts = ["T1w", "T1wCE", "T2w", "FLAIR"]
    options = {"contrasts": contrasts, "label_map": "tumour_auto"}
    cohort = ingest(tmp_path / "three", tmp_path / "run", **options)
    assert cohort.contrasts == contrasts
    assert cohort.label_maps(np.arange(3)).values == (0, 1, 2, 4)
    assert {info.subject for info in cohort.slices if not info.mapped} == {"sub-third"}


SERIES = {
    "philips_ingenia_t1_mprage": ("used", "GR TR 6.501 ms, TE 2.93 ms"),
    "uih_umr770_t1_gre": ("used", "TI 750 ms"),
    "studyforrest_t1_converted": ("used", "named T1w in the description"),
    "philips_ingenia_asl_enhanced": ("left out", "arterial spin labelling"),
    "ge_mr750_epi": ("left out", "functional (echo-planar)"),
    "siemens_prisma_fmri_mosaic": ("left out", "functional (echo-planar)"),
    "siemens_prisma_dwi": ("left out", "diffusion"),
    "canon_galan_dwi_enhanced": ("left out", "diffusion"),
}


def test_dicom_of_five_vendors_every_series_with_its_reason(
    real_data: Path, tmp_path: Path
) -> None:
    cohort = ingest(real_data / "dicom_mr_vendors", tmp_path / "run", keep_ids=False)
    assert (cohort.contrasts, cohort.fingerprint["subjects"]) == (["T1w"], 3)
    assert clean(cohort)
    private = json.loads((tmp_path / "run/private/subjects.json").read_text())["dicom_series"]
    told = {Path(row["paths"][0]).parent.name: row for row in private}
    assert set(told) == set(SERIES)
    for name, (decision, reason) in SERIES.items():
        assert told[name]["decision"] == decision, name
        assert reason in told[name]["reason"], name
    public = cohort.quality()["dicom_series"]
    assert Counter(row["decision"] for row in public) == {"used": 3, "left out": 5}
