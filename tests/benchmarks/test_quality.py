"""The benchmark of quality: fixed speeds, cells measured once, words that follow from figures."""

from __future__ import annotations

import importlib
import itertools
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

import popgan
from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError
from popgan.planning.rules import SUSTAINED
from popgan.progress import Reporter
from popgan.training.checkpoint import found
from small_runs import SETTINGS, head, save

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
TINY = {name: yaml.safe_load(value) for name, value in SETTINGS.items() if name != "train.images"}
TINY = {name: value for name, value in TINY.items() if name not in ("train.ticks", "evaluate.n")}


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield


def part(name: str) -> Any:
    """A module of the benchmark."""
    return importlib.import_module(f"quality_{name}" if name else "quality")


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a cohort of twelve small heads, every other slice with a lesion."""
    folder = tmp_path_factory.mktemp("heads")
    for seed in range(12):
        data, mask = head(seed), np.zeros((32, 38, 36), np.uint8)
        # Slices are taken at about every other plane, so lesions change every two planes.
        mask[12:20, 14:22, (np.arange(36) + seed) // 2 % 2 == 0] = 1
        data[mask > 0] = 1500
        save(folder / "scans" / f"Person{seed}" / "t1.nii.gz", data)
        save(folder / "scans" / f"Person{seed}" / "mask.nii.gz", mask)
    options = IngestOptions(
        resolution=16,
        slices=8,
        keep_skull=True,
        bias_field="off",
        label="map",
        fractions=(0.5, 0.25, 0.25),
        keep_ids=True,  # pseudonyms differ from run to run, and the splits with them
    )
    run = folder / "run"
    Cohort.from_folder(folder / "scans", run, options=options, workers=0)
    return run


@pytest.fixture
def cohort(heads: Path, tmp_path: Path) -> Cohort:
    """The same in a folder of its own."""
    return part("plan").copy_of(Cohort.open(heads), tmp_path / "own")


def setting(**changes: Any) -> Any:
    """A popgan of a few thousand weights."""
    return part("plan").Setting("tiny", overrides=TINY | changes.pop("overrides", {}), **changes)


def speeds(cohort: Cohort, *settings: Any, at: tuple[float, ...] = (64.0, 16.0)) -> Any:
    """Made-up speeds of settings."""
    plan = part("plan")
    shapes = {
        plan.shape(plan.provisional(each, cohort, 1)): {"images_per_second": list(at)}
        for each in settings
    }
    return plan.Speeds({"shapes": shapes, "snapshot_seconds": {"16": 1.0}})


def test_images_follow_from_frozen_speeds_and_not_from_threads(cohort: Cohort) -> None:
    plan, tiny = part("plan"), setting()
    made = [
        plan.make_plan(tiny, cohort, speeds(cohort, tiny), minutes=2, seed=0, threads=count)
        for count in (1, 2)
    ]
    low, top = made[0].train.level_shares
    granted = SUSTAINED * 120 - made[0].train.snapshots * 1.0
    assert made[0].train.images == pytest.approx(granted / (low / 64 + top / 16), abs=8)
    assert [each.train.threads for each in made] == [1, 2]
    assert made[0].train.images == made[1].train.images
    assert plan.plan_hash(made[0]) == plan.plan_hash(made[1])


def test_a_plan_with_other_values_is_another_measurement(cohort: Cohort) -> None:
    plan, tiny = part("plan"), setting()
    known = speeds(cohort, tiny)
    other = setting(overrides={"train.lr_generator": 0.01})
    hashes = {
        plan.plan_hash(plan.make_plan(each, cohort, known, minutes=2, seed=seed, threads=1))
        for each, seed in ((tiny, 0), (tiny, 1), (other, 0))
    }
    assert len(hashes) == 3


def test_speeds_of_other_networks_do_not_count(cohort: Cohort) -> None:
    known, wider = speeds(cohort, setting()), setting(overrides={"network.channels": [32, 16]})
    with pytest.raises(UserError, match="--speeds first"):
        part("plan").make_plan(wider, cohort, known, minutes=2, seed=0, threads=1)


def test_a_forced_precision_changes_nothing_else(cohort: Cohort, tmp_path: Path) -> None:
    cells = part("cells")
    overrides = {name: value for name, value in TINY.items() if name != "train.precision"}
    tiny = part("plan").Setting("tiny", overrides={**overrides, "train.threads": 1})
    known = speeds(cohort, tiny)
    bench = cells.Bench(tmp_path, tmp_path, known, threads=1, samples=12)
    usual = cells.plan_of(cells.Cell("a", "recipes", tiny, 2.0), cohort, bench)
    other = "fp32" if usual.train.precision == "bf16" else "bf16"
    cell = cells.Cell("a", "precision", tiny, 2.0, precision=other)
    forced = cells.plan_of(cell, cohort, bench)
    assert forced.train.precision == other
    same = forced.train.model_copy(update={"precision": usual.train.precision})
    assert same == usual.train
    assert forced.model_dump(exclude={"train", "decisions"}) == usual.model_dump(
        exclude={"train", "decisions"}
    )
    assert cells.as_measured(forced, cell, cohort, bench).train == usual.train


def test_all_recipes_come_with_one_seed_before_the_next(cohort: Cohort) -> None:
    cells = part("cells")
    made = cells.cells(["recipes"], None, None)
    first = cells.FRESH  # no search has used it
    assert [cell.seed - first for cell in made] == [0] * 6 + [1] * 6 + [2] * 6
    assert len({cell.name for cell in made}) == 18
    assert {cell.minutes for cell in made} == {8.0}
    prior = cells.cells(["prior"], (5,), 0.6)
    assert {cell.name: round(cell.minutes, 3) for cell in prior if "lgg" in cell.name} == {
        "prior/lgg-64 scratch/5": 0.6,
        "prior/lgg-64 phantom/5": 0.6,
        "prior/lgg-64 phantom, third/5": 0.2,
    }


def test_two_processes_fill_one_file_and_hold_their_cells(tmp_path: Path) -> None:
    one, other = (part("store").Store(tmp_path / "q.json", tmp_path / "locks") for _ in range(2))
    with one.claim("a/b c/0") as mine, other.claim("a/b c/0") as his, other.claim("d") as free:
        assert (mine, his, free) == (True, False, True)
    with other.claim("a/b c/0") as his:
        assert his
    one.put("a", {"minutes": 8}, 1)
    other.put("b", {"minutes": 8}, 2)
    assert {name: record["value"] for name, record in one.cells().items()} == {"a": 1, "b": 2}
    assert one.find("a", {"minutes": 8})["value"] == 1
    assert one.find("a", {"minutes": 9}) is None


def test_minutes_of_a_curve_count_each_level_at_its_speed(cohort: Cohort) -> None:
    plan, tiny = part("plan"), setting()
    known = speeds(cohort, tiny)
    made = plan.make_plan(tiny, cohort, known, minutes=2, seed=0, threads=1, snapshots=False)
    images, (low, _) = made.train.images, made.train.level_shares
    assert plan.minutes_at(images, made, known(made)) == pytest.approx(2, rel=0.02)
    early = round(low * images / 2)
    assert plan.minutes_at(early, made, known(made)) == pytest.approx(early / 64 / SUSTAINED / 60)


def test_points_of_a_curve_lie_evenly_in_time_and_include_the_end(cohort: Cohort) -> None:
    plan, curves, tiny = part("plan"), part("curves"), setting(overrides={"train.ticks": 100})
    known = speeds(cohort, tiny)
    made = plan.make_plan(tiny, cohort, known, minutes=4, seed=0, threads=1)
    ticks = curves.due_ticks(made, known(made), 6)
    minutes = [
        plan.minutes_at(tick * made.train.images // 100, made, known(made)) for tick in ticks
    ]
    assert ticks[-1] == 100
    gaps = np.diff([0, *minutes])
    assert len(gaps) == 6
    assert gaps.max() < 1.15 * gaps.min()


def test_a_training_that_goes_back_forgets_the_points_ahead() -> None:
    points = [{"images": float(images), "kid": 1.0} for images in (8, 16, 24)]
    new = {"images": 16.0, "kid": 0.5}
    assert part("curves").with_point(points, new) == [points[0], new]


def test_measuring_a_curve_changes_no_weight_and_survives_interruption(
    cohort: Cohort, heads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves, tiny = part("curves"), setting(overrides={"train.ticks": 4})
    known = speeds(cohort, tiny, at=(16.0, 8.0))
    made = part("plan").make_plan(
        tiny, cohort, known, minutes=0.2, seed=3, threads=1, snapshots=False
    )
    monkeypatch.setattr(curves.TestScale, "__call__", cheap := _Cheap())
    points = curves.train_measured(made, cohort, known(made), Reporter(), images=12)
    assert [point["images"] for point in points][-1] == made.train.images
    assert [point["side"] for point in points] == sorted(point["side"] for point in points)

    plain = part("plan").copy_of(Cohort.open(heads), tmp_path / "plain")
    model = popgan.train(made, plain, name="model")
    weights = load_file(model.weights_path)
    last = found(cohort.run / "private" / "checkpoints" / "curve")[0]
    averaged = load_file(last)
    assert weights
    for name, value in weights.items():
        assert averaged[f"average.{name}"].equal(value)

    again = part("plan").copy_of(Cohort.open(heads), tmp_path / "again")
    cheap.stop_at = 2
    with pytest.raises(KeyboardInterrupt):
        curves.train_measured(made, again, known(made), Reporter(), images=12)
    cheap.stop_at = None
    assert curves.train_measured(made, again, known(made), Reporter(), images=12) == points


class _Cheap:
    """In place of the feature network: a number that depends on the weights."""

    stop_at: int | None = None

    def __call__(self, generator: Any, stage: Any, count: int) -> dict[str, float]:
        if self.stop_at is not None:
            self.stop_at -= 1
            if self.stop_at < 0:
                raise KeyboardInterrupt
        total = sum(float(value.double().sum()) for value in generator.parameters())
        return {"kid": total, "error": float(stage.level)}


def test_matched_slices_tell_nothing_by_their_height() -> None:
    rng = np.random.default_rng(0)
    heights = rng.uniform(0.2, 1.0, 600)
    present = rng.uniform(size=600) < heights  # the higher, the more tumours
    kept = part("classifier").matched(present, heights, bins=10, seed=1)
    assert list(kept) == sorted(set(kept))
    for low in np.arange(0, 1, 0.1):
        here = kept[(heights[kept] >= low) & (heights[kept] < low + 0.1)]
        assert present[here].sum() * 2 == len(here)
    alone = [heights[kept][present[kept] == side].mean() for side in (True, False)]
    assert abs(alone[0] - alone[1]) < 0.02
    assert abs(heights[present].mean() - heights[~present].mean()) > 0.1


def test_intervals_of_a_ratio_resample_whole_subjects() -> None:
    # Two subjects: every resample of two is one of four, each as likely.
    subjects = ["a"] * 4 + ["b"] * 2
    real = np.array([1, 1, 1, 0, 1, 0.0])
    twins = np.array([0.5, 0.5, 0.5, 0.5, 1, 1])
    found = part("classifier").ratio_interval(real, twins, subjects, seed=0)
    sums = {"a": (3.0, 2.0), "b": (1.0, 2.0)}
    ratios = [
        sum(sums[name][1] for name in pair) / sum(sums[name][0] for name in pair)
        for pair in itertools.product("ab", repeat=2)
    ]
    assert found["ratio"] == pytest.approx(1.0)
    assert found["ratio_low"] == pytest.approx(min(ratios), abs=1e-4)
    assert found["ratio_high"] == pytest.approx(max(ratios), abs=1e-4)
    assert found["real"] == pytest.approx(4 / 6, abs=1e-4)


def test_the_small_network_learns_is_repeatable_and_judges_images_alone() -> None:
    rng = np.random.default_rng(0)
    present = np.arange(64) % 2 == 0
    images = rng.normal(0, 0.3, (64, 1, 32, 32)).astype(np.float32)
    images[present, :, 10:18, 12:20] += 1.5
    network = part("network").NetworkClassifier(images[:48], present[:48], seed=0, epochs=12)
    assert (network.predict(images[48:]) == present[48:]).mean() >= 0.9
    again = part("network").NetworkClassifier(images[:48], present[:48], seed=0, epochs=12)
    assert (again.predict(images) == network.predict(images)).all()
    assert network.predict(images[50:51])[0] == network.predict(images)[50]


def test_the_mean_image_lies_above_the_floor_and_blur_changes_the_score(cohort: Cohort) -> None:
    scale = part("cells").measure_scale(cohort)
    assert scale["floor"]["low"] <= scale["floor"]["value"] <= scale["floor"]["high"]
    assert scale["floor"]["value"] < scale["mean image"]["value"]
    # A handful of tiny heads has no stable order of sharp and soft; the benchmark cohort has.
    assert scale["blurred"]["value"] != scale["floor"]["value"]


def test_speeds_of_rounds_are_medians_with_their_range() -> None:
    rounds = [[10.0, 2.0], [30.0, 1.0], [11.0, 3.0]]
    assert part("speeds").over_rounds(rounds) == {
        "images_per_second": [11.0, 2.0],
        "least": [10.0, 1.0],
        "most": [30.0, 3.0],
    }


def test_a_frozen_speed_stays_when_others_are_measured() -> None:
    def value(load: float, seconds: float, **shapes: float) -> dict[str, Any]:
        named = {key: {"name": key, "images_per_second": [v]} for key, v in shapes.items()}
        return {"load_before": load, "shapes": named, "snapshot_seconds": {"64": seconds}}

    new, known = value(3.0, 9.0, a=1.0, b=2.0), value(0.1, 1.5, a=50.0)
    found = part("speeds").with_known(new, known)
    assert {key: each["images_per_second"] for key, each in found["shapes"].items()} == {
        "a": [50.0],
        "b": [2.0],
    }
    assert (found["load_before"], found["shapes"]["b"]["load_before"]) == (0.1, 3.0)
    assert found["snapshot_seconds"] == {"64": 1.5}
    assert part("speeds").with_known(new, None) == new


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ({"a": [0.1, 0.12], "b": [0.3, 0.31]}, "lowest KID, below every other by more"),
        ({"a": [0.1, 0.12], "b": [0.115, 0.125]}, "cannot be told from b"),
        ({"a": [0.4, 0.41], "b": [0.3, 0.31]}, "is above b by more than the seed spread"),
        ({"a": [0.1], "b": [0.3]}, "too few seeds to be compared with b"),
        ({"a": [0.1, 0.12], "b": []}, "Nothing to compare yet"),
    ],
)
def test_words_follow_from_means_and_seed_spread(measured: Any, words: str) -> None:
    assert words in part("table").verdict(measured, "a")


def test_a_part_of_the_others_is_named() -> None:
    text = part("table").verdict({"a": [0.1, 0.12], "b": [0.3, 0.31], "c": [0.115, 0.125]}, "a")
    assert text.startswith("a is below b by more than the seed spread; it cannot be told from c")


def record(value: Any, minutes: float = 8.0) -> dict[str, Any]:
    """A measured cell."""
    machine = {"cpu": "Some CPU", "memory_gib": 7.8}
    more = {"commit": "0123abc", "machine": machine, "versions": {"torch": "2.13.0"}}
    return {"asked": {"minutes": minutes}, "value": value, "wall_minutes": 9.0, **more}


def scored(kid: float, **more: Any) -> dict[str, Any]:
    """A trained cell."""
    score = {"value": kid, "low": kid / 2, "high": 2 * kid, "ceilings": {"mean image": 2.0}}
    return {"images": 640, "minutes": 7.98, "init": "phantom", "scores": {"kid": score}} | more


def curve(*kids: float) -> dict[str, Any]:
    """A cell of the prior."""
    points = [
        {"images": 100 * n, "minutes": 5.0 * n, "side": 64, "kid": kid, "error": 0.01}
        for n, kid in enumerate(kids, 1)
    ]
    return {"images": 400, "points": points}


def made_up() -> dict[str, Any]:
    """Cells of every kind."""
    near = {
        f"{side}{end}": 0.8
        for side in ("real", "synthetic", "ratio")
        for end in ("", "_low", "_high")
    }
    judged = {
        "slices": {"train": 300, "test": 130, "twins": 1040},
        "subjects": {"train": 35, "test": 14},
        "classifiers": {"convolutional network": near},
        "permuted": {"real": [0.5, 0.4, 0.6], "synthetic": [0.51, 0.45, 0.55]},
        "height_alone": 0.49,
    }
    ends = {"value": 0.01, "low": 0.0, "high": 0.02}
    shapes = {"x": {"name": "popgan standard", "images_per_second": [1.0, 200.0, 60.0]}}
    values = {
        "speeds": {"rounds": 5, "threads": 2, "load_before": 0.1, "shapes": shapes},
        "scale/ixi-64": {"floor": ends, "blurred": ends, "mean image": ends, "subjects": 6},
        "recipes/popgan standard/0": scored(0.2),
        "recipes/popgan standard/1": scored(0.22),
        "recipes/dcgan standard/0": scored(1.2),
        "recipes/dcgan standard/1": {"images": 640, "minutes": 8.0, "failed": "it went wrong"},
        "recipes/popgan paper/0": {"refused": "budget 480s is too short"},
        "precision/popgan standard/0": scored(0.21),
        "precision/popgan standard/1": scored(0.22),
        "recipes/popgan standard/2": scored(0.22),
        "precision/popgan standard/2": scored(0.9, images=8),  # no twin: fewer images
        "precision/popgan standard in fp32/0": scored(0.35, images=360),
        "precision/popgan standard in fp32/1": scored(0.37, images=340),
        "prior/ixi-64 scratch/0": curve(1.0, 0.6, 0.4, 0.3),
        "prior/ixi-64 phantom/0": curve(0.5, 0.28, 0.14, 0.12),
        "prior/ixi-64 phantom, third/0": curve(0.25),
        "large/popgan standard at 128/0": scored(0.5),
        "classifier/cgan/0": scored(0.3, classifier=judged),
    }
    return {name: record(value) for name, value in values.items()}


def test_the_page_says_what_was_measured_and_no_more(tmp_path: Path) -> None:
    cells = made_up()
    drawn = part("figures").figures(cells, tmp_path)
    assert drawn == ["quality-prior-ixi-64.svg"]
    assert "from the phantom prior" in (tmp_path / drawn[0]).read_text()
    text = part("table").table(cells, drawn)
    for words in (
        "| popgan standard | 200 / 60 |",
        "| ixi-64 | 0.01 (0 to 0.02) | 0.01 (0 to 0.02) | 0.01 | 6 |",
        "| popgan standard | 640 | 7.98 | 0.2, 0.22, 0.22 | 0.213 | 0.012 | 3 |",
        "| dcgan standard | 640 | 7.98 | 1.2 | 1.2 | - | 1 |",
        "| popgan paper | - | - | - | - | - | 0 |",
        "- dcgan standard, seed 1: it went wrong",
        "- popgan paper, seed 0: budget 480s is too short",
        "has too few seeds to be compared with dcgan standard",
        "| popgan standard | 0.2, 0.22 | 0.21, 0.22 | -0.005 | yes |",
        "| popgan standard | 640 | 350 | 0.2, 0.22, 0.22 | 0.35, 0.37 | -0.15 | no |",
        "| ixi-64 phantom | 0 | 400 | 20 | 0.12 (SE 0.01) |",
        "KID 0.15 with the prior: first at minute 15",
        "scratch ends at 0.3 after 20 minutes; the prior reached it at minute 10 of the long run",
        "and a run of 5 minutes ends at 0.25 (at most scratch's)",
        "| 0 | 640 | 7.98 | phantom | 0.5 (0.25 to 1) | 2 | 25% |",
        "| 0 | convolutional network | 0.8 (0.8 to 0.8) |",
        "Height alone: 0.49",
        "![KID over minutes](quality-prior-ixi-64.svg)",
    ):
        assert words in text, words


def test_a_page_of_nothing_can_be_written() -> None:
    assert "not measured yet" in part("table").table({}, [])


def test_a_cell_is_trained_scored_and_not_measured_twice(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, cells, tiny = part(""), part("cells"), setting()
    known = speeds(cohort, tiny, at=(32.0, 16.0))
    own = cells.Bench(tmp_path / "work", tmp_path, known, threads=1, samples=12)
    store = part("store").Store(tmp_path / "quality.json", tmp_path / "locks")
    unknown = setting(overrides={"network.channels": [24, 16]})
    wanted = [
        cells.Cell("recipes/unknown/0", "recipes", unknown, 0.2),
        cells.Cell("recipes/tiny/0", "recipes", tiny, 0.2),
        cells.Cell(
            "recipes/tiny/1",
            "recipes",
            setting(overrides={"train.level_shares": [0.02, 0.98]}),
            0.2,
        ),
    ]
    known.record["shapes"] |= speeds(cohort, wanted[2].setting, at=(1.0, 0.5)).record["shapes"]
    # What cannot be measured does not keep the others from it.
    running = part("run")
    write = partial(bench.write_tables, store, tmp_path)
    assert running.run_cells(wanted, store, {"ixi-64": cohort}, own, write) == 1
    first = store.cells()
    assert set(first) == {"recipes/tiny/0", "recipes/tiny/1"}
    assert first["recipes/tiny/0"]["value"]["scores"]["kid"]["value"] > 0
    assert "is too short" in first["recipes/tiny/1"]["value"]["refused"]
    assert "| tiny |" in (tmp_path / "quality.md").read_text()
    assert not list((tmp_path / "work").rglob("state-*.safetensors"))
    monkeypatch.setattr(running, "measure", lambda *_: pytest.fail("measured again"))
    running.run_cells(wanted, store, {"ixi-64": cohort}, own, write)
    assert store.cells() == first
    # Nor is it where another benchmark asks for the very same training.
    other = part("store").Store(tmp_path / "tuning.json", tmp_path / "locks", [store.path])
    twin = cells.Cell("verify/tiny/0", "verify", tiny, 0.2)
    assert running.run_cells([twin], other, {"ixi-64": cohort}, own, write) == 0
    (taken,) = other.cells().values()
    assert taken["value"] == first["recipes/tiny/0"]["value"]
    assert taken["measured_as"] == "quality.json: recipes/tiny/0"
    text = bench.status(wanted[1:2], store, {"ixi-64": cohort}, own)
    assert text.splitlines()[0] == "recipes/tiny/0: done"


@pytest.mark.slow
def test_conditional_samples_are_judged_beside_real_slices(
    cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, plan = part("classifier"), part("plan")
    told = plan.Setting(
        "told", recipe="cgan", overrides=TINY | {"network.condition": ["label", "height"]}
    )
    known = speeds(cohort, told)
    made = plan.make_plan(told, cohort, known, minutes=0.2, seed=0, threads=1)
    model = popgan.train(made, cohort, name="model")
    monkeypatch.setattr(classifier, "FEWEST", 8)
    monkeypatch.setattr(classifier, "BINS", 2)
    judged = classifier.judge(model, cohort, seed=0, twins=2)
    assert judged["slices"]["twins"] == 2 * judged["slices"]["test"]
    # The lesion is far brighter than anything else: real slices are easy, permuted labels are not.
    assert judged["classifiers"]["logistic regression on features"]["real"] > 0.8
    assert judged["permuted"]["real"][0] == pytest.approx(0.5, abs=0.2)
    assert judged == classifier.judge(model, cohort, seed=0, twins=2)


def test_real_data_are_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POPGAN_DATA", raising=False)
    folders = ["--work", str(tmp_path / "work"), "--results", str(tmp_path)]
    assert part("").main(folders) == 2
    assert "POPGAN_DATA is not set" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "work")
