"""What does not fit into a search is tried as nearly as it can be, and the rest of it as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.config.preset import load_preset
from popgan.evidence.experiments.results import SearchSpace, Setting
from popgan.tuning.fitting import fitted, nearest
from popgan.tuning.space import defaults, fits, including, load_space, narrowed
from popgan.tuning.variants import PUBLISHED
from popgan.tuning.warm import warm_starts
from tuning.test_space import plan_of
from tuning.tiny_searches import DEFAULT, SPACE

BATCH = SearchSpace(name="train.batch", choices=[4, 8, 16, 32])
LOSS = SearchSpace(name="train.loss", choices=["rpgan", "lsgan"])
RATE = SearchSpace(name="train.lr_generator", low=0.001, high=0.01, log=True)
COUNT = SearchSpace(name="network.blocks", low=1, high=6, whole=True)


@pytest.mark.parametrize(
    ("one", "value", "expected"),
    [
        (BATCH, 8, 8),
        (BATCH, 256, 32),
        (BATCH, 1, 4),
        (BATCH, 11, 8),  # by ratio: 11/8 < 16/11
        (BATCH, 12, 16),
        (BATCH, "many", None),
        (BATCH, None, None),
        (LOSS, "lsgan", "lsgan"),
        (LOSS, "hinge", None),
        (LOSS, 3, None),
        (RATE, 0.002, 0.002),
        (RATE, 0.0001, 0.001),
        (RATE, 1, 0.01),
        (COUNT, 2.4, 2),
        (COUNT, 9, 6),
    ],
)
def test_a_value_is_taken_at_the_nearest_that_is_searched(
    one: SearchSpace, value: Any, expected: Any
) -> None:
    assert nearest(one, value) == expected


def test_one_value_that_cannot_be_had_costs_the_others_nothing() -> None:
    values = {"train.batch": 256, "train.loss": "hinge", "train.lr_generator": 0.002, "x": 3}
    assert fitted(SPACE, values, DEFAULT) == {"train.lr_generator": 0.002}
    assert fitted(SPACE, {**values, "train.batch": 1}, DEFAULT) == {
        **{"train.lr_generator": 0.002, "train.batch": 4}
    }


def test_what_does_not_count_beside_the_others_is_no_change() -> None:
    values = {"train.loss": "lsgan", "preset.gamma_at_64": 0.9}
    assert fitted(SPACE, values, DEFAULT) == {"train.loss": "lsgan"}
    # A value that is held, because it is not searched, lets count what hangs on it.
    moved = SearchSpace(name="p", low=0, high=1, when={"method": "affine"})
    assert fitted([moved], {"p": 0.5}, {"p": 0.4}) == {"p": 0.5}


@given(
    st.dictionaries(
        st.sampled_from([one.name for one in SPACE]),
        st.one_of(
            st.none(), st.integers(-9, 999), st.floats(-1, 99), st.sampled_from(["lsgan", ""])
        ),
    )
)
def test_whatever_comes_what_is_tried_lies_in_the_space_and_is_its_own_nearest(
    values: dict[str, Any],
) -> None:
    changes = fitted(SPACE, values, DEFAULT)
    assert fits(SPACE, changes)
    assert fitted(SPACE, {**DEFAULT, **changes}, DEFAULT) == changes


def warm(*search: str) -> list[Setting]:
    """First trials of a search around `standard`."""
    plan = plan_of("popgan", "standard", {})
    space = narrowed(load_space("popgan"), search)
    whole = defaults(load_space("popgan"), load_preset("standard", "popgan"), plan)
    space = including(space, whole)
    names = {one.name for one in space}
    default = {name: value for name, value in whole.items() if name in names}
    return warm_starts(space, default, "popgan", [])


def test_a_search_tries_parameters_of_other_presets_as_well() -> None:
    standard = load_preset("standard", "popgan")
    names = ("train.lr_generator", "preset.ema_share", "preset.gamma_at_64")
    space = [one for one in load_space("popgan") if one.name in names]
    default = {"train.lr_generator": 0.001, "preset.ema_share": 0.2, "preset.gamma_at_64": 1.0}
    assert standard.ema_share and {
        "train.lr_generator": standard.values["train.lr_generator"][0],
        "preset.ema_share": standard.ema_share,
        "preset.gamma_at_64": standard.gamma_at_64,
    } in warm_starts(space, default, "popgan", [])


def test_a_search_tries_the_published_cell_but_for_its_batch() -> None:
    (paper,) = warm()
    for name, value in PUBLISHED.items():
        if name not in ("train.batch", "train.shuffle_buffer"):
            assert paper[name] == value, name
    assert paper["train.batch"] == 32, "the largest that there is time for"
    assert paper["train.loss"] == "logistic" and paper["augmentation.probability"] == 0.0
    # Within the bounds of the user only what lies there.
    (paper,) = warm(
        "train.lr_generator=1e-3:2e-3", "train.batch=8,16", "train.lr_generator", "train.batch"
    )
    assert paper == {"train.lr_generator": 0.001, "train.batch": 16}
