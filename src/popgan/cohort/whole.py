"""Scans that are no part of a cohort, prepared like its own and with every slice, one visit a time.

The files are opened by the same workers within the same limits as at ingest; nothing of them is
kept in the run folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from popgan.child import Request
from popgan.cohort.brains import Brains, extractor
from popgan.cohort.options import slice_choice
from popgan.cohort.reading import (
    Failure,
    HeaderReader,
    Workers,
    answered,
    open_workers,
    visit_seconds,
)
from popgan.cohort.visits import Visit
from popgan.cohort.whole_rules import WholeRules
from popgan.cohort.whole_visits import Candidate, Named, Search, SetAside, find_visits
from popgan.cohort.whole_work import Grid, WholeVisit, grid_json, pack_whole, unpack_whole
from popgan.cohort.work import whole_request
from popgan.errors import UserError
from popgan.preparation.whole import prepare_whole
from popgan.progress import Reporter
from popgan.scans import Scan, ScanError

_PART = 2**20
_FLAT = 1e-6  # cubic millimetres of a voxel


class WholeReader:
    """Finds and reads visits; made by `open_reader`.

    Args:
        rules: of the cohort whose grid is wanted.
        workers: open the files.
        reporter: shows progress.
    """

    def __init__(self, rules: WholeRules, workers: Workers, reporter: Reporter) -> None:
        self._rules, self._workers, self._reporter = rules, workers, reporter

    def find(self, named: Named) -> Search:
        """The visits among folders and files; see `find_visits`.

        Raises:
            UserError: see there.
        """

        def headers(folder: Path) -> HeaderReader:
            return HeaderReader(self._workers, None, folder, self._reporter)

        return find_visits(named, headers)

    def read(
        self, asked: Sequence[tuple[Candidate, Sequence[str]]]
    ) -> Iterator[WholeVisit | SetAside]:
        """Visits in order, a few of them prepared ahead of time; a bad one with its reason.

        Args:
            asked: visits, and which of their contrasts in which order; the first gives the grid.

        Raises:
            UserError: something that is needed is not installed.
        """
        visits = [candidate.visit(contrasts) for candidate, contrasts in asked]
        requests = (
            Request(self._request(visit, candidate.phantom), visit_seconds(visit))
            for visit, (candidate, _) in zip(visits, asked, strict=True)
        )
        replies = self._workers.map(requests)
        for visit, (candidate, _), reply in zip(visits, asked, replies, strict=True):
            answer = answered(visit, reply)
            if isinstance(answer, Failure):
                yield _set_aside(candidate, answer)
                continue
            try:
                yield unpack_whole(answer.value, answer.blob)
            except ValueError:
                yield _set_aside(
                    candidate, Failure(visit.scans[0], "gave slices that make no sense")
                )

    def _request(self, visit: Visit, phantom: bool) -> object:
        choice = slice_choice(self._rules.options, simulated=phantom)
        contrasts = [found.contrast for found in visit.scans]
        return whole_request(visit, choice, grid_json(grid_of(self._rules, contrasts)))


def _set_aside(candidate: Candidate, failure: Failure) -> SetAside:
    return SetAside(candidate.subject, candidate.session, failure.found.path, failure.reason)


@contextmanager
def open_reader(
    rules: WholeRules, *, workers: int | None, reporter: Reporter
) -> Iterator[WholeReader]:
    """A reader with its worker processes; see `popgan.cohort.reading.open_workers`."""
    with open_workers(workers) as pool:
        yield WholeReader(rules, pool, reporter)


def grid_of(rules: WholeRules, contrasts: Sequence[str]) -> Grid:
    """The cohort's grid, with the normalisations of a visit's contrasts."""
    return Grid(
        side=rules.side,
        field=rules.field,
        largest_picture=rules.largest_picture,
        normalisations=tuple(rules.normalisations[name] for name in contrasts),
    )


def digest(paths: Sequence[Path]) -> str | None:
    """SHA-256 of a file; of several, of their hashes in order; None where one cannot be read."""
    hashes = []
    for path in paths:
        own = hashlib.sha256()
        try:
            with path.open("rb") as handle:
                while part := handle.read(_PART):
                    own.update(part)
        except OSError:
            return None
        hashes.append(own.hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def whole_of_arrays(
    volumes: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]],
    rules: WholeRules,
    *,
    phantom: bool = False,
) -> WholeVisit:
    """A visit from arrays in memory, prepared in this process.

    Args:
        volumes: voxels and affine (4 x 4, to RAS+ mm) of each contrast; the first gives the grid.
        rules: of the cohort whose grid is wanted.
        phantom: whether the volumes are simulated, so that nobody's face is in them.

    Raises:
        UserError: a volume cannot be used.
    """
    scans = [_scan(name, data, affine) for name, (data, affine) in volumes.items()]
    choice = slice_choice(rules.options, simulated=phantom)
    brains = Brains()
    try:
        whole = prepare_whole(scans, choice, extractor(brains))
    except ScanError as error:
        raise UserError(f"the {error.contrast or scans[0].contrast} volume {error}") from error
    finally:
        brains.child.kill()
    return unpack_whole(*pack_whole(whole, scans[0], grid_of(rules, list(volumes)), None))


def _scan(contrast: str, data: NDArray[np.floating], affine: NDArray[np.floating]) -> Scan:
    voxels, place = np.asarray(data, np.float32), np.asarray(affine, np.float64)
    if voxels.ndim != 3 or place.shape != (4, 4):
        raise UserError(f"the {contrast} volume has no three axes, or no affine of 4 x 4")
    if not np.isfinite(voxels).all() or not np.isfinite(place).all():
        raise UserError(f"the {contrast} volume holds NaN or infinity")
    if abs(float(np.linalg.det(place[:3, :3]))) < _FLAT:
        raise UserError(f"the affine of the {contrast} volume maps it onto a plane")
    own = hashlib.sha256(voxels.tobytes()).hexdigest()
    return Scan("", None, contrast, voxels, place, Path(), None, own, True)
