"""Inversions of a comparison are of one search: an audit's is taken over only where it is that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from popgan.attack.generator import EACH, MOST
from popgan.attack.inversion import RESTARTS, STEPS
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.generator_results import InversionAttack
from popgan.evidence.privacy.inversion import Rebuilt, inversion_result
from popgan.progress import Reporter
from popgan.stations import compare_inversion as station

MEMBERS, OTHERS = 5, 4


def images(count: int) -> np.ndarray:
    return np.random.default_rng(count).uniform(-1, 1, (count, 1, 8, 8)).astype(np.float32)


def cases(patients: int, each: int = EACH, name: str = "a") -> Cases:
    owners = [f"{name}{patient:03}" for patient in range(patients) for _ in range(each)]
    return Cases(images(len(owners)), np.zeros((len(owners), 1), np.float32), owners)


def attack(members: int = MEMBERS, others: int = OTHERS, each: int = EACH) -> InversionAttack:
    def rebuilt(side: Cases) -> Rebuilt:
        return Rebuilt(side.images, side.images * 0.9, side.subjects)

    sides = cases(members, each), cases(others, each, "b")
    own = rebuilt(cases(4, 1, "c"))
    mean = np.zeros((1, 8, 8), np.float32)
    return inversion_result(
        rebuilt(sides[0]), rebuilt(sides[1]), own, mean, steps=STEPS, restarts=RESTARTS
    )


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"members": MEMBERS + 1}, False),
        ({"others": OTHERS - 1}, False),
        ({"images": MEMBERS + OTHERS}, False),  # one image a patient, as audits of many do
        ({"steps": STEPS + 1}, False),
        ({"restarts": RESTARTS + 1}, False),
    ],
)
def test_a_search_is_the_same_only_if_all_of_it_is(changes: dict[str, Any], same: bool) -> None:
    found = attack().model_copy(update=changes)
    train, heldout = cases(MEMBERS), cases(OTHERS, name="b")
    assert station.same_search(found, train, heldout, audit_seed=7) == same


def test_where_patients_are_drawn_the_seed_decides_which() -> None:
    many, few = cases(MOST + 1, 1), cases(OTHERS, 1, "b")
    found = attack(MOST, OTHERS, 1)
    assert station.same_search(found, many, few, audit_seed=0)
    assert not station.same_search(found, many, few, audit_seed=7)


@pytest.mark.parametrize(("steps", "reused"), [(STEPS, True), (2 * STEPS, False)])
def test_an_audit_with_another_search_is_not_taken_over(
    monkeypatch: pytest.MonkeyPatch, steps: int, reused: bool
) -> None:
    sides = {"train": cases(MEMBERS), "test": cases(OTHERS, name="b")}
    cohort = SimpleNamespace(
        images=lambda split: sides[split].images, subjects=lambda split: sides[split].subjects
    )
    audited = attack().model_copy(update={"steps": steps})
    fresh, asked = attack().model_copy(update={"sentence": "fresh"}), []

    def search(*_: Any, **options: Any) -> InversionAttack:
        asked.append(options)
        return fresh

    monkeypatch.setattr(station, "inversion_attack", search)
    monkeypatch.setattr(station, "load_audit", lambda _: SimpleNamespace(inversion=audited))
    monkeypatch.setattr(station, "with_maps", lambda own, _: own)
    monkeypatch.setattr(station, "load_generator", lambda *_: None)
    monkeypatch.setattr(station, "vectors", lambda *_: None)
    plan = SimpleNamespace(seed=3, data=SimpleNamespace(conditions=[]))
    entrant: Any = SimpleNamespace(
        name="a", plan=plan, model=SimpleNamespace(weights_path="weights")
    )
    found = station.inverted(entrant, cohort, Reporter())  # type: ignore[arg-type]
    assert found.attack == (audited if reused else fresh)
    # One seed for all models, whatever seed each was trained with: the same patients.
    assert [options["seed"] for options in asked] == ([] if reused else [station.SEED])
