"""What is said of the range of a value is what the schema enforces."""

from __future__ import annotations

from typing import Any

import pytest

from plans import DRAWING, TRANSLATORS, recipe_plan
from popgan.config.fields import allowed, fields_of, problem_with
from popgan.config.network import KINDS
from popgan.config.schema import leaves
from popgan.planning.recipes import RULES


@pytest.mark.parametrize("recipe", [*DRAWING, *TRANSLATORS])
def test_every_value_of_a_plan_has_a_meaning_and_a_range(recipe: str) -> None:
    known = fields_of(RULES[recipe].kind, facts=True)
    for name, _ in leaves(recipe_plan(recipe)):
        assert allowed(known[name]), name
        assert known[name].description or name in BARE, name


BARE = {"recipe", "preset", "seed", "network.kind"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train.gamma", "a number, 0 or more"),
        ("train.lr_generator", "a number, more than 0, 1 or less"),
        ("train.batch", "a whole number, 2 to 4096"),
        ("train.beta1", "a number, 0 or more, less than 1"),
        ("train.loss", "one of logistic, rpgan, wgan-gp, lsgan"),
        ("train.r2", "true or false"),
        ("train.style_mixing", "a number, 0 to 1"),
        ("network.kernel", "one of 3, 5"),
        ("network.channels", "a list, each a whole number, 1 to 4096"),
        ("network.condition", "a list, each text"),
        ("network.kind", "progressive"),
        ("data.contrasts", "a list, each text"),
        ("seed", "a whole number, 0 to 2147483647"),
    ],
)
def test_ranges_are_words(name: str, words: str) -> None:
    assert allowed(fields_of("progressive", facts=True)[name]) == words


def test_a_value_outside_of_the_words_is_refused_and_one_inside_is_not() -> None:
    cases: list[tuple[str, Any, Any]] = [
        ("train.gamma", 0, -0.1),
        ("train.batch", 4096, 4097),
        ("train.beta1", 0.999, 1),
        ("train.loss", "lsgan", "hinge"),
        ("network.kernel", 5, 4),
        ("network.channels", [8], [0]),
    ]
    known = fields_of("progressive")
    for name, good, bad in cases:
        assert problem_with(known[name], good) is None, name
        assert problem_with(known[name], bad), name
    assert "data.height" not in known
    assert set(fields_of("progressive")) < set(fields_of("progressive", facts=True))
    assert all(fields_of(kind) for kind in KINDS)
