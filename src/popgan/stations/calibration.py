"""Station calibrate: what whoever uses a translator must know beside its weights.

How wide the interval around a translated intensity must be, learnt on the tuning split, and what
scans the model knows, learnt on the training split: models/NAME/calibration.json and domain.json.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.paired.regions import brain_mask
from popgan.evidence.paired.suite import row_without
from popgan.evidence.paired.uncertainty import Calibration, calibrate
from popgan.files import read_json, write_json
from popgan.progress import Reporter
from popgan.stations.domain import learn_domain
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.pairs import translator_of
from popgan.stations.translated import (
    Scratch,
    TranslatedSplit,
    scratch,
    translate_split,
)
from popgan.synthesis.translate import Translator

CALIBRATION_VERSION = 2  # raise when what is learnt changes
_CHUNK = 32  # slices whose masks are made at a time
PASSES = 8
"""Passes with dropout behind a spread: its standard deviation is known to about a quarter."""
LEVEL = 0.9
"""Share of the true intensities that intervals are calibrated to hold."""


def calibrate_translator(model: Model, cohort: Cohort, reporter: Reporter) -> Calibration | None:
    """Learn what belongs beside the weights of a translator, unless it is there.

    Returns:
        The calibration; None for a model without dropout, which shows no spread.

    Raises:
        UserError: the model is not trained or belongs to another cohort, or a full disk.
    """
    plan, weights = model.plan(), model.weights_hash()
    model.require_cohort(cohort.hash)
    uncertain = translator_of(plan).dropout > 0
    outputs = [model.domain_path, *([model.calibration_path] if uncertain else [])]
    inputs = {
        "version": CALIBRATION_VERSION,
        "weights": weights,
        "cohort": cohort.hash,
        "passes": PASSES,
        "level": LEVEL,
    }
    ledger, station = Ledger(model.run), f"calibrate {model.name}"
    if not ledger.is_done(station, inputs):
        with ledger.station(station, inputs, outputs, reporter):
            domain = learn_domain(cohort, plan, reporter)
            write_json(model.domain_path, domain.model_dump(mode="json"))
            model.calibration_path.unlink(missing_ok=True)
            if uncertain:
                found = _calibrate(model, plan, cohort, reporter)
                write_json(model.calibration_path, found.model_dump(mode="json"))
    return load_calibration(model)


def load_calibration(model: Model) -> Calibration | None:
    """The stored calibration; None where there is none.

    Raises:
        UserError: the file is damaged.
    """
    if not model.calibration_path.exists():
        return None
    try:
        return Calibration.model_validate(read_json(model.calibration_path))
    except ValidationError as error:
        raise UserError(
            "is not a calibration of this version",
            where=model.calibration_path,
            do="remove it and evaluate again",
        ) from error


def _calibrate(model: Model, plan: Plan, cohort: Cohort, reporter: Reporter) -> Calibration:
    translator = Translator.load(model.weights_path, plan)
    with scratch(model.run) as place:
        found = translate_split(
            translator,
            cohort,
            plan,
            "tuning",
            place,
            name=model.name,
            passes=PASSES,
            reporter=reporter,
        )
        inside = inside_brain(found, place)

        def learnt(row: str) -> Calibration:
            return calibrate(
                found.truth,
                found.predictions[row],
                found.spreads[row],
                inside,
                found.subjects,
                passes=PASSES,
                level=LEVEL,
                seed=plan.seed,
            )

        rows = {source: row_without(model.name, source) for source in translator.sources}
        without = {s: learnt(row) for s, row in rows.items() if row in found.predictions}
        return learnt(model.name).model_copy(update={"without": without})


def inside_brain(found: TranslatedSplit, place: Scratch) -> NDArray[np.bool_]:
    """The brain of every slice, N x H x W, told from the true images as the evidence tells it."""
    inside = place.array(*found.truth.shape, dtype=np.bool_)
    for start in range(0, len(inside), _CHUNK):
        rows = slice(start, start + _CHUNK)
        known = np.concatenate([found.sources[rows], found.truth[rows, None]], axis=1)
        inside[rows] = brain_mask(known)
    return inside
