from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from popgan.errors import UserError
from popgan.evidence.readers.sizes import design_effect, icc_images, tost_trials


def test_trials_are_those_of_the_evidence_page() -> None:
    assert tost_trials(0.1) == 215
    assert tost_trials(0.1, power=0.9) == 271


def test_images_are_those_of_the_evidence_page() -> None:
    assert [icc_images(0.6, 0.1, k) for k in (2, 3, 5)] == [159, 101, 73]
    assert [icc_images(0.75, 0.1, k) for k in (2, 3, 5)] == [75, 52, 40]


@given(st.floats(0.05, 0.2), st.floats(0.5, 0.95))
def test_that_many_trials_have_the_power_and_one_less_has_not(margin: float, power: float) -> None:
    def reached(n: int) -> float:
        return float(2 * norm.cdf(margin / (0.5 / n**0.5) - norm.ppf(0.95)) - 1)

    n = tost_trials(margin, power)
    assert reached(n) >= power - 1e-9 > reached(n - 1) - 2e-9


def test_design_effect_of_one_image_a_patient_is_one() -> None:
    assert design_effect(1, 0.7) == 1
    assert design_effect(4, 0.5) == 2.5
    assert design_effect(4, 0) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: tost_trials(0),
        lambda: tost_trials(0.5),
        lambda: tost_trials(0.1, power=1),
        lambda: tost_trials(float("nan")),
        lambda: icc_images(1, 0.1, 3),
        lambda: icc_images(0.5, 0.1, 1),
        lambda: design_effect(0.5, 0.1),
        lambda: design_effect(2, 1.5),
    ],
)
def test_numbers_out_of_range_are_told_in_one_line(wrong) -> None:
    with pytest.raises(UserError) as error:
        wrong()
    assert "\n" not in str(error.value)
