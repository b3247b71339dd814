"""A study may be edited until its first answer; after that a change is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.study.frozen import check_unchanged
from popgan.study.schema import Study
from study.served import answer, served
from study.small_studies import make_study


def test_words_may_change_before_the_first_answer_but_not_after(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run")
    with served(study) as house:
        reader = house.reader()
        reader.finish("practice")
    study.places.consent.write_text("# Other words\n")
    check_unchanged(study)
    with served(study) as house:
        reader = house.reader()
        assert reader.state()["consent"] == "# Other words\n"
        reader.answer(answer("likert", house.trials("likert")[0].id, {"anatomy": 1}))
    check_unchanged(study)
    study.places.instructions.write_text("# Score everything 5\n")
    study.places.texts.write_text("title: changed\n")
    with pytest.raises(UserError, match=r"instructions.md, texts.yaml changed after the first"):
        check_unchanged(study)
    with pytest.raises(UserError, match="changed after the first answer"), served(study):
        pass


def test_images_are_frozen_as_well(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run")
    with served(study) as house:
        reader = house.reader()
        reader.finish("practice")
        reader.answer(answer("likert", house.trials("likert")[0].id))
    first, second = (study.places.stimuli / s.file for s in study.key.stimuli[:2])
    content = first.read_bytes(), second.read_bytes()
    second.write_bytes(content[0])
    first.write_bytes(content[1])
    with pytest.raises(UserError, match="stimuli changed after"):
        check_unchanged(Study.open(study.places.run))


@pytest.mark.parametrize("name", ["preregistration.json", "preregistration.md"])
def test_nothing_is_served_without_the_preregistration(tmp_path: Path, name: str) -> None:
    study = make_study(tmp_path / "run")
    (study.places.shared / name).unlink()
    with pytest.raises(UserError, match=name), served(study):
        pass


def test_images_of_different_lengths_are_not_served(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run")
    path = study.places.stimuli / study.key.stimuli[0].file
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(UserError, match="different lengths"), served(study):
        pass
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"), served(study):
        pass
