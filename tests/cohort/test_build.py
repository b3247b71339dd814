"""Ingest from end to end: what comes out, what is set aside, what stops it."""

import hashlib
import hmac
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.terminal import RichReporter

# Heads made for tests have no brain that a network would know.
SMALL = IngestOptions(resolution=32, slices=6, keep_skull=True, bias_field="off")
HASHED = [
    "dataset/manifest.json",
    "dataset/fingerprint.json",
    "dataset/splits.json",
    "dataset/qc.json",
    "cache/slices.npy",
]


class Notes(Reporter):
    def __init__(self):
        self.lines = []

    def warning(self, text):
        self.lines.append(text)


def ingest(source, run, **options):
    return Cohort.from_folder(source, run, options=SMALL.model_copy(update=options), workers=0)


def digests(run):
    return [hashlib.sha256((run / name).read_bytes()).hexdigest() for name in HASHED]


def test_a_cohort_comes_out_of_a_folder(heads, tmp_path):
    cohort = ingest(heads, tmp_path / "run")
    assert cohort.contrasts == ["T1w"]
    assert [len(set(cohort.subjects(s))) for s in ("train", "tuning", "test")] == [6, 1, 1]
    images = cohort.images("train")
    assert images.shape == (36, 1, 32, 32)
    assert images.dtype == np.float32
    assert images.min() == -1
    assert 0.5 < images.max() <= 1
    heights = [info.height for info in cohort.slices]
    assert min(heights) == pytest.approx(0.3, abs=0.05)
    assert max(heights) == pytest.approx(0.9, abs=0.05)
    assert cohort.spacing[0] == cohort.spacing[1] > 5
    assert nib.aff2axcodes(cohort.affine) == ("R", "A", "S")


def test_nothing_shared_names_a_subject_or_a_path(heads, tmp_path):
    (heads / "Mueller3" / "t1.nii.gz").write_bytes(b"damaged")
    cohort = ingest(heads, tmp_path / "run")
    for path in (tmp_path / "run" / "dataset").iterdir():
        text = path.read_text()
        assert "Mueller" not in text
        assert str(tmp_path) not in text
    private = tmp_path / "run" / "private"
    assert private.stat().st_mode & 0o077 == 0
    key = json.loads((private / "subjects.json").read_text())
    assert {entry["source_id"] for entry in key["subjects"].values()} == {
        f"Mueller{i}" for i in range(8) if i != 3
    }
    assert "Mueller3" in key["quarantined"][0]["path"]
    assert {info.subject for info in cohort.slices} == set(key["subjects"])


def test_the_same_inputs_give_the_same_bytes_whatever_the_workers(heads, tmp_path):
    options = SMALL.model_copy(update={"keep_ids": True})  # each run folder has a key of its own
    for number, workers in enumerate((0, 1, 3)):
        Cohort.from_folder(heads, tmp_path / str(number), options=options, workers=workers)
    assert digests(tmp_path / "0") == digests(tmp_path / "1") == digests(tmp_path / "2")


def test_ingest_over_an_old_cohort_replaces_it(heads, tmp_path):
    first = ingest(heads, tmp_path / "run")
    second = ingest(heads, tmp_path / "run", slices=4)
    assert len(second.slices) < len(first.slices)
    assert Cohort.open(tmp_path / "run").hash == second.hash
    assert not [p for p in (tmp_path / "run").rglob("*") if ".part" in p.name]


def test_bad_files_are_set_aside_and_the_rest_goes_on(heads, tmp_path, write_head):
    whole = (heads / "Mueller0" / "t1.nii.gz").read_bytes()
    affine = np.diag([5.0, 5, 5, 1])
    constant = nib.Nifti1Image(np.full((30, 30, 30), 5, np.int16), affine)
    broken = np.random.default_rng(0).random((30, 30, 30)).astype(np.float32)
    broken[4, 4, 4] = np.nan
    series = nib.Nifti1Image(np.random.default_rng(0).random((9, 9, 9, 4)), affine)
    for name in ("truncated", "constant", "nan", "series", "text", "levels"):
        (heads / name).mkdir()
    (heads / "truncated" / "t1.nii.gz").write_bytes(whole[: len(whole) // 2])
    nib.save(constant, heads / "constant" / "t1.nii.gz")
    nib.save(nib.Nifti1Image(broken, affine), heads / "nan" / "t1.nii.gz")
    nib.save(series, heads / "series" / "t1.nii.gz")
    (heads / "text" / "t1.nii.gz").write_text("hello")
    labels = np.random.default_rng(0).integers(0, 4, (30, 30, 30)).astype(np.uint8)
    nib.save(nib.Nifti1Image(labels, affine), heads / "levels" / "t1.nii.gz")
    notes = Notes()
    cohort = Cohort.from_folder(heads, tmp_path / "run", options=SMALL, reporter=notes, workers=0)
    assert cohort.fingerprint["subjects"] == 8
    reasons = json.loads((tmp_path / "run" / "dataset" / "qc.json").read_text())["quarantined"]
    text = " | ".join(sorted(item["reason"] for item in reasons))
    assert len(reasons) == 6
    for word in ("truncated", "constant", "NaN", "more than three", "not a NIfTI", "label map"):
        assert word in text
    assert sum("set aside" in line for line in notes.lines) == 4


def test_no_usable_scan_is_one_line_with_a_reason(tmp_path):
    for name in "abc":
        (tmp_path / "d" / name).mkdir(parents=True)
        (tmp_path / "d" / name / "t1.nii.gz").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"none of the 3 scans can be used.*not a NIfTI"):
        ingest(tmp_path / "d", tmp_path / "run")
    assert not (tmp_path / "run" / "dataset").exists()


def test_visits_that_lack_a_contrast_are_told_where_too_few_are_left(tmp_path, write_head):
    for count in (1, 2, 3):
        write_head(tmp_path / "d" / f"s{count}" / "t1.nii.gz", count)
    write_head(tmp_path / "d" / "s1" / "t2.nii.gz", 1)
    notes, options = Notes(), SMALL.model_copy(update={"contrasts": ["T1w", "T2w"]})
    with pytest.raises(UserError, match="one subject cannot be split"):
        Cohort.from_folder(
            tmp_path / "d", tmp_path / "run", options=options, reporter=notes, workers=0
        )
    assert "2 visits without T1w and T2w left out" in notes.lines


def test_one_and_two_subjects_are_too_few_and_three_suffice(tmp_path, write_head):
    notes = Notes()
    for count in (1, 2, 3):
        write_head(tmp_path / "d" / f"s{count}" / "t1.nii.gz", count)
        if count < 3:
            with pytest.raises(UserError, match="at least 3"):
                ingest(tmp_path / "d", tmp_path / "run")
    cohort = Cohort.from_folder(
        tmp_path / "d", tmp_path / "run", options=SMALL, reporter=notes, workers=0
    )
    assert [len(set(cohort.subjects(s))) for s in ("train", "tuning", "test")] == [1, 1, 1]
    assert any("single one" in line for line in notes.lines)


def test_mixed_resolutions_give_heads_of_the_same_size(tmp_path, write_head):
    # The same three heads at 5 mm and at 4 mm.
    for seed in range(3):
        write_head(tmp_path / "d" / f"a{seed}" / "t1.nii.gz", seed, spacing=5)
        write_head(tmp_path / "d" / f"b{seed}" / "t1.nii.gz", seed, spacing=4)
    notes = Notes()
    cohort = Cohort.from_folder(
        tmp_path / "d", tmp_path / "run", options=SMALL, reporter=notes, workers=0
    )
    assert cohort.fingerprint["native"]["mixed"]
    assert any("different resolutions" in line for line in notes.lines)
    key = json.loads((tmp_path / "run" / "private" / "subjects.json").read_text())["subjects"]
    areas = {}
    for split in ("train", "tuning", "test"):
        for image, subject in zip(cohort.images(split), cohort.subjects(split), strict=True):
            name = key[subject]["source_id"]
            areas.setdefault(name, []).append((image > -0.6).sum())
    for seed in range(3):
        assert max(areas[f"a{seed}"]) == pytest.approx(max(areas[f"b{seed}"]), rel=0.06)


def test_the_subjects_right_is_on_the_left_of_the_picture(tmp_path, write_head):
    for seed in range(3):
        path = write_head(tmp_path / "d" / f"s{seed}" / "t1.nii.gz", seed)
        image = nib.load(path)
        data = np.asanyarray(image.dataobj).copy()
        data[data.shape[0] // 2 + 1 :] *= 2  # RAS: the upper half of axis 0 is the right side
        flipped = nib.Nifti1Image(data[::-1, ::-1], image.affine @ np.diag([-1, -1, 1, 1]))
        flipped.affine[:3, 3] += (data.shape[0] - 1) * 5, (data.shape[1] - 1) * 5, 0
        nib.save(nib.Nifti1Image(flipped.dataobj, flipped.affine), path)
    images = ingest(tmp_path / "d", tmp_path / "run").images("train")[:, 0]
    assert images[:, :, :15].mean() > images[:, :, 17:].mean() + 0.1


def test_contrasts_become_channels_and_visits_without_one_are_left_out(heads, tmp_path, write_head):
    for seed in range(5):
        write_head(heads / f"Mueller{seed}" / "flair.nii.gz", seed, spacing=4, bright=300)
    notes = Notes()
    cohort = Cohort.from_folder(
        heads,
        tmp_path / "run",
        options=SMALL.model_copy(update={"contrasts": ["T1w", "FLAIR"]}),
        reporter=notes,
        workers=1,
    )
    images = cohort.images("train")
    assert images.shape[1] == 2
    assert cohort.fingerprint["subjects"] == 5
    assert cohort.fingerprint["native"]["regridded_scans"] == 5
    assert any("3 visits without T1w and FLAIR" in line for line in notes.lines)
    # Both contrasts show one head: another grid may blur, it may not shift.
    first, second = (images[:, c] > -0.6 for c in (0, 1))
    assert (first & second).sum() / (first | second).sum() > 0.93


def test_a_contrast_that_is_not_there_lists_those_that_are(heads, tmp_path):
    with pytest.raises(UserError, match=r"FLAIR is not in the cohort; choose among T1w \(8\)"):
        ingest(heads, tmp_path / "run", contrasts=["FLAIR"])


def test_pictures_with_classes_keep_their_labels(tmp_path):
    rng = np.random.default_rng(0)
    grid = np.indices((60, 60)) - 30
    for name in ("glioma", "healthy"):
        (tmp_path / "d" / name).mkdir(parents=True)
        for i in range(45):
            radius = np.hypot(grid[0] / 26, grid[1] / 21)
            pixels = np.where(radius < 1, 150 + 40 * np.sin(grid[0] / 3 + i), 0)
            pixels = (pixels + rng.uniform(0, 9, pixels.shape)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "d" / name / f"{i:03d}.png")
    notes = Notes()
    cohort = Cohort.from_folder(
        tmp_path / "d", tmp_path / "run", options=SMALL, reporter=notes, workers=0
    )
    assert cohort.fingerprint["labels"] == {"glioma": 45, "healthy": 45}
    assert cohort.fingerprint["spacing_known"] is False
    assert cohort.fingerprint["heights_known"] is False
    assert set(cohort.labels("train")) <= {"glioma", "healthy"}
    assert any("leakage" in line for line in notes.lines)
    assert any("1 mm" in line for line in notes.lines)


def test_covariates_stay_private(heads, tmp_path):
    (heads / "participants.tsv").write_text("participant_id\tage\tsex\nMueller0\t61.5\tF\n")
    ingest(heads, tmp_path / "run")
    key = json.loads((tmp_path / "run" / "private" / "subjects.json").read_text())["subjects"]
    covariates = {entry["source_id"]: entry["covariates"] for entry in key.values()}
    assert covariates["Mueller0"] == {"age": "61.5", "sex": "F"}
    assert "61.5" not in (tmp_path / "run" / "dataset" / "manifest.json").read_text()


def test_progress_bars_do_not_nest(heads, tmp_path):
    # A terminal shows one live bar at a time; rich refuses a second one.
    Cohort.from_folder(heads, tmp_path / "run", options=SMALL, reporter=RichReporter(), workers=0)


def test_only_who_has_the_key_can_tell_a_scan_by_its_hash(heads, tmp_path):
    ingest(heads, tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "dataset" / "manifest.json").read_text())
    plain = {hashlib.sha256(p.read_bytes()).hexdigest() for p in heads.rglob("t1.nii.gz")}
    text = json.dumps(manifest)
    assert not any(digest in text for digest in plain)
    key = bytes.fromhex((tmp_path / "run" / "private" / "pseudonyms.key").read_text())
    sealed = {hmac.new(key, d.encode(), hashlib.sha256).hexdigest() for d in plain}
    assert {scan["digest"] for scan in manifest["scans"]} == sealed
    subjects = json.loads((tmp_path / "run" / "private" / "subjects.json").read_text())["subjects"]
    assert {d for entry in subjects.values() for d in entry["sha256"]} == plain


def test_too_few_subjects_are_an_error_that_tells_what_became_of_each_file(heads, tmp_path):
    kept = sorted(heads.iterdir())[:3]
    source = tmp_path / "few"
    for folder in kept:
        shutil.copytree(folder, source / folder.name)
    (source / kept[0].name / "t1.nii.gz").write_bytes(b"no scan")
    with pytest.raises(UserError, match=r"2 subjects cannot be split.*dataset/qc\.json"):
        ingest(source, tmp_path / "run")
    told = json.loads((tmp_path / "run" / "dataset" / "qc.json").read_text())
    assert len(told["quarantined"]) == 1
    assert not (tmp_path / "run" / "dataset" / "manifest.json").exists()


def test_a_run_folder_that_cannot_be_made_is_one_line(heads, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be"):
        ingest(heads, tmp_path / "file" / "run")


def test_the_source_hash_follows_files_and_options_only(heads, tmp_path):
    before = Cohort.source_hash(heads, SMALL)
    assert before == Cohort.source_hash(heads, SMALL)
    assert before != Cohort.source_hash(heads, SMALL.model_copy(update={"seed": 1}))
    (heads / ".hidden").write_text("x")
    assert before == Cohort.source_hash(heads, SMALL)
    shutil.copy(heads / "Mueller0" / "t1.nii.gz", heads / "Mueller0" / "t2.nii.gz")
    assert before != Cohort.source_hash(heads, SMALL)
    with pytest.raises(UserError, match="no folder"):
        Cohort.source_hash(tmp_path / "nope", SMALL)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "contrast", "kind"),
    [("lgg_tcga_128", "FLAIR", "stack"), ("ms_lesjak", "T2w", None)],
)
def test_real_data_sets_are_ingested(real_data, tmp_path, name, contrast, kind):
    source = tmp_path / "source"
    for folder in sorted((real_data / name).glob("sub-*"))[:6]:
        shutil.copytree(folder, source / folder.name, copy_function=shutil.copyfile)
    cohort = ingest(source, tmp_path / "run", contrasts=[contrast])
    assert cohort.contrasts == [contrast]
    assert len(cohort.slices) == 6 * cohort.fingerprint["subjects"]
    if kind is not None:
        assert cohort.fingerprint["kinds"] == {kind: 6}
        assert cohort.fingerprint["spacing_known"] is False
    images = cohort.images("train")
    assert -0.9 < images.mean() < 0


@pytest.mark.realdata
def test_real_pictures_are_ingested_without_their_masks(real_data, tmp_path):
    source = tmp_path / "t1ce"
    for kind in ("images", "masks"):
        for folder in (real_data / "cheng_t1ce_axial" / kind).iterdir():
            for path in sorted(folder.iterdir())[:21]:
                (source / kind / folder.name).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, source / kind / folder.name / path.name)
    cohort = ingest(source, tmp_path / "run")
    assert cohort.contrasts == ["T1wCE"]
    assert cohort.fingerprint["labels"] == {"glioma": 21, "meningioma": 21, "pituitary": 21}
    assert cohort.fingerprint["label_maps"] == 63
