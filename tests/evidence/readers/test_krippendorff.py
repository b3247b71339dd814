from __future__ import annotations

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.evidence.readers.krippendorff import alpha, coincidences

# Krippendorff 2011, section C: 4 observers, 12 units, 0 where nothing was said.
CANONICAL = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
).T


def alpha_of(values: np.ndarray, scale: str, levels: int = 5) -> float:
    counts = (values[..., None] == np.arange(1, levels + 1)).sum(axis=1).astype(float)
    return float(alpha(coincidences(counts).sum(axis=0), scale))


def test_the_canonical_data_give_the_published_numbers() -> None:
    assert alpha_of(CANONICAL, "nominal") == pytest.approx(0.743, abs=0.0005)
    assert alpha_of(CANONICAL, "ordinal") == pytest.approx(0.815, abs=0.0005)


@given(
    st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=2, max_size=25),
    st.sampled_from(["ordinal", "nominal"]),
)
def test_alpha_is_that_of_the_package_krippendorff(answers: list[list[int]], scale: str) -> None:
    values = np.array(answers)
    paired = values[(values > 0).sum(axis=1) > 1]
    value = alpha_of(values, scale)
    if len(np.unique(paired[paired > 0])) < 2:
        assert math.isnan(value)
        return
    data = np.where(values == 0, np.nan, values).T
    expected = krippendorff.alpha(
        data, level_of_measurement=scale, value_domain=[1.0, 2.0, 3.0, 4.0, 5.0]
    )
    assert value == pytest.approx(expected, abs=1e-9)
    assert value <= 1 + 1e-9
    assert alpha_of(values[::-1, ::-1], scale) == pytest.approx(value)
