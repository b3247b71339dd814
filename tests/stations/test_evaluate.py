"""Evaluating a model: which features, what old and damaged files come to, what the user is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popgan import UserError, evaluate, find_model
from popgan.cohort.cohort import Cohort
from popgan.evidence import inception
from popgan.stations.card import write_card
from popgan.stations.evidence import EVIDENCE_VERSION, evaluation_state, load_evaluation
from small_runs import call, finished

__all__ = ["finished"]  # a fixture
pytestmark = pytest.mark.xdist_group("finished run")


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "run", tmp_path / "run"))


class Levels:
    """Quick features that pass for those of FID."""

    def __init__(self, path: Path) -> None:
        self.identity: dict[str, Any] = {
            "backbone": inception.BACKBONE,
            "input_size": inception.SIDE,
            "weights_sha256": inception.WEIGHTS_SHA256,
        }

    def __call__(self, images: np.ndarray, *, advance: Any = None) -> np.ndarray:
        return images[:, 0].mean(1).astype(np.float32)


def test_with_the_features_of_fid_the_stored_evaluation_has_a_fid(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "FID" not in (run / "evaluation/popgan.json").read_text()
    monkeypatch.setattr(inception, "InceptionExtractor", Levels)
    answer = call("evaluate", run, "--features", "inception=weights.pth")
    assert answer.status == 0
    digits = inception.WEIGHTS_SHA256[:12]
    assert "Frechet inception distance (FID)" in answer.out
    assert f"measured with Inception-v3 (2015-12-05) at 299 pixels, weights {digits}." in answer.out
    stored = load_evaluation(find_model(run))
    assert stored is not None and stored.fidelity is not None
    fid = stored.fidelity.metric("frechet")
    assert fid.title == "Frechet inception distance (FID)" and digits in fid.basis
    card = (run / "models/popgan/MODEL_CARD.md").read_text()
    assert "Frechet inception distance (FID)" in card and inception.WEIGHTS_SHA256 in card
    # The network that is always there is measured with again, and takes the name away.
    assert "(FID)" not in call("evaluate", run).out


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("inception", "weights of Inception are not given"),
        ("inception=missing.pth", "missing.pth: there is no such file of weights"),
        ("resnet", "unknown feature network 'resnet'"),
    ],
)
def test_features_that_cannot_be_are_one_line_and_change_nothing(
    run: Path, choice: str, words: str
) -> None:
    before = (run / "evaluation/popgan.json").read_bytes()
    answer = call("evaluate", run, "--features", choice)
    assert answer.status == 2
    assert words in answer.line
    assert (run / "evaluation/popgan.json").read_bytes() == before


def test_another_file_of_weights_is_one_line(run: Path, tmp_path: Path) -> None:
    path = tmp_path / inception.WEIGHTS_NAME
    path.write_bytes(b"something else")
    answer = call("evaluate", run, "--features", f"inception={path}")
    assert answer.status == 2
    assert "is not the weights that FID is defined with" in answer.line


def test_an_evaluation_of_an_earlier_version_is_stale_and_measured_anew(run: Path) -> None:
    path, model = run / "evaluation/popgan.json", find_model(run)
    current = json.loads(path.read_text())
    assert evaluation_state(model) == "current" and current["version"] == EVIDENCE_VERSION
    path.write_text(json.dumps({**current, "version": EVIDENCE_VERSION - 1}))
    assert load_evaluation(model) is None and evaluation_state(model) == "stale"
    # Before there were versions.
    old = json.loads(path.read_text())
    del old["version"]
    old["fidelity"]["schema_version"] = 1
    for metric in old["fidelity"]["metrics"]:
        del metric["basis"]
    path.write_text(json.dumps(old))
    assert load_evaluation(model) is None and evaluation_state(model) == "stale"
    # Nor does a card show what it says.
    write_card(model, Cohort.open(run))
    card = model.folder / "MODEL_CARD.md"
    assert "Not measured yet" in card.read_text()
    assert evaluate(model).schema_version == 2  # type: ignore[union-attr]
    assert evaluation_state(model) == "current" and "Not measured yet" not in card.read_text()


def test_an_evaluation_of_a_later_version_is_refused_in_one_line(run: Path) -> None:
    path = run / "evaluation/popgan.json"
    later = json.loads(path.read_text())
    later["fidelity"]["schema_version"] = 99
    path.write_text(json.dumps(later))
    with pytest.raises(UserError, match="is not an evaluation of this version") as caught:
        evaluate(find_model(run))
    assert "\n" not in str(caught.value)


def test_a_damaged_cache_is_computed_anew(run: Path) -> None:
    stored = sorted((run / "cache").glob("features-*.npy"))
    assert stored
    for path in stored:
        path.write_bytes(path.read_bytes()[:100])
    before = load_evaluation(find_model(run))
    (run / "evaluation/popgan.json").unlink()
    assert before is not None and evaluate(find_model(run)) == before.fidelity


def test_the_command_line_says_what_was_left_out(run: Path) -> None:
    answer = call("evaluate", run)
    assert answer.status == 0
    assert "Frechet radiomics distance not measured" in answer.out
    assert "measured with EfficientNet-Lite0 at 160 pixels" in answer.out
