"""The benchmark of tuning: its page and its comparison of cohorts say what the figures say."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from popgan.config.preset import Preset, load_preset
from popgan.config.preset_model import parameter_of
from popgan.errors import UserError
from report.made_experiments import tuned

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ("ixi-64", "lgg-64", "cheng-64")
RATE = {"name": "train.lr_generator", "low": 1e-4, "high": 1e-2, "log": True, "default": 1e-3}
BATCH = {"name": "train.batch", "choices": [4, 8, 16], "default": 8}


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield


def part(name: str) -> Any:
    """A module of the benchmark."""
    return importlib.import_module(f"tuning_{name}")


def record(value: dict[str, Any]) -> dict[str, Any]:
    """A cell as it is kept."""
    return {"value": value, "machine": {"cpu": "a processor"}, "commit": "c0ffee"}


def training(kid: float | None, *, init: str = "scratch", images: int = 1000) -> dict[str, Any]:
    """A training that was scored, or failed."""
    scores = {"kid": {"value": kid, "floor": 0.01, "ceilings": {"mean image": 1.5}}}
    value = {"init": init, "images": images, "n_synthetic": 2000, "n_reference_subjects": 6}
    return record(value if kid is None else {**value, "scores": scores})


BETTER = {"train.batch": 16, "train.lr_generator": 0.002}


def searched(*, better: bool = False) -> dict[str, Any]:
    """A search that kept the default; the present rule would as well, unless `better`."""
    found = tuned()
    assert found.finals is not None
    default, other, *_ = sorted(found.finals.candidates, key=lambda c: c.trial is not None)
    worth = {True: [0.10, 0.11, 0.09], False: [0.30, 0.31, 0.32]}
    candidates = [
        default.model_copy(update={"values": [0.30, 0.32, 0.31], "mean": 0.31}),
        other.model_copy(update={"setting": BETTER, "values": worth[better], "reason": ""}),
    ]
    kept = found.finals.model_copy(update={"candidates": candidates, "chosen": 0})
    value = found.model_copy(update={"finals": kept}).model_dump(mode="json")
    return {"search/popgan": record({"result": value})}


def verified(kids: dict[str, list[float | None]]) -> dict[str, Any]:
    """Cells of one cohort, a training for each seed."""
    return {
        f"verify/ixi-64, {name}/{seed}": training(
            kid, init="phantom" if name == "new standard" else "scratch"
        )
        for name, each in kids.items()
        for seed, kid in enumerate(each)
    }


def test_the_page_orders_methods_and_holds_each_against_the_new_standard() -> None:
    cells = searched() | verified(
        {
            "paper, batch 32": [0.8, 0.9, 1.0],
            "new standard": [0.1, 0.2, 0.3],
            "new standard, from scratch": [0.3, 0.4, 0.5],
            "tuned r3gan": [0.7, None, 0.9],
        }
    )
    page = part("table").table(cells)
    rows = [line for line in page.splitlines() if line.startswith(("| new", "| paper", "| tuned"))]
    assert [row.split(" | ")[0][2:] for row in rows] == [
        "new standard",
        "new standard, from scratch",
        "tuned r3gan",
        "paper, batch 32",
    ]
    assert "| physics prior | 1,000 | 3 | 0.200 | 0.100, 0.200, 0.300 |" in rows[0]
    assert "| random weights |" in rows[1] and "+0.200 (-0.027 to +0.427)" in rows[1]
    assert "0.700, failed, 0.900" in rows[2]
    assert "Real against real: 0.010; a mean image: 1.50." in page
    assert "the new standard has 0.22 of it. From random weights it has 0.44." in page
    assert "The new standard has the lowest KID." in page
    assert "The search kept the old standard: it is the new one." in page


def test_the_page_says_where_the_new_standard_is_beaten_or_tied() -> None:
    verdict = part("table").table
    beaten = verdict(verified({"new standard": [0.3, 0.31, 0.3], "tuned r3gan": [0.1, 0.11, 0.1]}))
    assert "Below the new standard: tuned r3gan." in beaten
    tied = verdict(verified({"new standard": [0.3, 0.1, 0.3], "tuned r3gan": [0.1, 0.3, 0.29]}))
    assert "Lower, but a tie with the new standard: tuned r3gan." in tied


def test_what_the_search_found_by_the_present_rule_is_the_new_standard() -> None:
    methods = part("methods")
    kept, found = searched(), searched(better=True)
    assert methods.stays(kept) and not methods.stays(found)
    finals = methods.TuneResult.model_validate(found["search/popgan"]["value"]["result"]).finals
    assert finals.chosen == 0, "the record of the search says that the default stays"
    new, old = (methods.method(name, "ixi-64", found).preset for name in (methods.NEW, methods.OLD))
    assert old == methods.start_of("popgan") == methods.method(methods.NEW, "x", kept).preset
    assert {name: new.tuned[name] for name in new.tuned} and set(new.tuned) == set(BETTER)
    for name in ("new standard, from scratch", "old standard, from scratch"):
        assert methods.method(name, "ixi-64", found).init == "scratch"
    with pytest.raises(UserError, match="the search of popgan is not finished"):
        methods.method(methods.NEW, "ixi-64", {})


def test_the_shipped_standard_is_what_was_found() -> None:
    methods = part("methods")
    cells = json.loads((FOLDER / "results" / "tuning.json").read_text("utf-8"))["cells"]
    found, _ = methods.chosen(cells, "popgan")
    for preset in (load_preset("standard", "popgan"), load_preset("quick", "popgan")):
        assert set(preset.tuned) == set(found)
        for name, value in found.items():
            parameter = parameter_of(name)
            shipped = getattr(preset, parameter) if parameter else preset.values[name][0]
            assert shipped == value, name
    # And nothing else has changed since the search began.
    shipped, start = load_preset("standard", "popgan"), methods.start_of("popgan")
    assert plan_values(shipped) - plan_values(start) == plan_values(shipped, set(found))


def plan_values(preset: Preset, names: set[str] | None = None) -> set[tuple[str, str]]:
    """Names and values of a preset, of all or of some."""
    parameters = ("batch", "channel_base", "channel_max", "gamma_at_64", "gamma_start", "ema_share")
    parameters += ("level_weights", "low_levels", "resolution", "budget", "images")
    values = {name: value for name, (value, _) in preset.values.items()}
    values |= {f"preset.{name}": getattr(preset, name) for name in parameters}
    return {(name, repr(value)) for name, value in values.items() if not names or name in names}


def test_a_method_that_is_refused_is_told_with_its_reason_and_no_score() -> None:
    cells = verified({"new standard": [0.1]})
    cells["verify/ixi-64, paper/0"] = record({"refused": "budget 480s is too short: grant 598s."})
    page = part("table").table(cells)
    assert "paper cannot be trained so: budget 480s is too short: grant 598s." in page
    assert "| paper |" not in page and "inf" not in page


def recorded(kids: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """All cells of the settings that were trained on several cohorts, with these last KIDs."""
    rng = np.random.default_rng(0)
    rates, batches = 10 ** rng.uniform(-4, -2, 40), rng.choice([4, 8, 16], 40)
    cells = {"efficiency/space": record([RATE, BATCH])}
    for name, own in kids.items():
        for number, kid in enumerate(own):
            rate, batch = float(rates[number]), int(batches[number])
            setting = {"train.lr_generator": rate, "train.batch": batch}
            cells[f"efficiency/{name}/setting/{number}"] = record(_curve(setting, float(kid)))
        for number in range(5):
            kid = 0.5 + 0.01 * (number - 2)
            cells[f"efficiency/{name}/default/{number}"] = record(_curve({}, kid))
    return cells


def _curve(setting: dict[str, Any], kid: float) -> dict[str, Any]:
    points = [
        {"images": 100 * n, "share": n / 10, "seconds": n, "kid": kid + 0.1 * (10 - n), "error": 0}
        for n in (4, 6, 10)
    ]
    return {"setting": setting, "kid": kid, "images": 1000, "points": points}


@pytest.fixture
def no_forests(_path: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importances take their time, and some comparisons do without."""
    monkeypatch.setattr(part("transfer"), "_values", lambda *_: {})


@pytest.mark.usefixtures("no_forests")
def test_overhead_is_that_of_trials_and_the_default_whose_speed_is_known_stands_apart() -> None:
    module = part("overhead")
    trials = tuned().trials
    taken = [
        one.model_copy(update={"overhead": seconds, "images": images, "setting": setting})
        for one, seconds, images, setting in zip(
            trials,
            (0.1, 2.0, 4.0, 1.0, 9.0),
            (80, 80, 80, 80, 0),
            ({}, BETTER, BETTER, BETTER, BETTER),
            strict=False,
        )
    ]
    value = module._value(taken)
    assert value == {"default": [0.1], "others": [2.0, 4.0, 1.0]}, "what was not trained has none"
    cell = record({**value, "load_before": 0.1})
    cell["asked"] = {"trials": 5, "seconds": 60.0, "threads": 2}
    lines = module.overhead_lines({"overhead/r3gan": cell})
    assert lines[-1] == "| r3gan | 5 | 0.1 | 2.0, 4.0, 1.0 | 2.0 | 2 | 0.10 |"
    assert module.overhead_lines({}) == []


def test_the_order_of_settings_is_compared_between_cohorts_by_ranks() -> None:
    rng = np.random.default_rng(1)
    first = rng.uniform(0.2, 1.0, 40)
    kids = {"ixi-64": first, "lgg-64": first**3, "cheng-64": rng.uniform(0.2, 1.0, 40)}
    found = part("transfer").transfer(recorded(kids))
    pairs = {tuple(pair["cohorts"]): pair for pair in found["pairs"]}
    same, other = pairs["ixi-64", "lgg-64"], pairs["ixi-64", "cheng-64"]
    assert same["correlation"] == pytest.approx(1.0) and same["low"] == pytest.approx(1.0)
    oracle = spearmanr(first, kids["cheng-64"]).statistic
    assert other["correlation"] == pytest.approx(oracle)
    assert other["low"] < oracle < other["high"] and 0 < other["ceiling"] < 1


@pytest.mark.usefixtures("no_forests")
def test_settings_are_taken_from_other_cohorts_only_and_held_against_the_default() -> None:
    rng = np.random.default_rng(2)
    kids = {name: rng.uniform(0.3, 1.0, 40) for name in NAMES}
    for name in NAMES[:2]:
        kids[name][[7, 8, 9]] = 0.1, 0.11, 0.12
    kids["cheng-64"][[7, 8, 9]] = 0.9, 0.2, 0.25
    found = part("transfer").transfer(recorded(kids))
    held = {row["cohort"]: row for row in found["held_out"]}["cheng-64"]
    assert {8, 9} <= set(found["everywhere"]) and 7 not in found["everywhere"]
    assert all(kids[name][i] < 0.5 for name in NAMES for i in found["everywhere"])
    assert held["chosen"] == [7, 8, 9] and held["kids"] == [0.9, 0.2, 0.25]
    assert held["ranks"] == [int((kids["cheng-64"] < kid).sum()) + 1 for kid in held["kids"]]
    assert held["default"] == pytest.approx(0.5)
    assert held["better_than_default"] == int((kids["cheng-64"] < 0.5).sum())


def test_the_value_that_decides_is_first_on_the_page_with_its_best_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    cells = recorded({name: np.zeros(40) for name in NAMES[:2]})
    for name, cell in cells.items():
        if "/setting/" in name:
            rate = np.log10(cell["value"]["setting"]["train.lr_generator"])
            cell["value"]["kid"] = 0.3 + (rate + 2.2) ** 2 / 4 + 0.01 * rng.standard_normal()
    found = part("transfer").transfer(cells)
    monkeypatch.setattr(part("transfer"), "transfer", lambda _: found)
    monkeypatch.setattr(part("efficiency"), "ORDERS", 20)
    values = found["values"]["rows"]
    for name in NAMES[:2]:
        own = values["train.lr_generator"][name]
        assert own["share"] > 0.9 > 0.1 > values["train.batch"][name]["share"]
        assert -2.6 < np.log10(own["best"]) <= -2 and own["gain"] > 0.05
    page = part("table").table(cells)
    assert page.index("| `train.lr_generator` | 0.001 |") < page.index("| `train.batch` | 8 |")


def test_halving_is_replayed_on_the_curves_and_finds_what_stays_in_front(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part("efficiency"), "ORDERS", 200)
    kids = np.linspace(0.2, 1.0, 40)
    cells = recorded({"ixi-64": kids})
    found = part("efficiency").replayed(cells, "ixi-64", [8, 12])
    # The order is the same at every rung, so the best is never stopped.
    every = found["all"]
    assert every["within"] == every["tied"] == 1.0 and every["regret"] == 0.0
    assert every["begun"] == 40 and 0.5 < every["share"] < 0.7 and found["failed"] == 0
    assert found["told"] == pytest.approx([1.0, 1.0])
    assert found["good"] == int((kids - kids.min() <= found["spread_sd"]).sum())
    few = found["granted"]
    assert 16 < few["begun"] < 40 and few["share_high"] <= 0.4
    # The best is among those that were begun as often as chance has it.
    assert few["within"] == pytest.approx(few["begun"] / 40, abs=0.05)
    assert part("efficiency").replayed(cells, "lgg-64", [8, 12]) is None
    assert part("efficiency").replayed(cells, "ixi-64", [8, 15]) is None  # nothing was measured


def test_without_stopping_the_images_that_are_granted_are_those_of_so_many_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part("efficiency"), "ORDERS", 20)
    found = part("efficiency").replayed(
        recorded({"ixi-64": np.linspace(0.2, 1.0, 40)}), "ixi-64", []
    )
    assert found["granted"]["begun"] == 16 and found["granted"]["share"] == pytest.approx(0.4)
    assert found["all"]["share"] == 1.0 and found["all"]["within"] == 1.0
