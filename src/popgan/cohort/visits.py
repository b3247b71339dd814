"""Found files to visits (all contrasts of a subject at one time), and the choice of contrasts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from popgan.errors import UserError
from popgan.scans import Discovery, Found
from popgan.scans.names import CONTRAST_ORDER


@dataclass(frozen=True)
class Visit:
    """The scans of one subject at one visit, one a contrast, in the order of the channels."""

    subject: str
    number: int
    scans: tuple[Found, ...]


def choose_contrasts(found: list[Found], wanted: list[str] | None) -> list[str]:
    """The contrasts to use: those wanted, or the one that most visits have.

    Known contrasts go before unknown words; ties go to the order T1w, T2w, FLAIR, PDw, T1wCE.

    Raises:
        UserError: a wanted contrast is not there.
    """
    counts = Counter(scan.contrast for scan in found)
    if wanted is None:

        def rank(name: str) -> tuple[bool, int, int, str]:
            known = name in CONTRAST_ORDER
            place = CONTRAST_ORDER.index(name) if known else len(CONTRAST_ORDER)
            return (not known, -counts[name], place, name)

        return [min(counts, key=rank)]
    missing = [name for name in wanted if name not in counts]
    if missing:
        listed = ", ".join(f"{name} ({counts[name]})" for name in sorted(counts))
        raise UserError(f"contrast {missing[0]} is not in the cohort", do=f"choose among {listed}")
    return wanted


def make_visits(discovery: Discovery, contrasts: list[str]) -> tuple[list[Visit], int]:
    """Group files into visits that have every contrast.

    Returns:
        The visits, by subject and visit, and the number of visits left out for lack of one.
    """
    groups: dict[tuple[str, str], dict[str, Found]] = {}
    for scan in discovery.scans:
        visit = groups.setdefault((scan.subject, scan.session or ""), {})
        visit.setdefault(scan.contrast, scan)
    visits = []
    left_out = 0
    numbers: Counter[str] = Counter()
    for (subject, _), scans in sorted(groups.items()):
        if not all(name in scans for name in contrasts):
            left_out += 1
            continue
        chosen = tuple(scans[name] for name in contrasts)
        visits.append(Visit(subject, numbers[subject], chosen))
        numbers[subject] += 1
    return visits, left_out
