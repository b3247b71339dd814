"""A row of the verdict table: what is claimed, how it was tested, what came out.

Nothing passes that was not tested: a row is green only with a finding behind it and a limit that
was set in advance. A number without such a limit is "measured", in grey.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["pass", "fail", "untested", "measured"]
_WORDS: dict[Status, str] = {
    "pass": "pass",
    "fail": "fail",
    "untested": "not tested",
    "measured": "no limit set",
}
_COUNTED: dict[Status, str] = {
    "pass": "pass",
    "fail": "fail",
    "untested": "not tested or undecided",
    "measured": "measured without a limit",
}


def tally(rows: Sequence[Claim]) -> str:
    """ "2 pass, 3 fail, 6 not tested or undecided, 1 without a limit", in this order."""
    counts = Counter(row.status for row in rows)
    named = [(counts[status], words) for status, words in _COUNTED.items()]
    return ", ".join(f"{count} {words}" for count, words in named if count)


@dataclass(frozen=True)
class Claim:
    """One row.

    Args:
        claim: what somebody who uses the images would like to be true.
        test: how it is tested and the limit it is held against.
        result: what was found, with its interval; why nothing was, where it was not tested.
        status: what that amounts to.
        label: what the page says in place of the status, such as "too few subjects".
        how: one line on how to read the result.

    Raises:
        ValueError: a row that passes without a test or a result.
    """

    claim: str
    test: str
    result: str
    status: Status
    label: str = ""
    how: str = ""

    def __post_init__(self) -> None:
        if self.status in ("pass", "fail") and not (self.test and self.result):
            raise ValueError("a verdict stands beside its test and its result")

    @property
    def word(self) -> str:
        """What the page prints."""
        return self.label or _WORDS[self.status]
