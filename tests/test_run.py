"""The main line through Python: small cohorts go to the end, dry runs keep nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from popgan import NotMeasurableError, Reporter, RunOptions, evaluate, find_model, run_all
from popgan.cohort.splits import split_sizes
from small_runs import INGEST, call, leavings, sets, write_heads

TINY = {
    "network.channels": [16, 16],
    "network.latent_dim": 8,
    "train.images": 32,
    "train.batch": 8,
    "train.ticks": 2,
    "train.threads": 1,
    "generate.n": 3,
}
SMALL = {"resolution": 16, "slices": 4, "keep_skull": True, "bias_field": "off"}


class Said(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.mark.parametrize(
    ("subjects", "why"), [(3, "come from one subject"), (12, "held-out images, and evaluating")]
)
def test_a_cohort_too_small_to_judge_gets_everything_but_a_verdict(
    tmp_path: Path, subjects: int, why: str
) -> None:
    """One subject in a split, or fewer than ten images of it."""
    scans, said = write_heads(tmp_path / "scans", subjects), Said()
    options = RunOptions(ingest=SMALL, overrides=TINY)
    result = run_all(scans, tmp_path / "run", options, said)
    assert result.fidelity is None
    assert why in result.verdict
    assert any(why in text and "not evaluated" in text for text in said.warnings)
    assert len(list(result.synthetic.glob("sub-*"))) == 3
    for page in (result.report, result.private_report):
        assert page.exists()
    assert why in result.report.read_text()
    assert "Not measurable" in (result.model.folder / "MODEL_CARD.md").read_text()
    stored = json.loads((tmp_path / "run/evaluation/popgan.json").read_text())
    assert why in stored["not_measurable"]
    assert stored["fidelity"] is None
    # Asked for nothing but an evaluation, the honest answer is an error.
    with pytest.raises(NotMeasurableError, match=why):
        evaluate(find_model(tmp_path / "run"))
    answer = call("evaluate", tmp_path / "run")
    assert answer.status == 2
    assert why in answer.line


def test_the_number_of_subjects_that_is_asked_for_is_enough() -> None:
    # `evaluate` names 12 subjects; with fewer a split may hold a single one.
    assert min(split_sizes(12, (0.70, 0.15, 0.15))) >= 2
    assert min(split_sizes(11, (0.70, 0.15, 0.15))) < 2


def test_a_small_run_again_skips_what_is_done(tmp_path: Path) -> None:
    scans = write_heads(tmp_path / "scans", 3)
    command = ["run", scans, "-o", tmp_path / "run", *INGEST, *sets(train__images=32)]
    assert call(*command).status == 0
    answer = call(*command)
    assert answer.status == 0
    assert answer.err.count("unchanged, skipped") == 6
    assert answer.err.count("warning: not evaluated") == 1
    result = call(*command, "--json", "--quiet").result
    assert result["kid"] is None
    assert "Nothing was measured" in result["verdict"]


def test_a_dry_run_tells_and_keeps_nothing(tmp_path: Path, monkeypatch) -> None:
    scans, temporary = write_heads(tmp_path / "scans", 3), tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr("popgan.training.probe.SECONDS_A_LEVEL", 0.01)
    command = ["run", scans, "-o", tmp_path / "run", *INGEST, *sets(), "--dry-run"]
    answer = call(*command)
    assert answer.status == 0
    assert "training time" in answer.out
    assert "set by the user" in answer.out
    result = call(*command, "--json").result
    assert result["seconds"] > 0
    assert 0 < result["memory_gib"] < 64
    assert result["plan"]["train"]["images"] == 96
    assert not (tmp_path / "run").exists()
    assert list(temporary.iterdir()) == []
    # A budget needs no number of images, and no run folder either.
    pairs = [pair for pair in sets()[1::2] if not pair.startswith("train.images")]
    options = [part for pair in pairs for part in ("--set", pair)]
    answer = call("run", scans, *INGEST, *options, "--budget", "20s", "--dry-run", "--json")
    decision = answer.result["plan"]["decisions"]["train.images"]
    assert decision["source"] == "rule"
    assert decision["reason"].startswith("budget 20s")
    assert leavings(tmp_path) == []


def test_a_failed_dry_run_keeps_nothing_either(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write_heads(tmp_path / "scans", 1)
    answer = call("run", tmp_path / "scans", *INGEST, "--dry-run")
    assert "one subject cannot be split" in answer.line
    assert [path.name for path in tmp_path.iterdir()] == ["scans"]
