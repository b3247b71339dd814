"""Station audit: do images of a model give away who it was trained with?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import NotMeasurableError, UserError
from popgan.evidence.features import Extractor, FeatureExtractor, cached_features
from popgan.evidence.privacy.audit import audit as audit_sets
from popgan.evidence.privacy.results import AuditResult, PrivateDetails
from popgan.planning.masks import with_maps
from popgan.progress import Reporter
from popgan.stations.audit_generator import inverted, overtrained
from popgan.stations.audit_sides import (
    LEAST_IMAGES,
    Sides,
    both_sides,
    counts,
    features_of,
    require_images,
)
from popgan.stations.audited import (
    AUDIT_VERSION,
    StoredAudit,
    failed_audit,
    load_audit,
    save_audit,
)
from popgan.stations.card import write_card
from popgan.stations.draw import check_room, synthesise
from popgan.stations.evidence import evaluation_seed
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.untouched import require_untouched
from popgan.training.loop import threads
from popgan.wording import counted


def audit(
    model: Model,
    cohort: Cohort | None = None,
    *,
    n: int | None = None,
    generator: bool = False,
    reporter: Reporter | None = None,
) -> StoredAudit:
    """Audit what a model draws: RUN/audits/NAME.json, and names in RUN/private/audits/NAME.json.

    A cohort that is too small to test anything is recorded as such.

    Args:
        model: a trained model that draws images.
        cohort: the run's cohort; opened if not given.
        n: synthetic images; those that are evaluated by default, so that their features are there,
            or as many as an audit had that failed.
        generator: whether the generator itself is to be given away, and attacked as well.
        reporter: shows progress.

    Raises:
        UserError: the model translates, is not trained or belongs to another cohort; fewer images
            than an audit had that failed; the test split was touched by training; images that are
            not finite; memory or disk is not enough.
    """
    reporter = reporter or Reporter()
    plan = model.plan()
    refuse_translators(model, plan)
    weights = model.weights_hash()
    cohort = cohort or Cohort.open(model.run)
    if n is not None and n < LEAST_IMAGES:
        raise UserError(
            f"an audit of {counted(n, 'image', 'images')} shows nothing",
            do=f"ask for {LEAST_IMAGES} or more with -n",
        )
    model.require_cohort(cohort.hash)
    extractor = FeatureExtractor()
    n = _images(n, plan, failed_audit(model, cohort.hash))
    check_room(plan, n)
    inputs: dict[str, Any] = {
        "audit": AUDIT_VERSION,
        "weights": weights,
        "n": n,
        "cohort": cohort.hash,
        "features": extractor.identity,
    }
    ledger, station = Ledger(model.run), f"audit {model.name}"
    known = load_audit(model)
    # The audit of a generator holds all that is tested of its images.
    kinds = ["generator"] if generator else ["images", "generator"]
    if known and any(ledger.is_done(station, inputs | {"released": kind}) for kind in kinds):
        reporter.message(f"[{station}] unchanged, skipped")
        return known
    inputs["released"] = kinds[0]
    with (
        ledger.station(station, inputs, [model.audit_path], reporter),
        threads(plan.train.threads),
    ):
        splits = require_untouched(model, cohort)
        cohort = with_maps(cohort, plan)
        about = {
            "version": AUDIT_VERSION,
            "weights": weights,
            "cohort": cohort.hash,
            "features": extractor.identity,
            "n": n,
            "seed": evaluation_seed(plan),
            "released": kinds[0],
            "splits": splits,
            **counts(cohort),
        }
        found, private = _measure(model, plan, cohort, extractor, about, reporter)
        save_audit(model, found, private)
        write_card(model, cohort)
    return found


def _images(asked: int | None, plan: Plan, failed: StoredAudit | None) -> int:
    """How many images are tested: what few show does not undo what more have shown.

    Raises:
        UserError: fewer are asked for than a failed audit had.
    """
    least = failed.n if failed else LEAST_IMAGES
    if asked is None:
        return max(plan.evaluate.n, least)
    if asked < least:
        raise UserError(
            f"an audit of {least} images of these weights failed, and one of {asked} cannot "
            "replace it",
            do=f"ask for {least} or more with -n",
        )
    return asked


def audit_images(
    model: Model,
    cohort: Cohort,
    images: NDArray[np.float32],
    *,
    features: NDArray[np.floating] | None = None,
    sides: Sides | None = None,
    reporter: Reporter | None = None,
) -> AuditResult:
    """Test any images of a model against the patients of its cohort.

    Args:
        model: the model that drew them.
        cohort: its cohort, with `with_maps` where the model draws masks.
        images: S x C x H x W in [-1, 1].
        features: S x D, if they are known. sides: of the cohort, likewise.
        reporter: shows progress.

    Raises:
        NotMeasurableError: too few patients, or images, to test anything.
        UserError: images that are not finite, or not enough memory.
    """
    reporter = reporter or Reporter()
    sides = sides or both_sides(model, cohort, FeatureExtractor(), reporter)
    require_images(images)
    if features is None:
        features = features_of(model, images, sides.extractor, "features of synthetic", reporter)
    with reporter.task("copy search and attacks", None):
        return audit_sets(
            images,
            features,
            sides.train,
            sides.heldout,
            lambda some: cached_features(some, sides.extractor, model.run / "cache"),
            reference=sides.reference,
            seed=model.plan().seed,
        )


def refuse_translators(model: Model, plan: Plan) -> None:
    """Refuse a model whose images show a patient by design.

    Raises:
        UserError: it is one.
    """
    if plan.translates:
        raise UserError(f"model {model.name!r} {NOT_APPLICABLE}", where=model.run)


def record_not_applicable(model: Model, reporter: Reporter) -> None:
    """Note in the ledger, and say in one line, that a translator has no such audit."""
    asked = {"audit": "not applicable"}
    ledger, station = Ledger(model.run), f"audit {model.name}"
    if ledger.is_done(station, asked):
        reporter.message(f"[{station}] not applicable to translators")
        return
    with ledger.station(station, asked, [], reporter, asked=asked):
        reporter.message(f"not applicable: {model.name} {NOT_APPLICABLE}")


NOT_APPLICABLE = (
    "translates contrasts, and this audit is of models that draw: a translation shows the patient "
    "whose scan it was made from, so treat it like that scan"
)


def _measure(
    model: Model,
    plan: Plan,
    cohort: Cohort,
    extractor: Extractor,
    about: dict[str, Any],
    reporter: Reporter,
) -> tuple[StoredAudit, PrivateDetails | None]:
    """All tests of a model; a cohort that allows none gives the reason instead."""
    generator = about["released"] == "generator"
    try:
        sides = both_sides(model, cohort, extractor, reporter, about["n"])
    except NotMeasurableError as error:
        reporter.warning(f"nothing can be tested: {error}")
        return StoredAudit(**about, not_testable=str(error)), None
    images = synthesise(model, about["n"], seed=about["seed"], reporter=reporter)
    result = audit_images(model, cohort, images, sides=sides, reporter=reporter)
    found = StoredAudit(
        **about,
        result=result.shared,
        overtrained=overtrained(model, cohort, sides, reporter),
        inversion=inverted(model, cohort, sides, reporter) if generator else None,
    )
    return found, result.private
