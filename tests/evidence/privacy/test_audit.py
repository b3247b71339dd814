"""The whole audit on simulated worlds: memorising fails, honesty passes, few are too few."""

from __future__ import annotations

import re

import numpy as np
import pytest

from popgan.errors import UserError
from popgan.evidence.privacy.audit import audit
from popgan.evidence.privacy.bounds import rate_at_most, share
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.results import AuditResult, Control
from popgan.evidence.privacy.verdict import needed_subjects, verdict


def run(world, seed, patients, make, *, slices=1, images=150, planted=5, reference=True):
    rng = np.random.default_rng(seed)
    train, heldout, third = (world.cases(patients, slices, rng, name) for name in ("t", "h", "r"))
    made = make(train, images, rng)
    return train, audit(
        made,
        world.embed(made),
        train,
        heldout,
        world.embed,
        reference=third if reference else None,
        planted=planted,
        seed=seed,
    )


@pytest.fixture(scope="module")
def passed(world) -> AuditResult:
    """Enough images and held-out slices for the bound of flagged images; none is flagged."""

    def honest(train, n, rng):
        return world.honest(n, rng)

    return run(world, 5, 300, honest, slices=3, images=320)[1]


def test_an_honest_generator_passes_with_enough_patients(passed) -> None:
    found = passed.shared
    assert found.verdict.level == "passed", found.verdict
    assert found.verdict.needed <= 300
    assert "no proof that they are anonymous" in found.verdict.sentence
    assert len(found.attacks) == 8 and all(a.auc.high < 0.6 for a in found.attacks)


def test_no_pseudonym_is_in_the_part_that_is_shared(passed) -> None:
    assert not re.search(r"\b[thr]\d{3}\b", passed.shared.model_dump_json())
    assert len(passed.private.worst) == 10
    again = AuditResult.model_validate_json(passed.model_dump_json())
    assert again == passed


def test_other_pseudonyms_of_the_same_patients_give_the_same_audit(world) -> None:
    """They come from a key that every ingest makes anew, and sorted they lie in another order."""
    rng = np.random.default_rng(8)
    sides = [world.cases(24, 3, rng, name) for name in "thr"]
    made = world.memorised(sides[0], 60, rng)

    def renamed(side: Cases) -> Cases:
        names = list(dict.fromkeys(side.subjects))
        turned = {name: f"z{len(names) - i:03d}{name}" for i, name in enumerate(names)}
        return Cases(side.images, side.features, [turned[name] for name in side.subjects])

    def audited(train: Cases, heldout: Cases, third: Cases) -> AuditResult:
        features = world.embed(made)
        return audit(
            made, features, train, heldout, world.embed, reference=third, planted=6, seed=4
        )

    first, again = audited(*sides), audited(*map(renamed, sides))
    assert first.shared == again.shared
    assert [flag.train for flag in first.private.flags] == [
        flag.train for flag in again.private.flags
    ]


def test_a_memorising_generator_fails(world) -> None:
    make = world.memorised
    _, result = run(world, 2, 60, make, slices=2)
    found = result.shared
    assert found.verdict.level == "failed"
    words = " ".join(found.verdict.reasons)
    assert "beyond doubt" in words and "nearer to training" in words and "GAN-Leaks" in words
    assert found.worst_patient.value == result.private.worst[0].flags / 150


def test_a_generator_that_memorised_one_patient_fails_and_he_is_the_worst(world) -> None:
    def make(train, n, rng):
        own = Cases(train.images[8:10], train.features[8:10], train.subjects[8:10])
        return np.concatenate([world.honest(n - 3, rng), world.memorised(own, 3, rng)])

    train, result = run(world, 3, 40, make, slices=2)
    assert result.shared.verdict.level == "failed"
    assert result.private.worst[0].subject == train.subjects[8] == "t004"
    assert result.private.worst[0].flags == 3


def test_tiny_cohorts_are_too_few_and_rarely_accused(world) -> None:
    runs, levels = 30, []
    for seed in range(runs):
        _, result = run(
            world, seed, 8, lambda t, n, rng: world.honest(n, rng), images=30, planted=1
        )
        levels.append(result.shared.verdict.level)
    assert "passed" not in levels
    assert levels.count("failed") <= 4  # 98 % point of binomial(30, 0.05)
    assert levels.count("too few subjects to test") >= 20


def test_too_few_names_the_number_that_is_needed(world) -> None:
    _, result = run(world, 5, 10, lambda t, n, rng: world.honest(n, rng), reference=False)
    found = result.shared.verdict
    assert found.level == "too few subjects to test"
    assert f"about {found.needed} patients would be needed" in found.sentence
    assert "a reference set of further patients" in found.sentence
    assert any("99 patients who were not trained with" in reason for reason in found.reasons)


def test_missed_copies_take_the_power_but_not_the_failure(passed) -> None:
    found = passed.shared
    missed = [Control(kind="all copies", copies=True, found=share(94, 100, "planted images"))]
    parts = (found.copies, found.neighbours, found.attacks)
    assert verdict(*parts, missed).level == verdict(*parts, []).level == "no power"
    assert "94.0%" in verdict(*parts, missed).reasons[0]
    copier = found.copies.model_copy(update={"clear": 1})
    assert verdict(copier, *parts[1:], missed).level == "failed"


def test_each_finding_alone_fails(passed) -> None:
    found = passed.shared
    near = found.neighbours.model_copy(update={"p": 0.001})
    leak = [a.model_copy(update={"p": 0.001}) for a in found.attacks]
    rate = share(30, 300, "members")
    few = [a.model_copy(update={"p_tpr": 0.001, "tpr": rate}) for a in found.attacks]
    flags = found.copies.model_copy(update={"p": 0.001})
    for parts in (
        (found.copies, near, found.attacks),
        (found.copies, found.neighbours, leak),
        (found.copies, found.neighbours, few),
        (flags, found.neighbours, found.attacks),
    ):
        assert verdict(*parts, found.controls).level == "failed"


def test_each_missing_condition_alone_keeps_from_passing(passed) -> None:
    found = passed.shared
    first, *rest = found.attacks
    wide = first.auc.model_copy(update={"high": 0.6})
    low = first.control.model_copy(update={"low": 0.3, "value": 0.3, "high": 0.31})
    for change in ({"auc": wide}, {"control": low}, {"p_tpr": None}, {"p_tpr": 0.025 / 8}):
        attacks = [first.model_copy(update=change), *rest]
        result = verdict(found.copies, found.neighbours, attacks, found.controls)
        assert result.level == "too few subjects to test", change


def test_an_auc_between_one_half_and_the_limit_needs_more_patients(passed) -> None:
    attacks = passed.shared.attacks
    near = attacks[0].auc.model_copy(update={"value": 0.56, "low": 0.51, "high": 0.61})
    some = [attacks[0].model_copy(update={"auc": near}), *attacks[1:]]
    assert needed_subjects(some) > 2 * needed_subjects([])


def test_a_reference_patient_who_was_trained_with_is_refused(world) -> None:
    rng = np.random.default_rng(6)
    train, heldout = world.cases(4, 1, rng, "t"), world.cases(4, 1, rng, "h")
    made = world.honest(5, rng)
    for reference in (train, heldout):
        with pytest.raises(UserError, match=r"trained with|reference set"):
            audit(made, world.embed(made), train, heldout, world.embed, reference=reference)


def test_the_bound_of_the_worst_patient_is_exact() -> None:
    assert rate_at_most(3, 150, "images").high == pytest.approx(0.0510, abs=0.0003)
