"""The station: what is exported, what is told, what survives a new start."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors import safe_open

from popgan.cli import helpers
from popgan.config.schema import Plan
from popgan.dry_run import estimate
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.run import RunOptions
from popgan.stations import plan as plan_module
from popgan.stations import speed as speed_module
from popgan.stations.evidence import load_evaluation
from popgan.stations.model import find_model
from popgan.stations.story import story_of
from popgan.training.checkpoint import found
from popgan.training.log import read_log
from popgan.training.probe import Measured
from small_runs import INGEST, call, sets, snapshot, write_heads


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small heads, planned with three snapshots."""
    folder = tmp_path_factory.mktemp("planned")
    run = folder / "run"
    assert call("ingest", write_heads(folder / "scans", 12), "-o", run, *INGEST).status == 0
    assert call("plan", run, *sets(train__snapshots=3, train__ticks=6)).status == 0
    return run


@pytest.fixture(autouse=True)
def _few_images_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("popgan.stations.snapshots.IMAGES", 12)


@pytest.fixture
def run(planned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned, tmp_path / "run"))


def test_the_chosen_snapshot_is_exported_and_everybody_says_so(run: Path) -> None:
    answer = call("train", run)
    assert answer.status == 0, answer
    assert "exported: " in answer.err
    model = find_model(run)
    rows = read_log(model.log_path)
    measured = [row["kid_tuning"] for row in rows if row["kid_tuning"] == row["kid_tuning"]]
    assert len(measured) == 3
    story = story_of(model)
    assert "snapshot" in story.choice
    card = (model.folder / "MODEL_CARD.md").read_text()
    assert "KID to the tuning split" in card
    assert len(list(model.checkpoints.glob("average-*"))) == 1
    # Exported again from the last checkpoint, the same bytes.
    content = model.weights_path.read_bytes()
    model.weights_path.unlink()
    assert call("train", run).status == 0
    assert model.weights_path.read_bytes() == content
    answer = call("evaluate", run)
    assert answer.status == 0, answer
    assert "measured on the test split, which had no part in choosing the weights" in answer.err
    evaluation = load_evaluation(model)
    assert evaluation is not None
    assert evaluation.choice == story.choice


def test_an_earlier_snapshot_can_be_the_one(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("popgan.stations.snapshots.SURE", -1e9)
    monkeypatch.setattr(
        "popgan.stations.snapshots.min", lambda scores, key: scores[0], raising=False
    )
    assert call("train", run).status == 0
    model = find_model(run)
    first = next(model.checkpoints.glob("average-*"))
    with safe_open(first, "pt") as a, safe_open(model.weights_path, "pt") as b:
        assert set(a.keys()) == set(b.keys())
        assert all((a.get_tensor(name) == b.get_tensor(name)).all() for name in a.keys())  # noqa: SIM118
    assert first.stem < found(model.checkpoints)[0].stem.replace("state", "average")


def test_slices_of_patients_are_for_their_owner(planned: Path) -> None:
    assert stat.S_IMODE((planned / "cache").stat().st_mode) == 0o700


def test_an_interruption_in_the_very_last_step_is_not_lost(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from popgan.stations.source import CohortImages

    calls, draw = [0], CohortImages.batch

    def batch(self: CohortImages, indices: object) -> object:
        if len(indices) == 8:  # type: ignore[arg-type]
            calls[0] += 1
            if calls[0] == 96 // 8:
                os.kill(os.getpid(), signal.SIGINT)
        return draw(self, indices)  # type: ignore[arg-type]

    monkeypatch.setattr(CohortImages, "batch", batch)
    answer = call("train", run)
    assert answer.status == 130
    assert "goes on where it stopped" in answer.err
    model = find_model(run)
    assert not model.weights_path.exists()
    assert found(model.checkpoints)[0].stem == "state-000000000096"
    assert call("train", run).status == 0
    assert model.weights_path.exists()


def test_a_new_start_keeps_the_old_model_until_it_has_a_checkpoint(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("train", run).status == 0
    model = find_model(run)
    content = model.weights_path.read_bytes()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    # Interrupted before the first tick, twice: the old model waits.
    with monkeypatch.context() as patch:
        patch.setattr("popgan.training.loop.one_step", die)
        for _ in range(2):
            answer = call("train", run, "--restart")
            assert answer.status == 130
            assert (model.replaced / "weights.safetensors").read_bytes() == content
            assert (model.replaced / "plan.yaml").exists()
            assert not model.weights_path.exists()
    assert "is kept in private/replaced/popgan" not in answer.err
    assert call("train", run).status == 0
    assert not model.replaced.exists()
    assert model.weights_path.read_bytes() == content


def test_a_dry_run_measures_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def measured(plan: Plan, *_: object, **__: object) -> Measured:
        seen.append(plan)
        return Measured([50.0] * 2, 1.0, [50.0] * 2)

    monkeypatch.setattr(speed_module, "measure_patiently", measured)
    monkeypatch.setattr(plan_module, "seconds_a_snapshot", lambda *_: 1.0)
    options = RunOptions(
        ingest={"resolution": 16, "slices": 6},
        overrides={"network.channels": [16, 16]},
        workers=0,
    )
    scans = write_heads(tmp_path / "scans", 3)
    for budget in ("30s", None):
        seen.clear()
        changed = options.overrides | ({} if budget else {"train.images": 400})
        result = estimate(
            scans,
            RunOptions(**{**vars(options), "budget": budget, "overrides": changed}),
            Reporter(),
        )
        assert len(seen) == 1
        assert result.speeds == (50.0, 50.0)
        assert result.memory_gib


def test_processes_that_cannot_share_the_batch_are_one_line(run: Path) -> None:
    before = snapshot(run)
    assert (
        "3 processes cannot share a batch of 8 in whole groups of 4"
        in call("train", run, "--processes", 3).line
    )
    assert snapshot(run) == before


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_processes_are_a_matter_of_one_option(run: Path) -> None:
    answer = call("train", run, "--processes", 2)
    assert answer.status == 0, answer
    rows = read_log(find_model(run).log_path)
    assert [row["images"] for row in rows] == [16, 32, 48, 64, 80, 96]
    assert call("generate", run).status == 0
    assert "unchanged, skipped" in call("train", run, "--processes", 2).err


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_under_torchrun_one_process_speaks(run: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += ["--master-port=0", "--standalone", "-m", "popgan", "train", str(run)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("weights: ") == 1
    assert done.stderr.count("[train popgan]") == 1
    assert find_model(run).weights_path.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_helper_that_fails_is_named(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        helpers.Helpers, "__init__", _with_wrong_arguments(helpers.Helpers.__init__)
    )
    answer = call("train", run, "--processes", 2)
    assert answer.status == 2
    assert "process 1 of 2 has ended" in answer.line
    assert "no model" in answer.line


def _with_wrong_arguments(init: object) -> object:
    def changed(self: helpers.Helpers, count: int, arguments: list[str]) -> None:
        init(self, count, [*arguments[:-1], "another"])  # type: ignore[operator]

    return changed


def test_a_plan_for_another_memory_is_read(run: Path) -> None:
    assert call("plan", run, *sets(train__micro_batch=4), "--restart").status == 0
    assert call("train", run).status == 0


def test_no_helper_is_started_in_vain() -> None:
    with pytest.raises(UserError, match="process 1 of 2"):
        failing = helpers.Helpers(1, ["train", "/nowhere"])
        with failing:
            while True:
                failing.check()
