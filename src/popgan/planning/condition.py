"""What networks are told, looked up in a cohort: which conditions there are, and their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.cohort.splits import SPLITS
from popgan.config.condition import Condition, Value, condition_size, encode
from popgan.errors import UserError

LABEL, HEIGHT = "label", "height"
FEWEST = 4
"""Training slices of a class below which nothing can be learnt about it."""
FEW = 50
"""Training slices of a class below which a note says that its samples will be near copies."""


def find_conditions(cohort: Cohort, names: Sequence[str]) -> tuple[list[Condition], list[str]]:
    """Look up what a plan wants to tell its networks.

    Args:
        cohort: the cohort. All values are those of its training split; of the others it is only
            looked up whether they have a class that training lacks.
        names: label, height, or covariates.

    Returns:
        The conditions in the order of `names`, and notes for the user.

    Raises:
        UserError: the cohort has no such column, or it says nothing: one class, one value, none
            known; a class with too few slices.
    """
    if len(set(names)) != len(names):
        raise UserError(f"network.condition names something twice: {', '.join(names)}")
    found, notes = [], []
    for name in names:
        values = column(cohort, "train", name)
        known = [value for value in values if value is not None and value == value]
        if missing := len(values) - len(known):
            notes.append(f"{missing} of {len(values)} training slices have no {name}: unknown")
        if name == LABEL:
            every = {str(one) for split in SPLITS for one in cohort.labels(split) if one}
            found.append(_classes([str(value) for value in known], every, notes))
        else:
            numbers = [float(value) for value in known]
            found.append(_number(name, numbers, words_of(cohort, name)))
    return found, notes


def with_words(cohort: Cohort, conditions: Sequence[Condition]) -> list[Condition]:
    """Conditions with their words, which plans did not hold before there were words in them."""
    return [
        condition
        if condition.kind == "class" or condition.words
        else condition.model_copy(update={"words": words_of(cohort, condition.name)})
        for condition in conditions
    ]


def words_of(cohort: Cohort, name: str) -> list[str] | None:
    """What 0 and 1 of a covariate of two words stand for; None for any other."""
    words = cohort.words.get(name, [])
    return words if len(words) == 2 else None


def column(cohort: Cohort, split: str, name: str) -> list[Value]:
    """The values of one condition for every slice of a split; None or nan = not known.

    Raises:
        UserError: the cohort has no such column.
    """
    if name == LABEL:
        labels = cohort.labels(split)
        if not any(label is not None for label in cohort.labels("train")):
            raise UserError(
                "the cohort has no labels to condition on",
                where=cohort.run,
                do="ingest scans that have them, or leave `label` out of --condition",
            )
        return list(labels)
    if name == HEIGHT:
        return [cohort.slices[row].height for row in cohort.indices(split)]
    names, values = cohort.covariates(split)
    # Two words are one number with a name such as sex=M; people say sex.
    alike = [known for known in names if known.startswith(f"{name}=")]
    name = alike[0] if name not in names and len(alike) == 1 else name
    if name not in names:
        labelled = any(label is not None for label in cohort.labels("train"))
        there = ", ".join([HEIGHT, *([LABEL] if labelled else []), *names])
        raise UserError(f"there is nothing called {name!r} to condition on", do=f"there: {there}")
    return [float(value) for value in values[:, names.index(name)]]


def vectors(
    cohort: Cohort, split: str, conditions: Sequence[Condition]
) -> NDArray[np.float32] | None:
    """N x K condition vectors of a split, in the order of its images; None if nothing is told."""
    if not condition_size(conditions):
        return None
    return encode(conditions, {c.name: column(cohort, split, c.name) for c in conditions})


def _classes(known: list[str], every: set[str], notes: list[str]) -> Condition:
    """The labels of training slices as a condition; `every`: the labels of all splits."""
    counts = Counter(known)
    if len(counts) < 2:
        raise UserError(
            f"all training slices have the label {min(counts)!r}"
            if counts
            else "no training slice has a label",
            do="leave `label` out of --condition",
        )
    # A class whose few patients are all in other splits would otherwise vanish without a word.
    name = min(every, key=lambda name: (counts[name], name))
    if (count := counts[name]) < FEWEST:
        raise UserError(
            f"class {name!r} has {count or 'no'} training slices, too few to learn from",
            do=f"give it at least {FEWEST}, remove it, or leave `label` out of --condition",
        )
    for name, count in sorted(counts.items()):
        if count < FEW:
            notes.append(f"class {name!r} has {count} training slices: expect near copies of them")
    return Condition(name=LABEL, kind="class", classes=sorted(counts))


def _number(name: str, known: list[float], words: list[str] | None) -> Condition:
    if not known or min(known) == max(known):
        what = f"is {known[0]:g} everywhere" if known else "is known of no training slice"
        raise UserError(f"{name!r} {what}", do=f"leave `{name}` out of --condition")
    return Condition(
        name=name,
        kind="number",
        mean=float(np.mean(known)),
        deviation=float(np.std(known)),
        low=min(known),
        high=max(known),
        words=words,
    )
