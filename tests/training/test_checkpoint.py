"""Checkpoints: whole or absent, checked before use, never pickled."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from engine import same, tiny_job
from safetensors.torch import load_file, save_file

from plans import tiny_plan
from popgan.errors import DiskError, UserError
from popgan.progress import Reporter
from popgan.training import checkpoint
from popgan.training.log import read_log
from popgan.training.loop import run
from popgan.training.tensors import read_metadata
from popgan.training.ticks import resume
from small_runs import full_disk


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
    with pytest.raises(UserError, match=r"none of the 2 checkpoints.*generator\.dense\.weight"):
        checkpoint.restore(fresh, job.checkpoints, "plan")
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
    with pytest.raises(DiskError, match="No space left"):
        checkpoint.save(state, job.checkpoints, "plan")
    assert sorted(job.checkpoints.iterdir()) == before


def test_a_disk_that_is_full_keeps_the_older_checkpoints(tmp_path: Path) -> None:
    job, state = trained(tmp_path)
    before = {path.name: path.read_bytes() for path in job.checkpoints.iterdir()}
    state.images += 8
    with full_disk(2000), pytest.raises(DiskError, match="cannot be written"):
        checkpoint.save(state, job.checkpoints, "plan")
    assert {path.name: path.read_bytes() for path in job.checkpoints.iterdir()} == before


@pytest.mark.parametrize(
    "change",
    [
        {"images": "-5"},
        {"images": str(10**18)},
        {"images": "nan"},
        {"images": "9" * 10_000},
        {"images": "159"},
        {"step": "161"},
        {"step": "-1"},
        {"guard": "{}}"},
        {"guard": '{"rate": NaN}'},
        {"guard": '{"rate": 7}'},
        {"guard": '{"rate": 1, "more": 2}'},
        {"guard": '{"scores": [{"images": 8, "kid": Infinity}]}'},
        {"guard": '{"good": 161}'},
        {"guard": '{"back": 200}'},
        {"plan": None},
    ],
)
def test_metadata_that_cannot_be_are_not_believed(
    tmp_path: Path, change: dict[str, str | None], state_160: dict[str, object]
) -> None:
    tensors, metadata = state_160["tensors"], dict(state_160["metadata"])  # type: ignore[call-overload]
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for images, entry in ((152, {"guard": '{"good": 152}'}), (160, change)):
        entries = metadata | {"images": str(images), "step": str(images // 8)} | entry
        known = {key: value for key, value in entries.items() if value is not None}
        save_file(tensors, checkpoint.place(folder, images), known)
    _, fresh = tiny_job(tiny_plan(), tmp_path)
    restored, warnings = checkpoint.restore(fresh, folder, "plan")
    assert restored
    assert fresh.images == 152
    assert len(warnings) == 1
    assert len(warnings[0]) < 400


def test_half_an_optimiser_is_no_optimiser(tmp_path: Path, state_160: dict[str, object]) -> None:
    _, fresh = tiny_job(tiny_plan(), tmp_path)
    path = checkpoint.place(tmp_path, 160)
    left = dict(state_160["tensors"])  # type: ignore[call-overload]
    del left["optimiser.G.exp_avg.dense.weight"]
    save_file(left, path, state_160["metadata"])
    with pytest.raises(UserError, match="not complete"):
        checkpoint.restore(fresh, tmp_path, "plan")
    assert path.exists()


@pytest.fixture(scope="module")
def state_160(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Tensors and metadata of a finished training's last checkpoint."""
    job, _ = trained(tmp_path_factory.mktemp("trained"))
    path = checkpoint.place(job.checkpoints, 160)
    return {"tensors": load_file(path), "metadata": read_metadata(path)}


def test_nothing_is_overwritten_where_nothing_can_be_read(tmp_path: Path) -> None:
    job, _ = trained(tmp_path)
    for path in job.checkpoints.iterdir():
        path.write_bytes(b"x" * 100)
    before = sorted(path.name for path in job.checkpoints.iterdir())
    job, state = tiny_job(tiny_plan(), tmp_path)
    with pytest.raises(UserError, match="none of the 2 checkpoints can be read"):
        run(job, state, Reporter())
    assert sorted(path.name for path in job.checkpoints.iterdir()) == before
    assert len(job.log.rows) == 5


def test_the_last_good_checkpoint_is_kept_beside_the_latest(tmp_path: Path) -> None:
    _, state = tiny_job(tiny_plan(), tmp_path)
    for images in range(0, 48, 8):
        state.images, state.step = images, images // 8
        good = min(images, 8)  # nothing after the second was good
        state.guard = state.guard.model_copy(update={"good": good})
        checkpoint.save(state, tmp_path, "plan")
    assert [int(path.stem[6:]) for path in checkpoint.found(tmp_path)] == [40, 32, 8]


def test_discard_removes_all(tmp_path: Path) -> None:
    job, _ = trained(tmp_path)
    checkpoint.discard(job.checkpoints)
    assert list(job.checkpoints.iterdir()) == []


def test_after_a_fallback_the_readable_checkpoint_counts_and_not_the_damaged_one(
    tmp_path: Path,
) -> None:
    job, _ = trained(tmp_path)
    newest = checkpoint.place(job.checkpoints, 160)
    newest.write_bytes(b"x" * 999)
    _, fresh = tiny_job(tiny_plan(), tmp_path)
    resume(job, fresh, Reporter())
    fresh.images = 152
    checkpoint.save(fresh, job.checkpoints, "plan")
    kept = [checkpoint.place(job.checkpoints, images) for images in (152, 128)]
    assert checkpoint.found(job.checkpoints) == kept
    assert newest.with_suffix(".damaged").read_bytes() == b"x" * 999


@pytest.mark.filterwarnings("ignore:.*meta parameter")
def test_a_state_is_loaded_to_where_its_networks_compute(tmp_path: Path) -> None:
    # "meta" stands for a GPU: checkpoints are read to the CPU.
    _, state = trained(tmp_path)
    _, other = tiny_job(tiny_plan(), tmp_path / "other")
    for name in ("generator", "discriminator", "average"):
        getattr(other, name).to("meta")
    for name in other.optimisers:
        other.optimisers[name] = torch.optim.Adam(other.network(name).parameters())
        other.optimisers[name].defaults["fused"] = True
    other.load(state.tensors(), state.images, state.step)
    kept = [items for optimiser in other.optimisers.values() for items in optimiser.state.values()]
    assert kept
    assert {(name, value.device.type) for items in kept for name, value in items.items()} == {
        ("step", "meta"),
        ("exp_avg", "meta"),
        ("exp_avg_sq", "meta"),
    }


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b'"', b"1,2\n\x00,\n"])
def test_a_damaged_log_loses_no_more_than_the_rows_that_are_damaged(
    tmp_path: Path, damage: bytes
) -> None:
    job, _ = trained(tmp_path)
    rows = read_log(job.log.path)
    with job.log.path.open("ab") as handle:
        handle.write(damage)
    assert repr(read_log(job.log.path)) == repr(rows)  # NaN is not itself
