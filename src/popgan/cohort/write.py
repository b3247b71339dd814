"""The second pass of ingest: resample into the store and write every file of the cohort.

Files with hashes hold no time and no path, so that the same inputs give the same bytes. The
manifest, which names the hashes of all others, is written last: a cohort without it is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.fingerprint import fingerprint
from popgan.cohort.geometry import slice_affine
from popgan.cohort.intensity import Normalisation, decide_all, normalise
from popgan.cohort.label_maps import store_maps
from popgan.cohort.manifest import Manifest, ScanRecord, SliceRecord
from popgan.cohort.outcome import CohortFiles, Kept
from popgan.cohort.parked import Parking
from popgan.cohort.pictures import StripWriter
from popgan.cohort.preparation import FILE, preparation_record
from popgan.cohort.quality import double_rows, quality_rows
from popgan.cohort.store import encode, new_store
from popgan.cohort.tables import write_tables
from popgan.cohort.traits import FROM_MAP
from popgan.cohort.visits import Visit
from popgan.files import sha256_file, write_json
from popgan.preparation.orientation import upright
from popgan.preparation.resample import resample_slices
from popgan.preparation.visit import Prepared
from popgan.progress import Reporter

_MARGIN = 1.06  # the field of view exceeds the largest head by this factor
_ROBUST = 98.0  # percentile of head sizes that counts as the largest: one outlier rules nothing
_DIGITS = 6


def write_cohort(files: CohortFiles, kept: Kept, parking: Parking, reporter: Reporter) -> None:
    """Write store, splits, fingerprint, quality control, private table and manifest.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    dataset = files.run / "dataset"
    (dataset / "manifest.json").unlink(missing_ok=True)
    scales = picture_scales(kept)
    field = field_of_view(kept, scales)
    side = files.options.resolution
    spacing = (field / side, field / side, _depth_spacing(kept))
    count = sum(len(prepared.heights) for _, prepared, _ in kept)
    store_path = files.run / "cache" / "slices.npy"
    normalisations = decide_all(files.contrasts, files.options.intensity, _training(files, kept))
    with new_store(store_path, (count, len(files.contrasts), side, side)) as store:
        _fill(store, files, kept, parking, normalisations, scales, field, reporter)
        stored = np.asarray(store)
        scans, slices = _records(files, kept, scales, normalisations)
        numbers = fingerprint(
            contrasts=files.contrasts,
            scans=scans,
            slices=slices,
            prepared=[prepared for _, prepared, _ in kept],
            stored=stored,
            spacing=spacing,
            extra=_counts(files, kept)
            | {"normalisation": {n.contrast: n.method for n in normalisations}},
            quality={
                "scans": quality_rows(files.quality, files.pseudonyms),
                "doubles": double_rows(files.doubles, files.pseudonyms),
            },
        )
        del stored
    label_map = store_maps(files.run, files.maps, kept, scales, field_mm=field, side=side)
    if label_map is not None:
        sealed = sorted(files.seal(label_map.sources).values())
        label_map = label_map.model_copy(update={"sources": sealed})
    write_tables(files, kept, numbers)
    visits = [(files.pseudonyms[v.subject], v.number, prepared) for v, prepared, _ in kept]
    write_json(dataset / FILE, preparation_record(visits, normalisations))
    manifest = Manifest(
        version=1,
        contrasts=files.contrasts,
        shape=(count, len(files.contrasts), side, side),
        spacing=_rounded(spacing),
        spacing_known=bool(numbers["spacing_known"]),
        affine=slice_affine((side, side), _rounded(spacing), _world_centre(kept)).tolist(),
        labels=sorted({record.label for record in slices if record.label is not None}),
        options=files.options.model_dump(mode="json", exclude={"subjects", "contrast_map"}),
        store=sha256_file(store_path),
        splits=sha256_file(dataset / "splits.json"),
        fingerprint=sha256_file(dataset / "fingerprint.json"),
        scans=scans,
        slices=slices,
        covariates=files.traits.record([visit for visit, _, _ in kept], files.pseudonyms),
        label_map=label_map,
    )
    write_json(dataset / "manifest.json", manifest.model_dump(mode="json"))


def _fill(
    store: NDArray[np.uint16],
    files: CohortFiles,
    kept: Kept,
    parking: Parking,
    normalisations: list[Normalisation],
    scales: list[float],
    field: float,
    reporter: Reporter,
) -> None:
    """Normalise and resample the parked slices into the store; keep pictures to look at."""
    strips, row = StripWriter(files.run), 0
    with reporter.task("resampling slices", len(kept)) as task:
        for (visit, prepared, key), scale in zip(kept, scales, strict=True):
            native = normalise(parking.planes(key), prepared, normalisations)
            planes = _resample(native, prepared, scale, field, store.shape[2])
            store[row : row + len(planes)] = planes
            row += len(planes)
            owner = (files.pseudonyms[visit.subject], visit.number)
            strips.add_visit(*owner, files.contrasts, planes, parking.pictures(key))
            task.advance(1)
    strips.finish()


def _training(files: CohortFiles, kept: Kept) -> list[Prepared]:
    """Visits of the training subjects: what is learnt is learnt on them, a split must not leak."""
    own = set(files.splits["train"])
    return [prepared for visit, prepared, _ in kept if files.pseudonyms[visit.subject] in own]


def picture_scales(kept: Kept) -> list[float]:
    """Factor on the assumed 1 mm of each picture.

    Pictures of different sizes mostly show the same field: a smaller one gets larger pixels, so
    that a head does not shrink with the pixels it was saved with. Volumes have factor 1.
    """
    sides = [
        float(max(p.facts[0].shape)) if p.facts[0].kind == "picture" and not p.spacing_known else 0
        for _, p, _ in kept
    ]
    largest = max(sides)
    return [largest / side if side else 1.0 for side in sides]


def field_of_view(kept: Kept, scales: list[float]) -> float:
    """Side of the square field of view, mm: the robust largest head and a margin."""
    sizes = [max(p.extent) * scale for (_, p, _), scale in zip(kept, scales, strict=True)]
    return extent_to_field(sizes)


def extent_to_field(sizes: Sequence[float]) -> float:
    """Side of the square field of view for heads of these sizes, mm."""
    return round(float(np.percentile(sizes, _ROBUST)) * _MARGIN, 3)


def _resample(
    planes: NDArray[np.float32], prepared: Prepared, scale: float, field: float, side: int
) -> NDArray[np.uint16]:
    """Parked planes (n x C x X x Y) to rows of the store (n x C x H x W)."""
    resampled = resample_slices(
        planes,
        spacing=(prepared.spacing[0] * scale, prepared.spacing[1] * scale),
        centre=(prepared.centre[0] * scale, prepared.centre[1] * scale),
        field=(field, field),
        shape=(side, side),
    )
    return encode(upright(resampled))


def _depth_spacing(kept: Kept) -> float:
    """Median distance of native slices, mm."""
    return float(np.median([prepared.spacing[2] for _, prepared, _ in kept]))


def _world_centre(kept: Kept) -> list[float]:
    """Mean RAS+ position of the middle of the head; mm."""
    mean = np.mean([prepared.world for _, prepared, _ in kept], axis=0)
    return [round(float(value), 3) for value in mean]


def _rounded(values: tuple[float, float, float]) -> tuple[float, float, float]:
    return round(values[0], _DIGITS), round(values[1], _DIGITS), round(values[2], _DIGITS)


def _label(
    files: CohortFiles, visit: Visit, prepared: Prepared, row: int, scale: float
) -> str | None:
    """Class of a slice: by the user's word from a table or from its map, else its folder's."""
    if files.options.label == FROM_MAP:
        return files.maps.label(visit, prepared, row, scale)
    if files.options.label is not None:
        return files.traits.labels[visit.subject, visit.number]
    return visit.scans[0].label


def _records(
    files: CohortFiles, kept: Kept, scales: list[float], normalisations: list[Normalisation]
) -> tuple[list[ScanRecord], list[SliceRecord]]:
    split_of = {subject: split for split, own in files.splits.items() for subject in own}
    sealed = files.seal(fact.sha256 for _, prepared, _ in kept for fact in prepared.facts)
    scans, slices = [], []
    for (visit, prepared, _), scale in zip(kept, scales, strict=True):
        subject = files.pseudonyms[visit.subject]
        for one, fact in zip(normalisations, prepared.facts, strict=True):
            scans.append(
                ScanRecord(
                    subject=subject,
                    visit=visit.number,
                    contrast=fact.contrast,
                    digest=sealed[fact.sha256],
                    kind=fact.kind,
                    shape=fact.shape,
                    spacing=_rounded(fact.spacing),
                    offset=fact.intensity.offset,
                    scale=fact.intensity.scale,
                    curve=one.curve(fact.landmarks).points,
                )
            )
        places = zip(prepared.heights, prepared.positions, strict=True)
        for row, (height, position) in enumerate(places):
            slices.append(
                SliceRecord(
                    subject=subject,
                    visit=visit.number,
                    split=split_of[subject],  # type: ignore[arg-type]
                    height=round(float(height), _DIGITS),
                    position_mm=round(float(position), 3),
                    label=_label(files, visit, prepared, row, scale),
                )
            )
    return scans, slices


def _counts(files: CohortFiles, kept: Kept) -> dict[str, Any]:
    return {
        "visits_left_out": files.left_out,
        "quarantined": len(files.quarantine),
        "label_maps": files.label_maps,
        "label_map": files.maps.summary(),
        "covariates": files.traits.summary(),
        "empty_slices_dropped": sum(prepared.dropped for _, prepared, _ in kept),
        "notes": files.notes,
    }
