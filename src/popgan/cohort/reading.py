"""The first pass of ingest: headers and visits through workers, each file read once.

What was read before and has not changed since (same name, size and time of change) is taken from
the run folder: headers from private/, prepared visits from cache/.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from popgan.child import Crash, Reply, Request, Service
from popgan.cohort.brains import Brains
from popgan.cohort.parked import Parking
from popgan.cohort.visits import Visit
from popgan.cohort.work import COMMAND, handle, headers_request, visit_request
from popgan.errors import UserError
from popgan.files import private_folder, read_json, sha256_value, write_text
from popgan.pool import Pool
from popgan.preparation.visit import Prepared, SliceChoice
from popgan.progress import Reporter
from popgan.scans import Found, ScanError
from popgan.scans.dicom_header import DicomFile

HEADERS_FILE = "headers.json"
"""Name of the file of known headers in private/."""
_BATCH = 32  # headers a request
_HEADER_SECONDS = 10.0  # of processor time a file
VISIT_SECONDS = 120.0
"""Processor time that a file of a visit may take."""
_STEP_SECONDS = 120.0  # more for the steps of preparation, a scan of the visit
_VERSION = 5  # raised when the same file gives another header, other slices or other figures
_HEADER = TypeAdapter(DicomFile)


@dataclass(frozen=True)
class Failure:
    """A visit that could not be used, and the file that is to blame."""

    found: Found
    reason: str


class Workers(Protocol):
    """Something that answers requests in order."""

    def map(self, requests: Iterable[Request]) -> Iterator[Reply | Crash]:
        """Answers in the order of the requests."""
        ...


class InProcess:
    """Work done here, one request after the other: `--workers 0`.

    Brains are outlined in their own process even so.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def map(self, requests: Iterable[Request]) -> Iterator[Reply | Crash]:
        """See `Workers`."""
        for request in requests:
            yield Reply(*handle(request.body, self._service))


@contextmanager
def open_workers(workers: int | None) -> Iterator[Workers]:
    """Worker processes; none of them, and no limits of the kernel, with 0.

    Args:
        workers: how many; None takes the cores, as far as memory goes.
    """
    brains = Brains()
    if workers == 0:
        try:
            yield InProcess(brains)
        finally:
            brains.child.kill()
        return
    with Pool(COMMAND, workers=workers, service=brains, shared=brains.child) as pool:
        yield pool


class HeaderReader:
    """Reads headers of DICOM files, or remembers them from the last time.

    Args:
        workers: do the reading.
        run: run folder; its private/ keeps the headers, which name patients. None keeps none.
        source: folder of scans.
        reporter: shows progress.
    """

    def __init__(
        self, workers: Workers, run: Path | None, source: Path, reporter: Reporter
    ) -> None:
        self._workers, self._source, self._reporter = workers, source, reporter
        self._path = None if run is None else run / "private" / HEADERS_FILE
        self._run = run

    def __call__(self, paths: list[Path]) -> list[DicomFile | ScanError]:
        """Headers in the order of the paths, or why there is none."""
        if not paths:
            with contextlib.suppress(OSError):
                if self._path is not None:
                    self._path.unlink(missing_ok=True)
            return []
        known = self._remembered()
        states = {path: file_state(self._source, path) for path in paths}
        answers: dict[Path, Any] = {
            path: known[name][1]
            for path, (name, *state) in states.items()
            if name in known and known[name][0] == state
        }
        left = [path for path in paths if path not in answers]
        try:
            with self._reporter.task("reading headers", len(left)) as task:
                for path, answer in self._read(left):
                    answers[path] = answer
                    task.advance(1)
        finally:
            # Also when interrupted: what was read need not be read again.
            self._keep(answers, states)
        return [_header(answers[path]) for path in paths]

    def _read(self, paths: list[Path]) -> Iterator[tuple[Path, Any]]:
        """Answers in any order; a file that kills its worker is found and told."""
        batches = [paths[i : i + _BATCH] for i in range(0, len(paths), _BATCH)]
        while batches:
            again = []
            requests = (Request(headers_request(batch), _HEADER_SECONDS) for batch in batches)
            for batch, reply in zip(batches, self._workers.map(requests), strict=True):
                if isinstance(reply, Reply):
                    yield from zip(batch, reply.value, strict=True)
                    continue
                blamed = reply.path if reply.path in batch else None
                if len(batch) == 1:
                    blamed = batch[0]
                if blamed is None:
                    again += [[path] for path in batch]
                    continue
                yield blamed, {"error": reply.reason}
                again += [[path for path in batch if path != blamed]] if len(batch) > 1 else []
            batches = again

    def _remembered(self) -> dict[str, Any]:
        with contextlib.suppress(Exception):
            kept = read_json(self._path) if self._path is not None else {}
            if kept["version"] == _VERSION:
                return dict(kept["files"])
        return {}

    def _keep(self, answers: dict[Path, Any], states: dict[Path, tuple[Any, ...]]) -> None:
        """Write down the good headers; a file that could not be read is tried again."""
        if self._run is None or self._path is None:
            return
        good = {
            states[path][0]: [list(states[path][1:]), answer]
            for path, answer in answers.items()
            if "error" not in answer
        }
        private_folder(self._run)
        # Without indents, which cost seconds on ten thousand files.
        text = json.dumps({"version": _VERSION, "files": good}, separators=(",", ":"))
        write_text(self._path, text, mode=0o600)


def _header(answer: Any) -> DicomFile | ScanError:
    if "error" in answer:
        return ScanError(str(answer["error"]))
    try:
        return _HEADER.validate_python(answer)
    except ValidationError:
        return ScanError("gave a header that makes no sense")


def file_state(source: Path, path: Path) -> tuple[str, int, int]:
    """Name, size and time of change of a file: what tells whether it is the one it was."""
    try:
        status = path.lstat()
    except OSError:
        return path.relative_to(source).as_posix(), -1, -1
    return path.relative_to(source).as_posix(), status.st_size, status.st_mtime_ns


def visit_key(source: Path, visit: Visit, choice: SliceChoice) -> str:
    """Hash of everything that decides what a prepared visit looks like."""
    scans = [
        [
            found.kind,
            found.contrast,
            found.channel,
            [file_state(source, path) for path in found.files],
            [[place.frame, place.sop] for place in found.places],
        ]
        for found in visit.scans
    ]
    return sha256_value([_VERSION, dataclasses.asdict(choice), scans])


def prepare_visits(
    visits: list[Visit], keys: list[str], choice: SliceChoice, workers: Workers, parking: Parking
) -> Iterator[tuple[Visit, str, Prepared | Failure]]:
    """Read and prepare visits in order; what is parked already is not read again."""
    parked = {key: parking.find(key) for key in keys}
    asked = [visit for visit, key in zip(visits, keys, strict=True) if parked[key] is None]
    replies = workers.map(Request(visit_request(v, choice), visit_seconds(v)) for v in asked)
    for visit, key in zip(visits, keys, strict=True):
        known = parked[key]
        yield visit, key, known if known is not None else _outcome(visit, key, replies, parking)


def visit_seconds(visit: Visit) -> float:
    """Processor time that each file of a visit may take, with the steps of preparation."""
    return VISIT_SECONDS + _STEP_SECONDS * len(visit.scans)


def _outcome(
    visit: Visit, key: str, replies: Iterator[Reply | Crash], parking: Parking
) -> Prepared | Failure:
    reply = answered(visit, next(replies))
    if isinstance(reply, Failure):
        return reply
    try:
        return parking.put(key, reply.value, reply.blob)
    except ValueError:
        return Failure(visit.scans[0], "gave slices that make no sense")


def answered(visit: Visit, reply: Reply | Crash) -> Reply | Failure:
    """What a worker made of a visit, or why there is nothing.

    Raises:
        UserError: something that is needed is not installed.
    """
    if isinstance(reply, Crash):
        blamed = [found for found in visit.scans if reply.path in found.files]
        found = (blamed or list(visit.scans))[0]
        return Failure(dataclasses.replace(found, path=reply.path or found.path), reply.reason)
    if "missing" in reply.value:
        raise UserError(
            str(reply.value["missing"]),
            do="install nilearn, or keep heads whole (--keep-skull) in native space",
        )
    if "error" in reply.value:
        found = visit.scans[int(reply.value["scan"])]
        path = reply.value["path"]
        # Of a series, the file that is to blame is named.
        blame = found if path is None else dataclasses.replace(found, path=Path(path))
        return Failure(blame, str(reply.value["error"]))
    return reply
