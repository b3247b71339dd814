"""Which model of a run is meant where none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.stations.model import Model, find_model


def make(run: Path, name: str, *, trained: bool) -> None:
    model = Model(run, name)
    model.plan_path.parent.mkdir(parents=True)
    model.plan_path.write_text("recipe: popgan\n")
    if trained:
        model.weights_path.write_bytes(b"weights")


def test_a_planned_model_is_no_choice_beside_a_trained_one(tmp_path: Path) -> None:
    make(tmp_path, "popgan", trained=True)
    make(tmp_path, "stylegan2", trained=False)
    assert find_model(tmp_path, trained=True).name == "popgan"
    assert find_model(tmp_path, "stylegan2", trained=True).name == "stylegan2"
    with pytest.raises(UserError, match=r"holds 2 models \(popgan, stylegan2\)"):
        find_model(tmp_path)


def test_only_trained_models_are_offered_where_there_are_several(tmp_path: Path) -> None:
    make(tmp_path, "a", trained=True)
    make(tmp_path, "b", trained=True)
    make(tmp_path, "c", trained=False)
    with pytest.raises(UserError, match=r"holds 2 models \(a, b\)"):
        find_model(tmp_path, trained=True)


def test_the_only_model_is_meant_even_if_it_is_not_trained(tmp_path: Path) -> None:
    make(tmp_path, "popgan", trained=False)
    assert find_model(tmp_path, trained=True).name == "popgan"
