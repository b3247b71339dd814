"""What may no longer change once a study has its first answer, and how a change is noticed.

The hashes of what readers are asked and shown are stored with the first answer; they are those of
the bytes that the server has in memory, which is what readers saw.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3

from popgan.errors import UserError
from popgan.files import sha256_file
from popgan.study.database import existing, set_setting, setting
from popgan.study.schema import Study

_STIMULI = "stimuli"


def digests(study: Study) -> dict[str, str]:
    """SHA-256 of each file that is frozen, and one of all stimuli.

    Raises:
        UserError: a file is missing.
    """
    places = study.places
    found = {}
    # What was registered stays as it was when readers began; the analysis looks here for it.
    papers = (places.preregistration, places.preregistration.with_suffix(".json"))
    shown = (places.design, places.instructions, places.consent, places.texts, places.key)
    for path in (*shown, *papers):
        try:
            found[path.name] = sha256_file(path)
        except OSError as error:
            raise UserError(f"cannot be read ({error.strerror})", where=path) from error
    all_of_them = hashlib.sha256()
    for name in sorted({stimulus.file for stimulus in study.key.stimuli}):
        path = places.stimuli / name
        try:
            all_of_them.update(f"{name} {sha256_file(path)}\n".encode())
        except OSError as error:
            raise UserError(f"cannot be read ({error.strerror})", where=path) from error
    return found | {_STIMULI: all_of_them.hexdigest()}


def freeze(connection: sqlite3.Connection, hashes: dict[str, str], when: str) -> None:
    """Say that the study has started; within the transaction of its first answer."""
    set_setting(connection, "frozen", json.dumps(hashes, sort_keys=True))
    set_setting(connection, "started", when)


def check_unchanged(study: Study) -> None:
    """Refuse a study that was edited after its first answer; one without answers may be edited.

    Raises:
        UserError: what has changed.
    """
    with existing(study) as connection:
        kept = setting(connection, "frozen") if connection is not None else None
    if kept is None:
        return
    now = digests(study)
    changed = [name for name, digest in json.loads(kept).items() if now.get(name) != digest]
    if changed:
        raise UserError(
            f"{', '.join(sorted(changed))} changed after the first answer of the study",
            where=study.places.shared,
            do="put the former files back, or begin anew with `popgan study create --restart`",
        )
