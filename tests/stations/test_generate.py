"""Station generate: what it says about the images is true."""

from __future__ import annotations

import pytest

from popgan.stations.generate import skull_stripped


@pytest.mark.parametrize(
    ("kinds", "stripped"),
    [
        ({"brain": 3}, True),
        ({"head": 3}, False),
        ({"brain": 2, "head": 1}, False),
        ({"stack": 3}, False),
        ({}, False),
    ],
)
def test_skulls_are_called_absent_only_where_all_are(kinds: dict[str, int], stripped: bool) -> None:
    assert skull_stripped({"kinds": kinds}, margins=False) is stripped
    assert skull_stripped({"kinds": kinds}, margins=True) is False
    assert skull_stripped({}, margins=False) is False
