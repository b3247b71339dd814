"""Held-out images searched for in each generator of a comparison: one search, the same for all."""

from __future__ import annotations

import numpy as np

from popgan.attack.chosen import each_alike
from popgan.attack.generator import EACH, MOST, inversion_attack
from popgan.attack.inversion import RESTARTS, STEPS
from popgan.cohort.cohort import Cohort
from popgan.evidence.compare.results import InversionRow
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.generator_results import InversionAttack
from popgan.planning.condition import vectors
from popgan.planning.masks import with_maps
from popgan.progress import Reporter
from popgan.stations.audited import load_audit
from popgan.stations.contenders import Entrant
from popgan.synthesis.sample import load_generator

SEED = 0
"""Of patients and searches. A model's own would take other patients for each where they are many,
and its numbers would be means over others than those beside it."""


def inverted(entrant: Entrant, cohort: Cohort, reporter: Reporter) -> InversionRow:
    """How well a model draws held-out images; from its audit where that made the same search."""
    plan, own = entrant.plan, with_maps(cohort, entrant.plan)
    train, heldout = _cases(own, "train"), _cases(own, "test")
    audit = load_audit(entrant.model)
    if audit is not None and audit.inversion is not None:
        if same_search(audit.inversion, train, heldout, audit_seed=plan.seed):
            return InversionRow(name=entrant.name, attack=audit.inversion)
        reporter.message(
            f"the audit of {entrant.name} searched for other images, or longer: made anew"
        )
    reporter.message(f"inverting held-out images through {entrant.name}")
    attack = inversion_attack(
        load_generator(entrant.model.weights_path, plan),
        plan,
        train,
        heldout,
        train_told=vectors(own, "train", plan.data.conditions),
        heldout_told=vectors(own, "test", plan.data.conditions),
        each=EACH,
        most=MOST,
        steps=STEPS,
        restarts=RESTARTS,
        seed=SEED,
        reporter=reporter,
    )
    return InversionRow(name=entrant.name, attack=attack)


def same_search(
    found: InversionAttack, train: Cases, heldout: Cases, *, audit_seed: int, seed: int = SEED
) -> bool:
    """Whether an audit's inversion is the one that a comparison would make.

    Args:
        found: of the audit.
        train, heldout: both sides of the comparison.
        audit_seed: that the audit chose patients with; where all are taken it does not matter.
        seed: of the comparison.
    """
    chosen = each_alike([train, heldout], each=EACH, most=MOST, seed=seed)
    sides = list(zip((train, heldout), chosen, strict=True))
    members, others = (len({side.subjects[row] for row in rows}) for side, rows in sides)
    made = (members, others, sum(map(len, chosen)), STEPS, RESTARTS)
    if made != (found.members, found.others, found.images, found.steps, found.restarts):
        return False
    return audit_seed == seed or all(side.patients <= MOST for side, _ in sides)


def _cases(cohort: Cohort, split: str) -> Cases:
    """Images of a split; the search needs none of their features."""
    images = cohort.images(split)
    return Cases(images, np.zeros((len(images), 1), np.float32), cohort.subjects(split))
