"""The cells of the paper's table: models that draw, their comparison, models that translate."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import popgan
import translation
from popgan.cohort import Cohort, IngestOptions
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.files import read_json, write_json
from popgan.phantom.cohort import write_cohort
from popgan.progress import Reporter
from popgan.stations.compare import compare
from popgan.stations.compared import COMPARE_VERSION
from popgan.stations.contenders import curve_of, parameters
from popgan.stations.ingest import ingest_station
from popgan.stations.model import Model
from quality_cells import Lines
from quality_plan import (
    COHORTS,
    Setting,
    Speeds,
    copy_of,
    data_folder,
    make_plan,
    minutes_at,
    open_cohort,
    plan_hash,
    provisional,
    shape,
)
from quality_speeds import measure_speeds, with_known
from quality_store import Store

SPEEDS, COMPARED = "speeds", "compared"
MINUTES, SIDE, SAMPLES = 15.0, 128, 2000
SPEED_THREADS = 2
DRAWING = [
    Setting("popgan standard"),
    Setting("popgan paper", preset="paper"),
    Setting("popgan paper, batch 32", preset="paper", overrides={"train.batch": 32}),
    Setting("stylegan2 standard", recipe="stylegan2"),
    Setting(
        "cgan standard, told height",
        recipe="cgan",
        overrides={"network.condition": ["height"]},
    ),
    Setting("dcgan standard", recipe="dcgan"),
]
"""From scratch: a prior would be one more difference between them."""
PHANTOM = {"contrasts": ["T1w"], "keep_ids": True, "keep_skull": True, "bias_field": "off"}


@dataclass
class Bench:
    """Where things lie, and what a trial may make smaller.

    Attributes:
        work: folder of the runs; not committed.
        store: what was measured. translations: the cells of translation.py.
        minutes, seeds, threads, samples: see the options.
        side: of the slices.
        phantoms: simulated heads instead of real ones; 0 = real.
    """

    work: Path
    store: Store
    translations: translation.Bench
    minutes: float
    side: int
    samples: int
    threads: int
    seeds: tuple[int, ...]
    phantoms: int
    opened: dict[str, Cohort] = field(default_factory=dict)

    @property
    def cohort(self) -> Cohort:
        """Of the models that draw, ingested when it is first needed."""
        if "drawing" not in self.opened:
            with self.store.alone("cohort-drawing"):
                self.opened["drawing"] = self._open()
        return self.opened["drawing"]

    def _open(self) -> Cohort:
        name, reporter = f"ixi-{self.side}", Reporter()
        options = COHORTS["ixi-128"][1].model_copy(update={"resolution": self.side})
        if not self.phantoms:
            COHORTS.setdefault(name, (COHORTS["ixi-128"][0], options))
            return open_cohort(name, data=data_folder(), work=self.work)
        source = self.work / "phantoms"
        if not (source / "participants.tsv").exists():
            write_cohort(source, self.phantoms, seed=0, contrasts=("T1w", "PDw", "T2w"))
        own = IngestOptions.parse(**PHANTOM, resolution=self.side)
        return ingest_station(source, self.work / "cohorts" / "phantom", own, reporter=reporter)

    @property
    def speeds(self) -> Speeds:
        """Frozen speeds of the models that draw."""
        return Speeds(self.store.cells().get(SPEEDS, {}).get("value"))

    @property
    def translated(self) -> list[translation.Cell]:
        """Models that translate: those of the first seed."""
        task = "phantom-t2" if self.phantoms else "lgg-flair"
        return [cell for cell in translation.cells([task]) if cell.seed == 0]

    @property
    def translation_speeds(self) -> dict[str, Any]:
        """Frozen speeds of those."""
        known = self.translations.store.cells().get(translation.SPEEDS, {})
        return dict(known.get("value", {}))


def freeze_speeds(bench: Bench, rounds: int) -> None:
    """Measure the speeds that are not known and keep them; known ones stay."""
    known = bench.store.cells().get(SPEEDS, {}).get("value")
    shapes = Speeds(known).record["shapes"]
    start, named = time.monotonic(), []
    for setting in DRAWING:
        plan = provisional(setting, bench.cohort, SPEED_THREADS)
        if shape(plan) not in shapes:
            named.append((setting.name, plan, bench.cohort))
    if named:
        value = with_known(measure_speeds(named, rounds=rounds, count=SPEED_THREADS), known)
        wall = round((time.monotonic() - start) / 60, 2)
        bench.store.put(SPEEDS, {}, value, wall_minutes=wall)
    if any(cell.shape not in bench.translation_speeds for cell in bench.translated):
        translation.freeze_speeds(bench.translations, rounds, bench.translated[0].task.name)


def plan_of(setting: Setting, seed: int, bench: Bench) -> Plan:
    """What a user would get who grants the minutes.

    Raises:
        UserError: the budget is too short, or the speed is not known.
    """
    return make_plan(
        setting,
        bench.cohort,
        bench.speeds,
        minutes=bench.minutes,
        seed=seed,
        threads=bench.threads,
        overrides={"evaluate.n": bench.samples},
    )


def folder_name(setting: Setting, seed: int) -> str:
    """The name of a model in its run folder."""
    words = "".join(c if c.isalnum() else "-" for c in f"{setting.name} {seed}")
    return "-".join(filter(None, words.split("-")))


def draw_cell(setting: Setting, seed: int, bench: Bench) -> bool:
    """Train a model that draws, unless that was done; a refused budget is a result, too."""
    name = f"draw/{setting.name}/{seed}"
    with bench.store.claim(name) as mine:
        if not mine:
            print(f"{name}: another process is at it", flush=True)
            return False
        try:
            plan = plan_of(setting, seed, bench)
        except UserError as error:
            if "is too short" not in str(error):
                raise
            asked: dict[str, Any] = {"minutes": bench.minutes, "refused": str(error)}
            if not (known := bench.store.find(name, asked)):
                bench.store.put(name, asked, {"refused": str(error)})
            return not known
        asked = {"minutes": bench.minutes, "plan": plan_hash(plan)}
        if bench.store.find(name, asked):
            return False
        print(f"{name}: {plan.train.images} images ...", flush=True)
        start = time.monotonic()
        value = _trained(setting, seed, plan, bench)
        wall = round((time.monotonic() - start) / 60, 2)
        bench.store.put(name, asked, value, wall_minutes=wall, threads=bench.threads)
        return True


def _run(setting: Setting, seed: int, plan: Plan, bench: Bench) -> Path:
    """A run folder of its own, so that processes do not share a ledger."""
    return bench.work / "cells" / f"{folder_name(setting, seed)}-{plan_hash(plan)[:8]}"


def _trained(setting: Setting, seed: int, plan: Plan, bench: Bench) -> dict[str, Any]:
    speeds = bench.speeds(plan)
    about = {
        "images": plan.train.images,
        "minutes": round(minutes_at(plan.train.images, plan, speeds), 2),
        "parameters": parameters(plan),
        "precision": plan.train.precision,
    }
    own = copy_of(bench.cohort, _run(setting, seed, plan, bench))
    try:
        model = popgan.train(plan, own, name=folder_name(setting, seed), reporter=Lines())
    except UserError as error:
        if "training went wrong" not in str(error):
            raise
        return {**about, "failed": str(error)}
    shutil.rmtree(model.checkpoints, ignore_errors=True)
    return {**about, "weights": model.weights_hash()}


def compare_cell(bench: Bench) -> bool:
    """Hold all trained models against the same patients.

    Raises:
        UserError: weights of one are not on this machine.
    """
    trained: dict[str, tuple[Path, str]] = {}
    for seed in bench.seeds:
        for setting in DRAWING:
            try:
                plan = plan_of(setting, seed, bench)
            except UserError:
                continue
            asked = {"minutes": bench.minutes, "plan": plan_hash(plan)}
            known = bench.store.find(f"draw/{setting.name}/{seed}", asked)
            if known and "weights" in known["value"]:
                run = _run(setting, seed, plan, bench)
                trained[folder_name(setting, seed)] = run, known["value"]["weights"]
    if len(trained) < 2:
        return False
    asked = {
        "compare": COMPARE_VERSION,
        "samples": bench.samples,
        "inversion": True,
        "weights": {name: weights for name, (_, weights) in trained.items()},
    }
    with bench.store.claim(COMPARED) as mine:
        if not mine or bench.store.find(COMPARED, asked):
            return False
        print(f"comparing {len(trained)} models ...", flush=True)
        start, run = time.monotonic(), copy_of(bench.cohort, bench.work / "compared").run
        for name, (place, weights) in trained.items():
            _take_in(Model(place, name), weights, run)
        result = compare(run, list(trained), n=bench.samples, inversion=True, reporter=Lines())
        wall = round((time.monotonic() - start) / 60, 2)
        bench.store.put(COMPARED, asked, result.model_dump(mode="json"), wall_minutes=wall)
    return True


def _take_in(model: Model, weights: str, run: Path) -> None:
    """Copy a model into a run, with what the ledger says of how it was trained."""
    if not model.weights_path.exists() or model.weights_hash() != weights:
        raise UserError(
            f"the weights of {model.name} that were measured are not on this machine",
            do="train them again with --restart --only draw",
        )
    place = Model(run, model.name)
    shutil.rmtree(place.folder, ignore_errors=True)
    shutil.copytree(model.folder, place.folder)
    path, name = run / "provenance.json", f"train {model.name}"
    own = read_json(model.run / path.name)
    record = read_json(path) if path.exists() else {**own, "stations": {}}
    record["stations"][name] = own["stations"][name]
    write_json(path, record)


def translate_cell(cell: translation.Cell, bench: Bench) -> bool:
    """A cell of translation.py, and the curve of its training where its log is here."""
    trained, speeds = bench.translations, bench.translation_speeds
    with trained.store.claim(cell.name) as mine:
        if not mine:
            print(f"{cell.name}: another process is at it", flush=True)
            return False
        done = translation.run_cell(cell, trained, speeds)
        asked, plan = translation.asked_of(cell, trained, speeds)
        run = trained.cohort(cell.task.cohort).run
        curve = curve_of(Model(run, translation.folder_of(cell, asked)))
        name = f"curve/{cell.name}"
        if curve is not None and not bench.store.find(name, asked):
            value = {"curve": curve.model_dump(mode="json"), "images": plan.train.images}
            bench.store.put(name, asked, value)
            done = True
    return done
