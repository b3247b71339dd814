"""Station evaluate of a translator: every test slice translated, and held against the true one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.config.network import MustGANNetwork
from popgan.config.schema import Plan
from popgan.errors import NotMeasurableError
from popgan.evidence.paired.baselines import Baseline, fit_baselines
from popgan.evidence.paired.results import PairedResult
from popgan.evidence.paired.suite import assess_pairs
from popgan.evidence.paired.uncertainty import Calibration
from popgan.progress import Reporter
from popgan.stations.calibration import CALIBRATION_VERSION, calibrate_translator, inside_brain
from popgan.stations.card import write_card
from popgan.stations.evidence import (
    PAIRED_VERSION,
    Evaluation,
    load_evaluation,
    save_evaluation,
)
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.pairs import translator_of
from popgan.stations.story import story_of
from popgan.stations.translated import (
    Scratch,
    TranslatedSplit,
    scratch,
    training_pairs,
    translate_split,
)
from popgan.stations.untouched import require_untouched
from popgan.synthesis.translate import Translator
from popgan.training.loop import threads
from popgan.wording import counted

MOST_OF_BRAIN = 0.5
"""Share of the brain from which on labels cannot be outlines of lesions."""
_CHUNK = 32  # slices whose label maps are read at a time


def evaluate_translator(model: Model, cohort: Cohort, reporter: Reporter) -> PairedResult:
    """Measure a translator on the test split, beside every trivial way to come by the contrast.

    Args:
        model: a trained translator.
        cohort: the run's cohort.
        reporter: shows progress.

    Raises:
        NotMeasurableError: there are too few patients to measure anything; that is recorded.
        UserError: the model is not trained or belongs to another cohort, the test split was
            touched by training, the model makes values that are not finite, or a full disk.
    """
    plan, weights = model.plan(), model.weights_hash()
    model.require_cohort(cohort.hash)
    cohort.check_splits()
    inputs = {
        "evidence": PAIRED_VERSION,
        "calibration": CALIBRATION_VERSION,
        "weights": weights,
        "cohort": cohort.hash,
    }
    ledger, station = Ledger(model.run), f"evaluate {model.name}"
    with threads(plan.train.threads):
        calibration = calibrate_translator(model, cohort, reporter)
    known = load_evaluation(model)
    if known and known.paired and ledger.is_done(station, inputs):
        reporter.message(f"[{station}] unchanged, skipped")
        return known.paired
    try:
        require_pairs(cohort)
    except NotMeasurableError as error:
        save_evaluation(
            model, Evaluation(version=PAIRED_VERSION, weights=weights, not_measurable=str(error))
        )
        write_card(model, cohort)
        raise
    require_untouched(model, cohort)
    with (
        ledger.station(station, inputs, [model.evaluation_path], reporter),
        threads(plan.train.threads),
    ):
        found = _measure(model, plan, cohort, calibration, reporter)
        choice = story_of(model).choice
        save_evaluation(
            model,
            Evaluation(version=PAIRED_VERSION, weights=weights, paired=found, choice=choice),
        )
        write_card(model, cohort)
    for text in found.warnings:
        reporter.warning(text)
    return found


def require_pairs(cohort: Cohort) -> None:
    """Refuse a cohort in which no patient can be compared with another.

    Raises:
        NotMeasurableError: one patient in the test split.
    """
    if len(set(cohort.subjects("test"))) < 2:
        raise NotMeasurableError(
            "the held-out pairs come from one patient, and one patient shows nothing about others",
            do="evaluating takes 12 subjects or more in all",
        )


def _measure(
    model: Model,
    plan: Plan,
    cohort: Cohort,
    calibration: Calibration | None,
    reporter: Reporter,
) -> PairedResult:
    translator = Translator.load(model.weights_path, plan)
    shape = translator_of(plan)
    with scratch(model.run) as place:
        found = translate_split(
            translator,
            cohort,
            plan,
            "test",
            place,
            name=model.name,
            passes=calibration.passes if calibration else 0,
            reporter=reporter,
        )
        lesions, notes = lesions_of(cohort, found, place)
        result = assess_pairs(
            truth=found.truth,
            sources=found.sources,
            subjects=found.subjects,
            names=shape.sources,
            target=shape.target,
            predictions=found.predictions,
            baselines=trivial_ways(cohort, plan),
            lesions=lesions,
            heights=found.heights.tolist(),
            calibration=calibration,
            spreads=found.spreads,
            fusion=fusion_words(model, plan),
            seed=plan.seed,
            reporter=reporter,
        )
    return result.model_copy(update={"notes": [*result.notes, *notes]})


def trivial_ways(cohort: Cohort, plan: Plan) -> list[Baseline]:
    """All trivial ways to come by the target, fitted on the training split."""
    sources, target, heights = training_pairs(cohort, plan)
    names = translator_of(plan).sources
    return fit_baselines(sources, target, names=names, heights=heights.tolist())


def lesions_of(
    cohort: Cohort, found: TranslatedSplit, place: Scratch
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Where the cohort's label map shows a label, and what must be said about it.

    Returns:
        N x H x W in the order of `found`, and notes; None where there is no map, or one that
        covers so much of the brain that it cannot outline lesions.
    """
    if cohort.label_map is None:
        return None, []
    rows = cohort.indices("test")[found.places]
    lesions = place.array(*found.truth.shape, dtype=np.bool_)
    mapped = np.zeros(len(rows), np.bool_)
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        maps = cohort.label_maps(rows[part])
        lesions[part] = (maps.codes > 0) & maps.valid[:, None, None]
        mapped[part] = maps.valid
    kind = cohort.label_map.replace("_", " ")
    if _covers(lesions, inside_brain(found, place), mapped):
        return None, [
            f"The label map '{kind}' covers most of the brain, so it outlines no lesions: ingest "
            "one that does with --label-map"
        ]
    notes = [f"Lesions are where the label map '{kind}' shows any label"]
    without = {s for s, known in zip(found.subjects, mapped, strict=True) if not known}
    if without:
        who = counted(len(without), "test patient has", "test patients have")
        notes.append(f"{who} slices without a label map: their lesions count as outside of lesions")
    return lesions, notes


def _covers(
    lesions: NDArray[np.bool_], brain: NDArray[np.bool_], mapped: NDArray[np.bool_]
) -> bool:
    """Whether labels take up most of the brain in the slices that have a map."""
    total = sum(int(part.sum()) for part in brain[mapped])
    inside = sum(int((a & b).sum()) for a, b in zip(lesions[mapped], brain[mapped], strict=True))
    return inside > MOST_OF_BRAIN * total


def fusion_words(model: Model, plan: Plan) -> Sequence[str]:
    """How mustGAN came by the place where its streams are fused."""
    shape = plan.network
    if not isinstance(shape, MustGANNetwork):
        return []
    if len(shape.fusion) == 1:
        return [f"streams are fused at {shape.fusion[0]}, as the plan says"]
    return [event for event in story_of(model).events if "fused at" in event]
