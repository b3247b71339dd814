"""Files that are whole or absent: atomic writing, hashing, and reading of popgan's own JSON/YAML.

Every file popgan writes first gets a temporary name in the same folder and is renamed when it
is complete, so neither a crash nor a full disk leaves half a file under the final name.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from popgan.errors import DiskError, UserError

_DISK_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
    errno.EIO,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
}
"""What a disk can say that a user can do something about."""


def disk_error(path: Path, error: OSError, *, making: Path | None = None) -> DiskError | None:
    """The line for a file or folder that cannot be written; None if that is not the trouble.

    Args:
        path: what was to be written.
        error: what the system said.
        making: what was being made for it: whatever a system says of that, or of a folder above
            it, is about the place (`/proc` has "No such file or directory" for new names).
    """
    # NumPy counts bytes ("90 requested and 12 written") instead of passing the system's number on.
    counted = error.errno is None and "requested and" in str(error)
    refused = making is not None and str(error.filename) in map(str, (making, *making.parents))
    if error.errno not in _DISK_ERRORS and not counted and not refused:
        return None
    return DiskError(
        f"cannot be written ({error.strerror or error})",
        where=path,
        do="free some space or choose another folder, then run the same command again",
    )


@contextmanager
def atomic_path(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block succeeds.

    The temporary name keeps the suffixes of the final one, because libraries such as nibabel
    choose a format by them. On any error the temporary file is removed.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    # Several machines may write the same file at once, and their processes have the same numbers.
    temporary = path.with_name(f".part-{os.getpid()}-{secrets.token_hex(3)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        explained = disk_error(path, error, making=temporary)
        if explained is None:
            raise
        raise explained from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write UTF-8 text atomically; bytes of file names that are not UTF-8 become \\udcXX."""
    with atomic_path(path, mode=mode) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: Path, value: Any, *, mode: int | None = None) -> None:
    """Write a value as indented, key-stable JSON. NaN is refused, because JSON has none."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n", mode=mode)


def read_json(path: Path, *, do: str | None = None) -> Any:
    """Read JSON that popgan wrote.

    Args:
        path: the file.
        do: what mends a file that cannot be read, for the user.

    Raises:
        UserError: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError("does not exist", where=path, do=do) from error
    except (OSError, ValueError, RecursionError) as error:  # a number of 5000 digits is one, too
        raise UserError(f"is not readable JSON ({error})", where=path, do=do) from error


def read_yaml(path: Path) -> Any:
    """Read YAML with the safe loader.

    Raises:
        UserError: the file is missing, unreadable or not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError("does not exist", where=path) from error
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:  # 2024-13-01 is one
        raise UserError(f"is not readable YAML ({error})", where=path) from error


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks of 1 MiB."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_value(value: Any) -> str:
    """SHA-256 of a JSON-serialisable value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def private_folder(run: Path) -> Path:
    """Make (if need be) and return RUN/private, readable by its owner only.

    Raises:
        UserError: the folder cannot be written.
    """
    return owners_folder(run / "private")


def owners_folder(folder: Path) -> Path:
    """Make (if need be) and return a folder that only its owner can read.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        explained = disk_error(folder, error, making=folder)
        if explained is None:
            raise
        raise explained from error
    return folder
