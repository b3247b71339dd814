"""Every recipe through the command line: planned, trained, drawn from as the user wishes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from popgan import Cohort, Plan, Reporter, UserError, find_model, synthesise
from popgan.config.preset import preset_names
from popgan.recipes.table import RECIPES
from popgan.stations.draw import Wish, told_by
from small_runs import INGEST, call, snapshot, write_heads

# What makes each recipe tiny; a run takes seconds.
TINY = {
    "train.images": 48,
    "train.batch": 8,
    "train.threads": 1,
    "train.precision": "fp32",
    "network.latent_dim": 8,
    "generate.n": 6,
    "evaluate.n": 12,
}
CHANNELS = {
    "popgan": "[16, 16]",
    "cgan": "[16, 16]",
    "stylegan2": "[8, 8, 8]",
    "r3gan": "[8, 8, 8]",
    "dcgan": "[16, 8]",
}


def sets(recipe: str, **changes: object) -> list[str]:
    values = TINY | {"network.channels": CHANNELS[recipe]}
    values |= {name.replace("__", "."): str(value) for name, value in changes.items()}
    return [part for name, value in values.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a cohort of heads: no labels, heights, sex and most ages known."""
    folder = tmp_path_factory.mktemp("heads")
    scans = write_heads(folder / "scans", 8)
    rows = [f"Person{n}\t{'n/a' if n == 3 else 30 + 5 * n}\t{'FM'[n % 2]}\n" for n in range(8)]
    (scans / "participants.tsv").write_text("participant_id\tage\tsex\n" + "".join(rows))
    answer = call("ingest", scans, "-o", folder / "run", "--covariate", "age,sex", *INGEST)
    assert answer.status == 0, answer
    return folder / "run"


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with pictures of two classes, one bright and one dark."""
    folder = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(0)
    for name, grey in (("bright", 200), ("dark", 90)):
        place = folder / "scans" / name
        place.mkdir(parents=True)
        for number in range(24):
            y, x = np.mgrid[:24, :24] - 11.5 + rng.normal(size=(2, 1, 1))
            disc = np.hypot(y, x) < rng.uniform(6, 9)
            # Textures of their own, or the pictures would be taken for one person's.
            waves = 0.6 + 0.4 * np.sin(y * rng.uniform(0.3, 1.5)) * np.sin(
                x * rng.uniform(0.3, 1.5)
            )
            picture = disc * grey * waves + rng.integers(0, 20, (24, 24))
            Image.fromarray(picture.astype(np.uint8)).save(place / f"{number:03d}.png")
    answer = call("ingest", folder / "scans", "-o", folder / "run", "--resolution", 16)
    assert answer.status == 0, answer
    return folder / "run"


@pytest.mark.parametrize("recipe", ["stylegan2", "r3gan", "dcgan"])
def test_each_recipe_plans_trains_and_draws_as_told(recipe: str, heads: Path) -> None:
    name = ("--name", recipe)
    planned = call(
        "plan", heads, "--recipe", recipe, *name,
        "--condition", "age,height", *sets(recipe), "--json",
    )  # fmt: skip
    assert planned.status == 0, planned
    assert planned.result["plan"]["network"]["condition"] == ["age", "height"]
    assert call("train", heads, *name).status == 0
    model = find_model(heads, recipe)
    low, high = (synthesise(model, 4, wish=Wish({"height": h, "age": 40})) for h in (0.2, 0.8))
    assert low.shape == (4, 1, 16, 16)
    assert not np.array_equal(low, high)
    np.testing.assert_array_equal(
        low[:2], synthesise(model, 2, wish=Wish({"height": 0.2, "age": 40}))
    )
    written = call("generate", heads, *name, "--interpolate", "7:1,2", "--json")
    assert written.result["seed"] == 7
    written = call("generate", heads, *name, "--interpolate", "0:1,2", "--json")
    assert written.status == 0, written
    with Image.open(written.result["synthetic"]) as strip:
        assert strip.size == (9 * 16, 16)
    walked = call("generate", heads, *name, "--walk", 20, "--json")
    with Image.open(walked.result["synthetic"]) as gif:
        assert gif.n_frames == 20
    assert (call("generate", heads, *name, "--truncation", 0.7, "-n", 3).status == 0) == (
        recipe == "stylegan2"
    )


@pytest.fixture(scope="module")
def told(heads: Path) -> Path:
    """The same run with a model that was told ages, sexes and heights, hardly trained."""
    tiny = sets("dcgan", train__images=8)
    named = ("--recipe", "dcgan", "--name", "told", "--condition", "age,sex,height")
    assert call("plan", heads, *named, *tiny).status == 0
    assert call("train", heads, "--name", "told").status == 0
    return heads


def test_an_image_drawn_alone_is_the_one_of_the_set(told: Path, tmp_path: Path) -> None:
    def draw(out: Path, *more: object) -> dict[str, bytes]:
        wish = ("--given", "sex=m", "--age", 200)
        answer = call("generate", told, "--name", "told", *wish, "-o", out, *more)
        assert answer.status == 0, answer
        assert "age 200 lies outside of what the model saw" in answer.err
        found = [*out.rglob("sub-syn*.*"), *out.with_name(f"{out.name}-png").glob("sub-syn*.png")]
        return {path.name: path.read_bytes() for path in found}

    whole = draw(tmp_path / "whole", "-n", 5)
    alone = draw(tmp_path / "alone", "-n", 1, "--first", 3)
    assert sorted(alone) == [
        f"sub-syn0004_desc-synthetic_T1w{end}" for end in (".json", ".nii.gz", ".png")
    ]
    assert alone == {name: whole[name] for name in alone}
    parts = (tmp_path / "whole", tmp_path / "alone")
    tables = [(part / "participants.tsv").read_text().splitlines() for part in parts]
    assert tables[1] == [tables[0][0], tables[0][4]]
    assert "200\tM\t" in tables[1][1]
    model = find_model(told, "told")
    many, one = (synthesise(model, n, first=first) for n, first in ((5, 0), (1, 3)))
    np.testing.assert_array_equal(one, many[3:4])
    with pytest.raises(UserError, match="no image -1"):
        synthesise(model, 1, first=-1)


def test_a_part_of_a_set_does_not_take_its_place(told: Path) -> None:
    name = ("--name", "told")
    assert call("generate", told, *name, "-n", 4).status == 0
    before = snapshot(told / "synthetic/told")
    answer = call("generate", told, *name, "-n", 1, "--first", 2, "--json")
    assert answer.result["synthetic"] == str(told / "synthetic/told-from-2")
    assert snapshot(told / "synthetic/told") == before
    for other in (("--walk", 4), ("--interpolate", "0:1,2"), ("--release",)):
        assert "leave out --first" in call("generate", told, *name, "--first", 2, *other).line


def test_whatever_is_drawn_warns_of_values_that_were_not_seen(told: Path, tmp_path: Path) -> None:
    for way in (("--walk", 2), ("--interpolate", "0:1,2")):
        answer = call(
            "generate", told, "--name", "told", *way, "--age", 200, "-o", tmp_path / way[0]
        )
        assert answer.status == 0, answer
        assert "age 200 lies outside of what the model saw" in answer.err
    heard: list[str] = []
    reporter = Reporter()
    reporter.warning = heard.append  # type: ignore[method-assign]
    for age in (40, 200):
        synthesise(find_model(told, "told"), 1, wish=Wish({"age": age}), reporter=reporter)
    assert [words.split()[:3] for words in heard] == [["age", "200", "lies"]]


def test_words_are_shown_where_they_can_be_asked_for(told: Path, tmp_path: Path) -> None:
    shown = "sex: F (0), M (1)"
    assert shown in call("plan", told, "--name", "told", "--explain", "data.conditions").out
    assert f"- {shown}" in (told / "models/told/MODEL_CARD.md").read_text()
    refused = call("generate", told, "--name", "told", "--given", "sex=X")
    assert "give sex as F (0), M (1)" in refused.line
    # A plan of before has numbers alone; the cohort knows the words.
    model = find_model(told, "told")
    plan = model.plan()
    old = [c.model_copy(update={"words": None}) for c in plan.data.conditions]
    before = plan.model_copy(update={"data": plan.data.model_copy(update={"conditions": old})})
    cohort = Cohort.open(told)
    asked, _ = told_by(before, cohort, Wish({"sex": "m"}))
    assert asked is not None
    assert dict(asked.asked) == {"sex": "M"}


def test_cgan_draws_the_class_that_is_asked_for(classes: Path) -> None:
    assert call("plan", classes, "--recipe", "cgan", *sets("cgan")).status == 0
    plan = Plan.load(classes / "models/cgan/plan.yaml")
    assert [c.name for c in plan.data.conditions] == ["label"]
    assert call("train", classes).status == 0
    assert call("generate", classes, "-n", 5, "--class", "dark").status == 0
    table = (classes / "synthetic/cgan/participants.tsv").read_text()
    assert table.count("dark") == 5
    assert "bright" not in table
    assert call("generate", classes, "-n", 5).status == 0
    model = find_model(classes)
    drawn = [synthesise(model, 3, wish=Wish({"label": name})) for name in ("bright", "dark")]
    assert not np.array_equal(*drawn)


def test_wishes_that_cannot_be_met_are_one_line(heads: Path, classes: Path) -> None:
    assert call("plan", classes, "--recipe", "cgan", *sets("cgan")).status == 0
    assert call("train", classes).status == 0
    refusals = [
        (("plan", heads, "--recipe", "cgan"), "no labels"),
        (("plan", heads, "--condition", "label"), "no labels"),
        (("plan", heads, "--condition", "weight"), "'weight' to condition on; there: height"),
        (("plan", heads, "--recipe", "magic"), "unknown recipe 'magic'"),
        (("plan", heads, "--recipe", "dcgan", "--preset", "auto"), "unknown preset 'auto'"),
        (("plan", heads, "--set", "train.path_length=2"), "no such value"),
        (("plan", heads, "--recipe", "r3gan", "--set", "network.patch=2"), "network.patch"),
        (("plan", heads, "--recipe", "dcgan", "--set", "train.loss=wgan-gp"), "rpgan or lsgan"),
        (("generate", classes, "--class", "grey"), "no class 'grey'"),
        (("generate", classes, "--age", "60"), "not trained with 'age'"),
        (("generate", classes, "--interpolate", "3"), "0:3,7"),
        (("generate", classes, "--given", "age"), "not name=value"),
        (("generate", heads, "--age", "60", "--given", "age=50"), "--age and --given age say"),
        (("generate", heads, "--given", "sex=F", "--given", "sex=M"), "--given has sex twice"),
        (("generate", heads, "-n", 5, "--interpolate", "0:1,2"), "-n is for sets of images"),
        (("generate", heads, "--interpolate", "7:1,2", "--seed", 5), "names its seed"),
    ]
    for command, words in refusals:
        new = ("--name", "refused") if command[0] == "plan" else ()
        answer = call(*command, *new)
        assert answer.status == 2, command
        assert words in answer.line, command


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["stylegan2", "r3gan", "dcgan"])
def test_the_whole_main_line_runs_with_each_recipe(tmp_path: Path, recipe: str) -> None:
    scans = write_heads(tmp_path / "scans", 8)
    answer = call(
        "run", scans, "-o", tmp_path / "run", "--recipe", recipe, *INGEST, *sets(recipe), "--json"
    )
    assert answer.status == 0, answer
    assert Path(answer.result["report"]).exists()


def test_the_help_names_every_recipe() -> None:
    text = call("plan", "--help").out
    assert all(recipe in text for recipe in RECIPES)
    assert "auto" in preset_names("stylegan2")
