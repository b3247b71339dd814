"""The folder of one training: whose it is, who works in it, and how far that got.

Whoever trains holds a lock of the folder, which dies with the process: so another worker can see
that a training lost its worker. The hash of the study is kept beside, because numbers and names
repeat: what another study of the same name has left must not be taken for this one's.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from popgan.errors import DiskError, UserError
from popgan.files import write_text

LOG = "log.csv"
_LOCK, _STUDY = ".lock", "study.sha256"
_PATIENCE = 60.0  # seconds to wait for a lock that another worker has


def hold(folder: Path) -> IO[str] | None:
    """The lock of a folder until the handle is closed; None if another process holds it.

    Raises:
        DiskError: the folder cannot be written.
        UserError: its file system knows no locks.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / _LOCK).open("w")
    except OSError as error:
        raise DiskError(f"cannot be written ({error.strerror})", where=folder) from error
    with suppress(ImportError):  # not a POSIX system: one process at a time
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            return None
        except OSError as error:
            handle.close()
            raise UserError(
                f"lies on a file system without locks ({error.strerror})",
                where=folder,
                do="tune in a run folder on another disk",
            ) from error
    return handle


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder within the block; wait for whoever has it.

    Raises:
        UserError: another worker does not let go, or what `hold` raises.
    """
    began = time.monotonic()
    while (lock := hold(folder)) is None:
        if time.monotonic() - began > _PATIENCE:
            raise UserError("another worker does not let go", where=folder, do="stop it")
        time.sleep(0.05)
    with lock:
        yield


def belongs(folder: Path, study: str, *, new: bool = False) -> None:
    """Make a folder that this process holds the study's own; what is another's goes.

    A folder without a hash is kept: studies of earlier versions have none.

    Args:
        folder: of the training.
        study: hash of its study; empty: not known, and nothing is done.
        new: nothing has been trained there by this study, so whatever is there is another's.

    Raises:
        DiskError: it cannot be read, emptied or written.
    """
    note = folder / _STUDY
    try:
        before = note.read_text("utf-8", errors="replace").strip() if note.exists() else ""
        if not study or (before == study and not new):
            return
        if new or before:
            _empty(folder)
    except OSError as error:
        raise DiskError(f"cannot be emptied ({error.strerror})", where=folder) from error
    write_text(note, study + "\n")


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there.

    Raises:
        UserError: it cannot be removed.
    """
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise UserError(f"cannot be removed ({error.strerror})", where=folder) from error


def forget(folder: Path) -> None:
    """Remove the checkpoints of a training that is done; plan and log stay."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def ticks(folder: Path) -> int:
    """Ticks that a training has come to: rows of its log; 0 where there is none."""
    log = folder / LOG
    return max(0, log.read_bytes().count(b"\n") - 1) if log.exists() else 0


def _empty(folder: Path) -> None:
    """All but the lock, which is held."""
    for path in folder.iterdir():
        if path.name == _LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
