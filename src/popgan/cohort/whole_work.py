"""Every slice of a visit on the grid of a cohort: what a worker sends, and what is made of it.

The normalisation and the field of view of the cohort are known, so a worker goes all the way to
the images that a model sees. What is needed for the way back goes along: where the slices lie, what
of them is kept, and what the first scan's file says about its own geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from popgan.child import Service
from popgan.cohort.brains import extractor
from popgan.cohort.intensity import Normalisation
from popgan.cohort.store import decode, encode
from popgan.preparation.orientation import from_ras, from_upright, to_ras, upright
from popgan.preparation.resample import onto_grid, resample_back, resample_slices, same_grid
from popgan.preparation.visit import ScanFacts, SliceChoice
from popgan.preparation.whole import Whole, blocks, prepare_whole
from popgan.scans import Found, Scan
from popgan.scans.limits import MAX_SIDE, MAX_VOXELS
from popgan.scans.nifti import GEOMETRY, stated_geometry

_FACTS = TypeAdapter(tuple[ScanFacts, ...])


@dataclass(frozen=True)
class Grid:
    """The images that a model works on.

    Attributes:
        side: of an image, pixels.
        field: side of the field of view, mm.
        largest_picture: see `popgan.cohort.whole_rules.WholeRules`.
        normalisations: of each contrast of the visit, in its order.
    """

    side: int
    field: float
    largest_picture: float
    normalisations: tuple[Normalisation, ...]


_GRID = TypeAdapter(Grid)


@dataclass(frozen=True)
class FileGeometry:
    """Where the voxels of the first scan's file lie, in the file's own axes.

    Attributes:
        shape: its three sides.
        affine: voxel indices to RAS+ millimetres, 4 x 4.
        stated: the fields of its header, if it is NIfTI; see `stated_geometry`.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    stated: dict[str, list[float]] | None


@dataclass(frozen=True)
class WholeVisit:
    """A visit as a model sees it, every slice, and the way back.

    Attributes:
        stack: float32 n x K x H x W in [-1, 1], from the bottom up; K are the visit's contrasts.
        facts: what was measured on each scan.
        heights: n, 0 bottom to 1 top of the brain, beyond that outside of it.
        shown: n, whether a slice shows more than a sliver.
        taken: rows that ingest would take into a cohort; ascending.
        spacing: mm between samples of the planes, and between slices.
        spacing_known: False where 1 mm was assumed, by popgan or by the file's writer.
        centre, extent: middle and size of the head in the plane, mm from sample (0, 0).
        field: side of the field of view, mm.
        shape: samples of the planes along x and y.
        affine: sample (x, y, slice) to the millimetres of the first scan's own space.
        kept: n x X x Y, what can be other than background; None where that can be anything.
        file: geometry of the first scan's file.
    """

    stack: NDArray[np.float32]
    facts: tuple[ScanFacts, ...]
    heights: NDArray[np.float64]
    shown: NDArray[np.bool_]
    taken: NDArray[np.intp]
    spacing: tuple[float, float, float]
    spacing_known: bool
    centre: tuple[float, float]
    extent: tuple[float, float]
    field: float
    shape: tuple[int, int]
    affine: NDArray[np.float64]
    kept: NDArray[np.bool_] | None
    file: FileGeometry

    def back(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images onto the first scan: its shape, its axes, voxel upon voxel.

        Args:
            images: n x H x W in [0, 1], 0 is background; one a slice of the stack.

        Returns:
            float32 of `file.shape`; 0 where the field, the mask or a near-empty slice ends.
        """
        return self._back(images, self.kept)

    def unseen(self) -> NDArray[np.float32]:
        """What no image reaches: 1 beyond the field and in near-empty slices, float32 of the file.

        It is 0 where a mask says that there is background: nothing else was to be there.
        """
        count, *size = self.stack[:, 0].shape
        blank = 1 - self._back(np.broadcast_to(np.float32(1), (count, *size)), None)
        if self.kept is not None:
            blank *= self._onto_file(np.moveaxis(self.kept, 0, 2).astype(np.float32))
        return np.clip(blank, 0, 1)

    def _back(
        self, images: NDArray[np.float32], kept: NDArray[np.bool_] | None
    ) -> NDArray[np.float32]:
        volume = np.zeros((*self.shape, len(images)), np.float32)
        for rows in blocks(len(images)):
            planes = resample_back(
                np.ascontiguousarray(from_upright(images[rows])),
                spacing=(self.spacing[0], self.spacing[1]),
                centre=self.centre,
                field=(self.field, self.field),
                shape=self.shape,
            )
            planes[~self.shown[rows]] = 0
            if kept is not None:
                planes[~kept[rows]] = 0
            volume[:, :, rows] = np.moveaxis(planes, 0, 2)
        return self._onto_file(volume)

    def _onto_file(self, volume: NDArray[np.float32]) -> NDArray[np.float32]:
        # A view of the right shape; only its form is looked at.
        form, affine = to_ras(np.broadcast_to(np.float32(0), self.file.shape), self.file.affine)
        if not same_grid(volume.shape, self.affine, form.shape, affine):
            volume = onto_grid(volume, self.affine, form.shape, affine)
        return np.ascontiguousarray(from_ras(volume, self.file.affine))


def grid_json(grid: Grid) -> Any:
    """A grid as JSON value, for a request."""
    return _GRID.dump_python(grid, mode="json")


def whole_answer(
    scans: Sequence[Scan], first: Found, choice: SliceChoice, grid: Any, ask: Service
) -> tuple[Any, bytes]:
    """A worker's answer: the visit prepared, on the grid, as JSON value and bytes.

    Args:
        scans: of the visit.
        first: the first of them, as it was found.
        choice: as at ingest of the cohort.
        grid: from `grid_json`.
        ask: asks for brains.

    Raises:
        ScanError: see `prepare_whole`.
    """
    whole = prepare_whole(scans, choice, extractor(ask))
    return pack_whole(whole, scans[0], _GRID.validate_python(grid), stated_geometry(first))


def pack_whole(
    whole: Whole, first: Scan, grid: Grid, stated: dict[str, list[float]] | None
) -> tuple[Any, bytes]:
    """A visit on a grid as JSON value, and its images (16 bits) and mask (1 bit) as bytes."""
    own, ready = whole.prepared, whole.measured.ready
    scale = 1.0
    if own.facts[0].kind == "picture" and not own.spacing_known and grid.largest_picture:
        scale = grid.largest_picture / max(own.facts[0].shape)
    spacing = (own.spacing[0] * scale, own.spacing[1] * scale, own.spacing[2])
    centre = (own.centre[0] * scale, own.centre[1] * scale)
    depth, contrasts = whole.shape[2], len(own.facts)
    stack = np.zeros((depth, contrasts, grid.side, grid.side), np.uint16)
    for number, (one, fact) in enumerate(zip(grid.normalisations, own.facts, strict=True)):
        curve = one.curve(fact.landmarks)
        for rows in blocks(depth):
            resampled = resample_slices(
                curve.apply(whole.planes(number, rows)),
                spacing=spacing[:2],
                centre=centre,
                field=(grid.field, grid.field),
                shape=(grid.side, grid.side),
            )
            stack[rows, number] = encode(upright(resampled))
    value = {
        "stack": list(stack.shape),
        "facts": _FACTS.dump_python(own.facts, mode="json"),
        "heights": whole.heights.tolist(),
        "shown": whole.shown.tolist(),
        "taken": own.place.indices.tolist(),
        "spacing": spacing,
        "spacing_known": own.spacing_known,
        "centre": centre,
        "extent": (own.extent[0] * scale, own.extent[1] * scale),
        "field": grid.field,
        "shape": list(whole.shape[:2]),
        "affine": (own.place.to_scan @ ready.affine).tolist(),
        "kept": whole.kept is not None,
        "file": {"shape": first.data.shape, "affine": first.affine.tolist(), "stated": stated},
    }
    mask = b"" if whole.kept is None else np.packbits(np.moveaxis(whole.kept, 2, 0)).tobytes()
    return value, stack.tobytes() + mask


def unpack_whole(value: Any, blob: bytes) -> WholeVisit:
    """Inverse of `pack_whole`, and as wary as of anything from outside.

    Raises:
        ValueError: not what it makes.
    """
    try:
        n, contrasts, side, other = (int(number) for number in value["stack"])
        x, y = (int(number) for number in value["shape"])
        # Nothing is made of these numbers before it is known that they are the bytes' own.
        images, planes = n * contrasts * side * other * 2, n * x * y
        mask = -(-planes // 8) if value["kept"] else 0
        sides = (n, contrasts, side, x, y)
        sound = min(sides) > 0 and max(sides) <= MAX_SIDE and side == other
        if not sound or planes > MAX_VOXELS or len(blob) != images + mask:
            raise ValueError("no whole visit")
        facts = _FACTS.validate_python(value["facts"])
        if len(facts) != contrasts:
            raise ValueError("no whole visit")
        stored = np.frombuffer(blob, np.uint16, count=images // 2)
        kept = None
        if value["kept"]:
            bits = np.unpackbits(np.frombuffer(blob, np.uint8, offset=images), count=planes)
            kept = bits.reshape(n, x, y).astype(np.bool_)
        return WholeVisit(
            stack=decode(stored.reshape(n, contrasts, side, side)),
            facts=facts,
            heights=_array(value["heights"], (n,)),
            shown=_array(value["shown"], (n,)) > 0,
            taken=_rows(value["taken"], n),
            spacing=_triple(value["spacing"]),
            spacing_known=bool(value["spacing_known"]),
            centre=_triple([*value["centre"], 0])[:2],
            extent=_triple([*value["extent"], 0])[:2],
            field=_triple([value["field"], 0, 0])[0],
            shape=(x, y),
            affine=_array(value["affine"], (4, 4)),
            kept=kept,
            file=_file(value["file"]),
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise ValueError("no whole visit") from error


def _file(value: Any) -> FileGeometry:
    sides = [int(side) for side in value["shape"]]
    if len(sides) != 3 or min(sides) < 1 or int(np.prod(sides)) > MAX_VOXELS:
        raise ValueError("no whole visit")
    stated = value["stated"]
    if stated is not None:
        stated = {name: _array(stated[name], (count,)).tolist() for name, count in GEOMETRY.items()}
    return FileGeometry((sides[0], sides[1], sides[2]), _array(value["affine"], (4, 4)), stated)


def _array(values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Finite numbers of a shape."""
    found = np.array(values, np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError("no whole visit")
    return found


def _rows(values: Any, count: int) -> NDArray[np.intp]:
    """Different rows of so many, ascending."""
    found = np.array([int(value) for value in values], np.intp)
    if not len(found) or found[0] < 0 or found[-1] >= count or (np.diff(found) <= 0).any():
        raise ValueError("no whole visit")
    return found


def _triple(values: Any) -> tuple[float, float, float]:
    x, y, z = _array(values, (3,)).tolist()
    return float(x), float(y), float(z)
