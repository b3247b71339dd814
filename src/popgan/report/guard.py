"""The last check before a shareable page is written: nothing private is in it, nothing is loaded.

It looks at what a reader or a program can get out of the page: text, attribute values and
comments. It does not look into pixels; that no real pixel gets there is ensured by
`ReportContent`, which holds none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path, PurePath
from typing import Any

from popgan.config.schema import Plan

# Attributes that hold drawing coordinates or pixels; digits in them mean nothing.
_GEOMETRY = {"d", "points", "transform", "style", "viewbox", "x", "y", "x1", "x2", "y1", "y2"}
_LOADING = {"src", "href", "xlink:href", "action", "data", "poster", "srcset", "formaction"}
_BESIDE = re.compile(r"pictures/[0-9]+\.png")
_TEMPLATES = Path(__file__).parent / "templates"


class PrivateContentError(RuntimeError):
    """A page that is meant to be shared holds something private. A bug, never a user's error.

    The message names the position of the string in the list, not the string: messages end up in
    logs that are shared.
    """


class _Reader(HTMLParser):
    """Collects what a page says and what it loads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.loads: list[str] = []
        self.beside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep attribute values, but neither coordinates nor pixels."""
        for name, value in attrs:
            if value is None or name in _GEOMETRY:
                continue
            if name in _LOADING and not value.startswith(("#", "data:")):
                own = tag == "img" and name == "src" and _BESIDE.fullmatch(value)
                (self.beside if own else self.loads).append(f"<{tag} {name}>")
            if not value.startswith("data:"):
                self.said.append(value)

    def handle_data(self, data: str) -> None:
        """Keep text, style sheets included."""
        self.said.append(data)

    def handle_comment(self, data: str) -> None:
        """Keep comments: a program reads them."""
        self.said.append(data)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def assert_shareable(html: str, forbidden: Iterable[str]) -> None:
    """Refuse a page in which a forbidden string (a path, a source id, a file name) occurs.

    Whole words are compared, without regard to case. A digits-only id of fewer than six digits,
    or a word the page's own text is made of, could never be told from the page's figures and
    words: it is looked for only where it is used as an id ("sub-12", "subject 12", "id: 12") or
    as a part of a path.

    Raises:
        PrivateContentError: a forbidden string occurs.
    """
    _refuse("\n".join(_read(html).said), forbidden, "page")


def assert_shareable_data(value: Any, forbidden: Iterable[str]) -> None:
    """Refuse data in which a forbidden string occurs, as a key, a text or a whole number.

    Keys stand beside their values, so that `"subject": 12` is found as a page's "subject 12".
    Fractions are no ids and are passed over.

    Raises:
        PrivateContentError: a forbidden string occurs.
    """
    _refuse("\n".join(_lines(value)), forbidden, "data")


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, (Mapping, list, tuple)):
                yield str(key)
                yield from _lines(item)
            elif not isinstance(item, float):
                yield f"{key}: {item}"
            else:
                yield str(key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _lines(item)
    elif not isinstance(value, float):
        yield str(value)


def _refuse(said: str, forbidden: Iterable[str], what: str) -> None:
    text = said.casefold()
    for position, string in enumerate(forbidden):
        needle = " ".join(str(string).casefold().split())
        # The plain search goes first: it is a hundred times faster, and cohorts have many files.
        first = needle.split(" ")[0]
        if first and first in text and re.search(_pattern(needle), text):
            raise PrivateContentError(
                f"the shareable {what} holds private string number {position} "
                f"({len(needle)} characters long); nothing was written"
            )


def forbidden_strings(paths: Iterable[str], ids: Iterable[str]) -> list[str]:
    """Strings that must not occur: ids, whole paths and file names.

    File names without extension are in the list too, if they may identify someone: six
    characters or more with a digit among them, so not "T1w" or "mask".
    """
    strings = {identity for identity in ids if identity.strip()}
    for path in paths:
        name = PurePath(path).name
        stem = name.split(".")[0]
        strings |= {path, name}
        if len(stem) >= 6 and any(character.isdigit() for character in stem):
            strings.add(stem)
    return sorted(string for string in strings if string)


def assert_self_contained(html: str, *, pictures_beside: bool = False) -> None:
    """Refuse a page that loads anything: images and fonts are inside, and there are no links out.

    Args:
        html: the page.
        pictures_beside: whether pictures in the folder `pictures` beside the page are allowed.

    Raises:
        PrivateContentError: something would be loaded from outside of the page.
    """
    reader = _read(html)
    loads = reader.loads if pictures_beside else reader.loads + reader.beside
    if loads:
        raise PrivateContentError(f"the page would load something: {loads[0]}")
    if re.search(r"@import|url\(\s*['\"]?(?!#|data:)", html):
        raise PrivateContentError("a style of the page would load something")


def _pattern(needle: str) -> str:
    word = r"\s+".join(re.escape(part) for part in needle.split(" "))
    ambiguous = needle in _vocabulary() or len(needle) < 2
    if ambiguous or (needle.isdigit() and len(needle) < 6):
        return rf"(?:\b(?:sub|subject|patient|person|id|scan)[\s:=_#-]*|[/\\]){word}(?![a-z0-9])"
    return rf"(?<![a-z0-9]){word}(?![a-z0-9])"


@functools.cache
def _vocabulary() -> frozenset[str]:
    """Words of the page itself: those of the templates and of the plan's names."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in _TEMPLATES.glob("*.j2"))
    names = " ".join(Plan.model_fields) + " ".join(str(Plan.model_json_schema()).split())
    return frozenset(re.findall(r"[a-z]+", f"{text} {names}".casefold()))
