"""Checkpoints: whole or absent, checked before use, never pickled."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from engine import same, tiny_job
from safetensors.torch import load_file, save_file

from plans import tiny_plan
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.training import checkpoint
from popgan.training.loop import run


def trained(folder: Path):  # type: ignore[no-untyped-def]
    job, state = tiny_job(tiny_plan(), folder)
    run(job, state, Reporter())
    return job, state


def test_the_last_two_are_kept_and_the_newest_is_restored(tmp_path: Path) -> None:
    job, state = trained(tmp_path)
    names = sorted(p.name for p in job.checkpoints.iterdir())
    assert names == ["state-000000000128.safetensors", "state-000000000160.safetensors"]
    _, fresh = tiny_job(tiny_plan(), tmp_path)
    assert checkpoint.restore(fresh, job.checkpoints, "plan") == (True, [])
    assert same(state, fresh)
    assert (fresh.images, fresh.step) == (160, 20)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_a_damaged_newest_falls_back_to_the_one_before(tmp_path: Path, damage: str) -> None:
    job, _ = trained(tmp_path)
    newest = sorted(job.checkpoints.iterdir())[-1]
    content = newest.read_bytes()
    newest.write_bytes(
        {"truncated": content[: len(content) // 2], "garbage": b"x" * 999, "empty": b""}[damage]
    )
    _, fresh = tiny_job(tiny_plan(), tmp_path)
    restored, warnings = checkpoint.restore(fresh, job.checkpoints, "plan")
    assert restored
    assert fresh.images == 128
    assert len(warnings) == 1
    assert newest.name in warnings[0]


def test_tensors_of_another_shape_or_name_are_not_loaded(tmp_path: Path) -> None:
    job, _ = trained(tmp_path)
    for path in job.checkpoints.iterdir():
        tensors = load_file(path)
        tensors["generator.dense.weight"] = torch.zeros(3, 3)
        save_file(tensors, path, {"images": "1", "step": "1", "plan": "plan"})
    _, fresh = tiny_job(tiny_plan(), tmp_path)
    restored, warnings = checkpoint.restore(fresh, job.checkpoints, "plan")
    assert not restored
    assert all("generator.dense.weight" in text for text in warnings)
    assert fresh.images == 0


def test_a_full_disk_keeps_the_older_checkpoints_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, state = trained(tmp_path)
    before = sorted(job.checkpoints.iterdir())

    def full(tensors: object, path: Path, metadata: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    state.images += 8
    with pytest.raises(UserError, match="No space left"):
        checkpoint.save(state, job.checkpoints, "plan")
    assert sorted(job.checkpoints.iterdir()) == before


def test_discard_removes_all(tmp_path: Path) -> None:
    job, _ = trained(tmp_path)
    checkpoint.discard(job.checkpoints)
    assert list(job.checkpoints.iterdir()) == []
