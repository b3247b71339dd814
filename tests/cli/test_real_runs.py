"""The main line on real MRI: it ends, and nothing that may be shared names a patient."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from small_runs import call, sets

pytestmark = pytest.mark.realdata


def some_subjects(source: Path, folder: Path, count: int, contrasts: list[str]) -> Path:
    """Copies of the first subjects that have all contrasts; links would not be followed."""
    found = [
        subject
        for subject in sorted(source.glob("sub-*"))
        if all((subject / f"{name}.nii.gz").exists() for name in contrasts)
    ]
    for subject in found[:count]:
        shutil.copytree(subject, folder / subject.name)
    return folder


def words_of(run: Path) -> str:
    """All text of what may leave the run folder; pictures are left out of the pages."""
    files = [run / "report.html", run / "provenance.json", *run.glob("dataset/*")]
    files += [p for p in run.glob("models/*/*") if p.is_file()]
    files += [p for p in run.glob("synthetic/popgan/**/*") if p.suffix in (".json", ".tsv", "")]
    text = [p.read_bytes().decode("utf-8", "replace") for p in files if p.is_file()]
    return re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", "\n".join(text))


@pytest.mark.parametrize(
    ("source", "files", "options", "identity"),
    [
        ("ixi_t1_2mm", ["t1"], [], r"IXI\d{3}"),
        ("lgg_tcga_128", ["t1", "flair"], ["--contrast", "T1w,FLAIR"], r"TCGA\w{2}\d{4}"),
    ],
)
def test_a_run_on_patients(
    real_data: Path,
    tmp_path: Path,
    source: str,
    files: list[str],
    options: list[str],
    identity: str,
) -> None:
    scans = some_subjects(real_data / source, tmp_path / "scans", 12, files)
    run = tmp_path / "run"
    shape = ["--resolution", "32", "--slices", "5", "--keep-skull", "--bias-field", "off", *options]
    command = ["run", scans, "-o", run, *shape, *sets(network__channels="[16, 16, 8]")]
    answer = call(*command, "--json")
    assert answer.status == 0, answer
    # A generator that has hardly begun must not be called good.
    assert answer.result["kid"]["value"] > 0.3
    assert not answer.result["verdict"].startswith("close")
    said = words_of(run)
    assert len(said) > 10_000
    assert re.findall(identity, said) == []
    assert str(tmp_path) not in said
    private = json.loads((run / "private/subjects.json").read_text())
    assert len(private["subjects"]) == 12
    assert all(re.search(identity, entry["source_id"]) for entry in private["subjects"].values())
    anat = run / "synthetic/popgan/sub-syn0001/anat"
    assert len(list(anat.glob("*.nii.gz"))) == len(files)


@pytest.mark.slow
def test_a_run_on_dicom_of_two_vendors_and_nifti_in_one_folder(
    real_data: Path, tmp_path: Path
) -> None:
    scans, run = tmp_path / "Mueller clinic", tmp_path / "run"
    for name in ("philips_ingenia_t1_mprage", "uih_umr770_t1_gre"):
        shutil.copytree(real_data / "dicom_mr_vendors" / name, scans / "pacs" / name)
    some_subjects(real_data / "ixi_t1_2mm", scans, 10, ["t1"])
    shutil.copyfile(real_data / "ixi_t1_2mm/participants.tsv", scans / "participants.tsv")
    # Parts of heads, whose faces are in the way of any other choice.
    shape = ["--resolution", "32", "--slices", "5", "--keep-skull", "--bias-field", "off"]
    words = ["--covariate", "age,sex", "--label-map", "tissue"]
    settings = sets(network__channels="[16, 16, 8]")
    answer = call("run", scans, "-o", run, *shape, *words, *settings, "--json")
    assert answer.status == 0, answer
    private = json.loads((run / "private/subjects.json").read_text())
    people = {entry["source_id"]: own for own, entry in private["subjects"].items()}
    assert len(people) == 12
    assert sum(name.startswith("sub-IXI") for name in people) == 10
    decisions = {
        Path(row["paths"][0]).parent.name: (row["decision"], row["contrast"], row["subject"])
        for row in private["dicom_series"]
    }
    for name in ("philips_ingenia_t1_mprage", "uih_umr770_t1_gre"):
        decision, contrast, subject = decisions[name]
        assert (decision, contrast) == ("used", "T1w")
        assert subject in private["subjects"]
    # Everybody is in one split, by pseudonym; those from DICOM have neither age nor map.
    splits = json.loads((run / "dataset/splits.json").read_text())["splits"]
    assert sorted(own for split in splits.values() for own in split) == sorted(people.values())
    manifest = json.loads((run / "dataset/manifest.json").read_text())
    values = {row["subject"]: row["values"] for row in manifest["covariates"]["rows"]}
    for name, own in people.items():
        assert (None in values[own]) == (not name.startswith("sub-IXI"))
    rows = zip(manifest["slices"], manifest["label_map"]["valid"], strict=True)
    mapped = {row["subject"] for row, valid in rows if valid}
    assert mapped == {own for name, own in people.items() if name.startswith("sub-IXI")}
    assert (run / "report.html").stat().st_size > 10_000
    said = words_of(run)
    secret = [*(name.removeprefix("sub-") for name in people), "Mueller", str(tmp_path)]
    secret += [text for row in private["dicom_series"] for text in (row["series_uid"],)]
    assert [word for word in secret if word in said] == []
