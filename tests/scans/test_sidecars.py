"""Sidecars: what is said of a scan beside it and above it, and what a name keeps to itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from popgan.scans import ScanError, discover
from popgan.scans.sidecars import Sidecars, described, read_object

MPRAGE = {"EchoTime": 0.003, "RepetitionTime": 2.3, "InversionTime": 0.9, "ScanningSequence": "GR"}
FLAIR = {"EchoTime": 0.12, "RepetitionTime": 9, "InversionTime": 2.5, "ScanningSequence": "SE\\IR"}
T2 = {"EchoTime": 0.1, "RepetitionTime": 5, "ScanningSequence": "SE"}


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def say(path: Path, **said: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said))


def sidecars(root: Path) -> Sidecars:
    return Sidecars((p.relative_to(root).as_posix(), p) for p in sorted(root.rglob("*.json")))


def test_what_is_nearer_and_more_specific_overrides(tmp_path):
    scan = "sub-1/ses-2/anat/sub-1_ses-2_acq-a_T1w.nii.gz"
    say(tmp_path / "T1w.json", EchoTime=1, FlipAngle=1, InversionTime=1, RepetitionTime=1)
    say(tmp_path / "acq-a_T1w.json", FlipAngle=2, InversionTime=2, RepetitionTime=2)
    say(tmp_path / "sub-1/sub-1_T1w.json", InversionTime=3, RepetitionTime=3)
    say(tmp_path / "sub-1/ses-2/anat/sub-1_ses-2_acq-a_T1w.json", RepetitionTime=4)
    # Another suffix, another acquisition and another subject say nothing of this scan.
    say(tmp_path / "T2w.json", Modality="CT")
    say(tmp_path / "acq-b_T1w.json", Modality="CT")
    say(tmp_path / "sub-2_T1w.json", Modality="CT")
    said = sidecars(tmp_path).of(scan)
    expected = {"EchoTime": 1, "FlipAngle": 2, "InversionTime": 3, "RepetitionTime": 4}
    assert said == expected


def test_a_file_of_no_standard_is_spoken_for_by_its_twin_alone(tmp_path):
    say(tmp_path / "a/7_scan.json", EchoTime=0.1)
    say(tmp_path / "scan.json", FlipAngle=5)
    assert sidecars(tmp_path).of("a/7_scan.nii.gz") == {"EchoTime": 0.1}
    assert sidecars(tmp_path).of("a/8_scan.nii.gz") == {}


def test_times_are_seconds_and_codes_come_in_any_spelling():
    for spelled in ("GR\\IR", "GR_IR", ["GR", "IR"], "gr ir"):
        seen = described({"EchoTime": 0.0025, "ScanningSequence": spelled}).parameters
        assert (seen.te, seen.sequence) == (2.5, ("GR", "IR"))
    junk = {"EchoTime": "0.1", "RepetitionTime": True, "FlipAngle": 1e300, "ImageType": {"a": 1}}
    seen = described(junk)
    assert (seen.parameters.te, seen.parameters.tr, seen.parameters.flip) == (None, None, None)
    assert seen.image_type == ()


@pytest.mark.parametrize(("said", "contrast"), [(MPRAGE, "T1w"), (FLAIR, "FLAIR"), (T2, "T2w")])
def test_a_name_without_contrast_takes_it_from_the_sidecar(tmp_path, said, contrast):
    touch(tmp_path, "p1/301.nii.gz")
    say(tmp_path / "p1/301.json", **said)
    result = discover(tmp_path)
    assert [scan.contrast for scan in result.scans] == [contrast]
    assert result.notes == ["1 volume has its contrast from a sidecar, not from the name"]


def test_the_name_wins_over_the_sidecar_and_the_contradiction_is_told(tmp_path):
    touch(tmp_path, "sub-1/anat/sub-1_T1w.nii.gz")
    say(tmp_path / "sub-1/anat/sub-1_T1w.json", **T2)
    result = discover(tmp_path)
    assert [scan.contrast for scan in result.scans] == ["T1w"]
    assert result.notes == ["1 volume is T1w by name, T2w by sidecar: the name is taken"]


@pytest.mark.parametrize(
    ("agent", "contrast"), [("GADOLINIUM", "T1wCE"), ("NONE", "T1w"), ("", "T1w")]
)
def test_an_agent_in_the_sidecar_tells_t1w_after_gadolinium(tmp_path, agent, contrast):
    touch(tmp_path, "sub-1/anat/sub-1_T1w.nii.gz")
    say(tmp_path / "sub-1/anat/sub-1_T1w.json", ContrastBolusIngredient=agent, **MPRAGE)
    assert [scan.contrast for scan in discover(tmp_path).scans] == [contrast]


def test_a_nameless_volume_that_is_no_anatomical_scan_is_left_out(tmp_path):
    touch(tmp_path, "p1/1.nii.gz", "p1/2.nii.gz", "p1/3.nii.gz", "p1/t1.nii.gz")
    say(tmp_path / "p1/1.json", ImageType=["ORIGINAL", "PRIMARY", "DIFFUSION"])
    say(tmp_path / "p1/2.json", ImageType=["DERIVED", "PRIMARY", "PHASE"], **MPRAGE)
    say(tmp_path / "p1/3.json", Modality="CT")
    result = discover(tmp_path)
    assert [scan.name for scan in result.scans] == ["p1/t1.nii.gz"]
    assert sum("left out" in note for note in result.notes) == 3


def test_of_several_scans_of_a_contrast_one_is_taken_by_the_stated_rule(tmp_path):
    anat = "sub-1/anat/sub-1_"
    order = ["run-2_T1w", "run-10_T1w", "rec-norm_T1w", "echo-2_T1w", "acq-hires_run-1_T1w"]
    touch(tmp_path, *[f"{anat}{name}.nii.gz" for name in (*order, "part-phase_T1w", "T1w")])
    say(tmp_path / f"{anat}T1w.json", ImageType=["DERIVED", "SECONDARY"])
    # The sidecar of the plain name holds, by inheritance, for all of them; so they say otherwise.
    for name in order:
        say(tmp_path / f"{anat}{name}.json", ImageType=["ORIGINAL", "PRIMARY"])
    for best in order:
        result = discover(tmp_path)
        assert [scan.path.name for scan in result.scans] == [f"sub-1_{best}.nii.gz"]
        assert any("further volume" in note and "first run-" in note for note in result.notes)
        (tmp_path / f"{anat}{best}.nii.gz").unlink()
    assert discover(tmp_path).scans[0].path.name == "sub-1_T1w.nii.gz"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "not readable JSON"),
        (b"\xff\xfe\x00", "not readable JSON"),
        (b"[1]", "no object"),
        (b"{", "not readable JSON"),
        (b"", "empty"),
    ],
)
def test_a_hostile_sidecar_is_refused_with_a_reason_and_harms_no_scan(tmp_path, raw, reason):
    touch(tmp_path, "p1/t1.nii.gz")
    (tmp_path / "p1/t1.json").write_bytes(raw)
    with pytest.raises(ScanError, match=reason):
        read_object(tmp_path / "p1/t1.json")
    result = discover(tmp_path)
    assert [scan.contrast for scan in result.scans] == ["T1w"]
    assert result.notes == ["1 JSON sidecar cannot be read: left out"]


def test_a_sidecar_of_100_mb_is_not_read(tmp_path):
    path = tmp_path / "t1.json"
    with path.open("wb") as handle:
        handle.truncate(100 * 2**20)
    with pytest.raises(ScanError, match="too large for a JSON sidecar"):
        read_object(path)


def test_ten_thousand_sidecars_in_one_folder_are_looked_up_at_once(tmp_path):
    names = [f"sub-1/anat/sub-1_run-{i}_T1w.nii.gz" for i in range(10_000)]
    index = Sidecars((name.replace(".nii.gz", ".json"), tmp_path / "none") for name in names)
    assert all(index.of(name) == {} for name in names)
