"""A pair of groups in a sentence, and what a paragraph must say about budgets and small numbers."""

from __future__ import annotations

from popgan.evidence.compare.results import Pair
from popgan.evidence.readers.results import Measure

TITLES = {"kid": "KID", "clipped_coverage": "clipped coverage"}
_ALIKE = 1.1
"""Times that may lie between the largest and the least training of an equal budget."""


def sentence(pair: Pair) -> str:
    """What a pair amounts to: which is better, or that no difference was shown."""
    found = "; ".join(part for part in (_gap(pair), _effect(pair), _chance(pair)) if part)
    if pair.tie:
        said = f"{pair.first} and {pair.second}: a tie, no difference was shown ({found})."
    else:
        other = pair.second if pair.better == pair.first else pair.first
        said = f"{pair.better} is better than {other} ({found})."
    return said + _reach(pair)


def _gap(pair: Pair) -> str:
    title, found = TITLES[pair.metric], pair.difference
    if found.value == 0:
        return f"{title} is the same"
    return f"{title} of {pair.first} {_signed(found)} against {pair.second}"


def _effect(pair: Pair) -> str:
    return "" if pair.effect.value is None else f"effect {_signed(pair.effect)}"


def _chance(pair: Pair) -> str:
    found = pair.superiority
    if found.value is None:
        return ""
    text = f"P({pair.first} is better) = {found.value:.2f}"
    if found.low is not None and found.high is not None:
        text += f", {found.low:.2f} to {found.high:.2f}"
    return f"{text}, over {found.n} {pair.unit}"


def _reach(pair: Pair) -> str:
    """What the unit, and the number of it, can show."""
    if pair.unit != "trainings":
        return " This is about these weights: another training of either may differ."
    if pair.exact is None or pair.exact.p is None or pair.smallest_p is None:
        return " So few trainings allow no exact test."
    said = f" Exact p = {_p(pair.exact.p)}"
    if pair.smallest_p > 0.05:
        said += (
            f", and with so few trainings it cannot be less than {_p(pair.smallest_p)}: read "
            "difference, effect and P first"
        )
    else:
        said += f" (at best {_p(pair.smallest_p)} with so many trainings)"
    return said + "."


def budget_sentence(named: list[tuple[str, int, float | None]]) -> tuple[bool | None, str]:
    """Whether models had equal budgets, and how that is known.

    Args:
        named: name, images shown, seconds of training (None where unknown).

    Returns:
        None with fewer than two models; else whether images shown or seconds lie within 10 %.
    """
    if len(named) < 2:
        return None, ""
    images = [count for _, count, _ in named]
    seconds = [time for _, _, time in named if time is not None]
    alike = []
    if max(images) <= _ALIKE * min(images):
        alike.append("images shown")
    if len(seconds) == len(named) and max(seconds) <= _ALIKE * min(seconds):
        alike.append("training time")
    ranges = f"images shown {_range(images, '{:,.0f}')}"
    ranges += f", seconds of training {_range(seconds, '{:,.0f}')}" if seconds else ""
    if alike:
        return True, f"Budgets were equal in {' and '.join(alike)} (within 10 %): {ranges}."
    return False, f"Budgets were NOT equal: {ranges}. A difference may be one of budget."


def _range(values: list[int] | list[float], form: str) -> str:
    low, high = (form.format(end) for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _signed(found: Measure) -> str:
    text = f"{found.value or 0:+.3g}"
    if found.low is None or found.high is None:
        return text
    return f"{text} ({found.low:+.3g} to {found.high:+.3g})"


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-4 else "below 0.0001"
