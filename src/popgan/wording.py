"""Sentences that count: "1 head was", "2 heads were"."""

from __future__ import annotations


def counted(number: int, one: str, many: str) -> str:
    """A number with the words that agree with it.

    Args:
        number: how many.
        one: what follows 1.
        many: what follows any other number.
    """
    return f"{number} {one if number == 1 else many}"
