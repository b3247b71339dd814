"""What readers are given to read: instructions, consent, and the words of the page.

All three are files of the study that may be edited until the first answer. None tells how many
images are real.
"""

from __future__ import annotations

import string
from importlib import resources
from pathlib import Path
from typing import Any

from popgan.errors import UserError
from popgan.files import read_yaml
from popgan.study.schema import Design
from popgan.wording import counted

SECONDS_A_CASE = {"likert": 25, "authenticity": 8, "2afc": 12}
"""What a trial takes a reader, about; for the estimate in the consent."""
_LARGEST = 1_000_000  # bytes of a file of words


def instructions(design: Design) -> str:
    """Default instructions, Markdown."""
    name = "instructions-2afc.md" if design.kind == "2afc" else "instructions.md"
    practice = (
        f"You begin with {counted(_practice(design), 'case', 'cases')} for practice, "
        "which do not count."
        if _practice(design)
        else "There are no practice cases: the first one counts."
    )
    back = (
        "Within a part you may go back and change your answers; a part that is over stays as it is."
        if design.back
        else "You cannot go back to a case that you have left."
    )
    return _fill(name, contrast=design.contrast, practice=practice, back=back)


def consent(design: Design) -> str:
    """Default consent, Markdown."""
    minutes = sum(
        SECONDS_A_CASE[block] * trials_of(design) for block in design.blocks if block != "practice"
    )
    return _fill(
        "consent.md",
        # Rounded, so that it does not tell how many images are shown twice.
        images=_about(design.real + sum(design.synthetic.values()), 10),
        minutes=_about(minutes / 60, 5),
    )


def trials_of(design: Design) -> int:
    """Trials of one reader in one block, repeats included."""
    images = design.real + sum(design.synthetic.values())
    return (images // 2 if design.kind == "2afc" else images) + design.repeats


def page_words(own: Path | None) -> str:
    """The words of the page: the user's file, or the English ones.

    Raises:
        UserError: the file cannot be read, or does not hold the same keys as the English one.
    """
    english = resources.files("popgan.study").joinpath("page", "texts", "en.yaml")
    if own is None:
        return english.read_text(encoding="utf-8")
    try:
        if own.stat().st_size > _LARGEST:
            raise UserError("is too large for a file of words", where=own)
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=own) from error
    with resources.as_file(english) as path:
        wanted = read_yaml(path)
    _compare(wanted, read_yaml(own), own)
    return own.read_text(encoding="utf-8")


def _compare(wanted: Any, given: Any, path: Path, at: str = "") -> None:
    """Refuse words that lack a key, have another, or are of another kind.

    Plurals may differ: languages have one to six of them.
    """
    do = "translate the values of the file that `popgan study create` writes, and keep its keys"
    place = at or "the file"
    if isinstance(wanted, dict):
        if not isinstance(given, dict):
            raise UserError(f"{place} holds no keys", where=path, do=do)
        if {"one", "other"} <= set(wanted):
            wrong = set(given) - {"zero", "one", "two", "few", "many", "other"}
            missing = {"other"} - set(given)
        else:
            missing, wrong = set(wanted) - set(given), set(given) - set(wanted)
        for words, names in (("lacks", missing), ("does not know", wrong)):
            if names:
                listed = ", ".join(sorted(map(str, names))[:3])
                raise UserError(f"{place} {words} {listed}", where=path, do=do)
        for key in given:
            example = wanted.get(key, wanted.get("other"))
            _compare(example, given[key], path, f"{at}.{key}" if at else str(key))
    elif isinstance(wanted, list):
        if not isinstance(given, list) or len(given) != len(wanted):
            raise UserError(f"{place} is no list of {len(wanted)}", where=path, do=do)
        for i, (one, other) in enumerate(zip(wanted, given, strict=True)):
            _compare(one, other, path, f"{at}[{i}]")
    elif not isinstance(given, str | int | float) or isinstance(given, bool):
        raise UserError(f"{place} is no text", where=path, do=do)


def _practice(design: Design) -> int:
    return design.practice // 2 if design.kind == "2afc" else design.practice


def _about(value: float, step: int) -> int:
    return max(step, round(value / step) * step)


def _fill(name: str, **values: object) -> str:
    text = resources.files("popgan.study").joinpath("templates", name).read_text(encoding="utf-8")
    return string.Template(text).substitute({key: str(value) for key, value in values.items()})
