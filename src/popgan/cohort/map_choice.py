"""Which kind of label map a cohort takes: the one that the user names, or the only one there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from popgan.cohort.traits import FROM_MAP
from popgan.cohort.visits import Visit
from popgan.errors import UserError
from popgan.scans.scan import MapFile

NO_MAP = "none"
"""What `--label-map` says for "none at all"."""
_FEWEST = 2  # visits that have a map before its name is told: a single file may be called anything


@dataclass(frozen=True)
class MapChoice:
    """The kind of label map to use.

    Attributes:
        name: the kind, or None.
        asked: whether the user named it; then a map that cannot be used is an error.
        labels: whether classes are to come from it.
        notes: remarks for the user.
    """

    name: str | None
    asked: bool = False
    labels: bool = False
    notes: tuple[str, ...] = ()

    def check(self, name: str | None, notes: Sequence[str]) -> None:
        """Refuse to take classes from a map where there is none.

        Raises:
            UserError: see above.
        """
        if self.labels and name is None:
            do = notes[0] if notes else "give scans with label maps, or another --label"
            raise UserError("--label map: there is no label map to take them from", do=do)


def choose_map(
    visits: Sequence[Visit], wanted: str | None, *, label: str | None = None
) -> MapChoice:
    """Choose the kind of label map.

    Args:
        visits: with the maps of their scans.
        wanted: the user's word, or None: the only kind there is, if there is one.
        label: what classes come from (`--label`).

    Raises:
        UserError: there is no map of that name; or none, and classes are to come from it.
    """
    name, notes = _choose(visits, wanted)
    choice = MapChoice(name, wanted is not None, label == FROM_MAP, tuple(notes))
    choice.check(name, notes)
    return choice


def _choose(visits: Sequence[Visit], wanted: str | None) -> tuple[str | None, list[str]]:
    """Name of the kind, or None, and notes."""
    if wanted is not None and wanted.lower() == NO_MAP:
        return None, []
    counts = Counter(name for visit in visits for name in maps_of(visit))
    if wanted is not None:
        named = [name for name in counts if name.lower() == wanted.lower()]
        if named:
            return named[0], []
        told = f"take one of {_listed(counts)}" if counts else "leave it out: no scan has any"
        raise UserError(f"there is no label map {wanted!r}", do=told)
    if len(counts) < 2:
        return next(iter(counts), None), []
    return None, [
        f"there are {len(counts)} kinds of label maps, so none is used; --label-map chooses "
        f"among {_listed(counts)}"
    ]


def _listed(counts: Counter[str]) -> str:
    known = sorted(name for name, count in counts.items() if count >= _FEWEST)
    rare = len(counts) - len(known)
    parts = [f"{name} ({counts[name]} visits)" for name in known]
    return ", ".join(parts + ([f"{rare} of a single visit"] if rare else []))


def maps_of(visit: Visit) -> dict[str, MapFile]:
    """Label maps of a visit by their names; the first scan that has one of a name gives it."""
    found: dict[str, MapFile] = {}
    for scan in visit.scans:
        for own in scan.maps:
            found.setdefault(own.name, own)
    return found
