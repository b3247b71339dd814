"""The main line: ingest -> (tune) -> plan -> train -> generate -> evaluate -> audit -> report.

Each station is skipped when its inputs are unchanged, so the same command resumes, extends or
merely confirms a run. A model that translates contrasts has nothing to generate.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.cohort.map_choice import NO_MAP
from popgan.cohort.options import IngestOptions
from popgan.errors import NotMeasurableError, UserError
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.paired.results import PairedResult
from popgan.folders import atomic_folder
from popgan.phantom.cohort import write_cohort
from popgan.planning.recipes import find_rules
from popgan.planning.translation import SOURCES, TARGET, check_contrasts
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.stations.audit import audit, record_not_applicable
from popgan.stations.audited import StoredAudit, load_audit
from popgan.stations.evaluate import evaluate
from popgan.stations.evidence import load_evaluation
from popgan.stations.folder import check_places, locked
from popgan.stations.generate import generate
from popgan.stations.ingest import ingest_station
from popgan.stations.model import Model
from popgan.stations.plan import MASKS, check_overrides, plan_station
from popgan.stations.presets import TUNED, find_preset, is_tuned, side_of
from popgan.stations.report import write_report
from popgan.stations.speed import SpeedProbe
from popgan.stations.train import train
from popgan.tuning.begin import TuneOptions
from popgan.tuning.prologue import GRANTED
from popgan.tuning.search import tune

DEMO_SUBJECTS = 48
_DEMO = {"intensity": "percentile"}  # as when its figures were measured: they stay comparable
# A translator is meant for whole volumes later, and learns from nearly all of their slices.
_WHOLE = {"slices": 40, "slice_range": (5.0, 95.0)}


@dataclass(frozen=True)
class RunOptions:
    """What the user asks of the main line.

    Attributes:
        preset: name of a preset; "tuned" for what a study of the run folder has found.
        recipe: name of a recipe.
        name: name of the model; the recipe's by default.
        ingest: values of `IngestOptions` that differ from its defaults; the preset's resolution
            applies where none is given. For recipes that translate, more slices of a volume are
            the default, and the contrasts that are translated.
        budget: training time, or None for the preset's.
        seed: seed of the run; the split has a seed of its own in `ingest`.
        overrides: values of the plan by dotted name.
        images: images of the synthetic data set, or None for the preset's.
        restart: forget what the run folder holds of this model.
        workers: processes that open files in ingest; see `Cohort.from_folder`.
        strict: whether a file that cannot be used is an error.
        audit: whether the privacy audit is made; a model that translates has none.
        tune: time of a search for better values, before the model is planned; None: none.
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
    audit: bool = True
    tune: str | None = None

    def ingest_options(self, run: Path | None = None) -> IngestOptions:
        """Options of ingest with what preset and recipe decide filled in.

        Args:
            run: run folder, whose studies a tuned preset comes from.

        Raises:
            UserError: an impossible value.
        """
        values: dict[str, Any] = {"resolution": side_of(self.preset, self.recipe, run)}
        if self.translates:
            values |= _WHOLE
            if contrasts := self.translated():
                values["contrasts"] = contrasts
        return IngestOptions.parse(**(values | self.ingest))

    @property
    def translates(self) -> bool:
        """Whether the recipe makes one contrast of others.

        Raises:
            UserError: there is no such recipe.
        """
        return find_rules(self.recipe).translates

    def translated(self) -> list[str]:
        """Sources and target, in the order in which the cohort will hold them; [] if not said."""
        sources, target = self.overrides.get(SOURCES), self.overrides.get(TARGET)
        return [*sources, target] if isinstance(sources, list) and target else []

    def check(self, run: Path | None = None) -> None:
        """Refuse what cannot work before anything is read or written.

        Args:
            run: as in `ingest_options`.

        Raises:
            UserError: an unknown preset, recipe or value, a bad budget or resolution.
        """
        find_recipe(self.recipe)
        find_preset(self.preset, self.recipe, run)
        if self.name is not None:
            Model(Path(), self.name)
        check_overrides(self.overrides, self.recipe, self.budget)
        if self.tune is not None:
            if is_tuned(self.preset):
                raise UserError(f"--tune searches around a preset, not around {self.preset}")
            self.tuning().check()
        if self.translates:
            self._check_translation()
        ingest = self.ingest_options(run)
        if self.overrides.get(MASKS) and (ingest.label_map or "").lower() == NO_MAP:
            raise UserError(
                "masks are asked for, and no label map", do="name one with --label-map NAME"
            )

    def tuning(self) -> TuneOptions:
        """The search that comes before planning; lengths are meant for the training after it."""
        held = {name: value for name, value in self.overrides.items() if name not in GRANTED}
        return TuneOptions(self.recipe, self.preset, self.tune, seed=self.seed, overrides=held)

    def _check_translation(self) -> None:
        """Refuse a translation of which an end is not named, or not another contrast."""
        if not self.overrides.get(TARGET):
            raise UserError(
                f"recipe {self.recipe} translates contrasts, and it is not said to which one",
                do="add --from and --to, e.g. --from T1w,T1wCE --to FLAIR",
            )
        if not self.overrides.get(SOURCES) and not self.ingest.get("contrasts"):
            raise UserError(
                f"it is not said from which contrasts to translate to {self.overrides[TARGET]}",
                do="add --from, e.g. --from T1w,T1wCE",
            )
        if contrasts := self.translated():
            check_contrasts(self.overrides, contrasts)
            # Before scans are read for minutes.
            named = IngestOptions.parse(contrasts=self.ingest.get("contrasts")).contrasts
            if named and (lacking := [name for name in contrasts if name not in named]):
                raise UserError(
                    f"contrast {lacking[0]} is not among those of --contrast, {', '.join(named)}",
                    do="name it there too, or leave --contrast out",
                )
            if find_rules(self.recipe).kind == "mustgan" and len(contrasts) < 3:
                raise UserError(
                    "mustgan fuses two sources or more, and one is named",
                    do="name another with --from, or take --recipe pix2pix",
                )


@dataclass(frozen=True)
class RunResult:
    """What the main line leaves behind.

    Attributes:
        model: the trained model.
        synthetic: folder of the synthetic data set; None of a model that translates.
        fidelity: the measurements; None where the cohort is too small for any.
        paired: those of a model that translates; None likewise.
        verdict: what they amount to, or why there are none.
        audit: the privacy audit of the present weights; None where there is none.
        report: the shareable page.
        private_report: the page with patients on it.
    """

    model: Model
    synthetic: Path | None
    fidelity: FidelityResult | None
    paired: PairedResult | None
    verdict: str
    audit: StoredAudit | None
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
        options: what the user asks. reporter: shows progress.

    Raises:
        UserError: see the stations.
    """
    reporter = reporter or Reporter()
    options.check(run)
    if source is not None:
        check_places(source, run)
    with locked(run, make=True):
        scans = phantom_scans(run, options, reporter) if source is None else source
        if source is None:  # simulated heads have no patient behind their ids
            options = replace(options, ingest=_DEMO | options.ingest | {"keep_ids": True})
        model = prepare(scans, run, options, reporter)
        cohort = Cohort.open(run)
        train(model.plan(), cohort, name=model.name, reporter=reporter)
        synthetic = None
        if not options.translates:
            synthetic = generate(model, options.images, seed=options.seed, reporter=reporter)
        try:
            evaluate(model, cohort, reporter=reporter)
        except NotMeasurableError as error:
            reporter.warning(f"not evaluated: {error}")
        evidence = load_evaluation(model)
        assert evidence is not None
        if options.translates:
            record_not_applicable(model, reporter)
        elif options.audit:
            audit(model, cohort, reporter=reporter)
        privacy = None if options.translates else load_audit(model)
        report, private = write_report(model, reporter=reporter)
    return RunResult(
        model=model,
        synthetic=synthetic,
        fidelity=evidence.fidelity,
        paired=evidence.paired,
        verdict=evidence.verdict().sentence,
        audit=privacy,
        report=report,
        private_report=private,
    )


def prepare(
    scans: Path,
    run: Path,
    options: RunOptions,
    reporter: Reporter,
    probe: SpeedProbe | None = None,
) -> Model:
    """The first stations: ingest, a search where one is asked for, and plan."""
    ingest_station(
        scans,
        run,
        options.ingest_options(run),
        replacing=(options.name or options.recipe) if options.restart else None,
        workers=options.workers,
        strict=options.strict,
        reporter=reporter,
    )
    if options.tune is not None:
        tune(run, options.tuning(), reporter=reporter)
        options = replace(options, preset=TUNED)
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


def phantom_scans(run: Path, options: RunOptions, reporter: Reporter) -> Path:
    """The phantom cohort of the demo, made once under RUN/cache; with what is translated."""
    seed, contrasts = options.seed, ["T1w"]
    if options.translates:
        contrasts = options.ingest_options(run).contrasts or contrasts
    name = "-".join(["phantom", str(seed), *(contrasts if options.translates else [])])
    folder = run / "cache" / name
    if not folder.exists():
        with atomic_folder(folder) as temporary:
            write_cohort(
                temporary, n=DEMO_SUBJECTS, seed=seed, contrasts=contrasts, reporter=reporter
            )
    return folder
