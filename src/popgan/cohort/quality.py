"""Quality control of a cohort: which scans stand out, and which look like the same head twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.visits import Visit
from popgan.preparation.quality import Quality
from popgan.preparation.visit import Prepared
from popgan.wording import counted

INDICES = ("snr", "cnr", "foreground", "ghost", "entropy")
OUTLYING = 3.5
"""Robust z-score from which a value stands out (Iglewicz and Hoaglin, 1993)."""
ALIKE = 0.985
"""Correlation of two sketches from which two scans may be of one head. Measured: different heads
of IXI (780 pairs) reach 0.950, gliomas of different patients of LGG 0.919; a rescan with other
noise and gain, moved by a voxel, stays above."""
FEWEST = 8
"""Scans of a contrast from which on one can stand out."""
LEAST_HEIGHT = 90.0
"""mm along the slice axis below which a volume shows only part of a head: the brain of an adult is
137 mm high, that of a newborn about 90."""
_SPREAD = 0.02  # of the median: values that differ less do not stand out, however even the rest
_BLOCK = 512  # sketches that are compared at a time

Kept = Sequence[tuple[Visit, Prepared, str]]


@dataclass(frozen=True)
class ScanQuality:
    """One scan with what stands out.

    Attributes:
        subject: the source's id.
        visit: number of the visit.
        contrast: of the scan.
        quality: its indices.
        outlying: names of the indices that stand out.
    """

    subject: str
    visit: int
    contrast: str
    quality: Quality
    outlying: tuple[str, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """What is odd about the scan whatever the others are, in words."""
        height = self.quality.height
        if height is None or height >= LEAST_HEIGHT:
            return ()
        return (f"covers only part of the head ({height:.0f} mm)",)


@dataclass(frozen=True)
class Double:
    """Two scans of different subjects that show the same head.

    Attributes:
        first, second: the source's ids.
        contrast: of the scans.
        correlation: of the sketches; 1 where every pixel is the same.
        identical: whether every pixel is the same.
    """

    first: str
    second: str
    contrast: str
    correlation: float
    identical: bool


def judge(kept: Kept) -> list[ScanQuality]:
    """The scans of a cohort with the indices in which each stands out among its contrast."""
    scans = [(visit, fact) for visit, prepared, _ in kept for fact in prepared.facts]
    outlying: dict[int, list[str]] = defaultdict(list)
    for contrast in sorted({fact.contrast for _, fact in scans}):
        places = [i for i, (_, fact) in enumerate(scans) if fact.contrast == contrast]
        for index in INDICES:
            values = [getattr(scans[i][1].quality, index) for i in places]
            for place, stands_out in zip(places, _stand_out(values), strict=True):
                if stands_out:
                    outlying[place].append(index)
    return [
        ScanQuality(visit.subject, visit.number, fact.contrast, fact.quality, tuple(outlying[i]))
        for i, (visit, fact) in enumerate(scans)
    ]


def unjudged(contrasts: Iterable[str]) -> list[str]:
    """The contrasts with too few scans for one to stand out, sorted; one contrast a scan."""
    return sorted(name for name, count in Counter(contrasts).items() if count < FEWEST)


def unjudged_words(contrasts: Iterable[str]) -> str:
    """The same in words: "FLAIR, T1w not judged: fewer than 8 scans"; nothing if all are."""
    few = unjudged(contrasts)
    return f"{', '.join(few)} not judged: fewer than {FEWEST} scans" if few else ""


def _stand_out(values: Sequence[float | None]) -> list[bool]:
    """Which values lie far from the median, by the median absolute deviation."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if len(known) < FEWEST:
        return [False] * len(values)
    middle = float(np.median(known))
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    bound = OUTLYING * max(spread, _SPREAD * abs(middle), 1e-9)
    return [value is not None and abs(value - middle) > bound for value in values]


def doubles(found: Sequence[ScanQuality]) -> list[Double]:
    """Pairs of subjects with the same pixels, or with heads so alike that they may be one."""
    result: dict[tuple[str, str, str], Double] = {}
    for contrast in sorted({scan.contrast for scan in found}):
        own = [scan for scan in found if scan.contrast == contrast]
        for i, j, correlation in _alike([scan.quality for scan in own]):
            one, other = own[i], own[j]
            if one.subject == other.subject:
                continue
            pair = (min(one.subject, other.subject), max(one.subject, other.subject), contrast)
            same = one.quality.pixels == other.quality.pixels
            best = result.get(pair)
            if best is None or correlation > best.correlation:
                result[pair] = Double(*pair, round(correlation, 4), same)
    return [result[pair] for pair in sorted(result)]


def _alike(qualities: list[Quality]) -> list[tuple[int, int, float]]:
    """Places of pairs whose sketches correlate, and how much."""
    sketches = np.array([quality.sketch for quality in qualities], dtype=np.float32)
    sketches -= sketches.mean(axis=1, keepdims=True)
    sketches /= np.maximum(np.linalg.norm(sketches, axis=1, keepdims=True), 1e-6)
    pairs = []
    for start in range(0, len(sketches), _BLOCK):
        near: NDArray[Any] = sketches[start : start + _BLOCK] @ sketches.T
        for row, column in zip(*np.nonzero(near > ALIKE), strict=True):
            i, j = start + int(row), int(column)
            if i < j:
                pairs.append((i, j, min(1.0, float(near[row, column]))))
    return pairs


def quality_rows(found: Sequence[ScanQuality], names: dict[str, str]) -> list[dict[str, Any]]:
    """For qc.json: one row a scan, by pseudonym, without pixels and sketches."""
    return [
        {
            "subject": names[scan.subject],
            "visit": scan.visit,
            "contrast": scan.contrast,
            **{index: getattr(scan.quality, index) for index in INDICES},
            "height_mm": scan.quality.height,
            "outlying": list(scan.outlying),
            "flags": list(scan.flags),
        }
        for scan in found
    ]


def double_rows(found: Sequence[Double], names: dict[str, str]) -> list[dict[str, Any]]:
    """For qc.json: one row a pair, by pseudonym."""
    return [
        {
            "subjects": sorted((names[pair.first], names[pair.second])),
            "contrast": pair.contrast,
            "correlation": pair.correlation,
            "identical": pair.identical,
        }
        for pair in found
    ]


def quality_notes(found: Sequence[ScanQuality], pairs: Sequence[Double]) -> list[str]:
    """What the user should know."""
    notes = []
    flagged = sum(bool(scan.outlying) for scan in found)
    if flagged:
        notes.append(
            f"{flagged} of {len(found)} scans {'stands' if flagged == 1 else 'stand'} out in "
            "quality (see private/quality.html): used all the same"
        )
    partial = sum(bool(scan.flags) for scan in found)
    if partial:
        notes.append(
            f"{counted(partial, 'scan covers', 'scans cover')} only part of the head, less than "
            f"{LEAST_HEIGHT:.0f} mm along the slices (see private/quality.html): used all "
            "the same, and heights do not compare"
        )
    for contrast in unjudged(scan.contrast for scan in found):
        notes.append(f"quality of {contrast} not judged: fewer than {FEWEST} scans")
    same = len({(pair.first, pair.second) for pair in pairs if pair.identical})
    near = len({(pair.first, pair.second) for pair in pairs}) - same
    if same:
        notes.append(
            f"{counted(same, 'pair of subjects has', 'pairs of subjects have')} the same pixels: "
            "kept in the same split; one patient under two ids would count twice"
        )
    if near:
        notes.append(
            f"{counted(near, 'pair of subjects looks', 'pairs of subjects look')} like one head "
            "scanned twice (see qc.json): if it is one patient, give both the same id"
        )
    return notes
