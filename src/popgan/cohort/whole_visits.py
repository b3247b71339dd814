"""Folders and files that somebody names to visits that can be translated.

A folder is searched as ingest searches one; a file is a scan by its name. What cannot be used is
set aside with a reason, so that the rest can go on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from popgan.cohort.source import is_phantom
from popgan.cohort.visits import Visit
from popgan.errors import UserError
from popgan.scans import Found, Quarantined, discover
from popgan.scans.discover import HeaderReader
from popgan.scans.names import CONTRAST_WORDS, is_label_map, volume_meaning, words
from popgan.scans.sidecars import Sidecars
from popgan.scans.volumes import VOLUME_KINDS, volume_scans

_DESCRIPTION = "dataset_description.json"
_AGENT_WORDS = frozenset({"ce", "gd", "post", "pre", "gadolinium", "contrast", "native"})


@dataclass(frozen=True)
class SetAside:
    """A visit, or a file, that cannot be used.

    Attributes:
        subject, session: the source's own ids; None for a file that is no scan of anybody.
        path: the file to blame.
        reason: completes the sentence "the file ...".
    """

    subject: str | None
    session: str | None
    path: Path
    reason: str


@dataclass(frozen=True)
class Named:
    """Which scans the user named, and how they are told apart.

    Attributes:
        paths: folders and files.
        subjects, contrast_map, channels: as for `popgan.scans.discover`.
    """

    paths: tuple[Path, ...]
    subjects: str | None = None
    contrast_map: str | None = None
    channels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Candidate:
    """All scans of a subject at one visit.

    Attributes:
        subject, session: the source's own ids.
        scans: by contrast.
        phantom: whether they belong to a data set of popgan's phantom, which is nobody.
    """

    subject: str
    session: str | None
    scans: dict[str, Found]
    phantom: bool

    def visit(self, contrasts: Sequence[str]) -> Visit:
        """The scans of some contrasts, in that order."""
        return Visit(self.subject, 0, tuple(self.scans[name] for name in contrasts))


@dataclass
class Search:
    """What was found: visits by subject and session, what was set aside, remarks."""

    visits: list[Candidate] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_visits(named: Named, headers: Callable[[Path], HeaderReader]) -> Search:
    """Find the visits of everything that was named.

    Args:
        named: folders and files.
        headers: makes what reads the headers of the DICOM files of a folder.

    Raises:
        UserError: something that was named is not there.
    """
    for path in named.paths:
        if not path.exists():
            raise UserError("does not exist", where=path, do="give folders or files with scans")
    result = Search()
    visits: dict[tuple[str, str], Candidate] = {}
    for path in (path for path in named.paths if path.is_dir()):
        _add(_in_folder(path, named, headers(path), result), _is_phantom(path), visits, result)
    for path in (path for path in named.paths if not path.is_dir()):
        _add(_one_file(path, result), _is_phantom(path.parent), visits, result)
    result.visits = [visits[key] for key in sorted(visits)]
    result.notes = list(dict.fromkeys(result.notes))
    return result


def _in_folder(path: Path, named: Named, headers: HeaderReader, result: Search) -> list[Found]:
    try:
        found = discover(
            path,
            subjects=named.subjects,
            contrast_map=named.contrast_map,
            channels=named.channels,
            headers=headers,
        )
    except UserError as error:
        if len(named.paths) == 1:
            raise
        result.set_aside.append(SetAside(None, None, path, _without(str(error), path)))
        return []
    result.set_aside += [_aside(item) for item in found.quarantined]
    result.notes += found.notes
    if named.subjects is not None:
        return found.scans
    return [_named_by_folder(scan, path) for scan in found.scans]


def _aside(item: Quarantined) -> SetAside:
    return SetAside(None, None, item.path, item.reason)


def _without(text: str, path: Path) -> str:
    """A line about a path as what completes "the file ..."."""
    return text.removeprefix(f"{path}: ").rstrip(".")


def _named_by_folder(scan: Found, folder: Path) -> Found:
    """A scan `t1.nii.gz` right in the folder that was named is of the subject of that name."""
    if "/" in scan.name or not _only_contrast(scan.subject):
        return scan
    return dataclasses.replace(scan, subject=folder.resolve().name or scan.subject)


def _only_contrast(subject: str) -> bool:
    """Whether a name says which contrast a file has, and nothing about whose it is."""
    own = set(words(subject))
    return bool(own & CONTRAST_WORDS) and own <= CONTRAST_WORDS | _AGENT_WORDS


def _one_file(path: Path, result: Search) -> list[Found]:
    """The scan that a file is taken for; none if it is no volume."""
    name = path.name
    if not name.lower().endswith(tuple(VOLUME_KINDS)):
        reason = "is no volume in one file; give the folder that holds the series or the pictures"
        result.set_aside.append(SetAside(None, None, path, reason))
        return []
    if is_label_map(name):
        result.set_aside.append(SetAside(None, None, path, "is a label map by its name"))
        return []
    if _only_contrast(volume_meaning(name).subject):
        name = f"{path.resolve().parent.name}/{name}"
    suffix = next(s for s in sorted(VOLUME_KINDS, key=len)[::-1] if name.lower().endswith(s))
    beside = path.with_name(path.name[: -len(suffix)] + ".json")
    told = [(name[: -len(suffix)] + ".json", beside)] if beside.is_file() else []
    return volume_scans([(name, path)], Sidecars(told), result.notes)


def _add(
    scans: list[Found],
    phantom: bool,
    visits: dict[tuple[str, str], Candidate],
    result: Search,
) -> None:
    """Put scans to their visits; one that is there already is set aside."""
    for scan in scans:
        key = (scan.subject, scan.session or "")
        new = Candidate(scan.subject, scan.session, {}, phantom)
        visit = visits.setdefault(key, new)
        # A person among phantoms is a person.
        if visit.phantom and not phantom:
            visit = visits[key] = dataclasses.replace(visit, phantom=False)
        taken = visit.scans.setdefault(scan.contrast, scan)
        if taken is not scan and taken.path.resolve() != scan.path.resolve():
            reason = (
                f"is another {scan.contrast} of a subject and visit of the same names: the first "
                "is taken; translate it into a folder of its own"
            )
            result.set_aside.append(SetAside(scan.subject, scan.session, scan.path, reason))


def _is_phantom(folder: Path) -> bool:
    """Whether the data set that a folder lies in says that it is popgan's phantom."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / _DESCRIPTION).exists():
            return is_phantom(place)
    return False
