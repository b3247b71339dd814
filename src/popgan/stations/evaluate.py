"""Station evaluate: a model and its cohort in, measured evidence out."""

from __future__ import annotations

from collections import Counter

import numpy as np

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import NotMeasurableError, UserError
from popgan.evidence.backbone import extractor_of
from popgan.evidence.features import Extractor
from popgan.evidence.fidelity.inputs import MIN_IMAGES
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.fidelity.suite import assess
from popgan.evidence.masks import MaskResult, measure_masks
from popgan.evidence.paired.results import PairedResult
from popgan.evidence.tissue.results import TissueResult
from popgan.evidence.tissue.suite import measure_tissue
from popgan.planning.masks import with_maps
from popgan.progress import Reporter
from popgan.stations.card import write_card
from popgan.stations.draw import check_room, draw_set
from popgan.stations.evidence import (
    EVIDENCE_VERSION,
    Evaluation,
    evaluation_seed,
    load_evaluation,
    save_evaluation,
)
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.paired import evaluate_translator
from popgan.stations.source import real_codes
from popgan.stations.story import story_of
from popgan.stations.untouched import require_untouched
from popgan.training.loop import threads


def evaluate(
    model: Model,
    cohort: Cohort | None = None,
    *,
    n: int | None = None,
    features: str | None = None,
    reporter: Reporter | None = None,
) -> FidelityResult | PairedResult:
    """Measure a model against the held-out test split of its cohort.

    Images drawn from noise are compared as sets; masks are measured by themselves and stored
    beside it. What a translator makes is held against the true images of the same slices.

    Args:
        model: a trained model.
        cohort: the run's cohort; opened if not given.
        n: synthetic images; the plan's by default. A translator draws none.
        features: the network that distances are measured with: EfficientNet-Lite0, which is always
            there, by default, or "inception=FILE". Not for a translator.
        reporter: shows progress.

    Raises:
        NotMeasurableError: the cohort is too small to measure anything; that is recorded.
        UserError: the model is not trained or belongs to another cohort, the test split was
            touched by training, the model makes values that are not finite, a number of images or
            features were asked of a translator, weights are missing or not the pinned ones, or a
            full disk.
    """
    reporter = reporter or Reporter()
    cohort = cohort or Cohort.open(model.run)
    plan, weights = model.plan(), model.weights_hash()
    if plan.translates:
        _refuse_what_draws(model, n, features)
        return evaluate_translator(model, cohort, reporter)
    model.require_cohort(cohort.hash)
    cohort.check_splits()
    cohort = with_maps(cohort, plan)
    n = plan.evaluate.n if n is None else n
    check_room(plan, n)
    extractor = extractor_of(features)
    inputs = {
        "evidence": EVIDENCE_VERSION,
        "weights": weights,
        "n": n,
        "cohort": cohort.hash,
        "features": extractor.identity,
    }
    ledger, station = Ledger(model.run), f"evaluate {model.name}"
    known = load_evaluation(model)
    if known and known.fidelity and ledger.is_done(station, inputs):
        reporter.message(f"[{station}] unchanged, skipped")
        return known.fidelity
    try:
        require_measurable(cohort)
    except NotMeasurableError as error:
        save_evaluation(
            model,
            Evaluation(version=EVIDENCE_VERSION, weights=weights, not_measurable=str(error)),
        )
        write_card(model, cohort)
        raise
    require_untouched(model, cohort)
    with (
        ledger.station(station, inputs, [model.evaluation_path], reporter),
        threads(plan.train.threads),
    ):
        evaluation = _measure(model, plan, cohort, n, extractor, reporter)
        if evaluation.choice:
            reporter.message(
                "measured on the test split, which had no part in choosing the weights: "
                + evaluation.choice
            )
        save_evaluation(model, evaluation)
        write_card(model, cohort)
    assert evaluation.fidelity is not None
    return evaluation.fidelity


def _refuse_what_draws(model: Model, n: int | None, features: str | None) -> None:
    """Refuse what only models that draw images are asked."""
    if n is not None:
        raise UserError(
            f"model {model.name!r} translates contrasts and draws no images to choose a number of",
            do="leave -n out: every slice of the test split is measured",
        )
    if features is not None:
        raise UserError(
            f"model {model.name!r} translates contrasts and is measured without a network",
            do="leave --features out",
        )


def _measure(
    model: Model,
    plan: Plan,
    cohort: Cohort,
    n: int,
    extractor: Extractor,
    reporter: Reporter,
) -> Evaluation:
    """Draw images, and their masks where there are any, and hold them against the test split."""
    images, codes = draw_set(model, n, seed=evaluation_seed(plan), reporter=reporter)
    fidelity = assess(
        real_train=cohort.images("train"),
        real_reference=cohort.images("test"),
        synthetic=images,
        train_subjects=cohort.subjects("train"),
        reference_subjects=cohort.subjects("test"),
        extractor=extractor,
        seed=plan.seed,
        cache=model.run / "cache",
        reporter=reporter,
    )
    masks = None if codes is None else _measure_masks(plan, cohort, images, codes)
    for text in masks.warnings if masks else []:
        reporter.warning(text)
    tissue = _measure_tissue(plan, cohort, images, reporter)
    for text in tissue.warnings:
        reporter.warning(text)
    return Evaluation(
        version=EVIDENCE_VERSION,
        weights=model.weights_hash(),
        fidelity=fidelity,
        masks=masks,
        tissue=tissue,
        choice=story_of(model).choice,
    )


def _measure_masks(plan: Plan, cohort: Cohort, images: np.ndarray, codes: np.ndarray) -> MaskResult:
    return measure_masks(
        images=images,
        codes=codes,
        real_images=cohort.images("test"),
        real_codes=real_codes(plan, cohort, "test"),
        real_subjects=cohort.subjects("test"),
        labels=[(mask.value, mask.name) for mask in plan.data.masks],
        contrasts=plan.data.contrasts,
        seed=plan.seed,
    )


def _measure_tissue(
    plan: Plan, cohort: Cohort, images: np.ndarray, reporter: Reporter
) -> TissueResult:
    down, across, _ = cohort.spacing
    return measure_tissue(
        real_train=cohort.images("train"),
        real_reference=cohort.images("test"),
        synthetic=images,
        train_subjects=cohort.subjects("train"),
        reference_subjects=cohort.subjects("test"),
        contrasts=plan.data.contrasts,
        pixel=down * across if cohort.fingerprint.get("spacing_known") else None,
        seed=plan.seed,
        reporter=reporter,
    )


def require_measurable(cohort: Cohort) -> None:
    """Refuse a cohort on which no measurement would mean anything.

    Raises:
        NotMeasurableError: one subject, or hardly an image (of another), in the training or the
            test split.
    """
    for split, name in (("train", "training"), ("test", "held-out")):
        owners = cohort.subjects(split)
        if len(set(owners)) < 2:
            raise NotMeasurableError(
                f"the {name} images come from one subject, and slices of one subject are not "
                "independent",
                do="evaluating takes 12 subjects or more in all",
            )
        if len(owners) - max(Counter(owners).values()) < 2:
            raise NotMeasurableError(
                f"all {name} images but one come from one subject, so nothing can be left out",
                do="add subjects, or slices for each subject with --slices",
            )
        if len(owners) < MIN_IMAGES:
            raise NotMeasurableError(
                f"there are {len(owners)} {name} images, and evaluating takes {MIN_IMAGES}",
                do="add subjects, or slices for each subject with --slices",
            )
