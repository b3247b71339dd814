"""What the images of a set were drawn for, and what draws one of them again, in words and columns.

Every writer says the same: what was asked for and the truncation hold for the whole set; what was
drawn from the training slices is said of each image, as far as it may be (`synthesis/told.py`).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

from popgan.cohort.traits import OLDEST, is_age
from popgan.config.condition import Condition, Value
from popgan.synthesis.told import FEWEST, HEIGHT, LABEL, Told, step_of

OWN = ("participant_id", "synthetic", "model", "seed", "index", "label")
"""Columns that the table of a set always has; a condition of such a name gets another one."""


@dataclass(frozen=True)
class Column:
    """One condition of the images of a set.

    Attributes:
        header: of its column in the table.
        description: what its values are.
        levels: what its words are, where it has nothing but words.
        values: one an image; None is not known or not said.
    """

    header: str
    description: str
    levels: Mapping[str, str]
    values: Sequence[Value]


@dataclass(frozen=True)
class DrawnFor:
    """What images were drawn for.

    Attributes:
        asked: what the user asked for, by the condition's name.
        drawn: names of the conditions that come from the training slices.
        columns: all conditions but the class, by their names.
        truncation: None where the recipe has none.
        spared: whether values that few patients share are left out.
    """

    asked: Mapping[str, str | float] = field(default_factory=dict)
    drawn: Sequence[str] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    truncation: float | None = None
    spared: bool = False

    def of(self, place: int) -> dict[str, Value]:
        """What image number `place` of the set was drawn for."""
        return {name: column.values[place] for name, column in self.columns.items()}

    def check(self, count: int) -> None:
        """Refuse columns that are not those of so many images.

        Raises:
            ValueError: another number of values.
        """
        for name, column in self.columns.items():
            if len(column.values) != count:
                raise ValueError(f"{len(column.values)} values of {name} for {count} images")

    def of_set(self) -> dict[str, Any]:
        """What holds for every image of the set, for machines."""
        found: dict[str, Any] = {}
        if self.asked or self.drawn:
            found["Conditions"] = {"Asked": dict(self.asked), "Drawn": list(self.drawn)}
        return found | ({} if self.truncation is None else {"Truncation": self.truncation})

    def briefly(self) -> str:
        """The same in few words, to be added to a sentence; "" if there is nothing to say."""
        truncated = f"truncation {self.truncation:g}" if self._truncated else ""
        return "; ".join(part for part in (self._wishes, truncated) if part)

    def again(self) -> str:
        """What it takes to draw one of the images again."""
        parts = [
            "the weights",
            "the training cohort" if self.drawn else "",
            "the seed",
            "the index",
            *(f"the same {'class' if name == LABEL else name}" for name in self.asked),
            "the same truncation" if self._truncated else "",
        ]
        known = [part for part in parts if part]
        return f"{', '.join(known[:-1])} and {known[-1]}"

    def command(self, model: str, seed: int) -> str:
        """The command that draws one of the images again."""
        words = ["popgan", "generate", "RUN", "--name", model, "--seed", str(seed)]
        words += ["--first", "INDEX", "-n", "1"]
        for name, value in self.asked.items():
            shown = _shown(value)
            words += ["--class", shown] if name == LABEL else ["--given", f"{name}={shown}"]
        words += ["--truncation", f"{self.truncation:.10g}"] if self._truncated else []
        return shlex.join(words)

    def lines(self, model: str, seed: int) -> str:
        """All of it for the README of a set, an item a thing to say."""
        items = []
        if self.asked:
            items.append(f"Asked for, for all images: {self._wishes}.")
        if self._truncated:
            items.append(f"Truncation {self.truncation:g}: more usual, less varied images.")
        if self.drawn:
            items.append(
                f"From the training data, those of one slice together for each image: "
                f"{', '.join(self.drawn)}. participants.tsv has them: words as they are, numbers "
                "rounded, because they are values of patients."
            )
        if self.drawn and self.spared:
            items.append(f"What fewer than {FEWEST} patients share of it is left out (n/a).")
        items.append(
            f"To draw an image again takes {self.again()}. With the same software on the same kind "
            "of machine it is the same to the last bit:"
        )
        text = "\n".join(
            fill(item, 98, initial_indent="- ", subsequent_indent="  ") for item in items
        )
        return f"{text}\n  {self.command(model, seed)}\n"

    @property
    def _wishes(self) -> str:
        return ", ".join(f"{name} {_shown(value)}" for name, value in self.asked.items())

    @property
    def _truncated(self) -> bool:
        return self.truncation not in (None, 1)


def drawn_for(
    told: Told | None,
    seed: int,
    indices: Sequence[int],
    *,
    truncation: float | None,
    spare: bool = False,
) -> DrawnFor:
    """What images of a seed were drawn for, as far as it may be said.

    Args:
        told: conditions they are drawn from; None where the model takes none.
        seed: of the images.
        indices: of the images.
        truncation: None where the recipe has none.
        spare: leave out values that few patients share, for a set that is given away.
    """
    if told is None:
        return DrawnFor(truncation=truncation)
    values = told.said_at(seed, indices, spare=spare)
    columns: dict[str, Column] = {}
    taken = set(OWN)
    for condition in told.conditions:
        name = condition.name
        if name not in values:
            continue
        header = " ".join(name.split())
        while header in taken:
            header = f"condition_{header}"
        taken.add(header)
        words = _described(condition, asked=name in told.asked, spare=spare)
        columns[name] = Column(header, words, _levels(condition, values[name]), values[name])
    drawn = [c.name for c in told.conditions if c.name not in told.asked]
    return DrawnFor(told.asked, drawn, columns, truncation, spare)


def _described(condition: Condition, *, asked: bool, spare: bool) -> str:
    """What the column of a condition holds."""
    name = condition.name
    what = "height of the slice (0 bottom .. 1 top of the brain)" if name == HEIGHT else name
    text = f"What the image was drawn for: {what}"
    if asked:
        return f"{text}, as it was asked for"
    text += ", of a training slice"
    if not condition.words:
        step = step_of(condition)
        text += f", rounded to {step:g}" if step else ""
    if is_age(name):
        text += f"; all above {OLDEST - 1:g} years count as {OLDEST:g}"
    unknown = "is not known"
    if spare and name != HEIGHT:
        unknown += f" or shared by fewer than {FEWEST} patients"
    return f"{text}; n/a where it {unknown}"


def _levels(condition: Condition, values: Sequence[Value]) -> dict[str, str]:
    """Words of a column and what they are; none where a number stands beside them."""
    words = condition.words or []
    if not set(values) <= {*words, None}:
        return {}
    return {word: f"{number} to the model" for number, word in enumerate(words)}


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"
