"""A set says what its images were drawn for, and what it takes to draw one of them again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from popgan.config.condition import Condition
from popgan.config.masks import MaskLabel
from popgan.synthesis.bids import write_bids
from popgan.synthesis.drawn_for import DrawnFor, drawn_for
from popgan.synthesis.image import write_pngs
from popgan.synthesis.told import tell

CONDITIONS = [
    Condition(name="label", kind="class", classes=["patient", "healthy"]),
    Condition(name="age", kind="number", low=20.0, high=85.0),
    Condition(name="sex", kind="number", high=1.0, words=["F", "M"]),
    Condition(name="height", kind="number", high=1.0),
]
COLUMNS: dict[str, Any] = {
    "label": ["patient"] * 4 + ["healthy"] * 4,
    "age": [23.4, 41.7, float("nan"), 66.2] * 2,
    "sex": [0.0, 1.0, float("nan"), 1.0] * 2,
    "height": [0.1234, 0.4567, 0.7891, 0.9] * 2,
}
COUNT, SEED = 5, 7
ABOUT: dict[str, Any] = {
    "contrasts": ["T1w", "T1wCE", "FLAIR"],
    "to_volume": lambda image: image[::-1, ::-1].T[:, :, None],
    "affine": np.diag([2.0, 3.0, 5.0, 1.0]),
    "spacing": (3.0, 2.0, 5.0),
    "model": "m",
    "seed": SEED,
    "provenance": {},
    "plan_hash": "a" * 64,
    "weights_hash": "b" * 64,
}
PNGS: dict[str, Any] = {name: ABOUT[name] for name in ("contrasts", "model", "seed")}
IMAGES = np.zeros((COUNT, 3, 8, 8), np.float32)


def made(
    given: dict[str, str | float] | None = None, truncation: float | None = None
) -> dict[str, Any]:
    """What writers are told of five images."""
    told, _ = tell(CONDITIONS, COLUMNS, given or {})
    found = drawn_for(told, SEED, range(COUNT), truncation=truncation)
    return {"drawn": found, "labels": told.labels_at(SEED, range(COUNT))}


def rows(folder: Path) -> list[dict[str, str]]:
    head, *lines = (folder / "participants.tsv").read_text().splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def sidecars(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("*FLAIR.json"))]


def valid(folder: Path) -> None:
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    ran = subprocess.run(
        [validator, "--format", "json", str(folder)], capture_output=True, text=True, timeout=60
    )
    issues = json.loads(ran.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert ran.returncode == 0
    assert len(json.loads(ran.stdout)["summary"]["subjects"]) == COUNT


def test_every_image_has_the_values_that_it_was_drawn_for(tmp_path: Path) -> None:
    about = made()
    folder = write_bids(tmp_path / "set", IMAGES, **(ABOUT | about))
    told, _ = tell(CONDITIONS, COLUMNS, {})
    for row, sidecar, place in zip(
        rows(folder), sidecars(folder), told.rows(SEED, range(COUNT)), strict=True
    ):
        age = [25, 40, None, 65][place % 4]
        sex = ["F", "M", None, "M"][place % 4]
        height = [0.12, 0.46, 0.79, 0.9][place % 4]
        assert sidecar["Conditions"] == {"age": age, "sex": sex, "height": height}
        assert sidecar["Label"] == row["label"] == COLUMNS["label"][place]
        assert row["age"] == ("n/a" if age is None else str(age))
        assert (row["sex"], row["height"]) == (sex or "n/a", str(height))
    meanings = json.loads((folder / "participants.json").read_text())
    assert "rounded to 5" in meanings["age"]["Description"]
    assert "89 years" in meanings["age"]["Description"]
    assert meanings["sex"]["Levels"] == {"F": "0 to the model", "M": "1 to the model"}
    description = json.loads((folder / "dataset_description.json").read_text())
    assert description["Conditions"] == {
        "Asked": {},
        "Drawn": ["label", "age", "sex", "height"],
    }


def test_sets_that_were_asked_for_otherwise_do_not_say_the_same(tmp_path: Path) -> None:
    wishes: list[dict[str, str | float]] = [
        {"age": 20, "sex": "F"},
        {"age": "80", "sex": "M"},
        {"age": 95, "sex": "0.5", "label": "healthy"},
    ]
    texts = []
    for number, wish in enumerate(wishes):
        folder = write_bids(tmp_path / str(number), IMAGES, **(ABOUT | made(wish, 0.5)))
        asked = {"age": float(wish["age"]), "sex": ["F", "M", 0.5][number]}
        asked |= {"label": "healthy"} if number == 2 else {}
        description = json.loads((folder / "dataset_description.json").read_text())
        assert description["Conditions"]["Asked"] == asked
        assert description["Truncation"] == 0.5
        assert "truncation 0.5" in description["GeneratedBy"][0]["Description"]
        for sidecar in sidecars(folder):
            assert sidecar["ConditionsAsked"] == asked
            assert sidecar["Truncation"] == 0.5
            assert sidecar["Conditions"]["age"] == float(wish["age"])
        assert {row["age"] for row in rows(folder)} == {str(wish["age"])}
        texts.append((folder / "README").read_text())
    assert len(set(texts)) == 3
    assert "Asked for, for all images: age 20, sex F." in texts[0]
    # A number stands beside the words: it is none of the column's levels.
    valid(tmp_path / "2")


def test_what_draws_an_image_again_is_named_whole() -> None:
    nothing = DrawnFor(truncation=1.0)
    assert nothing.again() == "the weights, the seed and the index"
    assert nothing.briefly() == ""
    assert nothing.command("m", 3) == "popgan generate RUN --name m --seed 3 --first INDEX -n 1"
    drawn = made({"label": "healthy", "sex": "m", "age": "60.5"}, 0.25)["drawn"]
    assert drawn.again() == (
        "the weights, the training cohort, the seed, the index, the same class, the same age, the "
        "same sex and the same truncation"
    )
    assert drawn.command("m", 3).endswith(
        "-n 1 --class healthy --given age=60.5 --given sex=M --truncation 0.25"
    )
    assert drawn.command("m", 3) in drawn.lines("m", 3)
    lone = made(dict.fromkeys(("age", "height", "sex"), 0.5) | {"label": "healthy"})["drawn"]
    assert "cohort" not in lone.again()


def test_pngs_say_it_as_well(tmp_path: Path) -> None:
    drawn = made({"age": 30}, 0.5)["drawn"]
    folder = write_pngs(tmp_path / "png", IMAGES, **PNGS, drawn=drawn)
    with Image.open(folder / "sub-syn0003_desc-synthetic_FLAIR.png") as image:
        text = image.text  # type: ignore[attr-defined]
    assert json.loads(text["conditions"]) == drawn.of(2)
    assert (json.loads(text["asked"]), text["truncation"]) == ({"age": 30}, "0.5")
    assert [row["age"] for row in rows(folder)] == ["30"] * COUNT
    assert drawn.command("m", SEED) in (folder / "SYNTHETIC.txt").read_text()


def test_a_label_map_was_drawn_for_the_same(tmp_path: Path) -> None:
    masks = [MaskLabel(value=1, name="lesion", slices=9, left=0.5)]
    codes = np.zeros((COUNT, 8, 8), np.uint8)
    about = made({"sex": "F"})
    folder = write_bids(tmp_path / "set", IMAGES, codes=codes, masks=masks, **(ABOUT | about))
    for path, image in zip(sorted(folder.rglob("*dseg.json")), sidecars(folder), strict=True):
        assert json.loads(path.read_text())["Conditions"] == image["Conditions"]


def test_a_condition_called_like_a_column_of_the_table_gets_one_of_its_own(tmp_path: Path) -> None:
    names = ["seed", "model", " ünit\tA ", "ünit A"]
    conditions = [Condition(name=name, kind="number", high=1.0) for name in names]
    columns = {name: [0.5] * 3 for name in names} | {"sex": [0.0, 0.0, float("nan")]}
    told, _ = tell([*conditions, CONDITIONS[2]], columns, {})
    drawn = drawn_for(told, SEED, range(COUNT), truncation=None)
    folder = write_bids(tmp_path / "set", IMAGES, **ABOUT, drawn=drawn)
    write_pngs(tmp_path / "png", IMAGES, **PNGS, drawn=drawn)
    (first, *_) = rows(folder)
    assert list(first)[6:] == [
        "condition_seed",
        "condition_model",
        "ünit A",
        "condition_ünit A",
        "sex",
    ]
    assert {row["sex"] for row in rows(folder)} == {"F", "n/a"}
    assert first["seed"] == str(SEED)
    valid(folder)


def test_values_of_other_images_are_refused(tmp_path: Path) -> None:
    drawn = made()["drawn"]
    with pytest.raises(ValueError, match=r"5 values of age for 2 images"):
        write_bids(tmp_path / "set", IMAGES[:2], **ABOUT, drawn=drawn)
    with pytest.raises(ValueError, match=r"5 values of age for 2 images"):
        write_pngs(tmp_path / "png", IMAGES[:2], **PNGS, drawn=drawn)
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_a_large_set_is_called_as_in_the_whole(tmp_path: Path) -> None:
    where: dict[str, Any] = {"first_index": 3, "whole": 20_000}
    bids = write_bids(tmp_path / "set", IMAGES[:1], **ABOUT, **where)
    pngs = write_pngs(tmp_path / "png", IMAGES[:1], **PNGS, **where)
    for folder, files in ((bids, 1), (pngs, 3)):
        assert rows(folder)[0]["participant_id"] == "sub-syn00004"
        assert len(list(folder.glob("sub-syn00004*"))) == files
