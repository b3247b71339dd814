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
    shape = ["--resolution", "32", "--slices", "5", *options]
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
