"""The cells of the benchmark of quality: which, in which order, and how each is measured."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import popgan
from main_line import measure_quality
from popgan.cohort import Cohort
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.errors import UserError
from popgan.evidence.features import FeatureExtractor, cached_features
from popgan.evidence.fidelity.kid import kid, kid_with_replicates
from popgan.evidence.statistics import interval, owners_of, subject_groups
from popgan.files import atomic_path
from popgan.progress import Reporter
from popgan.synthesis.image import contact_sheet, grid_png
from popgan.training.loop import threads
from quality_plan import Setting, Speeds, copy_of, make_plan, minutes_at, plan_hash
from quality_table import IN_FULL

RECIPES = [
    Setting("popgan standard"),
    Setting("stylegan2 standard", recipe="stylegan2"),
    Setting("r3gan standard", recipe="r3gan"),
    Setting("dcgan standard", recipe="dcgan"),
    Setting("popgan paper, batch 32", preset="paper", overrides={"train.batch": 32}),
    Setting("popgan paper", preset="paper"),
]
PRIOR = {
    (cohort, init): Setting(f"{cohort} {init}", cohort=cohort, init=init)
    for cohort in ("ixi-64", "lgg-64")
    for init in ("scratch", "phantom")
}
LARGE = Setting("popgan standard at 128", cohort="ixi-128", init="phantom")
TOLD = Setting(
    "cgan, told label and height",
    cohort="lgg-64",
    recipe="cgan",
    overrides={"network.condition": ["label", "height"]},
    init="default",
)
FULL = Setting(f"{RECIPES[0].name}{IN_FULL}", overrides={"train.precision": "fp32"})
"""As many minutes as the recipe gets by the rule, and as many images as fit into them."""
GROUPS = ("scale", "recipes", "precision", "precision-stylegan2", "prior", "large", "classifier")
DEFAULT = tuple(group for group in GROUPS if group != "precision-stylegan2")
BLUR = 0.8  # pixels, of the deliberately soft slices
SHOWN = 40  # images beside each other
FRESH = 1_000_000
"""The first seed of what is compared over seeds: none that a search or a final has used."""


@dataclass(frozen=True)
class Cell:
    """One thing to measure.

    Attributes:
        name: in the results, GROUP/SETTING/SEED.
        group: one of `GROUPS`.
        setting: what is trained.
        minutes: granted, of two threads; 0 where nothing is trained.
        seed: of everything.
        precision: forced; None leaves it to the plan's rule.
    """

    name: str
    group: str
    setting: Setting
    minutes: float
    seed: int = 0
    precision: str | None = None


@dataclass(frozen=True)
class Bench:
    """What all cells share.

    Attributes:
        work: folder of the runs; not committed.
        pictures: folder of the pictures that are committed.
        speeds: frozen speeds.
        threads: of training; results do not depend on it beyond rounding.
        samples: synthetic images a score.
    """

    work: Path
    pictures: Path
    speeds: Speeds
    threads: int
    samples: int


def cells(groups: Sequence[str], seeds: Sequence[int] | None, minutes: float | None) -> list[Cell]:
    """The cells of some groups in the order in which they are measured.

    Seeds come first, recipes second, so that a table that is not complete compares all recipes.

    Args:
        groups: of `GROUPS`.
        seeds: None takes three for recipes and one for long trainings.
        minutes: instead of each cell's own, for a trial; None takes those.
    """

    def granted(own: float) -> float:
        return own if minutes is None else minutes

    def of(group: str) -> Iterator[Cell]:
        default = (0, 1, 2) if group in ("recipes", "precision", "precision-stylegan2") else (0,)
        if group == "scale":
            for setting in (RECIPES[0], PRIOR["lgg-64", "scratch"], LARGE):
                yield Cell(f"scale/{setting.cohort}", group, setting, 0)
            return
        first = FRESH if len(default) > 1 else 0
        for number in seeds or default:
            for setting, own in _of_group(group):
                name, seed = f"{group}/{setting.name}/{number}", first + number
                if group.startswith("precision") and setting != FULL:
                    yield Cell(name, group, setting, granted(own), seed, "fp32")
                    continue
                yield Cell(name, group, setting, granted(own), seed)
                if group == "prior" and setting.init == "phantom":
                    third = f"{group}/{setting.name}, third/{number}"
                    yield Cell(third, group, setting, granted(own) / 3, seed)

    return [cell for group in groups for cell in of(group)]


def _of_group(group: str) -> list[tuple[Setting, float]]:
    """Settings and minutes of a group in which something is trained."""
    return {
        "recipes": [(setting, 8.0) for setting in RECIPES],
        "precision": [(RECIPES[0], 8.0), (FULL, 8.0)],
        "precision-stylegan2": [(RECIPES[1], 8.0)],
        "prior": [(setting, 20.0) for setting in PRIOR.values()],
        "large": [(LARGE, 15.0)],
        "classifier": [(TOLD, 20.0)],
    }[group]


def settings_of(groups: Sequence[str]) -> list[Setting]:
    """The settings of which the speed is needed, without repeats.

    Cells of a forced precision take the number of images from their twin's speed.
    """
    found: list[Setting] = []
    for cell in cells(groups, (0,), None):
        if cell.minutes and cell.setting not in found:
            found.append(cell.setting)
    return found


def plan_of(cell: Cell, cohort: Cohort, bench: Bench) -> Plan:
    """The plan of a cell; a forced precision changes nothing else.

    Raises:
        NoPriorError, UserError: see `make_plan`.
    """

    def make(**more: Any) -> Plan:
        return make_plan(
            cell.setting,
            cohort,
            bench.speeds,
            minutes=cell.minutes,
            seed=cell.seed,
            threads=bench.threads,
            overrides={"evaluate.n": bench.samples, **more},
            # A curve is measured all along, and its last point counts.
            snapshots=cell.group != "prior",
        )

    plan = make()
    if cell.precision is None:
        return plan
    if plan.train.precision == cell.precision:
        raise UserError(f"this machine trains in {cell.precision} anyway: nothing to compare")
    fixed = {"train.images": plan.train.images, "train.snapshots": plan.train.snapshots}
    return make(**fixed, **{"train.precision": cell.precision})


def asked_of(cell: Cell, cohort: Cohort, bench: Bench) -> tuple[dict[str, Any], Plan | None]:
    """What identifies a measurement of a cell, and its plan; another one is measured anew."""
    if not cell.minutes:
        return {"blur": BLUR, "slices": len(cohort.slices), "side": cohort.height}, None
    plan = plan_of(cell, cohort, bench)
    return {"minutes": round(cell.minutes, 4), "plan": plan_hash(plan)}, plan


def measure(cell: Cell, plan: Plan | None, cohort: Cohort, bench: Bench) -> dict[str, Any]:
    """Measure a cell; an interrupted training goes on.

    Raises:
        KeyboardInterrupt: interrupted; the state is saved.
        UserError: something that another attempt may mend.
    """
    if plan is None:
        with threads(bench.threads):
            return measure_scale(cohort)
    run = bench.work / "cells" / f"{cell.name.replace('/', '--')}-{plan_hash(plan)[:8]}"
    own = copy_of(cohort, Path(str(run).replace(" ", "_").replace(",", "")))
    speeds = bench.speeds(as_measured(plan, cell, cohort, bench))
    about = {
        "images": plan.train.images,
        "minutes": round(minutes_at(plan.train.images, plan, speeds), 2),
        "precision": plan.train.precision,
        "init": plan.train.init,
    }
    try:
        return {**about, **_measured(cell, plan, own, speeds, bench)}
    except UserError as error:
        if "training went wrong" not in str(error):
            raise
        return {**about, "failed": str(error)}


def as_measured(plan: Plan, cell: Cell, cohort: Cohort, bench: Bench) -> Plan:
    """The plan whose speed counts for a cell: its twin's where a precision is forced."""
    if cell.precision is None:
        return plan
    twin = Cell(cell.name, cell.group, cell.setting, cell.minutes, cell.seed)
    return plan_of(twin, cohort, bench)


def _measured(
    cell: Cell, plan: Plan, cohort: Cohort, speeds: list[float], bench: Bench
) -> dict[str, Any]:
    if cell.group == "prior":
        from quality_curves import train_measured

        points = train_measured(plan, cohort, speeds, Lines(), images=min(500, bench.samples))
        shutil.rmtree(cohort.run / "private" / "checkpoints", ignore_errors=True)
        return {"points": points}
    model = popgan.train(plan, cohort, name="model", reporter=Lines())
    value: dict[str, Any] = measure_quality(cohort.run)
    if cell.group == "large":
        pictures(model, cohort, bench)
    if cell.group == "classifier":
        from quality_classifier import judge

        with threads(bench.threads):
            value["classifier"] = judge(model, cohort, seed=cell.seed)
    # Gigabytes that nobody needs any more.
    shutil.rmtree(model.checkpoints, ignore_errors=True)
    return value


def measure_scale(cohort: Cohort) -> dict[str, Any]:
    """KID to the test split of images between which generators lie.

    Training slices (the floor), training slices that are blurred, and the mean image.
    """
    extractor = FeatureExtractor(device=best_device())
    cache = cohort.run / "cache"
    train, test = cohort.images("train"), cohort.images("test")
    soft = gaussian_filter(train, sigma=(0, 0, BLUR, BLUR)).astype(np.float32)
    real, owners = cached_features(test, extractor, cache), cohort.subjects("test")
    trained = cohort.subjects("train")
    groups, held = (subject_groups(owners), subject_groups(trained)), owners_of(owners)
    found = {}
    for name, images in (("floor", train), ("blurred", soft)):
        features = cached_features(images, extractor, cache)
        value, *left = kid_with_replicates(
            real, groups[0], features, groups[1], x_owners=held, y_owners=owners_of(trained)
        )
        low, high = interval(value, *left)
        found[name] = {"value": round(value, 5), "low": round(low, 5), "high": round(high, 5)}
    mean = train.mean(0, dtype=np.float64, keepdims=True).astype(np.float32)
    value = kid(real, np.repeat(extractor(mean), len(train), 0), x_owners=held)
    return {**found, "mean image": {"value": round(value, 5)}, "subjects": len(set(owners))}


def pictures(model: popgan.Model, cohort: Cohort, bench: Bench) -> None:
    """Synthetic images to commit; and the same beside real ones, which stays in the work folder."""
    side = cohort.height
    images = popgan.synthesise(model, SHOWN, seed=1)
    grid_png(bench.pictures / f"quality-{side}.png", images, columns=8)
    real = cohort.images("test")
    real = real[np.linspace(0, len(real) - 1, SHOWN).astype(int)]
    sheets = [contact_sheet(part, 5) for part in (images, real)]
    gap = np.full((len(sheets[0]), 16), 255, np.uint8)
    with atomic_path(bench.work / f"quality-{side}-beside-real.png") as temporary:
        Image.fromarray(np.hstack([sheets[0], gap, sheets[1]])).save(temporary, format="PNG")


class Lines(Reporter):
    """What happened, a line each; no bars, because a benchmark runs for hours."""

    def message(self, text: str) -> None:
        """Print it."""
        print(f"  {text}", flush=True)

    warning = message
