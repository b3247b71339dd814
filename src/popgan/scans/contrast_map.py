"""The user's word on DICOM series: a YAML file that names the contrast of each, or leaves it out.

    "*mprage*": T1w          # a pattern of the description or protocol, case ignored
    "t2_tse*": T2w
    "1.3.12.2.1107.5": T1wCE # a SeriesInstanceUID
    "*survey*": leave out

The first pattern that fits a series decides.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path

from popgan.errors import UserError
from popgan.files import read_yaml
from popgan.scans.dicom_header import DicomFile
from popgan.scans.names import normalise_contrast

LEAVE_OUT = "leave out"
_LARGEST = 10_000


@dataclass(frozen=True)
class ContrastMap:
    """Patterns in the order of the file, each with a contrast or `leave out`."""

    entries: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, path: Path) -> ContrastMap:
        """Read the file.

        Raises:
            UserError: unreadable, or no mapping of patterns to words.
        """
        value = read_yaml(path)
        do = 'write lines such as "*mprage*": T1w'
        if not isinstance(value, dict) or not 0 < len(value) <= _LARGEST:
            raise UserError("is no map of series to contrasts", where=path, do=do)
        entries = []
        for pattern, word in value.items():
            if not isinstance(pattern, str) or not (isinstance(word, str) or word is None):
                raise UserError(f"maps {pattern!r} to {word!r}", where=path, do=do)
            out = word is None or word.strip().lower() == LEAVE_OUT
            entries.append((pattern.lower(), LEAVE_OUT if out else normalise_contrast(word or "")))
        return cls(tuple(entries))

    def word(self, file: DicomFile) -> str | None:
        """The contrast for a series, `leave out`, or None where the map says nothing."""
        names = [file.series, *file.parameters.texts]
        for pattern, word in self.entries:
            if any(fnmatch.fnmatchcase(name.lower(), pattern) for name in names):
                return word
        return None
