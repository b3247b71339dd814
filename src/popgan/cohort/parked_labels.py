"""Label maps on the planes of their visits, parked on disk as the visits are.

A map has a key of its own, so that another choice of map prepares no scan again.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.shelf import Shelf
from popgan.preparation.label_map import MOST_LABELS, LabelPlanes

_SUFFIX = ".labels"


@dataclass(frozen=True)
class LabelFacts:
    """What is known of a parked map: `LabelPlanes` without its planes."""

    values: tuple[int, ...]
    valid: tuple[bool, ...]
    areas: tuple[int, ...]
    sha256: str
    shape: tuple[int, int, int]


def pack_labels(planes: LabelPlanes) -> tuple[dict[str, Any], bytes]:
    """A label map as a JSON value, and its planes as deflated bytes (maps are mostly empty)."""
    value = {
        "values": list(planes.values),
        "valid": planes.valid.tolist(),
        "areas": planes.areas.tolist(),
        "sha256": planes.sha256,
        "shape": list(planes.planes.shape),
    }
    return value, zlib.compress(planes.planes.tobytes(), 1)


def _facts(value: Any) -> LabelFacts:
    """Check what a worker or a file says.

    Raises:
        ValueError: it makes no sense.
    """
    try:
        n, width, depth = (int(side) for side in value["shape"])
        facts = LabelFacts(
            values=tuple(int(number) for number in value["values"]),
            valid=tuple(bool(flag) for flag in value["valid"]),
            areas=tuple(int(area) for area in value["areas"]),
            sha256=str(value["sha256"]),
            shape=(n, width, depth),
        )
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("no label map") from error
    ordered = list(facts.values) == sorted(set(facts.values)) and 0 in facts.values
    if not ordered or len(facts.values) > MOST_LABELS + 1 or min(facts.shape) < 1:
        raise ValueError("no label map")
    if not len(facts.valid) == len(facts.areas) == n or len(facts.sha256) != 64:
        raise ValueError("no label map")
    return facts


class LabelParking:
    """The folder of parked label maps.

    Args:
        folder: made when something is parked.
    """

    def __init__(self, folder: Path) -> None:
        self._shelf = Shelf(folder, _SUFFIX)

    def find(self, key: str) -> LabelFacts | None:
        """What is known of a parked map; None if it is not there or was damaged."""
        try:
            facts, blob = self._read(key)
            _planes(facts, blob)
            return facts
        except (OSError, ValueError):
            return None

    def put(self, key: str, value: Any, blob: bytes) -> LabelFacts:
        """Park a map as `pack_labels` made it.

        Raises:
            UserError: the disk is full.
            ValueError: the value is not what `pack_labels` makes.
        """
        facts = _facts(value)
        _planes(facts, blob)
        self._shelf.put(key, value, blob)
        return facts

    def planes(self, key: str) -> NDArray[np.uint8]:
        """The planes of a parked map, n x X x Y, as places in its values."""
        return _planes(*self._read(key))

    def sweep(self, keep: set[str]) -> None:
        """Remove every map that is not to be kept."""
        self._shelf.sweep(keep)

    def _read(self, key: str) -> tuple[LabelFacts, bytes]:
        value, start = self._shelf.head(key)
        with self._shelf.path(key).open("rb") as handle:
            handle.seek(start)
            return _facts(value), handle.read()


def _planes(facts: LabelFacts, blob: bytes) -> NDArray[np.uint8]:
    """Inflate planes, no further than they may reach.

    Raises:
        ValueError: damaged, or of another size, or with codes that have no value.
    """
    size = facts.shape[0] * facts.shape[1] * facts.shape[2]
    try:
        raw = zlib.decompressobj().decompress(blob, size + 1)
    except zlib.error as error:
        raise ValueError("no label map") from error
    if len(raw) != size:
        raise ValueError("no label map")
    planes = np.frombuffer(raw, np.uint8).reshape(facts.shape)
    if planes.max() >= len(facts.values):
        raise ValueError("no label map")
    return planes
