"""The verdict over all parts of an audit: no control that failed, and no attack, is forgotten."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from popgan.evidence.privacy.audit import audit
from popgan.evidence.privacy.generator_results import InversionAttack, OvertrainedControl
from popgan.evidence.privacy.overall import only_flagged, overall
from popgan.evidence.privacy.results import Attack, PrivacyAudit, Verdict
from popgan.evidence.privacy.verdict import verdict
from popgan.evidence.readers.results import Measure

SHARE = Measure(value=1.0, low=0.6, high=1.0, n=8, of="patients", method="exact")


def control(outcome: str, found: float = 1.0, canaries: float = 1.0) -> OvertrainedControl:
    part = {"found": found, "canaries_found": canaries}
    measures = {
        name: SHARE.model_copy(update={"value": value, "low": 0.0}) for name, value in part.items()
    }
    return OvertrainedControl.model_construct(
        outcome=outcome,
        detected=outcome == "detected",
        sentence=f"The copy was {outcome}.",
        **measures,  # type: ignore[arg-type]
    )


def inversion(attacks: list[Attack], searched: bool = True) -> InversionAttack:
    return InversionAttack.model_construct(
        attacks=attacks, searched=searched, sentence="Patients were drawn alike."
    )


@pytest.fixture(scope="module")
def small(world: SimpleNamespace) -> PrivacyAudit:
    """An honest generator with twelve patients a side: too few."""
    rng = np.random.default_rng(3)
    sides = [world.cases(12, 3, rng, name) for name in "abc"]
    images = world.honest(60, rng)
    found = audit(images, world.embed(images), *sides[:2], world.embed, reference=sides[2])
    assert found.shared.verdict.level == "too few subjects to test"
    return found.shared


def passing(small: PrivacyAudit, level: str = "passed") -> Any:
    """The same, as if so many patients had been there; the attacks are those of the small one."""

    def judged(*given: object) -> Verdict:
        return Verdict(level=level, sentence="As it was.", reasons=["why"], needed=9)  # type: ignore[arg-type]

    return judged


def test_without_further_parts_it_is_the_verdict_of_the_images(small: PrivacyAudit) -> None:
    assert overall(small) == small.verdict


@pytest.mark.parametrize("level", ["passed", "too few subjects to test"])
@pytest.mark.parametrize("outcome", ["missed", "not reproduced"])
def test_an_over_trained_copy_that_is_not_found_out_leaves_no_power(
    small: PrivacyAudit, monkeypatch: pytest.MonkeyPatch, level: str, outcome: str
) -> None:
    monkeypatch.setattr("popgan.evidence.privacy.overall.verdict", passing(small, level))
    found = overall(small, control(outcome, found=0.4))
    assert found.level == "no power"
    assert f"The copy was {outcome}." in found.reasons


def test_flags_on_all_of_its_images_are_power_but_no_pass(
    small: PrivacyAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    flagged = control("missed")
    assert only_flagged(flagged) and not only_flagged(control("missed", canaries=0.9))
    found = overall(small, flagged)
    assert found.level == "too few subjects to test"
    assert "would be no proof" in found.reasons[-1]
    # With patients enough to pass, a copier that is not failed is one that was missed.
    monkeypatch.setattr("popgan.evidence.privacy.overall.verdict", passing(small))
    assert overall(small, flagged).level == "no power"


def test_a_search_that_finds_nothing_again_leaves_no_power(
    small: PrivacyAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("popgan.evidence.privacy.overall.verdict", passing(small))
    found = overall(small, control("detected"), inversion([], searched=False))
    assert found.level == "no power" and "latent vectors" in found.sentence
    found = overall(small, control("detected"), inversion([]))
    assert found.level == "passed" and "images and the generator passed" in found.sentence
    assert found.reasons[-2:] == ["The copy was detected.", "Patients were drawn alike."]
    assert overall(small, control("detected")).sentence == "As it was."


def test_what_was_shown_is_not_excused_by_a_control_that_failed(
    small: PrivacyAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("popgan.evidence.privacy.overall.verdict", passing(small, "failed"))
    assert overall(small, control("missed", found=0)).level == "failed"


def test_attacks_on_the_generator_join_the_family_of_tests(small: PrivacyAudit) -> None:
    """One p-value that is small enough alone is not small enough among nine, and the reverse."""
    one = small.attacks[0].model_copy(update={"name": "inversion", "p": 0.0125 / 9 * 1.1})
    assert overall(small, None, inversion([one])).level == "too few subjects to test"
    one = one.model_copy(update={"p": 0.0125 / 9 * 0.9})
    found = overall(small, None, inversion([one]))
    assert found.level == "failed" and found.reasons[0].startswith("inversion (")
    # It does not stand for an attack on images that was not made.
    some = [attack for attack in small.attacks if attack.name in ("GAN-Leaks", "Monte-Carlo")]
    other = one.model_copy(update={"p": 1.0})
    judged = verdict(small.copies, small.neighbours, [*some, other], small.controls)
    assert "reference set" in judged.reasons[0]


def test_an_attack_that_points_to_patients_is_not_called_nothing(small: PrivacyAudit) -> None:
    high = small.attacks[0]
    above = Measure(value=0.99, low=0.9, high=1.0, n=24, of="patients", method="x")
    attacks = [high.model_copy(update={"auc": above, "p": 0.2}), *small.attacks[1:]]
    judged = verdict(small.copies, small.neighbours, attacks, small.controls)
    assert judged.sentence.startswith("Some attacks reach further than chance mostly does")
    below = Measure(value=0.4, low=0.2, high=0.7, n=24, of="patients", method="x")
    attacks = [attack.model_copy(update={"auc": below, "p": 0.9}) for attack in attacks]
    judged = verdict(small.copies, small.neighbours, attacks, small.controls)
    assert judged.sentence.startswith("Nothing was found, but there are too few")
