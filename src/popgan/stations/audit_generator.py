"""What an audit does with the generator itself: over-train a copy of it, and attack it."""

from __future__ import annotations

from popgan.attack.generator import EACH, inversion_attack
from popgan.attack.overtrained import overtrained_control
from popgan.cohort.cohort import Cohort
from popgan.evidence.features import cached_features
from popgan.evidence.privacy.bounds import subjects_needed
from popgan.evidence.privacy.generator_results import InversionAttack, OvertrainedControl
from popgan.planning.condition import vectors
from popgan.progress import Reporter
from popgan.stations.audit_sides import Sides
from popgan.stations.model import Model
from popgan.synthesis.sample import load_generator

_ATTACKS = 10
"""Attacks that are judged together where the generator is attacked, about."""
_FEW = 64
"""Patients of a side up to which more than one image of each is inverted."""


def overtrained(
    model: Model, cohort: Cohort, sides: Sides, reporter: Reporter
) -> OvertrainedControl:
    """Whether the audit finds out a copy of this very generator that was made to memorise."""
    plan = model.plan()
    return overtrained_control(
        load_generator(model.weights_path, plan),
        plan,
        sides.train,
        sides.heldout,
        lambda images: cached_features(images, sides.extractor, model.run / "cache"),
        train_told=vectors(cohort, "train", plan.data.conditions),
        heldout_told=vectors(cohort, "test", plan.data.conditions),
        reference=sides.reference,
        seed=plan.seed,
        reporter=reporter,
    )


def inverted(model: Model, cohort: Cohort, sides: Sides, reporter: Reporter) -> InversionAttack:
    """Whether this generator draws patients it was trained with better than others.

    As many patients as the verdict needs are searched for, where there are so many: with fewer no
    generator can pass.
    """
    plan = model.plan()
    most = subjects_needed(_ATTACKS)
    patients = max(sides.train.patients, sides.heldout.patients)
    return inversion_attack(
        load_generator(model.weights_path, plan),
        plan,
        sides.train,
        sides.heldout,
        train_told=vectors(cohort, "train", plan.data.conditions),
        heldout_told=vectors(cohort, "test", plan.data.conditions),
        each=EACH if patients <= _FEW else 1,
        most=most,
        seed=plan.seed,
        reporter=reporter,
    )
