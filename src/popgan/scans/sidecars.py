"""JSON sidecars: what a converter wrote beside a NIfTI file about how it was made.

A sidecar has its scan's name. In BIDS, one in a folder above holds for every scan below whose name
has the same suffix and all of its entities (the inheritance principle, BIDS 1.10); what is nearer
overrides. Times are seconds there and milliseconds here.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from popgan.scans.contrast import Parameters
from popgan.scans.dicom_header import DicomFile
from popgan.scans.entities import entities
from popgan.scans.limits import open_regular
from popgan.scans.names import stem
from popgan.scans.scan import ScanError

MAX_BYTES = 2**20
"""Largest JSON file read; sidecars have a few kilobytes."""
_MOST_ENTITIES = 8  # of a name; more are not asked for inheritance
_LONGEST = 200  # characters of a text that is looked at

_Key = tuple[str, str, frozenset[tuple[str, str]]]


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object of a stranger's file, within limits.

    Raises:
        ScanError: larger than `MAX_BYTES`, not JSON, nested beyond reason, or no object.
    """
    with open_regular(path) as (handle, size):
        if size > MAX_BYTES:
            raise ScanError(f"is too large for a JSON sidecar ({size} bytes)")
        raw = handle.read(size)
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except RecursionError as error:
        raise ScanError("is nested too deeply") from error
    except (UnicodeDecodeError, ValueError) as error:  # also numbers of a million digits
        raise ScanError("is not readable JSON") from error
    if not isinstance(value, dict):
        raise ScanError("is JSON, but no object")
    return value


class Sidecars:
    """The JSON files of a folder, found by the scans they speak of.

    Args:
        files: relative name and path of each JSON file.

    Attributes:
        unreadable: how many of those asked for could not be read.
    """

    def __init__(self, files: Iterable[tuple[str, Path]]) -> None:
        self.unreadable = 0
        self._own: dict[str, Path] = {}
        self._inherited: dict[_Key, Path] = {}
        self._read: dict[Path, dict[str, Any]] = {}
        for name, path in files:
            folder = _folder(name)
            self._own[f"{folder}/{stem(name)}"] = path
            found, suffix = entities(name)
            if suffix and len(found) <= _MOST_ENTITIES:
                self._inherited.setdefault((folder, suffix, frozenset(found.items())), path)

    def __bool__(self) -> bool:
        return bool(self._own)

    def of(self, name: str) -> dict[str, Any]:
        """Everything that is said of a scan; empty where nothing is."""
        if not self._own:
            return {}
        merged: dict[str, Any] = {}
        found, suffix = entities(name)
        folder = PurePosixPath(name).parent
        if "sub" in found and suffix and len(found) <= _MOST_ENTITIES:
            for level in (*reversed(folder.parents), folder):
                for subset in _subsets(found):
                    path = self._inherited.get((str(level), suffix, subset))
                    merged |= self._content(path) if path is not None else {}
        own = self._own.get(f"{_folder(name)}/{stem(name)}")
        return merged | (self._content(own) if own is not None else {})

    def _content(self, path: Path) -> dict[str, Any]:
        if path not in self._read:
            try:
                self._read[path] = _relevant(read_object(path))
            except ScanError:
                self.unreadable += 1
                self._read[path] = {}
        return self._read[path]


def described(said: Mapping[str, Any]) -> DicomFile:
    """What a sidecar says, as the header of a DICOM file, so that one set of rules judges both."""
    repetition = _milliseconds(said, "RepetitionTime")
    kind = str(said.get("MRAcquisitionType", "")).upper()
    return DicomFile(
        sop_class="",
        sop="",
        series="",
        study="",
        patient="",
        when="",
        number=0,
        instance=0,
        acquisition=0,
        modality=_text(said.get("Modality")) or "MR",
        manufacturer=_text(said.get("Manufacturer")),
        image_type=tuple(value.upper() for value in _texts(said.get("ImageType"))),
        component="",
        rows=0,
        columns=0,
        samples=1,
        pixels=True,
        mosaic=0,
        parameters=Parameters(
            tr=repetition or _milliseconds(said, "RepetitionTimePreparation"),
            te=_milliseconds(said, "EchoTime"),
            ti=_milliseconds(said, "InversionTime"),
            flip=_number(said.get("FlipAngle")),
            sequence=_codes(said.get("ScanningSequence")),
            variant=_codes(said.get("SequenceVariant")),
            three_d={"3D": True, "2D": False}.get(kind),
            agent=_text(said.get("ContrastBolusIngredient") or said.get("ContrastBolusAgent")),
            texts=tuple(filter(None, (_text(said.get(name)) for name in _TEXTS))),
        ),
        diffusion=False,
        labelling="ArterialSpinLabelingType" in said,
        angio=False,
        times=0,
        burned_in=False,
        frames=(),
    )


_TEXTS = ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceType")
_NUMBERS = ("RepetitionTime", "RepetitionTimePreparation", "EchoTime", "InversionTime", "FlipAngle")
_OTHERS = ("Modality", "Manufacturer", "ImageType", "ScanningSequence", "SequenceVariant")
_AGENTS = ("ContrastBolusIngredient", "ContrastBolusAgent", "ArterialSpinLabelingType")
_ASKED = {*_TEXTS, *_NUMBERS, *_OTHERS, *_AGENTS, "MRAcquisitionType"}


def _relevant(said: dict[str, Any]) -> dict[str, Any]:
    """The keys that are asked for: a sidecar can hold names, and a megabyte of anything."""
    return {name: said[name] for name in _ASKED if name in said}


def _subsets(found: dict[str, str]) -> list[frozenset[tuple[str, str]]]:
    """Subsets of the entities, small ones first, so that the more specific overrides."""
    items = tuple(found.items())
    sizes = range(len(items) + 1)
    return [frozenset(some) for size in sizes for some in itertools.combinations(items, size)]


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9:
        return None
    return float(value) if math.isfinite(value) else None


def _milliseconds(said: Mapping[str, Any], name: str) -> float | None:
    seconds = _number(said.get(name))
    return None if seconds is None else seconds * 1000


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    values = value[:16] if isinstance(value, list) else [value]
    return [text for text in map(_text, values) if text]


def _codes(value: Any) -> tuple[str, ...]:
    r"""Codes such as `GR\IR` or `GR_IR`, or a list of them."""
    spelled = " ".join(_texts(value)).upper()
    for mark in "\\_/,":
        spelled = spelled.replace(mark, " ")
    return tuple(spelled.split())
