"""Who is who: pseudonyms that only the owner can undo, and an order that betrays nobody.

A pseudonym is a keyed hash of the source's own id; the key stays in the private folder. Without
it nobody can try out names. The order of subjects and their split come from what the scans hold
and not from names, so that they are the same in every run folder, whatever its key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from popgan.cohort.splits import order_by_hash, split_subjects
from popgan.errors import UserError
from popgan.files import private_folder, write_text

KEY_FILE = "pseudonyms.key"
_KEY_BYTES = 32
_SHORTEST = 8  # hexadecimal digits of a pseudonym


def pseudonyms(names: Iterable[str], run: Path, *, keep_ids: bool) -> dict[str, str]:
    """The source's ids to the names that are shown.

    Args:
        names: ids of the source.
        run: run folder, whose private/ keeps the key (mode 0600).
        keep_ids: show the ids themselves.

    Raises:
        UserError: the key was damaged, or cannot be written.
    """
    every = sorted(set(names))
    if keep_ids:
        return {name: name for name in every}
    key = _key(run)
    digests = {name: hmac.new(key, _bytes(name), hashlib.sha256).hexdigest() for name in every}
    digits = _SHORTEST
    while len({digest[:digits] for digest in digests.values()}) < len(every):
        digits += 1
    return {name: f"p{digest[:digits]}" for name, digest in digests.items()}


def seal(digests: Iterable[str], run: Path, *, keep_ids: bool) -> dict[str, str]:
    """Hashes of files to hashes that prove nothing to somebody who has the files but not the key.

    A plain hash of a public or archived scan would undo the pseudonym beside it.

    Args:
        digests: SHA-256 of files, hexadecimal.
        run: run folder, whose private/ keeps the key.
        keep_ids: the ids are shown anyway: hashes stay as they are.
    """
    if keep_ids:
        return {digest: digest for digest in digests}
    key = _key(run)
    return {d: hmac.new(key, d.encode("ascii"), hashlib.sha256).hexdigest() for d in digests}


def _key(run: Path) -> bytes:
    """The run's key, made at first use."""
    path = private_folder(run) / KEY_FILE
    if not path.exists():
        write_text(path, secrets.token_hex(_KEY_BYTES) + "\n", mode=0o600)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if len(key) != _KEY_BYTES:
        raise _damaged(path)
    return key


def _damaged(path: Path) -> UserError:
    do = "restore it, or remove it and ingest again: all pseudonyms will be new"
    return UserError("is not the key of pseudonyms that popgan wrote", where=path, do=do)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def ranks(
    scans: Mapping[str, Sequence[str]], every: Iterable[str], *, keep_ids: bool, seed: int
) -> dict[str, str]:
    """A label for each subject, by which it is ordered and split.

    Args:
        scans: SHA-256 of the scans of each subject that is used.
        every: all ids of the source.
        keep_ids: order by the ids, which are no secret then; else by what the scans hold.
        seed: of the order by ids.
    """
    if keep_ids:
        ordered = order_by_hash(every, seed=seed, purpose="pseudonym")
        digits = max(4, len(str(len(ordered))))
        return {name: f"p{rank + 1:0{digits}d}" for rank, name in enumerate(ordered)}
    return {
        name: hashlib.sha256("".join(sorted(own)).encode()).hexdigest()
        for name, own in scans.items()
    }


def split_together(
    labels: Mapping[str, str],
    same: Iterable[tuple[str, str]],
    *,
    seed: int,
    fractions: Sequence[float],
) -> dict[str, list[str]]:
    """Split subjects; those that share scans go to the same split.

    Args:
        labels: subject to its label (`ranks`).
        same: pairs of subjects that are, or may be, one person.
        seed, fractions: see `split_subjects`.

    Returns:
        Split to its subjects, sorted by name.

    Raises:
        UserError: fewer than three people.
    """
    people = {name: {name} for name in labels}
    for one, other in same:
        people[one] |= people[other]
        for name in people[one]:
            people[name] = people[one]
    unit = {name: min(labels[member] for member in own) for name, own in people.items()}
    splits = split_subjects(set(unit.values()), seed=seed, fractions=fractions)
    home = {own: split for split, units in splits.items() for own in units}
    return {split: sorted(name for name in labels if home[unit[name]] == split) for split in splits}
