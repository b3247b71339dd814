"""What the leak test of a study found, in a word and in sentences for whoever reads the results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from popgan.errors import UserError
from popgan.files import read_json
from popgan.study.schema import Study

Outcome = Literal["passed", "failed", "not made"]


@dataclass(frozen=True)
class LeakNotes:
    """The leak test in short.

    Attributes:
        outcome: whether names, bytes, order and replies told which image is real.
        tells: what a program saw in the pixels, which readers may have seen too.
    """

    outcome: Outcome
    tells: list[str]


def leak_notes(study: Study) -> LeakNotes:
    """Look at what `create` or `leak-test` left; a test of another design does not count."""
    path = study.places.leaks
    if not path.exists():
        return LeakNotes("not made", [])
    try:
        record = read_json(path)
        if record["design"] != study.design.hash():
            return LeakNotes("not made", [])
        failed = any(channel["leaks"] for channel in record["channels"])
        tells = [str(tell["words"]).rstrip(".") for tell in record["tells"] if tell["warning"]]
    except (KeyError, TypeError) as error:
        raise UserError(
            "is damaged", where=path, do="run `popgan study leak-test` again"
        ) from error
    return LeakNotes(
        "failed" if failed else "passed",
        [f"Found in the images by the leak test, without regard to anatomy: {t}." for t in tells],
    )
