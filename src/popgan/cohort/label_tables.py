"""What the numbers of a label map are called, by a table beside it.

BIDS puts such a table (columns `index` and `name`) beside the map or above it: `dseg.tsv` belongs
to every `*_dseg.nii.gz` below its folder, and `sub-1_dseg.tsv` to the map of that name. Other names
follow the same rule: `tissue.tsv` names the labels of `tissue.nii.gz`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from popgan.scans.names import stem
from popgan.scans.scan import ScanError
from popgan.scans.tables import read_table

LONGEST = 40
"""Characters of a name."""


def label_names(source: Path, map_file: Path, values: Sequence[int]) -> dict[int, str]:
    """Names of labels from the table that is nearest to a map; empty where there is none.

    Args:
        source: folder of scans, above which nothing is looked for.
        map_file: a label map below it.
        values: labels that names are wanted of.
    """
    for path in _candidates(source, map_file):
        if not path.is_file() or path.is_symlink():
            continue
        try:
            columns, rows = read_table(path)
        except ScanError:
            continue
        if {"index", "name"} <= set(columns):
            named = {row.get("index", "").strip(): _plain(row.get("name", "")) for row in rows}
            found = {value: named.get(str(value), "") for value in values}
            return _different({value: name for value, name in found.items() if name})
    return {}


def _candidates(source: Path, map_file: Path) -> Iterator[Path]:
    """Where a table may lie, the nearest first."""
    own = stem(map_file.name)
    suffix = own.rsplit("_", 1)[-1]
    folder = map_file.parent
    while True:
        yield from (folder / f"{name}.tsv" for name in dict.fromkeys((own, suffix)))
        if folder == source or source not in folder.parents:
            return
        folder = folder.parent


def _plain(text: str) -> str:
    """A name in one line that a file or a page can show."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST]


def _different(names: dict[int, str]) -> dict[int, str]:
    """Names that two labels share get the label's number."""
    given = list(names.values())
    return {v: name if given.count(name) == 1 else f"{name} {v}" for v, name in names.items()}
