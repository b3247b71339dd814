"""`popgan plan RUN --explain NAME`: what is known about single values, for people and machines."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popgan.cli.shared import Settings
    from popgan.planning.alternatives import Alternative
    from popgan.planning.explain import Explanation
    from popgan.stations.model import Model

_BY = {
    "preset": "each preset has a constant",
    "rule": "a rule",
    "preset or rule": "a preset's constant, or a rule",
    "recipe": "the recipe, whatever the preset",
    "you": "you",
}


def show_explanations(shown: Settings, model: Model, explained: Sequence[Explanation]) -> None:
    """Print what is known about values of a model's plan."""
    if shown.as_json:
        found = [dataclasses.asdict(one) for one in explained]
        shown.show([], {"model": model.name, "plan": model.plan_path, "explained": found})
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A file or a pipe has no width of its own.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    for number, one in enumerate(explained):
        if number:
            console.print()
        console.print(Text(f"{one.name}  {_text(one.value)}", style="bold"))
        rows = list(_rows(one))
        width = max(len(title) for title, _ in rows)
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for title, words in rows:
            table.add_row(Text(f"  {title}"), Text(words))
        console.print(table)
        # To be pasted, so it stays one line.
        console.print(Text(f"  {'change':<{width}}  {one.change}"), soft_wrap=True)


def _rows(one: Explanation) -> Iterator[tuple[str, str]]:
    """Titles and words of what is known about a value."""
    if one.meaning:
        yield "is", one.meaning
    yield "why", f"{one.source}: {one.reason}"
    if one.facts:
        yield "from", ", ".join(f"{name} {_text(value)}" for name, value in one.facts.items())
    if one.by:
        yield "decided", f"by {_BY[one.by]}{f': {one.rule}' if one.rule else ''}"
    yield "allowed", one.allowed
    if one.evidence:
        yield "evidence", one.evidence
    for words in one.measured:
        yield "measured", words
    for other in one.presets:
        yield other.preset, _other(one, other)


def _other(one: Explanation, other: Alternative) -> str:
    """A value with another preset."""
    if other.source == "measured":
        return other.reason
    if other.source == "impossible":
        return f"not possible: {other.reason}"
    why = "likewise" if other.reason == one.reason else f"{other.source}: {other.reason}"
    return f"{_text(other.value)}  ({why})"


def _text(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
