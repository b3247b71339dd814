"""A folder of parked things: one file a key, a line of JSON and then bytes."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from popgan.files import atomic_path

_LONGEST_HEAD = 2**20  # bytes of the JSON line
_OWNER_ONLY = 0o600  # they hold slices of patients


class Shelf:
    """Files of one kind in a folder that may hold other kinds as well.

    Args:
        folder: made when something is parked.
        suffix: of the files of this kind.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder, self._suffix = folder, suffix

    def path(self, key: str) -> Path:
        """Where the thing of a key lies, whether or not it is there."""
        return self._folder / f"{key}{self._suffix}"

    def put(self, key: str, value: Any, blob: bytes) -> None:
        """Park a JSON value and the bytes that belong to it, readable by their owner only.

        Raises:
            UserError: the disk is full.
        """
        with (
            atomic_path(self.path(key), mode=_OWNER_ONLY) as temporary,
            temporary.open("wb") as handle,
        ):
            handle.write(json.dumps(value).encode() + b"\n")
            handle.write(blob)

    def head(self, key: str) -> tuple[Any, int]:
        """JSON value, and the byte where the others begin.

        Raises:
            OSError: there is no such file, or it cannot be read.
            ValueError: it does not begin with a line of JSON.
        """
        with self.path(key).open("rb") as handle:
            line = handle.readline(_LONGEST_HEAD)
        return json.loads(line), len(line)

    def sweep(self, keep: set[str]) -> None:
        """Remove every file of this kind whose key is not to be kept; the folder if it is empty."""
        for path in self._folder.glob(f"*{self._suffix}"):
            if path.name.removesuffix(self._suffix) not in keep:
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()
