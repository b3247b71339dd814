from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from popgan.evidence.readers.bootstrap import Spread
from popgan.evidence.readers.equivalence import equivalence
from popgan.evidence.readers.results import Equivalence


def verdict_of(spread: Spread, margin: float = 0.1) -> Equivalence:
    return equivalence("x", spread, margin=margin, n=9, of="answers", words="w")


def test_p_values_are_those_of_statsmodels_tost() -> None:
    values = np.random.default_rng(2).normal(0.53, 0.1, size=12)
    spread = Spread(float(values.mean()), float(values.std(ddof=1) / 12**0.5), 11.0)
    p, low, high = DescrStatsW(values).ttost_mean(0.4, 0.6)
    found = verdict_of(spread)
    assert found.p_equivalence == pytest.approx(p)
    assert (found.p_above, found.p_below) == pytest.approx((low[1], high[1]))
    assert found.p_difference == pytest.approx(DescrStatsW(values).ttest_mean(0.5)[1])
    ends = DescrStatsW(values).tconfint_mean(alpha=0.1)
    assert (found.low, found.high) == pytest.approx(ends)


@given(st.floats(0, 1), st.floats(1e-4, 0.3), st.floats(1, 500), st.floats(0.02, 0.3))
def test_equivalence_is_the_90_percent_interval_within_the_margin(
    value: float, error: float, freedom: float, margin: float
) -> None:
    found = verdict_of(Spread(value, error, freedom), margin)
    inside = 0.5 - margin < found.low and found.high < 0.5 + margin
    near = min(abs(found.low - 0.5 + margin), abs(found.high - 0.5 - margin)) < 1e-9
    assert near or (found.verdict == "equivalent") == inside
    mirrored = verdict_of(Spread(1 - value, error, freedom), margin)
    assert near or mirrored.verdict == found.verdict
    assert mirrored.p_above == pytest.approx(found.p_below, abs=1e-9)


def test_verdicts_are_in_words() -> None:
    assert verdict_of(Spread(0.5, 0.03, 50)).words == (
        "equivalent to chance within +-10 percentage points"
    )
    assert verdict_of(Spread(0.55, 0.01, 50)).verdict == "equivalent"
    assert "not equal" in verdict_of(Spread(0.55, 0.01, 50)).words
    assert verdict_of(Spread(0.8, 0.05, 50)).verdict == "different"
    assert verdict_of(Spread(0.5, 0.2, 50)).verdict == "not shown"
    nothing = verdict_of(Spread(0.5, None, 0, "one patient"))
    assert nothing.verdict == "not measurable" and "one patient" in nothing.words
