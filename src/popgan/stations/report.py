"""Station report: everything measured in, report.html and private/report.html out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan._version import __version__
from popgan.cohort.cohort import Cohort
from popgan.cohort.licence import read_licence
from popgan.cohort.quality import unjudged_words
from popgan.cohort.tables import read_people
from popgan.config.schema import Plan
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.paired.results import PairedResult
from popgan.files import private_folder, sha256_file
from popgan.planning.masks import with_maps
from popgan.progress import Reporter
from popgan.report.audit_content import AuditPrivate
from popgan.report.content import (
    Images,
    MaskContent,
    Neighbour,
    PrivateContent,
    ReportContent,
    SubjectRow,
)
from popgan.report.guard import forbidden_strings
from popgan.report.paired_content import TranslatorContent, TranslatorPrivate
from popgan.report.private import closest_pairs, neighbours, write_private_report
from popgan.report.shareable import write_report as write_shareable
from popgan.seeds import numpy_rng
from popgan.stations.audited import load_audit, load_private
from popgan.stations.card import cohort_counts
from popgan.stations.draw import stream
from popgan.stations.evidence import Evaluation, evaluation_seed, load_evaluation
from popgan.stations.experiments import experiment_inputs, experiments_content
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.paired_pictures import patient_pictures
from popgan.stations.pairs import translator_of
from popgan.stations.readers import analysis_hash, load_readers
from popgan.stations.report_evidence import (
    audit_content,
    comparison_content,
    evidence_inputs,
    provenance_record,
    release_content,
    splits,
)
from popgan.stations.report_pictures import (
    audit_private,
    drawn_at,
    filmstrip,
    flagged_places,
    withhold,
    worst_images,
)
from popgan.stations.scan_rows import double_words, preparation_rows, quarantined, scan_rows
from popgan.stations.source import real_codes
from popgan.synthesis.overlay import hexadecimal, overlay
from popgan.training.log import read_log

GALLERY = 48


def write_report(model: Model, *, reporter: Reporter | None = None) -> tuple[Path, Path]:
    """Write the shareable and the private report of a model.

    Args:
        model: a trained model; without an evaluation the reports say that nothing was measured.
        reporter: shows progress.

    Returns:
        RUN/report.html and RUN/private/report.html.

    Raises:
        UserError: the model is not trained or is of another cohort, or the disk is full.
    """
    reporter = reporter or Reporter()
    weights = model.weights_hash()
    run, cohort, plan = model.run, Cohort.open(model.run), model.plan()
    model.require_cohort(cohort.hash)
    cohort = with_maps(cohort, plan)
    public, private = run / "report.html", run / "private" / "report.html"
    data = run / "report.json"
    evaluation = load_evaluation(model)
    ledger = Ledger(run)
    # One station for all models of a run: the pages are of the model that was reported last.
    inputs = {
        "model": model.name,
        "weights": weights,
        "plan": sha256_file(model.plan_path),
        "evidence": sha256_file(model.evaluation_path) if evaluation else None,
        "cohort": cohort.hash,
        "readers": analysis_hash(run),
        **evidence_inputs(model),
        **experiment_inputs(run),
        "popgan": __version__,
    }
    if ledger.is_done("report", inputs):
        reporter.message("[report] unchanged, skipped")
        return public, private
    with (
        ledger.station("report", inputs, [public, data, private], reporter),
        reporter.task("writing reports", None),
    ):
        private_folder(run)
        people = read_people(run)
        page = _page(model, cohort, plan, evaluation, ledger)
        content: ReportContent | TranslatorContent
        secret: PrivateContent | TranslatorPrivate
        if plan.translates:
            paired = evaluation.paired if evaluation else None
            content = _translator(plan, paired, page)
            secret = _translator_private(model, cohort, paired, people)
        else:
            content = _content(model, plan, evaluation, page)
            fidelity = evaluation.fidelity if evaluation else None
            secret = _private(model, cohort, fidelity, people)
        write_shareable(public, content, forbidden=_forbidden(run, people), data=data)
        write_private_report(private, content, secret)
    return public, private


def _page(
    model: Model, cohort: Cohort, plan: Plan, evaluation: Evaluation | None, ledger: Ledger
) -> dict[str, Any]:
    """What every shareable page shows around its findings; see `PageContent`."""
    source = read_licence(model.run)
    return {
        "recipe": plan.recipe,
        "preset": plan.preset,
        "plan": plan,
        "verdict": evaluation.verdict() if evaluation else None,
        "log": read_log(model.log_path) if model.log_path.exists() else [],
        "cohort": cohort_counts(cohort),
        "preparation": preparation_rows(cohort),
        "provenance": provenance_record(model, cohort, plan),
        "splits": splits(cohort),
        "source_licence": source.licence or "",
        "simulated": source.simulated,
        "audit": audit_content(model, plan),
        "comparison": comparison_content(model),
        **experiments_content(model.run, plan.recipe),
        "release": release_content(model, cohort),
        "stations": _times(ledger, model),
        "readers": load_readers(model),
    }


def _translator(plan: Plan, paired: PairedResult | None, page: dict[str, Any]) -> TranslatorContent:
    shape = translator_of(plan)
    return TranslatorContent(
        title=f"{shape.target} from {' + '.join(shape.sources)}",
        sources=list(shape.sources),
        target=shape.target,
        paired=paired,
        **page,
    )


def _translator_private(
    model: Model, cohort: Cohort, paired: PairedResult | None, people: dict[str, Any]
) -> TranslatorPrivate:
    return TranslatorPrivate(
        patients=patient_pictures(model, cohort, paired) if paired else [],
        **_private_page(cohort, people),
    )


def _content(
    model: Model, plan: Plan, evaluation: Evaluation | None, page: dict[str, Any]
) -> ReportContent:
    seed = evaluation_seed(plan)
    batches = list(stream(model, GALLERY, seed))
    gallery = np.concatenate([images for images, _ in batches])
    codes = [codes for _, codes in batches if codes is not None]
    flagged = flagged_places(model, seed)
    gallery = withhold(gallery, flagged)
    masks = None
    if codes:
        outlines = np.concatenate(codes)
        outlines[[place for place in flagged if place < len(outlines)]] = 0
        masks = _masks(plan, gallery, outlines, evaluation)
    name = f"Synthetic {' + '.join(plan.data.contrasts)} brain MRI"
    return ReportContent(
        title=f"{name} with masks" if codes else name,
        gallery=gallery,
        gallery_seed=seed,
        withheld=sum(place < len(gallery) for place in flagged),
        fidelity=evaluation.fidelity if evaluation else None,
        filmstrip=filmstrip(model, plan),
        tissue=evaluation.tissue if evaluation else None,
        worst=worst_images(model, evaluation.fidelity, seed, flagged) if evaluation else None,
        masks=masks,
        **page,
    )


def _masks(
    plan: Plan, gallery: Images, codes: NDArray[np.uint8], evaluation: Evaluation | None
) -> MaskContent:
    names = [mask.name for mask in plan.data.masks]
    return MaskContent(
        kind=(plan.data.label_map or "a label map").replace("_", " "),
        legend=[(name, hexadecimal(code)) for code, name in enumerate(names, start=1)],
        overlays=overlay(gallery, codes),
        measured=evaluation.masks if evaluation else None,
        unmapped=plan.data.unmapped,
    )


def _times(ledger: Ledger, model: Model) -> list[tuple[str, float]]:
    """Seconds of this model's stations, without its name."""
    found = []
    for station, entry in ledger.stations().items():
        verb, _, owner = station.partition(" ")
        if owner in ("", model.name) and verb != "report":
            found.append((verb, entry.seconds))
    return found


def _forbidden(run: Path, people: dict[str, Any]) -> list[str]:
    """Everything that must not be on the shareable page."""
    subjects = people["subjects"]
    paths = [file for entry in subjects.values() for file in entry["files"]]
    paths += [entry["path"] for entry in people["quarantined"]]
    ids = [entry["source_id"] for entry in subjects.values()]
    # Pseudonyms are nobody's names, and still of no use to anybody outside of the house.
    return [*forbidden_strings(paths, [*ids, *subjects]), str(run.resolve())]


def _private(
    model: Model, cohort: Cohort, fidelity: FidelityResult | None, people: dict[str, Any]
) -> PrivateContent:
    plan, real, names = model.plan(), cohort.images("train"), cohort.subjects("train")
    shown = numpy_rng(plan.seed, "private gallery").permutation(len(real))[:GALLERY]
    overlays = None
    if plan.data.masks:
        overlays = overlay(real[shown], real_codes(plan, cohort, "train", shown))
    nearest: list[Neighbour] = []
    if fidelity is not None:
        closest = closest_pairs(fidelity)
        drawn = drawn_at(model, (pair.synthetic for pair in closest), evaluation_seed(plan))
        nearest = neighbours(closest, drawn, real, names)
    audit, details = load_audit(model), load_private(model)
    flagged = audit_private(model, cohort, details, audit.seed) if audit and details else None
    return PrivateContent(
        real=real[shown],
        nearest=nearest,
        real_mean=real.mean(0),
        real_std=real.std(0),
        real_overlays=overlays,
        audit=flagged or AuditPrivate(),
        **_private_page(cohort, people),
    )


def _private_page(cohort: Cohort, people: dict[str, Any]) -> dict[str, Any]:
    """What every private page shows beside its images; see `PrivatePage`."""
    splits = {info.subject: info.split for info in cohort.slices}
    return {
        "subjects": [
            SubjectRow(name, entry["source_id"], splits.get(name, "-"), entry["files"])
            for name, entry in sorted(people["subjects"].items())
        ],
        "quarantined": quarantined(people),
        "qc": scan_rows(cohort),
        "doubles": double_words(cohort),
        "unjudged": unjudged_words(scan["contrast"] for scan in cohort.quality().get("scans", [])),
    }
