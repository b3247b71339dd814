"""Everything about a stimulus but its pixels, as numbers: what a channel could tell."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from popgan.study.classifier import Floats, Table
from popgan.study.png import HEADER_BYTES
from popgan.study.probe import Reply
from popgan.study.schema import Block, Study, Trial

ORDER = "position and side"
_TAIL = 12  # bytes of the last chunk


def tables(study: Study, cases: Sequence[str], replies: Sequence[Reply]) -> list[Table]:
    """All numbers about the stimuli of a study.

    Args:
        study: whose.
        cases: names of the images that are judged; practice is left out.
        replies: of the server; may be empty.
    """
    places = {name: i for i, name in enumerate(cases)}
    return [*_files(study, places), *_ids(study, places), *_orders(study, places)] + (
        _served(replies, places) if replies else []
    )


def _table(name: str, rows: Sequence[Sequence[float]], cases: Sequence[int]) -> Table:
    return Table(name, np.array(rows, np.float64).reshape(len(cases), -1), np.array(cases, np.intp))


def _files(study: Study, places: dict[str, int]) -> list[Table]:
    """Of each file: its bytes around the pixels, and what the folder says of it."""
    judged = [stimulus for stimulus in study.key.stimuli if stimulus.case in places]
    numbers = [places[stimulus.case] for stimulus in judged]
    paths = [study.places.stimuli / stimulus.file for stimulus in judged]
    listed = {name: i for i, name in enumerate(_listing(study.places.stimuli))}
    contents = [path.read_bytes() for path in paths]
    around = [
        [len(data), *data[:HEADER_BYTES].ljust(HEADER_BYTES, b"\0"), *data[-_TAIL:]]
        for data in contents
    ]
    stats = [path.stat() for path in paths]
    kept = [
        [s.st_size, s.st_mode, s.st_mtime_ns, s.st_ino, listed.get(path.name, -1)]
        for s, path in zip(stats, paths, strict=True)
    ]
    return [
        _table("length and header bytes", around, numbers),
        Table("file dates and order", _ranks(np.array(kept, np.float64)), np.array(numbers)),
        _table("file names", [_digits(path.stem) for path in paths], numbers),
    ]


def _listing(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _ids(study: Study, places: dict[str, int]) -> list[Table]:
    """The random names under which trials and images are served."""
    stimuli, trials, numbers = [], [], []
    for _, _, trial, _ in judged_trials(study):
        for name, case in zip(trial.stimuli, trial.cases, strict=True):
            stimuli.append(_digits(name))
            trials.append(_digits(trial.id))
            numbers.append(places[case])
    return [_table("stimulus ids", stimuli, numbers), _table("trial ids", trials, numbers)]


def _orders(study: Study, places: dict[str, int]) -> list[Table]:
    """Where an image stands, on which side, and how often it is shown."""
    positions, numbers = [], []
    shown = dict.fromkeys(places, 0)
    for alias, block, trial, place in judged_trials(study):
        total = len(study.plan_of(alias).trials[block])
        for side, case in enumerate(trial.cases):
            rhythm = [place % 2, place % 3 == 0, place % 3 == 1, place % 4 // 2]
            turn = (side - 0.5) * (1 - 2 * (place % 2))
            positions.append([place / total, *map(float, rhythm), side, turn])
            numbers.append(places[case])
            shown[case] += 1
    sides = [_table("side", [[row[-2]] for row in positions], numbers)]
    return [
        _table(ORDER, positions, numbers),
        *(sides if study.design.kind == "2afc" else []),
        _table("repeats", [[float(n)] for n in shown.values()], list(places.values())),
    ]


def _served(replies: Sequence[Reply], places: dict[str, int]) -> list[Table]:
    """What the server's replies show."""
    replies = [reply for reply in replies if reply.case in places]
    numbers = [places[reply.case] for reply in replies]
    known = {head: i for i, head in enumerate(sorted({reply.head for reply in replies}))}
    heads = [[float(known[r.head]), float(len(r.head)), float(r.length)] for r in replies]
    # The rank: one slow reply of a busy machine must not outweigh all others.
    times = _ranks(np.log([[*reply.seconds, min(reply.seconds)] for reply in replies]))
    return [
        _table("response headers", heads, numbers),
        Table("latency", times, np.array(numbers, np.intp)),
    ]


def judged_trials(study: Study) -> Iterator[tuple[str, Block, Trial, int]]:
    """Reader, block, trial and its place, practice left out."""
    for plan in study.key.readers:
        for block in study.design.blocks:
            for place, trial in enumerate(plan.trials.get(block, [])):
                yield plan.alias, block, trial, place


def _digits(name: str) -> list[float]:
    """The characters of a name as numbers: hex digits as they are; 32 of them."""
    values = [float(int(c, 16)) if c in "0123456789abcdef" else 16.0 + ord(c) for c in name]
    return [*values[:32], *[-1.0] * (32 - len(values))]


def _ranks(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=0), np.float64) / max(1, len(values))
