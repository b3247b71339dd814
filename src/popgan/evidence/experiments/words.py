"""KIDs and their intervals in the sentences of experiments."""

from __future__ import annotations

from collections.abc import Iterable


def kid(value: float) -> str:
    """Three decimals; two digits where that would leave none."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.1e}"


def ends(low: float | None, high: float | None) -> str:
    """ "(95 % 0.010 to 0.050)", with a space before it; nothing where there is no interval."""
    return "" if low is None or high is None else f" (95 % {kid(low)} to {kid(high)})"


def probability(p: float) -> str:
    """Two digits; never 0."""
    return f"{p:.2g}" if p >= 1e-4 else "below 0.0001"


def joined(reasons: Iterable[str]) -> str:
    """Different reasons, each once, in their order; empty ones left out."""
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
