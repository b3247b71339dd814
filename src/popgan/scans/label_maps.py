"""Label maps to the scans they belong to, by their names and places.

A map belongs to the scans of its subject and visit; a mask of a picture to the picture whose path
is the same but for the words that make it a mask. Nothing is read here.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from popgan.scans.label_names import (
    is_probability,
    picture_key,
    picture_map_kind,
    volume_map_meaning,
)
from popgan.scans.scan import Found, Kind, MapFile

_Maps = dict[str, MapFile]


class MapIndex:
    """Label maps of a source, waiting for scans.

    Args:
        volumes, pictures: relative name, path and kind of each file that is a label map.
    """

    def __init__(
        self,
        volumes: Sequence[tuple[str, Path, Kind]],
        pictures: Sequence[tuple[str, Path, Kind]],
    ) -> None:
        self._visits: dict[str, dict[str | None, _Maps]] = defaultdict(lambda: defaultdict(dict))
        self._pictures: dict[tuple[str, ...], _Maps] = defaultdict(dict)
        self._twins = self._elsewhere = self._probable = 0
        self._used: set[str] = set()
        self._count = len(volumes) + len(pictures)
        for name, path, kind in sorted(volumes):
            meaning = volume_map_meaning(name)
            if meaning is None:
                self._elsewhere += not is_probability(name)
                self._probable += is_probability(name)
                continue
            visit = self._visits[meaning.subject][meaning.session]
            self._add(visit, MapFile(meaning.kind, path, name, kind))
        for name, path, kind in sorted(pictures):
            self._add(
                self._pictures[picture_key(name)],
                MapFile(picture_map_kind(name), path, name, kind),
            )

    def _add(self, into: _Maps, found: MapFile) -> None:
        if found.name in into:
            self._twins += 1
        else:
            into[found.name] = found

    def attach(self, scans: Sequence[Found]) -> list[Found]:
        """Scans with their maps."""
        visits: dict[str, set[str | None]] = defaultdict(set)
        for scan in scans:
            visits[scan.subject].add(scan.session)
        result = []
        for scan in scans:
            maps = self._of(scan, only=len(visits[scan.subject]) == 1)
            self._used.update(found.file for found in maps.values())
            ordered = tuple(maps[name] for name in sorted(maps))
            result.append(dataclasses.replace(scan, maps=ordered) if ordered else scan)
        return result

    def _of(self, scan: Found, *, only: bool) -> _Maps:
        """Maps of a scan; where its subject has one visit, the map need not name it."""
        if scan.kind == "picture":
            return self._pictures.get(picture_key(scan.name), {})
        own = self._visits.get(scan.subject, {})
        if scan.session in own:
            return own[scan.session]
        if only and len(own) == 1:
            return next(iter(own.values()))
        return {}

    def notes(self) -> list[str]:
        """What became of maps that no scan has."""
        notes = []
        if self._elsewhere:
            notes.append(
                f"{self._elsewhere} label maps lie in another space than their scans; they are not "
                "attached"
            )
        # Beside maps of labels, maps of probabilities are what data sets usually have, and no news.
        if self._probable and not self._used:
            notes.append(f"{self._probable} maps hold probabilities, not labels: not attached")
        if self._twins:
            notes.append(f"{self._twins} label maps of a kind and visit already taken are left out")
        lost = self._count - self._elsewhere - self._probable - self._twins - len(self._used)
        if lost > 0:
            notes.append(f"{lost} label maps belong to no scan")
        return notes
