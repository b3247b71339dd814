"""Ingest: a folder of scans to a cohort in a run folder, in two streaming passes.

First pass: each visit is read, checked, measured and cut into slices at native resolution, which
are parked on disk. Then the field of view of the cohort is known, and the second pass resamples
the slices into the store. Memory holds a few scans at a time, whatever the size of the cohort.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from popgan.cohort.faces import face_notes
from popgan.cohort.identity import KEY_FILE, pseudonyms, ranks, split_together
from popgan.cohort.label_maps import FOLDER, read_maps
from popgan.cohort.map_choice import choose_map
from popgan.cohort.options import IngestOptions, slice_choice
from popgan.cohort.outcome import CohortFiles, Kept, Quarantine
from popgan.cohort.parked import Parking
from popgan.cohort.parked_labels import LabelParking
from popgan.cohort.quality import Double, ScanQuality, doubles, judge, quality_notes
from popgan.cohort.reading import (
    HEADERS_FILE,
    Failure,
    HeaderReader,
    Workers,
    open_workers,
    prepare_visits,
    visit_key,
)
from popgan.cohort.series import tell_series
from popgan.cohort.source import is_phantom
from popgan.cohort.tables import NoCohortError, told_all_the_same
from popgan.cohort.traits import read_traits
from popgan.cohort.visits import Visit, choose_contrasts, make_visits
from popgan.cohort.write import write_cohort
from popgan.errors import UserError
from popgan.files import owners_folder
from popgan.preparation.visit import Prepared
from popgan.progress import Reporter, Task
from popgan.scans import Discovery, discover
from popgan.wording import counted

_SHOWN = 3  # quarantined files that are named to the user one by one


def build(
    source: Path,
    run: Path,
    *,
    options: IngestOptions,
    reporter: Reporter,
    workers: int | None,
    strict: bool = False,
) -> None:
    """Ingest `source` into RUN/dataset, RUN/cache and RUN/private.

    Args:
        source: folder of scans.
        run: run folder.
        options: choices.
        reporter: shows progress.
        workers: processes that open files; 0 opens them in this one, None takes the cores.
        strict: whether a file that cannot be used is an error.

    Raises:
        UserError: no usable scans, too few subjects, a contrast that is not there, disk full; a
            file that cannot be used, if strict.
    """
    owners_folder(run / "cache")  # slices of patients
    parking = Parking(run / "cache" / "visits")
    left_by_failure = [
        path
        for path in (run / "private" / HEADERS_FILE, run / "private" / KEY_FILE)
        if not path.exists()
    ]
    fresh = not (run / "dataset" / "manifest.json").exists()
    try:
        with open_workers(workers) as pool:
            files, kept = _read_all(source, run, options, reporter, pool, parking, strict=strict)
        write_cohort(files, kept, parking, reporter)
        parking.sweep({key for _, _, key in kept})
        files.maps.parking.sweep(files.maps.keys())
    except UserError as error:
        if isinstance(error, NoCohortError):  # what was decided is told by pseudonym: the key stays
            left_by_failure = []
        if fresh:  # nothing else of a start that failed is left; an interrupted one goes on
            parking.sweep(set())
            LabelParking(run / "cache" / FOLDER).sweep(set())
            for path in left_by_failure:
                with contextlib.suppress(OSError):
                    path.unlink()
        raise


def _read_all(
    source: Path,
    run: Path,
    options: IngestOptions,
    reporter: Reporter,
    pool: Workers,
    parking: Parking,
    *,
    strict: bool,
) -> tuple[CohortFiles, Kept]:
    """The first pass: everything is found, read, prepared and decided; nothing is written yet."""
    discovery = _discover(source, options, HeaderReader(pool, run, source, reporter))
    tell_series(discovery.series, reporter)
    contrasts = choose_contrasts(discovery.scans, options.contrasts)
    visits, left_out = make_visits(discovery, contrasts)
    traits = read_traits(source, visits, options)
    wanted = choose_map(visits, options.label_map, label=options.label)
    everybody = {found.subject for found in discovery.scans}
    names = pseudonyms(everybody, run, keep_ids=options.keep_ids)
    choice = slice_choice(options, simulated=is_phantom(source))
    keys = [visit_key(source, visit, choice) for visit in visits]
    with reporter.task("reading scans", len(visits)) as task:
        kept, failures = _part(prepare_visits(visits, keys, choice, pool, parking), task)
    parking_maps = LabelParking(run / "cache" / FOLDER)
    maps = read_maps(source, kept, wanted, pool, parking_maps, reporter)
    quarantine = _quarantine(discovery, failures + maps.failures, names)
    if strict:
        _refuse_quarantined(quarantine)
    try:
        _check_left(source, kept, quarantine, contrasts, discovery)
        splits, quality, pairs = _arrange(kept, everybody, names, options)
    except UserError as error:
        for note in _contrast_notes(contrasts, left_out):  # often the reason
            reporter.warning(note)
        _warn_quarantined(quarantine, reporter)
        if kept or discovery.series:
            raise told_all_the_same(error, run, quarantine, discovery.series, names) from error
        raise
    notes = [*discovery.notes, *_contrast_notes(contrasts, left_out), *_remarks(kept)]
    notes += [*traits.notes, *maps.notes, *quality_notes(quality, pairs), *_split_notes(splits)]
    for note in notes:
        reporter.warning(note)
    _warn_quarantined(quarantine, reporter)
    files = CohortFiles(
        source=source,
        run=run,
        options=options,
        contrasts=contrasts,
        pseudonyms=names,
        splits=splits,
        quarantine=quarantine,
        notes=notes,
        left_out=left_out,
        label_maps=len(discovery.label_maps),
        series=discovery.series,
        quality=quality,
        doubles=pairs,
        traits=traits,
        maps=maps,
    )
    return files, kept


def _discover(source: Path, options: IngestOptions, headers: HeaderReader) -> Discovery:
    return discover(
        source,
        subjects=options.subjects,
        contrast_map=options.contrast_map,
        channels=options.channels,
        label_map=options.label_map,
        headers=headers,
    )


def _arrange(
    kept: Kept, everybody: set[str], names: dict[str, str], options: IngestOptions
) -> tuple[dict[str, list[str]], list[ScanQuality], list[Double]]:
    """Put visits into the order of the store; judge their quality; split the subjects."""
    labels = ranks(_scans_of(kept), everybody, keep_ids=options.keep_ids, seed=options.seed)
    kept.sort(key=lambda item: (labels[item[0].subject], names[item[0].subject], item[0].number))
    quality = judge(kept)
    pairs = doubles(quality)
    splits = split_together(
        {visit.subject: labels[visit.subject] for visit, _, _ in kept},
        [(pair.first, pair.second) for pair in pairs if pair.identical],
        seed=options.seed,
        fractions=options.fractions,
    )
    shown = {split: sorted(names[own] for own in who) for split, who in splits.items()}
    return shown, quality, pairs


def _part(
    outcomes: Iterator[tuple[Visit, str, Prepared | Failure]], task: Task
) -> tuple[Kept, list[Failure]]:
    """Usable visits with the key of their parked slices, and the others."""
    kept: Kept = []
    failures = []
    for visit, key, outcome in outcomes:
        task.advance(1)
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            kept.append((visit, outcome, key))
    return kept, failures


def _quarantine(
    discovery: Discovery, failures: list[Failure], pseudonyms: dict[str, str]
) -> list[Quarantine]:
    found = [Quarantine(None, None, q.path, q.reason) for q in discovery.quarantined]
    return found + [
        Quarantine(pseudonyms[f.found.subject], f.found.contrast, f.found.path, f.reason)
        for f in failures
    ]


def _refuse_quarantined(quarantine: list[Quarantine]) -> None:
    if quarantine:
        first, more = quarantine[0], len(quarantine) - 1
        raise UserError(
            f"{first.reason}" + (f" ({more} more files cannot be used)" if more else ""),
            where=first.path,
            do="repair or remove it, or go on without it by leaving out --strict",
        )


def _scans_of(kept: Kept) -> dict[str, list[str]]:
    """SHA-256 of the scans of each subject."""
    scans: dict[str, list[str]] = {}
    for visit, prepared, _ in kept:
        scans.setdefault(visit.subject, []).extend(fact.sha256 for fact in prepared.facts)
    return scans


def _split_notes(splits: dict[str, list[str]]) -> list[str]:
    if min(len(subjects) for subjects in splits.values()) > 1:
        return []
    count = sum(len(subjects) for subjects in splits.values())
    return [f"with {count} subjects a split holds a single one: results on it say little"]


def _contrast_notes(contrasts: list[str], left_out: int) -> list[str]:
    notes = []
    if left_out:
        wanted = " and ".join(contrasts)
        notes.append(f"{counted(left_out, 'visit', 'visits')} without {wanted} left out")
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
    return [*notes, *face_notes([prepared for _, prepared, _ in kept])]


def _warn_quarantined(quarantine: list[Quarantine], reporter: Reporter) -> None:
    for item in quarantine[:_SHOWN]:
        reporter.warning(f"set aside: {item.path} {item.reason}")
    if len(quarantine) > _SHOWN:
        reporter.warning(f"set aside: {len(quarantine) - _SHOWN} more, see dataset/qc.json")
