"""What a source data set says of its licence: read at ingest, kept beside the cohort.

It stands in a file of its own, which no hash of the cohort covers: the same scans under another
licence are the same cohort, and models that were trained on them stay theirs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popgan.cohort.source import is_phantom
from popgan.errors import UserError
from popgan.files import read_json, write_json

FILE = "licence.json"
"""Name of the file in dataset/."""
_DESCRIPTION = "dataset_description.json"
_MAX_BYTES = 2**20
_LONGEST = 300  # characters; the text of a whole licence does not belong into a table


class SourceLicence(BaseModel):
    """The content of dataset/licence.json.

    Attributes:
        licence: as the data set itself words it; None where it says nothing.
        simulated: whether the data are popgan's own phantom, so that nobody was scanned.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    licence: str | None = Field(default=None, min_length=1, max_length=_LONGEST)
    simulated: bool = False


def keep_licence(source: Path, run: Path) -> None:
    """Write what the data set says now, unless that is what is written already.

    Args:
        source: folder of scans.
        run: run folder with a cohort of it.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    found = SourceLicence(licence=stated_licence(source), simulated=is_phantom(source))
    path = run / "dataset" / FILE
    if not path.exists() or _kept(path) != found:
        write_json(path, found.model_dump(mode="json"))


def read_licence(run: Path) -> SourceLicence:
    """What was kept of the licence; nothing where an older version of popgan made the cohort.

    Nothing is computed from it, so a damaged file counts as none: a person fills in the line.
    """
    return _kept(run / "dataset" / FILE) or SourceLicence()


def _kept(path: Path) -> SourceLicence | None:
    try:
        return SourceLicence.model_validate(read_json(path))
    except (UserError, ValidationError):
        return None


def stated_licence(source: Path) -> str | None:
    """The `License` of dataset_description.json (BIDS 1.10), on one line; None without one.

    The file is a stranger's: it is read up to 1 MiB, no link is followed, and what is no text in
    it is nothing.
    """
    path = source / _DESCRIPTION
    try:
        if path.is_symlink() or path.stat().st_size > _MAX_BYTES:
            return None
        told: Any = json.loads(path.read_text(encoding="utf-8"))
        licence = told["License"]
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    if not isinstance(licence, str):
        return None
    printable = "".join(letter if letter.isprintable() else " " for letter in licence)
    line = " ".join(printable.split())
    return f"{line[: _LONGEST - 1]}…" if len(line) > _LONGEST else line or None
