"""Plans as data: YAML and back, and refusal of what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from plans import tiny_plan
from popgan.config.schema import Plan, leaves, parse_plan
from popgan.errors import UserError


def test_a_plan_survives_yaml(tmp_path: Path) -> None:
    plan = tiny_plan()
    plan.save(tmp_path / "plan.yaml")
    assert Plan.load(tmp_path / "plan.yaml") == plan


def test_plans_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        tiny_plan().train.batch = 3  # type: ignore[misc]


def test_the_batch_must_be_whole_groups() -> None:
    with pytest.raises(UserError, match="minibatch_stddev"):
        tiny_plan(train__batch=6)


@pytest.mark.parametrize("text", ["[", "just words", "{}", "recipe: 1\nextra: 2", "&a [*a]"])
def test_a_damaged_plan_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"plan\.yaml") as caught:
        Plan.load(path)
    assert "\n" not in str(caught.value)


def test_yaml_cannot_make_objects(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(UserError, match="YAML"):
        Plan.load(path)


def test_leaves_are_dotted_names_in_order() -> None:
    names = [name for name, _ in leaves(tiny_plan())]
    assert names[:3] == ["recipe", "preset", "seed"]
    assert "train.batch" in names
    assert not any(name.startswith("decisions") for name in names)


def test_parse_names_the_value_and_where() -> None:
    with pytest.raises(UserError, match=r"here: data: Field required"):
        parse_plan({"recipe": "popgan", "preset": "x", "seed": 0}, where="here")
