"""The label map of a cohort: which kind, read for every visit that has it, and stored beside it.

One map is chosen for all. A visit without it, and a slice that it does not cover, are marked as
unknown; they are not taken for empty.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.child import Crash, Reply, Request
from popgan.cohort.label_tables import label_names
from popgan.cohort.manifest import LabelMapRecord
from popgan.cohort.map_choice import MapChoice, maps_of
from popgan.cohort.parked_labels import LabelFacts, LabelParking
from popgan.cohort.reading import VISIT_SECONDS, Failure, Workers, file_state
from popgan.cohort.store import LABEL_MAPS, new_store
from popgan.cohort.visits import Visit
from popgan.cohort.work import labels_request
from popgan.errors import UserError
from popgan.files import sha256_file, sha256_value
from popgan.preparation.label_map import MOST_LABELS, nearest_slices
from popgan.preparation.orientation import upright
from popgan.preparation.visit import Prepared
from popgan.progress import Reporter
from popgan.scans.scan import MapFile

FOLDER = "label_maps"
"""Name of the folder of parked maps in cache/."""
LEAST_AREA = 10.0
"""mm^2 of labels that make a slice one that shows them."""
PRESENT, ABSENT = "present", "absent"
_VERSION = 1  # raised when the same map now gives other planes

_Kept = Sequence[tuple[Visit, Prepared, str]]


@dataclass(frozen=True)
class VisitMap:
    """The parked map of a visit."""

    key: str
    facts: LabelFacts


@dataclass
class CohortMaps:
    """The label maps of a cohort, before they are stored.

    Attributes:
        name: the kind; None where there is none.
        visits: map of each visit that has one, by subject and number of the visit.
        values: the map's values in the whole cohort, 0 first; a place here is a code in the store.
        names: what a table calls them.
        failures: maps that cannot be used: the file, the scan it belongs to, and the reason.
        notes: remarks for the user.
        parking: where the planes lie.
    """

    name: str | None
    parking: LabelParking
    visits: dict[tuple[str, int], VisitMap] = field(default_factory=dict)
    values: tuple[int, ...] = ()
    names: dict[int, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, visit: Visit) -> VisitMap | None:
        """The map of a visit."""
        return self.visits.get((visit.subject, visit.number))

    def keys(self) -> set[str]:
        """Keys of the parked maps in use."""
        return {found.key for found in self.visits.values()}

    def summary(self) -> dict[str, Any] | None:
        """The chosen map in numbers; None where there is none."""
        if self.name is None:
            return None
        slices = sum(sum(found.facts.valid) for found in self.visits.values())
        counts = {"visits": len(self.visits), "slices": slices}
        return {"name": self.name, "values": list(self.values), **counts}

    def label(self, visit: Visit, prepared: Prepared, row: int, scale: float) -> str | None:
        """Whether a slice of a visit shows any label, in a word; None where nobody knows.

        Args:
            visit, prepared: the visit.
            row: which of its slices.
            scale: factor on the assumed size of a picture's pixels.
        """
        found = self.of(visit)
        if found is None or not found.facts.valid[row]:
            return None
        pixel = prepared.spacing[0] * prepared.spacing[1] * scale**2
        return PRESENT if found.facts.areas[row] * pixel >= LEAST_AREA else ABSENT


def read_maps(
    source: Path,
    kept: _Kept,
    choice: MapChoice,
    workers: Workers,
    parking: LabelParking,
    reporter: Reporter,
) -> CohortMaps:
    """Read the chosen map of every visit that has it.

    Args:
        source: folder of scans.
        kept: prepared visits with their keys.
        choice: the kind of map.
        workers: open the files.
        parking: where the planes are kept.
        reporter: shows progress.

    Raises:
        UserError: more than `MOST_LABELS` values in a map that the user asked for; or no map is
            left to take classes from.
    """
    result = CohortMaps(choice.name, parking, notes=list(choice.notes))
    if not kept:
        return result  # there is no scan either, which is said elsewhere
    if choice.name is not None:
        result = _read(source, kept, choice, result, workers, reporter)
    choice.check(result.name, result.notes)
    return result


def _read(
    source: Path,
    kept: _Kept,
    choice: MapChoice,
    result: CohortMaps,
    workers: Workers,
    reporter: Reporter,
) -> CohortMaps:
    """Read the maps of a kind into `result`, or say why they are of no use."""
    parking = result.parking
    todo = [
        (visit, prepared, own, _key(source, own, key))
        for visit, prepared, key in kept
        if (own := maps_of(visit).get(choice.name or "")) is not None
    ]
    parked = {key: parking.find(key) for *_, key in todo}
    requests = (
        Request(labels_request(own, prepared), VISIT_SECONDS)
        for _, prepared, own, key in todo
        if parked[key] is None
    )
    replies = workers.map(requests)
    with reporter.task("reading label maps", len(todo)) as task:
        for visit, _, own, key in todo:
            outcome = parked[key] or _outcome(key, replies, parking)
            task.advance(1)
            if isinstance(outcome, LabelFacts):
                result.visits[visit.subject, visit.number] = VisitMap(key, outcome)
            elif isinstance(outcome, _TooMany):
                return _useless(choice, outcome.reason, parking)
            else:
                scan = dataclasses.replace(visit.scans[0], path=own.path)
                result.failures.append(Failure(scan, f"(a label map) {outcome}"))
    every = {value for found in result.visits.values() for value in found.facts.values}
    if len(every) > MOST_LABELS:
        reason = f"has {len(every)} different values in all, more than {MOST_LABELS}"
        return _useless(choice, reason, parking)
    result.values = (0, *sorted(every - {0}))
    result.names = label_names(source, todo[0][2].path, result.values[1:]) if todo else {}
    _add_notes(result, len(kept))
    return result


@dataclass(frozen=True)
class _TooMany:
    reason: str


def _outcome(
    key: str, replies: Iterator[Reply | Crash], parking: LabelParking
) -> LabelFacts | _TooMany | str:
    """What is parked now, or why nothing is."""
    reply = next(replies)
    if isinstance(reply, Crash):
        return reply.reason
    if "error" in reply.value:
        reason = str(reply.value["error"])
        return _TooMany(reason) if reply.value.get("too_many") else reason
    try:
        return parking.put(key, reply.value, reply.blob)
    except ValueError:
        return "gave labels that make no sense"


def _useless(choice: MapChoice, reason: str, parking: LabelParking) -> CohortMaps:
    """A map of too many labels: an error where it was asked for, else no map."""
    if choice.asked:
        raise UserError(
            f"the label map {choice.name} {reason}",
            do="choose another with --label-map NAME, or --label-map none",
        )
    note = f"the only kind of label map {reason}: it is not used"
    return CohortMaps(None, parking, notes=[note])


def _add_notes(result: CohortMaps, visits: int) -> None:
    missing = visits - len(result.visits)
    if not result.visits:
        result.notes.append("no label map could be used")
        result.name = None
    elif missing:
        result.notes.append(
            f"{missing} of {visits} visits have no usable label map; their slices are marked"
        )


def _key(source: Path, own: MapFile, visit_key: str) -> str:
    """Hash of everything that decides what a sampled map looks like."""
    return sha256_value([_VERSION, own.kind, file_state(source, own.path), visit_key])


def store_maps(
    run: Path,
    maps: CohortMaps,
    kept: _Kept,
    scales: Sequence[float],
    *,
    field_mm: float,
    side: int,
) -> LabelMapRecord | None:
    """Write cache/label_maps.npy, uint8 N x H x W, row by row as the store of slices.

    Args:
        run: run folder.
        maps: what was read.
        kept: prepared visits in the order of the store.
        scales: factor on the assumed pixel of each visit (pictures).
        field_mm: side of the field of view.
        side: of a slice, pixels.

    Returns:
        The record for the manifest; None, and no file, where there is no map.

    Raises:
        UserError: the disk is full.
    """
    path = run / "cache" / LABEL_MAPS
    if maps.name is None:
        path.unlink(missing_ok=True)
        return None
    count = sum(len(prepared.heights) for _, prepared, _ in kept)
    valid: list[bool] = []
    with new_store(path, (count, side, side), dtype=np.uint8) as store:
        for (visit, prepared, _), scale in zip(kept, scales, strict=True):
            rows = slice(len(valid), len(valid) + len(prepared.heights))
            found = maps.of(visit)
            if found is None:
                valid += [False] * len(prepared.heights)
                continue
            store[rows] = _resample(maps, found, prepared, scale, field_mm, side)
            valid += found.facts.valid
    return LabelMapRecord(
        name=maps.name,
        values=list(maps.values),
        store=sha256_file(path),
        sources=sorted({found.facts.sha256 for found in maps.visits.values()}),
        least_area_mm2=LEAST_AREA,
        valid=valid,
        names=maps.names,
    )


def _resample(
    maps: CohortMaps,
    found: VisitMap,
    prepared: Prepared,
    scale: float,
    field_mm: float,
    side: int,
) -> NDArray[np.uint8]:
    """The planes of a visit's map on the cohort's grid, as codes of the cohort's table."""
    table = np.array([maps.values.index(value) for value in found.facts.values], np.uint8)
    codes = table[maps.parking.planes(found.key)]
    sampled = nearest_slices(
        codes,
        spacing=(prepared.spacing[0] * scale, prepared.spacing[1] * scale),
        centre=(prepared.centre[0] * scale, prepared.centre[1] * scale),
        field=(field_mm, field_mm),
        shape=(side, side),
    )
    return upright(sampled)
