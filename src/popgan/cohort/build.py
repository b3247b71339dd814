"""Ingest: a folder of scans to a cohort in a run folder, in two streaming passes.

First pass: each visit is read, checked, measured and cut into slices at native resolution, which
are parked on disk. Then the field of view of the cohort is known, and the second pass resamples
the slices into the store. Memory holds a few scans at a time, whatever the size of the cohort.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from popgan.cohort.options import IngestOptions
from popgan.cohort.series import tell_series
from popgan.cohort.spill import Spill
from popgan.cohort.splits import order_by_hash, split_subjects
from popgan.cohort.visits import Visit, choose_contrasts, make_visits
from popgan.cohort.write import CohortFiles, Kept, Quarantine, write_cohort
from popgan.errors import UserError
from popgan.preparation.visit import Prepared, SliceChoice, prepare_visit
from popgan.progress import Reporter, Task
from popgan.provenance import usable_cores
from popgan.scans import Discovery, Scan, ScanError, discover, read_scan
from popgan.scans.scan import Found

_MOST_WORKERS = 4
_SHOWN = 3  # quarantined files that are named to the user one by one


@dataclass(frozen=True)
class Failure:
    """A visit that could not be used, and the file that is to blame."""

    found: Found
    reason: str


def build(
    source: Path, run: Path, *, options: IngestOptions, reporter: Reporter, workers: int | None
) -> None:
    """Ingest `source` into RUN/dataset, RUN/cache and RUN/private.

    Raises:
        UserError: no usable scans, too few subjects, a contrast that is not there, disk full.
    """
    discovery = discover(source, subjects=options.subjects, contrast_map=options.contrast_map)
    tell_series(discovery.series, reporter)
    contrasts = choose_contrasts(discovery.scans, options.contrasts)
    visits, left_out = make_visits(discovery, contrasts)
    pseudonyms = _pseudonyms(discovery, options.seed)
    visits.sort(key=lambda visit: (pseudonyms[visit.subject], visit.number))
    choice = SliceChoice(options.slices, options.slice_range, options.intensity_percentile)
    with Spill(run / "cache") as spill:
        outcomes = _prepare_all(visits, choice, workers or _default_workers())
        with reporter.task("reading scans", len(visits)) as task:
            kept, failures = _park(outcomes, spill, task)
        quarantine = [Quarantine(None, None, q.path, q.reason) for q in discovery.quarantined]
        quarantine += [
            Quarantine(pseudonyms[f.found.subject], f.found.contrast, f.found.path, f.reason)
            for f in failures
        ]
        _check_left(source, kept, quarantine, contrasts, discovery)
        splits = split_subjects(
            {pseudonyms[visit.subject] for visit, _, _ in kept},
            seed=options.seed,
            fractions=options.fractions,
        )
        notes = [
            *discovery.notes,
            *_contrast_notes(contrasts, left_out),
            *_remarks(kept),
            *_split_notes(splits),
        ]
        for note in notes:
            reporter.warning(note)
        _warn_quarantined(quarantine, reporter)
        files = CohortFiles(
            source=source,
            run=run,
            options=options,
            contrasts=contrasts,
            pseudonyms=pseudonyms,
            splits=splits,
            quarantine=quarantine,
            notes=notes,
            left_out=left_out,
            label_maps=len(discovery.label_maps),
            series=discovery.series,
        )
        write_cohort(files, kept, spill, reporter)


def _park(
    outcomes: Iterator[tuple[Visit, Prepared | Failure]], spill: Spill, task: Task
) -> tuple[Kept, list[Failure]]:
    """Park the slices of every usable visit on disk; keep what was measured, without pixels."""
    kept: Kept = []
    failures = []
    for visit, outcome in outcomes:
        task.advance(1)
        if isinstance(outcome, Failure):
            failures.append(outcome)
            continue
        ticket = spill.put(outcome.planes)
        measured = dataclasses.replace(outcome, planes=np.empty(0, np.float32))
        kept.append((visit, measured, ticket))
    return kept, failures


def _pseudonyms(discovery: Discovery, seed: int) -> dict[str, str]:
    """Subject of the source to pseudonym; the numbering follows no order of the source."""
    names = {found.subject for found in discovery.scans}
    ordered = order_by_hash(names, seed=seed, purpose="pseudonym")
    digits = max(4, len(str(len(ordered))))
    return {name: f"p{rank + 1:0{digits}d}" for rank, name in enumerate(ordered)}


def _prepare_all(
    visits: list[Visit], choice: SliceChoice, workers: int
) -> Iterator[tuple[Visit, Prepared | Failure]]:
    """Prepare visits in order, a few ahead of time on threads (zlib and NumPy free the GIL)."""
    if workers <= 1:
        for visit in visits:
            yield visit, _prepare_one(visit, choice)
        return
    waiting: deque[tuple[Visit, Future[Prepared | Failure]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for visit in visits:
                waiting.append((visit, pool.submit(_prepare_one, visit, choice)))
                if len(waiting) > workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare_one(visit: Visit, choice: SliceChoice) -> Prepared | Failure:
    """Read and prepare one visit; a bad file becomes a failure, not an exception."""
    scans: list[Scan] = []
    for found in visit.scans:
        try:
            scans.append(read_scan(found))
        except ScanError as error:
            # Of a series, the file that is to blame is named.
            return Failure(dataclasses.replace(found, path=error.path or found.path), str(error))
    try:
        return prepare_visit(scans, choice)
    except ScanError as error:
        blamed = [found for found in visit.scans if found.contrast == error.contrast]
        return Failure((blamed or list(visit.scans))[0], str(error))
    except MemoryError:
        return Failure(visit.scans[0], "needs more memory than there is")


def _default_workers() -> int:
    return min(usable_cores(), _MOST_WORKERS)


def _split_notes(splits: dict[str, list[str]]) -> list[str]:
    if min(len(subjects) for subjects in splits.values()) > 1:
        return []
    count = sum(len(subjects) for subjects in splits.values())
    return [f"with {count} subjects a split holds a single one: results on it say little"]


def _contrast_notes(contrasts: list[str], left_out: int) -> list[str]:
    notes = []
    if left_out:
        wanted = " and ".join(contrasts)
        notes.append(f"{left_out} visits without {wanted} were left out")
    if "unknown" in contrasts:
        notes.append("the contrast is not named by the files")
    return notes


def _check_left(
    source: Path,
    kept: Kept,
    quarantine: list[Quarantine],
    contrasts: list[str],
    discovery: Discovery,
) -> None:
    """Stop with one line if no scan is left."""
    if kept:
        return
    others = sorted({scan.contrast for scan in discovery.scans} - set(contrasts))
    do = f"choose another contrast ({', '.join(others)})" if others else "check the files"
    if not quarantine:
        raise UserError(f"no visit has all of {', '.join(contrasts)}", where=source, do=do)
    first = quarantine[-1]
    raise UserError(
        f"none of the {len(quarantine)} scans can be used; {first.path.name} {first.reason}",
        where=source,
        do=do,
    )


def _remarks(kept: Kept) -> list[str]:
    """What the user should know about the cohort as a whole."""
    notes = []
    facts = [prepared.facts[0] for _, prepared, _ in kept]
    grids = {(fact.shape[:2], tuple(round(s, 2) for s in fact.spacing)) for fact in facts}
    if len(grids) > 1:
        notes.append(
            f"the scans have {len(grids)} different resolutions; all are resampled to one, so "
            "sharpness and noise differ between subjects"
        )
    if not all(prepared.spacing_known for _, prepared, _ in kept):
        notes.append("some files state no voxel size, or a placeholder: 1 mm a pixel is assumed")
    if len({fact.kind for fact in facts}) > 1:
        kinds = ", ".join(sorted({fact.kind for fact in facts}))
        notes.append(f"different kinds of volumes are mixed ({kinds}): heights may not compare")
    return notes


def _warn_quarantined(quarantine: list[Quarantine], reporter: Reporter) -> None:
    for item in quarantine[:_SHOWN]:
        reporter.warning(f"set aside: {item.path} {item.reason}")
    if len(quarantine) > _SHOWN:
        reporter.warning(f"set aside: {len(quarantine) - _SHOWN} more, see dataset/qc.json")
