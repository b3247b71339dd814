"""A folder of output that is whole or absent: filled under a temporary name, renamed at the end."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from popgan.errors import UserError
from popgan.files import disk_error

_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""What file browsers leave wherever somebody looks."""


@contextmanager
def atomic_folder(
    folder: Path,
    *,
    replace: Callable[[Path], bool] | None = None,
    own: re.Pattern[str] | None = None,
) -> Iterator[Path]:
    """Give an empty temporary folder beside `folder`; rename it to `folder` on success.

    On any error, Ctrl-C included, the temporary folder is removed. What a killed process left
    behind is removed the next time the same folder is written.

    Args:
        folder: final path. It must not exist, be empty, or be replaceable.
        replace: tells whether an existing folder is popgan's own, so that it may be replaced;
            None = an existing folder is never replaced.
        own: names of the files that popgan writes there, as paths within the folder with slashes:
            one that holds another file is not replaced; None = whatever it holds goes.

    Raises:
        UserError: the folder holds something else, the disk is full or cannot be written.
    """
    _refuse_foreign(folder, replace, own)
    folder = folder.resolve()  # `.` and `..` have no name of their own, a link keeps its place
    made = [one for one in folder.parents if not one.exists()]
    temporary = folder.with_name(f".part-{os.getpid()}-{folder.name}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        temporary.mkdir()
        yield temporary
        _swap(temporary, folder)
    except OSError as error:
        explained = disk_error(folder, error, making=temporary)
        if explained is None:
            raise
        raise explained from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:  # the deepest first; what is not empty stays
            with suppress(OSError):
                parent.rmdir()


def _refuse_foreign(
    folder: Path, replace: Callable[[Path], bool] | None, own: re.Pattern[str] | None
) -> None:
    if not folder.exists():
        return
    if replace is None and Path.cwd().is_relative_to(folder.resolve()):
        raise UserError(
            "is the folder you are in, which cannot be replaced",
            where=folder,
            do="give the name of a new folder",
        )
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if replace is not None and folder.is_dir() and replace(folder):
        if (added := _added(folder, own)) is not None:
            raise UserError(
                f"holds a file that popgan did not write ({added}), and would be replaced with it",
                where=folder,
                do="choose another folder, or move the file",
            )
        return
    raise UserError(
        "exists already and is not empty"
        if replace is None
        else "exists already and was not written by this command",
        where=folder,
        do="choose another folder or remove it",
    )


def _added(folder: Path, own: re.Pattern[str] | None) -> str | None:
    """A file in a folder of popgan's that is not its own; None without one."""
    if own is None:
        return None
    for place, _, names in os.walk(folder):
        for name in sorted(set(names) - _LITTER):
            path = Path(place, name).relative_to(folder).as_posix()
            if not own.fullmatch(path):
                return path
    return None


def _swap(temporary: Path, folder: Path) -> None:
    """Put `temporary` in the place of `folder`; what was there before goes last."""
    old = folder.with_name(f".part-{os.getpid()}-old-{folder.name}")
    if folder.exists():
        folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove the leavings of writers of this folder that no longer run."""
    for leaving in folder.parent.glob(".part-*"):
        process, _, name = leaving.name.removeprefix(".part-").partition("-")
        if name not in (folder.name, f"old-{folder.name}") or not process.isdigit():
            continue
        if int(process) == os.getpid() or not _runs(int(process)):
            shutil.rmtree(leaving, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
