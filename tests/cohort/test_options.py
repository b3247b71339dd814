"""Choices are checked at once, in one clear line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.cohort.options import VALID_SIDES, IngestOptions, check_resolution, contrast_names
from popgan.errors import UserError


@pytest.mark.parametrize(
    ("side", "near"),
    [(101, "96 or 112"), (65, "64 or 80"), (7, "16"), (513, "512"), (0, "16"), (-64, "16")],
)
def test_an_impossible_resolution_names_its_neighbours(side, near):
    with pytest.raises(UserError, match=f"--resolution {side} is not possible.*take {near}"):
        IngestOptions(resolution=side)


@given(st.integers(-10, 1000))
def test_valid_sides_are_three_to_eight_times_a_power_of_two(side):
    odd = side
    while odd > 8 and odd % 2 == 0:
        odd //= 2
    if 16 <= side <= 512 and 3 <= odd <= 8:
        assert check_resolution(side) == side
    else:
        with pytest.raises(UserError):
            check_resolution(side)


def test_usual_sides_are_valid():
    assert {64, 80, 96, 112, 128, 160, 192, 224, 256, 512} <= set(VALID_SIDES)


def test_contrasts_are_normalised_and_named_once():
    assert IngestOptions(contrasts=["t1", "flair"]).contrasts == ["T1w", "FLAIR"]
    with pytest.raises(UserError, match="once"):
        IngestOptions(contrasts=["t1", "T1w"])


@pytest.mark.parametrize("given", [[""], ["T1w", ""], [" ", "T1w"]])
def test_an_empty_name_is_no_contrast(given):
    with pytest.raises(UserError, match=r"leaves a name empty; name contrasts by commas"):
        contrast_names(given, "--contrast")


@pytest.mark.parametrize(
    "values",
    [
        {"slice_range": (90, 30)},
        {"slice_range": (-1, 50)},
        {"fractions": (0.5, 0.5, 0.0)},
        {"fractions": (0.5, 0.2, 0.2)},
        {"slices": 0},
        {"slices": "many"},
        {"intensity_percentile": 101},
        {"nope": 1},
    ],
)
def test_impossible_values_are_one_line(values):
    with pytest.raises(UserError) as caught:
        IngestOptions.parse(**values)
    assert "\n" not in str(caught.value)
