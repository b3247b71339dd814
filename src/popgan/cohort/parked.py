"""Prepared slices parked on disk, by a hash of what they were made of.

The field of view of a cohort depends on every head, and resampling on the field of view: so what
the first pass prepares is parked until the second. It stays there: an interrupted ingest goes on
where it was, and one that is run again reads only what has changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from popgan.cohort.shelf import Shelf
from popgan.cohort.store import FULL, encode
from popgan.preparation.label_map import Place
from popgan.preparation.steps import StepPicture
from popgan.preparation.visit import Prepared, ScanFacts

_SUFFIX = ".prepared"
_MOST_PICTURES, _LARGEST_PICTURE = 64, 256  # of a visit; side in pixels
_FACTS = TypeAdapter(tuple[ScanFacts, ...])


def pack(prepared: Prepared) -> tuple[dict[str, Any], bytes]:
    """A prepared visit as a JSON value, and its slices as 16-bit numbers.

    The pictures of its steps follow the slices, 8 bits a pixel.
    """
    planes = encode(prepared.planes)
    value = {
        "shape": list(planes.shape),
        "spacing": prepared.spacing,
        "heights": prepared.heights.tolist(),
        "positions": prepared.positions.tolist(),
        "centre": prepared.centre,
        "extent": prepared.extent,
        "world": prepared.world,
        "dropped": prepared.dropped,
        "facts": _FACTS.dump_python(prepared.facts, mode="json"),
        "spacing_known": prepared.spacing_known,
        "place": place_to_json(prepared.place),
        "pictures": [
            {"contrast": p.contrast, "title": p.title, "shape": list(p.pixels.shape)}
            for p in prepared.pictures
        ],
    }
    return value, b"".join([planes.tobytes(), *(p.pixels.tobytes() for p in prepared.pictures)])


def unpack(value: Any) -> Prepared:
    """The visit without its slices and pictures: those of a whole cohort would fill the memory.

    Raises:
        ValueError: not what `pack` makes.
    """
    try:
        return Prepared(
            planes=np.empty(0, np.float32),
            spacing=_numbers(value["spacing"], 3),
            heights=np.array(value["heights"], dtype=np.float64),
            positions=np.array(value["positions"], dtype=np.float64),
            centre=_numbers(value["centre"], 2),
            extent=_numbers(value["extent"], 2),
            world=_numbers(value["world"], 3),
            dropped=int(value["dropped"]),
            facts=_FACTS.validate_python(value["facts"]),
            spacing_known=bool(value["spacing_known"]),
            place=place_from_json(value["place"]),
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise ValueError("no prepared visit") from error


def place_to_json(place: Place) -> Any:
    """A place as JSON value."""
    matrices = [place.affine.tolist(), place.to_scan.tolist()]
    return {"shape": list(place.shape), "matrices": matrices, "indices": place.indices.tolist()}


def place_from_json(value: Any) -> Place:
    """Inverse of `place_to_json`.

    Raises:
        ValueError: not what it makes.
    """
    affine, to_scan = np.array(value["matrices"], dtype=np.float64)
    shape = _numbers(value["shape"], 2)
    if affine.shape != (4, 4) or not np.isfinite([affine, to_scan]).all():
        raise ValueError("no prepared visit")
    indices = np.array(value["indices"], dtype=np.intp)
    return Place((int(shape[0]), int(shape[1])), affine, indices, to_scan)


def _numbers(values: Any, count: int) -> Any:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError("no prepared visit")
    return numbers


def _picture_shapes(value: Any) -> list[tuple[int, int]]:
    """Rows and columns of the pictures.

    Raises:
        ValueError: not what `pack` makes.
    """
    shapes = [tuple(int(side) for side in picture["shape"]) for picture in value["pictures"]]
    sound = all(len(s) == 2 and min(s) > 0 and max(s) <= _LARGEST_PICTURE for s in shapes)
    if len(shapes) > _MOST_PICTURES or not sound:
        raise ValueError("no prepared visit")
    return [(shape[0], shape[1]) for shape in shapes]


def _sizes(value: Any) -> tuple[int, int]:
    """Bytes of the slices, and of the pictures behind them."""
    pictures = sum(rows * columns for rows, columns in _picture_shapes(value))
    return int(np.prod(value["shape"])) * 2, pictures


class Parking:
    """The folder of parked visits.

    Args:
        folder: made when something is parked.
    """

    def __init__(self, folder: Path) -> None:
        self._shelf = Shelf(folder, _SUFFIX)

    def find(self, key: str) -> Prepared | None:
        """What was measured on a parked visit; None if it is not there or was damaged."""
        try:
            value, start = self._shelf.head(key)
            if self._shelf.path(key).stat().st_size != start + sum(_sizes(value)):
                return None
            return unpack(value)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, value: Any, blob: bytes) -> Prepared:
        """Park a visit as `pack` made it; what was measured on it comes back.

        Raises:
            UserError: the disk is full.
            ValueError: the value is not what `pack` makes.
        """
        prepared = unpack(value)
        try:
            size = sum(_sizes(value))
        except (KeyError, TypeError) as error:
            raise ValueError("no prepared visit") from error
        if len(blob) != size:
            raise ValueError("no prepared visit")
        self._shelf.put(key, value, blob)
        return prepared

    def planes(self, key: str) -> NDArray[np.float32]:
        """The slices of a parked visit, n x C x X x Y in [0, 1], to 1/65535."""
        value, start = self._shelf.head(key)
        path, count = self._shelf.path(key), _sizes(value)[0] // 2
        stored = np.fromfile(path, np.uint16, count=count, offset=start).reshape(value["shape"])
        return stored.astype(np.float32) / np.float32(FULL)

    def pictures(self, key: str) -> tuple[StepPicture, ...]:
        """The pictures of a parked visit's steps."""
        value, start = self._shelf.head(key)
        path, offset, found = self._shelf.path(key), start + _sizes(value)[0], []
        for picture, shape in zip(value["pictures"], _picture_shapes(value), strict=True):
            size = shape[0] * shape[1]
            pixels = np.fromfile(path, np.uint8, count=size, offset=offset).reshape(shape)
            found.append(StepPicture(str(picture["contrast"]), str(picture["title"]), pixels))
            offset += size
        return tuple(found)

    def sweep(self, keep: set[str]) -> None:
        """Remove every visit that is not to be kept."""
        self._shelf.sweep(keep)
