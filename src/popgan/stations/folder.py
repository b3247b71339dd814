"""The run folder as a whole: what makes one, one process at a time, nothing left of a failed start.

Light on purpose: verbs look here before they import anything heavy.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from popgan.errors import UserError

LOCK = ".popgan-lock"
_MARKS = (LOCK, "provenance.json", "dataset/manifest.json")
# Where popgan writes through temporary names; see `_sweep`.
_WRITTEN = (
    *("dataset", "cache", "cache/visits", "private", "private/checkpoints/*"),
    *("private/audits", "evaluation", "audits", "synthetic", "release"),
)
_WRITTEN_MODELS = ("models/*", "models/*/samples")


def is_run(folder: Path) -> bool:
    """Whether popgan has worked in this folder before."""
    return any((folder / mark).exists() for mark in _MARKS)


def require_run(folder: Path) -> None:
    """Refuse a folder that is no run folder, without touching it.

    Raises:
        UserError: there is no such folder, or popgan has not made it.
    """
    if not folder.is_dir():
        raise UserError("does not exist or is no folder", where=folder, do=_MAKE)
    if not is_run(folder):
        raise UserError("is not a run folder", where=folder, do=_MAKE)


_MAKE = "give a run folder made by `popgan run` or `popgan ingest`"


def check_places(source: Path, run: Path) -> None:
    """Refuse scans that are not there, and a run folder among them.

    Raises:
        UserError: no such folder, or popgan would find its own files among the scans.
    """
    if not source.is_dir():
        raise UserError(
            "does not exist or is no folder", where=source, do="give the folder with the scans"
        )
    if run.resolve().is_relative_to(source.resolve()):
        raise UserError(
            "lies inside the folder of scans", where=run, do="choose a run folder outside of it"
        )


@contextmanager
def locked(run: Path, *, make: bool = False) -> Iterator[None]:
    """Keep two processes from working on one run folder at a time.

    The lock belongs to the process, so a killed one leaves nothing behind that blocks. What it
    left half-written is removed here. If a new folder's first station fails, the folder goes too.

    Args:
        run: the run folder.
        make: make the folder if need be.

    Raises:
        UserError: not a run folder, another process works on it, or it cannot be made.
    """
    made = make and not run.exists()
    if make:
        _refuse_name(run)
        _refuse_foreign(run)
    else:
        require_run(run)
    try:
        run.mkdir(parents=True, exist_ok=True)
        handle = (run / LOCK).open("w")
    except OSError as error:
        raise UserError(
            f"cannot be used as a run folder ({error.strerror})",
            where=run,
            do="popgan writes a lock and its records there: copy it to where you may write",
        ) from error
    with handle:
        _lock(handle, run)
        try:
            _sweep(run)
            yield
        except BaseException:
            if make:
                _take_back(run, made)
            raise


def _refuse_name(run: Path) -> None:
    """The library that reads weights opens no path that is not UTF-8: say so before training."""
    try:
        str(run).encode()
    except UnicodeEncodeError as error:
        name = str(run).encode(errors="backslashreplace").decode()
        raise UserError("is not a name in UTF-8", where=name, do="rename the run folder") from error


def _refuse_foreign(run: Path) -> None:
    if run.is_dir() and any(run.iterdir()) and not is_run(run):
        raise UserError(
            "holds files that are not popgan's", where=run, do="choose a new or empty run folder"
        )


def _lock(handle: IO[str], run: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(
            "another popgan works on this run folder", where=run, do="wait until it ends"
        ) from error
    except OSError:
        # Some network file systems know no locks; working without one beats not working.
        return


def _sweep(run: Path) -> None:
    """Remove temporary files and folders of a killed process: with the lock held all are stale."""
    folders = [run, *(found for name in (*_WRITTEN, *_WRITTEN_MODELS) for found in run.glob(name))]
    for leaving in [path for folder in folders for path in folder.glob(".part-*")]:
        if leaving.is_dir() and not leaving.is_symlink():
            shutil.rmtree(leaving, ignore_errors=True)
        else:
            leaving.unlink(missing_ok=True)


def _take_back(run: Path, made: bool) -> None:
    """Remove empty folders of a start that failed, then the run folder if nothing is left."""
    for name in ("private", "cache", "dataset"):
        with contextlib.suppress(OSError):
            (run / name).rmdir()
    if [path.name for path in run.iterdir()] == [LOCK]:
        (run / LOCK).unlink()
        if made:
            run.rmdir()
