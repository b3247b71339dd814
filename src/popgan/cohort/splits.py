"""Subjects into train, tuning and test: whole subjects, seeded, the same on every machine.

A subject's rank is a hash of the seed and its identifier, so that adding a subject moves few
others, and the order in which files are found does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from popgan.errors import UserError
from popgan.seeds import derive

SPLITS = ("train", "tuning", "test")
FEWEST = 3


def split_sizes(count: int, fractions: Sequence[float]) -> list[int]:
    """Sizes of the splits: largest remainders, at least one subject each, summing to `count`.

    Args:
        count: subjects.
        fractions: share of each split; positive, summing to 1.

    Raises:
        UserError: fewer subjects than splits.
    """
    if count < max(FEWEST, len(fractions)):
        few = "one subject" if count == 1 else f"{count} subjects"
        raise UserError(
            f"{few} cannot be split into train, tuning and test; at least {FEWEST} are needed",
            do="add subjects, or group files into subjects with --subjects",
        )
    exact = [count * fraction for fraction in fractions]
    # A share such as 0.15 * 40 is 6 but for rounding; it must not lose its subject to that.
    sizes = [int(share + 1e-9) for share in exact]
    order = sorted(range(len(sizes)), key=lambda i: (sizes[i] - exact[i], i))
    for i in order[: count - sum(sizes)]:
        sizes[i] += 1
    while min(sizes) < 1:
        sizes[sizes.index(max(sizes))] -= 1
        sizes[sizes.index(min(sizes))] += 1
    return sizes


def order_by_hash(names: Iterable[str], *, seed: int, purpose: str) -> list[str]:
    """Names in the order of their hashes with the seed; the order given does not matter."""
    return sorted(set(names), key=lambda name: (derive(seed, f"{purpose} {name}"), name))


def split_subjects(
    subjects: Iterable[str], *, seed: int, fractions: Sequence[float]
) -> dict[str, list[str]]:
    """Split subjects into train, tuning and test.

    Returns:
        Split to its subjects, sorted by name.

    Raises:
        UserError: fewer than three subjects.
    """
    ordered = order_by_hash(subjects, seed=seed, purpose="split")
    result = {}
    start = 0
    for name, size in zip(SPLITS, split_sizes(len(ordered), fractions), strict=True):
        result[name] = sorted(ordered[start : start + size])
        start += size
    return result


def check_disjoint(splits: Mapping[str, Sequence[str]], *, where: object = None) -> None:
    """Verify that no subject is in two splits, nor twice in one.

    Raises:
        UserError: a subject is in two splits.
    """
    seen: dict[str, str] = {}
    for split, subjects in splits.items():
        for subject in subjects:
            if subject in seen:
                raise UserError(
                    f"subject {subject} is in {seen[subject]} and in {split}: its images would "
                    "leak between the splits",
                    where=where,
                    do="run ingest again",
                )
            seen[subject] = split
