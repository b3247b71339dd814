"""The leak test finds planted leaks, leaves clean studies alone, and looks at the real server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from popgan.errors import UserError
from popgan.study.classifier import Shuffled, auc, together
from popgan.study.leaks import LEVEL, LeakTest, channel_leaks
from popgan.study.leaks import find_leaks as look
from popgan.study.probe import ask_server
from study.planned_studies import plan_study
from study.planted_leaks import LEAKS, left_is_real, replies

SIZES = {"real": 24, "synthetic": 30, "repeats": 8, "readers": 3}


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_found_where_it_was_planted(tmp_path: Path, name: str) -> None:
    plant, channel = LEAKS[name]
    study = plant(plan_study(tmp_path, **SIZES))
    found, chance = channel_leaks(study, shuffles=199)
    assert channel in [one.name for one in found if one.leaks]
    assert chance <= LEVEL


@pytest.fixture
def rare_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk says of files differs from run to run, so a clean channel may look suspicious
    in any of them; at this level it hardly ever does, and what is planted still stands out."""
    monkeypatch.setattr("popgan.study.leaks.LEVEL", 1 / 200)


@pytest.mark.usefixtures("rare_alarms")
def test_slow_replies_and_headers_are_found(tmp_path: Path) -> None:
    study = plan_study(tmp_path, **SIZES)
    for channel, planted in (
        ("latency", replies(study, slower=0.2)),
        ("response headers", replies(study, header=True)),
    ):
        found, _ = channel_leaks(study, planted, shuffles=199)
        assert [one.name for one in found if one.leaks] == [channel]


def test_a_side_that_tells_is_found_in_pairs(tmp_path: Path) -> None:
    study = left_is_real(plan_study(tmp_path, kind="2afc", real=24, synthetic=24, readers=3))
    found, _ = channel_leaks(study, shuffles=199)
    assert "side" in [one.name for one in found if one.leaks]


def test_few_clean_studies_raise_an_alarm(tmp_path: Path) -> None:
    alarms = 0
    for number in range(20):
        study = plan_study(tmp_path / str(number), number=number, per_patient=3)
        found, _ = channel_leaks(study, replies(study, seed=number), shuffles=99)
        alarms += any(one.leaks for one in found)
    assert alarms <= 4  # 1 expected; 5 or more have a probability of 0.3 %


@pytest.mark.slow
def test_one_clean_study_in_twenty_raises_an_alarm(tmp_path: Path) -> None:
    for kind in ("likert+authenticity", "2afc"):
        alarms = 0
        for number in range(200):
            study = plan_study(tmp_path / kind[:4] / str(number), number=number, kind=kind)
            alarms += any(one.leaks for one in channel_leaks(study, shuffles=199)[0])
        assert alarms <= 19  # 10 expected; 20 or more have a probability of 0.3 %


def test_the_real_server_is_asked_and_the_study_left_as_it_was(tmp_path: Path) -> None:
    study = plan_study(tmp_path)
    before = sorted(path.as_posix() for path in tmp_path.rglob("*"))
    answers = ask_server(study)
    assert len(answers) == 2 * 2 * 28
    assert {answer.head.splitlines()[0] for answer in answers} == {"200"}
    assert len({(answer.head, answer.length) for answer in answers}) == 1
    assert sorted(path.as_posix() for path in tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("rare_alarms")
def test_the_whole_test_is_a_record_and_refuses_a_leak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Real times are of a busy machine, where one clean study in twenty may look suspicious.
    monkeypatch.setattr("popgan.study.leaks.ask_server", replies)
    study = plan_study(tmp_path / "clean", number=3)
    found = look(study)
    assert LeakTest.model_validate_json(found.model_dump_json()) == found
    assert [tell.warning for tell in found.tells] == [False] * 3  # noise, both kinds
    found.refuse(tmp_path)
    leaking = LEAKS["letters"][0](plan_study(tmp_path / "leak", **SIZES))
    with pytest.raises(UserError, match=r"leaks which images are real through stimulus ids \(AUC"):
        look(leaking).refuse(tmp_path)


def test_a_file_that_popgan_did_not_write_is_refused(tmp_path: Path) -> None:
    study = LEAKS["longer"][0](plan_study(tmp_path))
    with pytest.raises(UserError, match="is not as popgan wrote it"):
        look(study)
    next(study.places.stimuli.iterdir()).unlink()
    with pytest.raises(UserError, match=r"\.png"):
        look(study)


def test_auc_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (40, 5)).astype(float)
    labels = rng.random((40, 5)) < 0.4
    expected = [metrics.roc_auc_score(labels[:, i], values[:, i]) for i in range(5)]
    assert auc(values, labels) == pytest.approx(expected)
    assert auc(values, np.zeros((40, 5), bool)).tolist() == [0.5] * 5


def test_a_family_of_statistics_has_one_level() -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        family = [Shuffled(str(i), 1, rng.standard_normal(100)) for i in range(8)]
        limit, chance = together(family, 0.05)
        alarm = max(one.deviations[0] for one in family) > limit
        assert alarm == (chance <= 0.05)
        alarms += alarm
    assert 6 <= alarms <= 36
    assert together([], 0.05) == (np.inf, 1.0)
