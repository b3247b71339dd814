"""A cheap hash of a source folder, by which it is known whether anything has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from popgan.cohort.options import IngestOptions
from popgan.errors import UserError
from popgan.files import sha256_file, sha256_value

_MAX_DESCRIPTION_BYTES = 2**20
_PHANTOM = "popgan phantom"
_VERSION = 5  # raised when ingest changes what it makes of the same files


def source_hash(source: Path, options: IngestOptions) -> str:
    """Hash of a folder's visible files by name, size and time of change, and of the options.

    No content is read (but the files that options name), so that a large data set
    costs a listing.

    Raises:
        UserError: the folder does not exist.
    """
    if not source.is_dir():
        raise UserError(
            "does not exist or is no folder", where=source, do="give the folder with the scans"
        )
    listing = []
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.startswith("."):
                continue
            path = Path(folder) / name
            status = path.lstat()
            relative = path.relative_to(source).as_posix()
            listing.append((relative, status.st_size, status.st_mtime_ns))
    table = options.subjects if (options.subjects or "").lower().endswith(".tsv") else None
    return sha256_value(
        {
            "version": _VERSION,
            "files": listing,
            "options": options.model_dump(mode="json"),
            "subjects": _content(table),
            "contrast_map": _content(options.contrast_map),
        }
    )


def _content(name: str | None) -> str | None:
    """Hash of a file that an option names, so that a change of its content counts."""
    return sha256_file(Path(name)) if name is not None and Path(name).is_file() else None


def is_phantom(source: Path) -> bool:
    """Whether a data set says that it is popgan's own phantom: no person lies behind its heads.

    Both must be said in its dataset_description.json: its name, and that popgan generated it.
    """
    path = source / "dataset_description.json"
    try:
        if path.is_symlink() or path.stat().st_size > _MAX_DESCRIPTION_BYTES:
            return False
        told = json.loads(path.read_text(encoding="utf-8"))
        makers = [maker["Name"] for maker in told["GeneratedBy"]]
        return bool(told["Name"] == _PHANTOM) and "popgan" in makers
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
