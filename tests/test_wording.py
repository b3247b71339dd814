"""Words agree with their number."""

from __future__ import annotations

import pytest

from popgan.wording import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 heads were"), (1, "1 head was"), (2, "2 heads were")]
)
def test_one_is_singular_and_everything_else_plural(number: int, text: str) -> None:
    assert counted(number, "head was", "heads were") == text
