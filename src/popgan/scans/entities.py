"""BIDS file names taken apart: entities, suffix, and which of several scans goes first.

`sub-1_ses-2_acq-hires_run-1_T1w` has the entities sub, ses, acq and run and the suffix T1w (BIDS
1.10, "Filesystem structure"). Names that are not BIDS have no entities.
"""

from __future__ import annotations

import re

from popgan.scans.names import stem

CHOICE = (
    "of several, one is taken: original before derived, without acq- before with it, the first "
    "echo-, without rec- before with it, the first run-, then the first name"
)
"""The rule of `preference` in words."""
_ENTITY = re.compile(r"([A-Za-z]+)-([A-Za-z0-9+]+)")
_PARTS = {"phase", "real", "imag"}  # of the complex signal; magnitude is the image
_LATE = 10**9


def entities(name: str) -> tuple[dict[str, str], str]:
    """Entities of a path's file name in their order, and its suffix; both empty if not BIDS."""
    chunks = stem(name).split("_")
    found = {}
    for chunk in chunks:
        match = _ENTITY.fullmatch(chunk)
        if match is not None:
            found[match.group(1).lower()] = match.group(2)
    suffix = chunks[-1] if "-" not in chunks[-1] else ""
    return found, suffix


def is_signal_part(name: str) -> bool:
    """Whether the name says `part-phase`, `part-real` or `part-imag`, which are no image."""
    return entities(name)[0].get("part", "").lower() in _PARTS


def preference(name: str, *, derived: bool) -> tuple[bool, bool, int, bool, int, str]:
    """Key by which scans of one contrast and visit are sorted; the first is taken (`CHOICE`)."""
    found, _ = entities(name)
    return (
        derived,
        "acq" in found,
        _number(found.get("echo")),
        "rec" in found,
        _number(found.get("run")),
        name,
    )


def _number(text: str | None) -> int:
    if text is None:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else _LATE
