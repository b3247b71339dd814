"""The tables of searches and ablations: cells that may hold a number, a remark, or a setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table.

    Attributes:
        value: a number or a word, never broken over lines.
        remark: below it, smaller, such as its interval.
        parts: a setting or a list of values; each part is never broken, the list may be.
        text: words, broken where they have to be.
    """

    value: str = ""
    remark: str = ""
    parts: Sequence[str] = ()
    text: str = ""


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        name: in words.
        cells: from the left.
        about: what it is, below the name.
        own: whether it is to stand out.
        codes: names of values, in place of a name in words.
    """

    name: str
    cells: Sequence[Cell]
    about: str = ""
    own: bool = False
    codes: Sequence[str] = ()


@dataclass(frozen=True)
class ResultTable:
    """A table of the page.

    Attributes:
        title: what a screen reader says, and the line that opens it where it is folded.
        caption: what it shows, with n and method.
        head: titles of the columns; the first is that of the rows.
        rows: from the top.
        folded: whether it is opened on request.
        width: one of the classes of the style sheet: which columns need room.
    """

    title: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Row]
    folded: bool = False
    width: str = ""
