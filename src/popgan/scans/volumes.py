"""Volumes that are one file (NIfTI, MGH, Analyze) to scans: by their names, then their sidecars.

The name goes first. A sidecar names the contrast where the name does not, by the rules for DICOM;
it tells a scan after gadolinium from one before; and where it contradicts the name, that is noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from popgan.scans.contrast import recognise
from popgan.scans.dicom_kind import is_derived, not_anatomical
from popgan.scans.entities import CHOICE, is_signal_part, preference
from popgan.scans.names import UNKNOWN, volume_meaning
from popgan.scans.scan import Found, Kind
from popgan.scans.sidecars import Sidecars, described
from popgan.wording import counted

VOLUME_KINDS: dict[str, Kind] = {
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".mgh": "mgh",
    ".mgz": "mgh",
    ".hdr": "analyze",
}


def kind_of(name: str) -> Kind:
    """Which reader opens a volume of this name."""
    return next(kind for end, kind in VOLUME_KINDS.items() if name.lower().endswith(end))


@dataclass
class _Counts:
    """What is told about the volumes of a folder as a whole."""

    named: int = 0
    agents: int = 0
    against: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)
    parts: int = 0
    repeats: int = 0


def volume_scans(
    volumes: Sequence[tuple[str, Path]], sidecars: Sidecars, notes: list[str]
) -> list[Found]:
    """Turn volumes into scans, one a subject, visit and contrast.

    Args:
        volumes: relative name and path of each.
        sidecars: the JSON files beside them.
        notes: remarks are appended here.
    """
    counts = _Counts()
    best: dict[tuple[str, str | None, str], tuple[tuple[object, ...], Found]] = {}
    for name, path in sorted(volumes):
        if is_signal_part(name):
            counts.parts += 1
            continue
        judged = _judge(name, path, sidecars, counts)
        if judged is None:
            continue
        found, rank = judged
        key = (found.subject, found.session, found.contrast)
        if key in best:
            counts.repeats += 1
        if key not in best or rank < best[key][0]:
            best[key] = (rank, found)
    notes += _notes(counts, sidecars)
    return [found for _, found in best.values()]


def _judge(
    name: str, path: Path, sidecars: Sidecars, counts: _Counts
) -> tuple[Found, tuple[object, ...]] | None:
    """The scan that a file is taken for, with its rank among others; None if it is none."""
    meaning = volume_meaning(name)
    contrast, derived = meaning.contrast, False
    said = sidecars.of(name)
    if said:
        file = described(said)
        derived = is_derived(file)
        seen = recognise(file.parameters)
        if meaning.named:
            if contrast == "T1w" and seen.contrast == "T1wCE":
                contrast = "T1wCE"
                counts.agents += 1
            elif _contradicts(seen.contrast, contrast) and seen.confidence == "high":
                counts.against[f"{contrast} by name, {seen.contrast} by sidecar"] += 1
        else:
            other = not_anatomical(file)
            if file.modality != "MR":
                other = "not MR (by its sidecar)"
            if other is not None:
                counts.other[other] += 1
                return None
            if seen.contrast != UNKNOWN:
                contrast = seen.contrast
                counts.named += 1
    found = Found(path, name, kind_of(name), meaning.subject, meaning.session, contrast)
    return found, preference(name, derived=derived)


def _contradicts(seen: str, contrast: str) -> bool:
    """Whether parameters speak for another contrast; T1w with an agent is still T1w."""
    return seen != UNKNOWN and seen.removesuffix("CE") != contrast.removesuffix("CE")


def _notes(counts: _Counts, sidecars: Sidecars) -> list[str]:
    notes = []
    if counts.parts:
        told = counted(counts.parts, "volume shows", "volumes show")
        notes.append(f"{told} a phase, a real or an imaginary part: left out")
    if counts.repeats:
        told = counted(counts.repeats, "further volume", "further volumes")
        notes.append(
            f"{told} of a subject, visit and contrast already taken (other runs or acquisitions) "
            f"left out; {CHOICE}"
        )
    if counts.named:
        told = counted(counts.named, "volume has its", "volumes have their")
        notes.append(f"{told} contrast from a sidecar, not from the name")
    if counts.agents:
        told = counted(counts.agents, "volume named T1w is", "volumes named T1w are")
        notes.append(f"{told} T1wCE: a sidecar states an agent")
    notes += [
        f"{counted(number, 'volume is', 'volumes are')} {told}: the name is taken"
        for told, number in sorted(counts.against.items())
    ]
    notes += [
        f"{counted(number, 'volume was', 'volumes were')} left out: {reason}"
        for reason, number in sorted(counts.other.items())
    ]
    if sidecars.unreadable:
        told = counted(sidecars.unreadable, "JSON sidecar", "JSON sidecars")
        notes.append(f"{told} cannot be read: left out")
    return notes
