"""Which visits are translated, from which contrasts, where to, and whether that is done already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from popgan.cohort.whole import digest
from popgan.cohort.whole_visits import Candidate, Search
from popgan.errors import UserError
from popgan.files import sha256_value
from popgan.stations.translate_model import Bench
from popgan.synthesis.bids_translation import VisitFiles
from popgan.synthesis.bids_translation_words import About, labels_of
from popgan.wording import counted

_VERSION = 1  # raised when the same scans and the same model give other volumes


@dataclass(frozen=True)
class Job:
    """A visit to translate: with which contrasts, in which order, and where to."""

    candidate: Candidate
    contrasts: tuple[str, ...]
    files: VisitFiles


@dataclass
class Choice:
    """What there is to do.

    Attributes:
        jobs: visits to translate.
        left_alone: visits that have the target already.
        left_out: visits without the sources that are needed.
        notes: what the user should know, one line each.
    """

    jobs: list[Job] = field(default_factory=list)
    left_alone: int = 0
    left_out: int = 0
    notes: list[str] = field(default_factory=list)


def choose_jobs(
    bench: Bench, search: Search, wanted: list[str], folder: Path, *, missing_only: bool
) -> Choice:
    """The visits that can be translated; the others are counted and told.

    Args:
        bench: the model.
        search: what was found.
        wanted: sources in the order in which they are asked for.
        folder: of the data set.
        missing_only: leave visits alone that have the target.

    Raises:
        UserError: no visit has the sources.
    """
    translator, found = bench.translator, Choice()
    names = _files(search.visits, folder, translator.target)
    for candidate, files in zip(search.visits, names, strict=True):
        present = tuple(name for name in wanted if name in candidate.scans)
        if missing_only and translator.target in candidate.scans:
            found.left_alone += 1
        elif not present or (len(present) < len(wanted) and not translator.may_miss):
            found.left_out += 1
        else:
            found.jobs.append(Job(candidate, present, files))
    join = " or " if translator.may_miss else " and "
    if found.left_out and not (found.jobs or found.left_alone):
        raise UserError(f"no visit has {join.join(wanted)}", do=_there_is(search.visits))
    found.notes = _notes(found, wanted, join.join(wanted), translator.target)
    return found


def _notes(found: Choice, wanted: list[str], needed: str, target: str) -> list[str]:
    lacking = Counter(
        tuple(name for name in wanted if name not in job.contrasts) for job in found.jobs
    )
    notes = [
        f"{counted(count, 'visit is', 'visits are')} translated without {' and '.join(names)}"
        for names, count in sorted(lacking.items())
        if names
    ]
    if found.left_out:
        notes.append(f"{counted(found.left_out, 'visit', 'visits')} without {needed} left out")
    if found.left_alone:
        told = counted(found.left_alone, "visit has", "visits have")
        notes.append(f"{told} {target} already: left alone")
    return notes


def _there_is(visits: list[Candidate]) -> str:
    counts: dict[str, int] = {}
    for visit in visits:
        for name in visit.scans:
            counts[name] = counts.get(name, 0) + 1
    told = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    return f"there are {told}; see --contrast-map if a scan has another name than it should"


def _files(visits: list[Candidate], folder: Path, target: str) -> Iterator[VisitFiles]:
    """Where each visit is written."""
    subjects = labels_of((visit.subject for visit in visits), "sub")
    sessions: dict[str, set[str]] = {}
    for visit in visits:
        sessions.setdefault(visit.subject, set()).add(visit.session or "")
    labels = {own: labels_of((one for one in all_ if one), "ses") for own, all_ in sessions.items()}
    for visit in visits:
        session = labels[visit.subject][visit.session] if visit.session else None
        yield VisitFiles.of(folder, subjects[visit.subject], session, target)


def inputs_of(bench: Bench, about: About, job: Job, digests: Mapping[str, str | None]) -> str:
    """Hash of everything that a volume depends on."""
    known = {"calibration": bench.calibration, "domain": bench.domain}
    return sha256_value(
        {
            "version": _VERSION,
            "weights": about.weights,
            "plan": about.plan,
            "sources": [[name, digests[name]] for name in job.contrasts],
            "uncertainty": bench.uncertain,
            **{name: one and one.model_dump(mode="json") for name, one in known.items()},
            "seed": bench.seed,
            "phantom": job.candidate.phantom,
        }
    )


def digests_of(job: Job) -> dict[str, str | None]:
    """SHA-256 of each source; None where a file cannot be read."""
    return {name: digest(job.candidate.scans[name].files) for name in job.contrasts}
