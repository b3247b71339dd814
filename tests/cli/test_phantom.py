"""`popgan phantom`: what can be asked for is made, always the same; what cannot is one line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from small_runs import call

SMALL = ("--spacing", "6", "-q")
RICH = ("--contrasts", "T1w,T2w,FLAIR,PDw,T1wCE", "--lesions", "mixed", "--sites", "3")


def made(folder: Path, *options: object) -> Path:
    answer = call("phantom", "-o", folder, *SMALL, *options)
    assert answer.status == 0, answer
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rich") / "cohort"
    return made(folder, "-n", 6, *RICH, "--artefacts", "0.5", "--workers", "1")


def test_the_same_bytes_come_whatever_the_number_of_workers(rich: Path, tmp_path: Path) -> None:
    options = ("-n", 6, *RICH, "--artefacts", "0.5")
    again = made(tmp_path / "again", *options, "--workers", "3")
    assert digests(again) == digests(rich)


def test_one_subject_can_be_made_alone(rich: Path, tmp_path: Path) -> None:
    alone = made(tmp_path / "alone", "-n", 1, "--first", 4, *RICH, "--artefacts", "0.5")
    whole, part = digests(rich), digests(alone)
    own = [name for name in part if "sub-phantom0005" in name]
    assert len(own) >= 13
    assert all(part[name] == whole[name] for name in own)
    assert not any("sub-phantom0001" in name for name in part)


def test_groups_sites_and_sidecars_say_what_was_done(rich: Path) -> None:
    lines = (rich / "participants.tsv").read_text().splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    assert [row["site"] for row in rows] == ["site-01", "site-02", "site-03"] * 2
    assert {row["group"] for row in rows} == {"healthy", "ms", "tumour"}
    derived = rich / "derivatives/phantom"
    for row in rows:
        name = row["participant_id"]
        mask = derived / name / "anat" / f"{name}_label-lesion_mask.nii.gz"
        assert mask.exists() == (row["group"] != "healthy")
        truth = json.loads((derived / name / "anat" / f"{name}_probseg.json").read_text())
        image = nib.load(derived / name / "anat" / f"{name}_probseg.nii.gz")
        assert image.shape[3] == len(truth["LabelMap"]) == (7 if row["group"] == "healthy" else 11)
        assert image.get_fdata().sum(axis=3).max() == pytest.approx(1, abs=0.03)
        assert truth["PhantomParameters"]["age"] == pytest.approx(float(row["age"]), abs=0.05)
        sidecar = json.loads((rich / name / "anat" / f"{name}_FLAIR.json").read_text())
        assert sidecar["InversionTime"] == 2.5
        assert sidecar["MagneticFieldStrength"] == 3
        assert sidecar["EchoTime"] == pytest.approx(0.12, rel=0.2)
        enhanced = rich / name / "anat" / f"{name}_ce-gadolinium_T1w.json"
        assert json.loads(enhanced.read_text())["ContrastBolusIngredient"] == "GADOLINIUM"


def test_brains_alone_at_the_other_field(tmp_path: Path) -> None:
    folder = made(tmp_path / "bare", "-n", 1, "--no-skull", "--field", "1.5", "--seed", 3)
    path = folder / "sub-phantom0001/anat/sub-phantom0001_T1w.nii.gz"
    assert (np.asanyarray(nib.load(path).dataobj) == 0).mean() > 0.6
    sidecar = json.loads(path.with_name("sub-phantom0001_T1w.json").read_text())
    assert sidecar["MagneticFieldStrength"] == 1.5
    assert sidecar["SkullStripped"] is True


def test_a_protocol_file_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "protocol.yaml"
    file.write_text("sequences: {T1w: {kind: spgr, tr: 18, te: 10, angle: 30}}\n")
    folder = made(tmp_path / "spgr", "-n", 1, "--protocol", file)
    sidecar = json.loads((folder / "sub-phantom0001/anat/sub-phantom0001_T1w.json").read_text())
    assert (sidecar["RepetitionTime"], sidecar["FlipAngle"]) == (0.018, 30)


def test_ellipsoids_need_no_atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from popgan.phantom import template

    monkeypatch.setattr(template, "_atlas_folder", lambda: None)
    template.load_template.cache_clear()
    try:
        answer = call("phantom", "-o", tmp_path / "none", "-n", 1, *SMALL)
        assert answer.status == 2
        assert "nilearn" in answer.line
        assert "--anatomy ellipsoids" in answer.line
        assert not (tmp_path / "none").exists()
        folder = made(tmp_path / "plain", "-n", 1, "--anatomy", "ellipsoids")
    finally:
        template.load_template.cache_clear()
    assert "ellipsoids" in (folder / "dataset_description.json").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--contrasts", "T1w,T9w"), "no contrast 'T9w'"),
        (("--contrasts", ""), "(none)"),
        (("--contrasts", "T1w,T1w"), "each once"),
        (("--field", "7"), "not at 7 T"),
        (("--field", "nan"), "not at nan T"),
        (("--spacing", "0.5"), "0.5 mm is not possible"),
        (("--lesions", "stroke"), "no lesions of kind 'stroke'"),
        (("--sites", "0"), "0 sites"),
        (("--artefacts", "2"), "artefacts in 2"),
        (("--anatomy", "mouse"), "no anatomy is called 'mouse'"),
        (("--workers", "many"), "--workers many is not possible"),
        (("--protocol", "missing.yaml"), "does not exist"),
        (("-n", "-3"), "-n"),
        (("-n", "0"), "-n"),
        (("--first", "-1"), "--first"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    options: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call("phantom", "-o", "cohort", *options)
    assert answer.status == 2
    assert says in answer.line
    assert len(answer.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sequences: {T2w: {te: 5000}}", "TE 5000 ms does not fit into TR 4000 ms"),
        ("sequences: {FLAIR: {ti: 9500}}", "TI 9500 ms does not fit into TR 9000 ms"),
        ("tissues: {liver: {t1: 800}}", "no tissue 'liver'"),
    ],
)
def test_a_protocol_that_cannot_be_is_one_line(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "protocol.yaml"
    file.write_text(text)
    answer = call("phantom", "-o", tmp_path / "cohort", "--protocol", file)
    assert answer.status == 2
    assert says in answer.line
    assert "protocol.yaml" in answer.line
    assert [path.name for path in tmp_path.iterdir()] == ["protocol.yaml"]
