"""Readers are shown what models draw; translators beside them in a run are none of a study's."""

from __future__ import annotations

from pathlib import Path

import pytest

from plans import recipe_plan
from popgan.errors import UserError
from popgan.study.create import chosen_models


def trained(run: Path, *recipes: str) -> Path:
    """A run folder with a trained model of each recipe; weights are not looked into."""
    for recipe in recipes:
        folder = run / "models" / recipe
        folder.mkdir(parents=True)
        recipe_plan(recipe).save(folder / "plan.yaml")
        (folder / "weights.safetensors").write_bytes(b"weights")
    return run


def test_all_models_are_those_that_draw(tmp_path: Path) -> None:
    run = trained(tmp_path, "mustgan", "popgan", "cgan", "pix2pix")
    assert [model.name for model in chosen_models(run, None)] == ["cgan", "popgan"]


@pytest.mark.parametrize("names", [None, ["mustgan"]])
def test_a_translator_is_refused_where_it_is_named_or_alone(
    tmp_path: Path, names: list[str] | None
) -> None:
    run = trained(tmp_path, "mustgan", *(["popgan"] if names else []))
    with pytest.raises(UserError, match="'mustgan' translates contrasts and draws no images"):
        chosen_models(run, names)
