"""The main line: ingest -> plan -> train -> generate -> evaluate -> report.

Each station is skipped when its inputs are unchanged, so the same command resumes, extends or
merely confirms a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.cohort.map_choice import NO_MAP
from popgan.cohort.options import IngestOptions
from popgan.config.preset import load_preset
from popgan.errors import NotMeasurableError, UserError
from popgan.evidence.fidelity.results import FidelityResult
from popgan.folders import atomic_folder
from popgan.phantom.cohort import write_cohort
from popgan.planning.budget import parse_budget
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.stations.evaluate import evaluate
from popgan.stations.evidence import load_evaluation
from popgan.stations.folder import check_places, locked
from popgan.stations.generate import generate
from popgan.stations.ingest import ingest_station
from popgan.stations.model import Model
from popgan.stations.plan import MASKS, SpeedProbe, check_overrides, plan_station
from popgan.stations.report import write_report
from popgan.stations.train import train

DEMO_SUBJECTS = 48
# What the demo shows was measured with scans in their own ranges; its figures stay comparable.
_DEMO = {"intensity": "percentile"}


@dataclass(frozen=True)
class RunOptions:
    """What the user asks of the main line.

    Attributes:
        preset: name of a preset.
        recipe: name of a recipe.
        name: name of the model; the recipe's by default.
        ingest: values of `IngestOptions` that differ from its defaults; the preset's resolution
            applies where none is given.
        budget: training time, or None for the preset's.
        seed: seed of the run; the split has a seed of its own in `ingest`.
        overrides: values of the plan by dotted name.
        images: images of the synthetic data set, or None for the preset's.
        restart: forget what the run folder holds of this model.
        workers: processes that open files in ingest; see `Cohort.from_folder`.
        strict: whether a file that cannot be used is an error.
    """

    preset: str = "quick"
    recipe: str = "popgan"
    name: str | None = None
    ingest: dict[str, Any] = field(default_factory=dict)
    budget: str | None = None
    seed: int = 0
    overrides: dict[str, Any] = field(default_factory=dict)
    images: int | None = None
    restart: bool = False
    workers: int | None = None
    strict: bool = False

    def ingest_options(self) -> IngestOptions:
        """Options of ingest with the preset's resolution filled in.

        Raises:
            UserError: an impossible value.
        """
        values = dict(self.ingest)
        values.setdefault("resolution", load_preset(self.preset, self.recipe).resolution)
        return IngestOptions.parse(**values)

    def check(self) -> None:
        """Refuse what cannot work before anything is read or written.

        Raises:
            UserError: an unknown preset, recipe or value, a bad budget or resolution.
        """
        find_recipe(self.recipe)
        load_preset(self.preset, self.recipe)
        if self.name is not None:
            Model(Path(), self.name)
        if self.budget is not None:
            parse_budget(self.budget)
        check_overrides(self.overrides, self.recipe)
        ingest = self.ingest_options()
        if self.overrides.get(MASKS) and (ingest.label_map or "").lower() == NO_MAP:
            raise UserError(
                "masks are asked for, and no label map", do="name one with --label-map NAME"
            )


@dataclass(frozen=True)
class RunResult:
    """What the main line leaves behind.

    Attributes:
        model: the trained model.
        synthetic: folder of the synthetic data set.
        fidelity: the measurements; None where the cohort is too small for any.
        verdict: what they amount to, or why there are none.
        report: the shareable page.
        private_report: the page with patients on it.
    """

    model: Model
    synthetic: Path
    fidelity: FidelityResult | None
    verdict: str
    report: Path
    private_report: Path


def run_all(
    source: Path | None, run: Path, options: RunOptions, reporter: Reporter | None = None
) -> RunResult:
    """Everything from scans to report.

    A cohort too small to be evaluated gets everything else, and a report that says so.

    Args:
        source: folder of scans, or None for the phantom cohort.
        run: run folder, made if need be.
        options: what the user asks.
        reporter: shows progress.

    Raises:
        UserError: see the stations.
    """
    reporter = reporter or Reporter()
    options.check()
    if source is not None:
        check_places(source, run)
    with locked(run, make=True):
        scans = phantom_scans(run, options.seed, reporter) if source is None else source
        if source is None:  # simulated heads have no patient behind their ids
            options = replace(options, ingest=_DEMO | options.ingest | {"keep_ids": True})
        model = prepare(scans, run, options, reporter)
        cohort = Cohort.open(run)
        train(model.plan(), cohort, name=model.name, reporter=reporter)
        synthetic = generate(model, options.images, seed=options.seed, reporter=reporter)
        try:
            evaluate(model, cohort, reporter=reporter)
        except NotMeasurableError as error:
            reporter.warning(f"not evaluated: {error}")
        evidence = load_evaluation(model)
        assert evidence is not None
        report, private = write_report(model, reporter=reporter)
    words = evidence.verdict().sentence
    return RunResult(model, synthetic, evidence.fidelity, words, report, private)


def prepare(
    scans: Path,
    run: Path,
    options: RunOptions,
    reporter: Reporter,
    probe: SpeedProbe | None = None,
) -> Model:
    """The first two stations: ingest and plan."""
    ingest_station(
        scans,
        run,
        options.ingest_options(),
        replacing=(options.name or options.recipe) if options.restart else None,
        workers=options.workers,
        strict=options.strict,
        reporter=reporter,
    )
    return plan_station(
        run,
        name=options.name,
        preset=options.preset,
        recipe=options.recipe,
        budget=options.budget,
        seed=options.seed,
        overrides=options.overrides,
        restart=options.restart,
        reporter=reporter,
        probe=probe,
    )


def phantom_scans(run: Path, seed: int, reporter: Reporter) -> Path:
    """The phantom cohort of the demo, made once under RUN/cache."""
    folder = run / "cache" / f"phantom-{seed}"
    if not folder.exists():
        with atomic_folder(folder) as temporary:
            write_cohort(temporary, n=DEMO_SUBJECTS, seed=seed, reporter=reporter)
    return folder
