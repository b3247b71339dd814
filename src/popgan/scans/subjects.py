"""The user's word on which files belong to one subject: a regular expression or a table."""

from __future__ import annotations

import csv
import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

from popgan.errors import UserError
from popgan.scans.scan import Found, Quarantined

_MAX_TABLE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class SubjectRule:
    """Maps a relative path to a subject, by `pattern` or by `table`."""

    pattern: re.Pattern[str] | None
    table: dict[str, str] | None

    @classmethod
    def parse(cls, text: str) -> SubjectRule:
        """Understand the option: an existing `.tsv` file is a table, anything else a pattern.

        Raises:
            UserError: the pattern is invalid or lacks its one group; the table is unreadable or
                lacks the columns `file` and `subject`.
        """
        if text.lower().endswith(".tsv"):
            return cls(None, _read_table(Path(text)))
        try:
            pattern = re.compile(text)
        except re.error as error:
            raise UserError(
                f"--subjects {text!r} is not a valid regular expression ({error})"
            ) from error
        if pattern.groups != 1:
            raise UserError(
                f"--subjects {text!r} has {pattern.groups} groups, one is needed",
                do=r"put the subject's part in brackets, e.g. 'patient(\d+)_'",
            )
        return cls(pattern, None)

    def subject(self, name: str) -> str | None:
        """The subject of a relative path, or None where the rule says nothing."""
        if self.table is not None:
            return self.table.get(name)
        match = self.pattern.search(name) if self.pattern is not None else None
        return match.group(1) or None if match else None

    def apply(self, scans: list[Found], quarantined: list[Quarantined]) -> list[Found]:
        """Scans with their subjects replaced; those the rule does not know are set aside.

        Raises:
            UserError: the rule fits no file at all.
        """
        kept = []
        aside = []
        for found in scans:
            subject = self.subject(found.name)
            if subject is None:
                aside.append(Quarantined(found.path, "belongs to no subject by --subjects"))
            else:
                # The layout's own subject becomes the visit, so that no two files collide.
                visit = "/".join(filter(None, (found.subject, found.session)))
                kept.append(dataclasses.replace(found, subject=subject, session=visit))
        if not kept:
            example = scans[0].name if scans else ""
            raise UserError(
                "--subjects fits none of the files", do=f"fit it to paths like {example!r}"
            )
        quarantined += aside
        return kept


def _read_table(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > _MAX_TABLE_BYTES:
            raise UserError("is too large for a table of subjects", where=path)
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
    except FileNotFoundError as error:
        raise UserError("does not exist", where=path, do="check --subjects") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"is not a readable table ({error})", where=path) from error
    if not rows or not {"file", "subject"} <= set(rows[0]):
        raise UserError("needs the tab-separated columns `file` and `subject`", where=path)
    return {
        str(row["file"]).replace("\\", "/"): str(row["subject"])
        for row in rows
        if row["file"] and row["subject"]
    }
