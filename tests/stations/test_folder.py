"""The run folder: recognised, locked, swept, and taken back if nothing came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.stations.folder import LOCK, is_run, locked, require_run


@pytest.mark.parametrize("mark", [LOCK, "provenance.json", "dataset/manifest.json"])
def test_a_run_is_known_by_what_popgan_leaves_there(tmp_path: Path, mark: str) -> None:
    assert not is_run(tmp_path)
    (tmp_path / mark).parent.mkdir(exist_ok=True)
    (tmp_path / mark).touch()
    assert is_run(tmp_path)
    require_run(tmp_path)


def test_a_second_worker_is_turned_away_and_the_first_not_disturbed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with locked(run, make=True):
        (run / ".part-1-x").touch()
        for make in (True, False):
            with (
                pytest.raises(UserError, match="another popgan works"),
                locked(run, make=make),
            ):
                pytest.fail("two at once")
        assert (run / ".part-1-x").exists(), "the first one's temporary files must stay"
    with locked(run):
        pass


def test_only_a_start_makes_a_folder(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(UserError), locked(folder):
            pytest.fail("not a run")
    assert list(tmp_path.iterdir()) == []


def test_leavings_of_killed_processes_are_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    kept = ["models/a/weights.safetensors", "private/checkpoints/a/state-1.safetensors", "x.part"]
    swept = [
        ".part-9-provenance.json",
        "cache/.part-9-slices.npy",
        "cache/.part-9-phantom-0/sub-1/t1.nii.gz",
        "dataset/.part-9-qc.json",
        "models/a/.part-9-weights.safetensors",
        "models/a/samples/.part-9-1.png",
        "private/.part-9-subjects.json",
        "private/checkpoints/a/.part-9-state-2.safetensors",
        "synthetic/.part-9-a/sub-1/x.json",
        "evaluation/.part-9-a.json",
    ]
    for name in kept + swept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with locked(tmp_path):
        pass
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {LOCK, *kept}


def test_a_link_among_the_leavings_is_removed_and_not_followed(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    other.mkdir()
    (other / "scan.nii").touch()
    run.mkdir()
    (run / LOCK).touch()
    (run / ".part-1-x").symlink_to(other)
    with locked(run):
        pass
    assert not (run / ".part-1-x").exists()
    assert (other / "scan.nii").exists()


def test_a_failed_start_takes_its_folder_back(tmp_path: Path) -> None:
    run = tmp_path / "deep" / "run"
    with pytest.raises(KeyboardInterrupt), locked(run, make=True):
        (run / "private").mkdir()
        (run / "cache").mkdir()
        raise KeyboardInterrupt
    assert not run.exists()


def test_a_failed_start_keeps_what_was_there_and_what_was_made(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ZeroDivisionError), locked(empty, make=True):
        raise ZeroDivisionError
    assert list(empty.iterdir()) == [], "the user's own empty folder stays, and stays empty"
    run = tmp_path / "run"
    with pytest.raises(ZeroDivisionError), locked(run, make=True):
        (run / "cache/phantom-0").mkdir(parents=True)
        raise ZeroDivisionError
    assert {path.name for path in run.iterdir()} == {LOCK, "cache"}
    with locked(run, make=True):
        pass


def test_a_file_system_without_locks_is_worked_on(tmp_path: Path, monkeypatch) -> None:
    import fcntl

    def unknown(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with locked(tmp_path / "run", make=True):
        pass
