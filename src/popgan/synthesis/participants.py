"""participants.tsv of a synthetic set: a line an image, with what it was drawn for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from popgan.config.condition import Value
from popgan.synthesis.drawn_for import OWN, DrawnFor

_NAME = "participants"


def subject_id(index: int, digits: int = 4) -> str:
    """Name of the synthetic subject of an image: 0 -> "sub-syn0001"."""
    return f"sub-syn{index + 1:0{digits}d}"


def digits_of(last: int, whole: int) -> int:
    """Digits in the names of a set.

    Args:
        last: the largest index.
        whole: images of the whole set that these belong to, whose names they have.
    """
    return max(4, len(str(max(last + 1, whole))))


def cell(text: str) -> str:
    """A value that cannot break a table of tab-separated values."""
    return " ".join(text.split()) or "n/a"


def write_participants(
    part: Path,
    model: str,
    seed: int,
    indices: Sequence[int],
    digits: int,
    labels: Sequence[str] | None,
    drawn: DrawnFor,
) -> None:
    """participants.tsv, one line an image, and the meaning of its columns."""
    columns = list(drawn.columns.values())
    lines = ["\t".join([*OWN, *(column.header for column in columns)])]
    for place, index in enumerate(indices):
        label = cell(labels[place]) if labels is not None else "n/a"
        row = [subject_id(index, digits), "true", cell(model), str(seed), str(index), label]
        lines.append("\t".join([*row, *(_text(column.values[place]) for column in columns)]))
    (part / f"{_NAME}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    meanings: dict[str, dict[str, Any]] = {
        "participant_id": {"Description": "One synthetic image; no person stands behind it"},
        "synthetic": {"Description": "Always true"},
        "model": {"Description": "Name of the generative model"},
        "seed": {"Description": "Seed of the random numbers"},
        "index": {
            "Description": f"Index of the sample; to draw the image again takes {drawn.again()}"
        },
        "label": {
            "Description": "Class the image was made for; n/a where the model knows no classes"
        },
    }
    for column in columns:
        meanings[column.header] = {"Description": column.description}
        if column.levels:
            levels = {cell(word): text for word, text in column.levels.items()}
            meanings[column.header]["Levels"] = levels
    text = json.dumps(meanings, indent=1, allow_nan=False) + "\n"
    (part / f"{_NAME}.json").write_text(text, encoding="utf-8")


def _text(value: Value) -> str:
    if value is None:
        return "n/a"
    return cell(value) if isinstance(value, str) else f"{value:.10g}"
