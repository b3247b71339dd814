"""What a worker process does: read headers, prepare the scans of a visit, follow with its map.

Requests and answers are JSON values and bytes (`popgan.sandbox`), also where the work is done in
this process, so that both ways give the same result.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from popgan.child import Service
from popgan.cohort.brains import extractor
from popgan.cohort.parked import pack, place_from_json, place_to_json
from popgan.cohort.parked_labels import pack_labels
from popgan.cohort.visits import Visit
from popgan.cohort.whole_work import whole_answer
from popgan.preparation.atlas import NoAtlasError
from popgan.preparation.label_map import TooManyLabelsError, label_planes
from popgan.preparation.visit import Prepared, SliceChoice, prepare_visit
from popgan.sandbox import Sandbox
from popgan.scans import Found, Scan, ScanError, read_scan
from popgan.scans.dicom import read_dicom_header
from popgan.scans.limits import watch_opening
from popgan.scans.scan import MapFile, Place

COMMAND = "from popgan.cohort.work import main; main()"
"""Python code that starts a worker; its argument is the memory it may allocate."""


def main() -> None:
    """Serve requests until the pipe closes."""
    sandbox = Sandbox(int(sys.argv[1]))
    watch_opening(sandbox.opening)
    sandbox.serve(lambda body, _: handle(body, sandbox.ask))


def headers_request(paths: list[Path]) -> Any:
    """Ask for the headers of some DICOM files."""
    return {"task": "headers", "paths": [os.fspath(path) for path in paths]}


def visit_request(visit: Visit, choice: SliceChoice) -> Any:
    """Ask for a visit to be read and prepared."""
    scans = [_found_to_json(found) for found in visit.scans]
    return {"task": "visit", "scans": scans, "choice": dataclasses.asdict(choice)}


def whole_request(visit: Visit, choice: SliceChoice, grid: Any) -> Any:
    """Ask for every slice of a visit on the grid of a cohort; see `popgan.cohort.whole_work`."""
    return {**visit_request(visit, choice), "task": "whole", "grid": grid}


def handle(body: Any, ask: Service) -> tuple[Any, bytes]:
    """Answer one request.

    Args:
        body: the request.
        ask: asks for brains; see `popgan.cohort.brains`.
    """
    if body["task"] == "headers":
        return [_header(Path(path)) for path in body["paths"]], b""
    if body["task"] == "labels":
        return _labels(body)
    choice = TypeAdapter(SliceChoice).validate_python(body["choice"])
    found = [_found_from_json(item) for item in body["scans"]]
    if body["task"] == "whole":
        return _visit(found, lambda scans: whole_answer(scans, found[0], choice, body["grid"], ask))
    return _visit(found, lambda scans: pack(prepare_visit(scans, choice, extractor(ask))))


def _header(path: Path) -> Any:
    try:
        return dataclasses.asdict(read_dicom_header(path))
    except ScanError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "needs more memory to read than any scan does"}


def _visit(
    visit: list[Found], prepare: Callable[[list[Scan]], tuple[Any, bytes]]
) -> tuple[Any, bytes]:
    """Read and prepare; of a bad file the reason and which one it is."""
    scans: list[Scan] = []
    for number, found in enumerate(visit):
        try:
            scans.append(read_scan(found))
        except ScanError as error:
            path = os.fspath(error.path) if error.path is not None else None
            return {"error": str(error), "scan": number, "path": path}, b""
    try:
        return prepare(scans)
    except ScanError as error:
        blamed = [i for i, found in enumerate(visit) if found.contrast == error.contrast]
        return {"error": str(error), "scan": (blamed or [0])[0], "path": None}, b""
    except NoAtlasError as error:
        return {"missing": str(error)}, b""
    except MemoryError:
        return {"error": "needs more memory than there is", "scan": 0, "path": None}, b""


def labels_request(found: MapFile, prepared: Prepared) -> Any:
    """Ask for a label map to be sampled on the planes of a prepared visit."""
    return {
        "task": "labels",
        "path": os.fspath(found.path),
        "kind": found.kind,
        "place": place_to_json(prepared.place),
        "spacing": prepared.spacing[:2],
        "centre": prepared.centre,
        "extent": prepared.extent,
    }


def _labels(body: Any) -> tuple[Any, bytes]:
    """Read a label map and sample it; of a bad one the reason."""
    path = Path(body["path"])
    found = Found(path, path.name, body["kind"], "", None, "", labels=True)
    head = {name: (body[name][0], body[name][1]) for name in ("spacing", "centre", "extent")}
    try:
        planes = label_planes(read_scan(found), place_from_json(body["place"]), **head)
    except ScanError as error:
        return {"error": str(error), "too_many": isinstance(error, TooManyLabelsError)}, b""
    except MemoryError:
        return {"error": "needs more memory than there is", "too_many": False}, b""
    return pack_labels(planes)


def _found_to_json(found: Found) -> Any:
    """Everything of a scan that reading it needs; the subject is nobody's business there."""
    return {
        "path": os.fspath(found.path),
        "name": found.name,
        "kind": found.kind,
        "contrast": found.contrast,
        "label": found.label,
        "channel": found.channel,
        "places": [[os.fspath(p.path), p.frame, p.sop] for p in found.places],
    }


def _found_from_json(item: Any) -> Found:
    return Found(
        path=Path(item["path"]),
        name=item["name"],
        kind=item["kind"],
        subject="",
        session=None,
        contrast=item["contrast"],
        label=item["label"],
        channel=item["channel"],
        places=tuple(Place(Path(path), frame, sop) for path, frame, sop in item["places"]),
    )
