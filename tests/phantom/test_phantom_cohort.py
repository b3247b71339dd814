"""A phantom cohort is a data set like any other: valid, repeatable, and ingested the same way."""

import hashlib
import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError
from popgan.phantom import Study
from popgan.phantom.cohort import write_cohort


def digests(folder):
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    write_cohort(folder, 4, seed=3, spacing=4.0, contrasts=("T1w", "T2w"))
    return folder


def test_the_same_seed_gives_the_same_bytes_and_more_subjects_change_none(cohort, tmp_path):
    write_cohort(tmp_path, 2, seed=3, spacing=4.0, contrasts=("T1w", "T2w"))
    whole, part = digests(cohort), digests(tmp_path)
    shared = [name for name in part if name.endswith(".nii.gz")]
    assert len(shared) == 8
    assert all(part[name] == whole[name] for name in shared)


def test_another_seed_gives_other_people(cohort, tmp_path):
    write_cohort(tmp_path, 1, seed=4, spacing=4.0)
    name = "sub-phantom0001/anat/sub-phantom0001_T1w.nii.gz"
    assert digests(tmp_path)[name] != digests(cohort)[name]


def test_the_layout_is_bids_with_labels_apart(cohort):
    names = set(digests(cohort))
    assert "sub-phantom0004/anat/sub-phantom0004_T2w.json" in names
    assert "derivatives/phantom/sub-phantom0001/anat/sub-phantom0001_dseg.nii.gz" in names
    rows = (cohort / "participants.tsv").read_text().splitlines()
    assert rows[0] == "participant_id\tage\tsex\tgroup\tsite"
    assert len(rows) == 5
    description = json.loads((cohort / "dataset_description.json").read_text())
    assert description["DatasetType"] == "raw"
    sidecar = cohort / "sub-phantom0001" / "anat" / "sub-phantom0001_T1w.json"
    assert json.loads(sidecar.read_text())["Synthetic"] is True


def test_labels_lie_on_the_scan_and_tissues_have_their_brightness(cohort):
    scan = nib.load(cohort / "sub-phantom0002" / "anat" / "sub-phantom0002_T1w.nii.gz")
    folder = cohort / "derivatives" / "phantom" / "sub-phantom0002" / "anat"
    labels = nib.load(folder / "sub-phantom0002_dseg.nii.gz")
    np.testing.assert_allclose(scan.affine, labels.affine)
    data, label = scan.get_fdata(), np.asanyarray(labels.dataobj)
    fluid, grey, white = (np.median(data[label == k]) for k in (1, 2, 3))
    assert fluid < 0.6 * white
    assert fluid < grey < 0.9 * white


def test_it_is_ingested_like_real_heads_and_heights_are_true(cohort, tmp_path):
    made = Cohort.from_folder(
        cohort, tmp_path, options=IngestOptions(resolution=32, slices=8), workers=0
    )
    assert made.contrasts == ["T1w"]
    assert made.fingerprint["kinds"] == {"head": 4}
    # The true tissues come along as a label map; their fractions are none.
    assert made.fingerprint["label_maps"] == 8
    assert made.label_map == "dseg"
    maps = made.label_maps(made.indices("train"))
    assert maps.valid.all()
    images = made.images("train")[:, 0]
    fluid, white = (images[maps.codes == maps.values.index(tissue)].mean() for tissue in (1, 3))
    assert fluid < white - 0.5
    assert made.images("train").shape[1:] == (1, 32, 32)
    key = json.loads((tmp_path / "private" / "subjects.json").read_text())["subjects"]
    errors = []
    for info in made.slices:
        name = key[info.subject]["source_id"]
        path = cohort / "derivatives" / "phantom" / name / "anat" / f"{name}_dseg.nii.gz"
        image = nib.load(path)
        label = np.asanyarray(image.dataobj)
        present = np.flatnonzero((label >= 2).any(axis=(0, 1)))
        low, high = (image.affine[2, 3] + (present[i] + s) * 4 for i, s in ((0, -0.5), (-1, 0.5)))
        errors.append(info.height - (info.position_mm - low) / (high - low))
    assert np.abs(errors).mean() < 0.06


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 0}, "at least 1"),
        ({"spacing": 0.1}, "1 to 8 mm"),
        ({"spacing": float("nan")}, "1 to 8 mm"),
        ({"contrasts": ("T9w",)}, "choose among T1w, T2w, PDw, FLAIR"),
        ({"contrasts": ()}, "choose among"),
        ({"contrasts": ("T1w", "T1w")}, "each once"),
    ],
)
def test_impossible_cohorts_are_one_clear_line(tmp_path, values, message):
    with pytest.raises(UserError, match=message):
        write_cohort(tmp_path, **values)
    assert list(tmp_path.iterdir()) == []


def test_the_template_is_read_without_importing_nilearn():
    code = (
        "import sys; from popgan.phantom.template import _atlas_folder; _atlas_folder();"
        "assert not any(name.split('.')[0] == 'nilearn' for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_bids_validator_has_no_error(tmp_path):
    import shutil

    command = shutil.which("bids-validator-deno")
    if command is None:
        pytest.skip("bids-validator-deno is not installed")
    contrasts = ("T1w", "T2w", "FLAIR", "PDw", "T1wCE")
    study = Study(contrasts=contrasts, spacing=4.0, lesions="mixed", sites=3, artefacts=0.5)
    write_cohort(tmp_path, 6, study=study)
    for folder in (tmp_path, tmp_path / "derivatives/phantom"):
        done = subprocess.run(
            [command, str(folder), "--format", "json"], capture_output=True, text=True, check=False
        )
        issues = json.loads(done.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []
