"""What each reader sees, in which order, and under which names: random, and blind to the truth.

Names and orders follow from a secret of the study by a keyed hash: whoever has the secret (it lies
beside the key) can make them again, and whoever has not learns nothing from them. The public seed
is not enough, because a reader may have the same software.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np

from popgan.errors import UserError
from popgan.files import read_json
from popgan.study.schema import Block, Places, Stimulus, Trial

APART = 10
"""Trials that lie between a case and its repeat, where that is possible."""
_TRIES = 12  # orders that are mended before a smaller distance is tried


class Secret:
    """Where random names and orders come from.

    Args:
        value: 64 hex digits, from `secrets.token_hex(32)`.
    """

    def __init__(self, value: str) -> None:
        self.value = value

    @classmethod
    def of(cls, places: Places) -> Secret:
        """The secret of a study on the disk.

        Raises:
            UserError: it is missing or damaged.
        """
        path = places.private / "secret.json"
        found = read_json(path)
        try:
            value = str(found["secret"])
            bytes.fromhex(value)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError("is damaged", where=path, do="put the former file back") from error
        return cls(value)

    def digest(self, purpose: str) -> bytes:
        """32 bytes that look random to everybody who does not have the secret."""
        return hmac.new(bytes.fromhex(self.value), purpose.encode(), hashlib.sha256).digest()

    def name(self, purpose: str) -> str:
        """32 hex digits for one purpose."""
        return self.digest(f"name/{purpose}").hex()[:32]

    def seed(self, purpose: str) -> int:
        """A number of 52 bits for one purpose: too many to be tried one after the other."""
        return int.from_bytes(self.digest(f"seed/{purpose}")[:8], "little") >> 12

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator for one purpose."""
        return np.random.default_rng(int.from_bytes(self.digest(f"rng/{purpose}"), "little"))


def share_repeats(sources: Sequence[str], repeats: int, rng: np.random.Generator) -> list[int]:
    """Which cases are shown again: of each source the same proportion.

    Args:
        sources: of each case: `real`, or the model.
        repeats: how many; at most as many as cases.
        rng: picks the cases, and who gets the places that are left over.

    Returns:
        Places in `sources`, ascending.
    """
    names = sorted(set(sources))
    places = {name: [i for i, source in enumerate(sources) if source == name] for name in names}
    exact = {name: repeats * len(places[name]) / len(sources) for name in names}
    counts = {name: int(exact[name] + 1e-9) for name in names}
    by_rest = sorted(rng.permutation(names), key=lambda n: counts[n] - exact[n])
    for name in by_rest[: repeats - sum(counts.values())]:
        counts[name] += 1
    picked = [rng.choice(places[name], counts[name], replace=False) for name in names]
    return sorted(int(i) for i in np.concatenate(picked)) if picked else []


def shuffled(
    count: int, repeated: Sequence[int], rng: np.random.Generator, apart: int = APART
) -> list[tuple[int, int]]:
    """A random order of cases and repeats.

    Every order that keeps `apart` trials between a case and its repeat is possible; which case is
    real plays no part. Where that distance cannot be had (few trials), the largest that is found is
    kept.

    Args:
        count: cases.
        repeated: those shown again, at most once each.
        rng: of the order.
        apart: trials between a case and its repeat.

    Returns:
        (case, 0 the first time or 1 the second) a trial.
    """
    items = [*range(count), *repeated]
    for gap in range(max(0, min(apart, count - 1)), -1, -1):
        for _ in range(_TRIES):
            order = [items[i] for i in rng.permutation(len(items))]
            if _pull_apart(order, set(repeated), gap, rng):
                return _numbered(order)
    raise AssertionError("an order without any distance is always possible")


def _pull_apart(order: list[int], repeated: set[int], gap: int, rng: np.random.Generator) -> bool:
    """Swap repeats that are too near to somewhere else; whether that came to an end."""
    for _ in range(50):
        near = [
            second for first, second in _pairs(order, repeated) if second - first <= gap and gap > 0
        ]
        if not near:
            return True
        for place in near:
            other = int(rng.integers(len(order)))
            order[place], order[other] = order[other], order[place]
    return False


def _pairs(order: Sequence[int], repeated: set[int]) -> list[tuple[int, int]]:
    first: dict[int, int] = {}
    pairs = []
    for place, case in enumerate(order):
        if case in repeated:
            if case in first:
                pairs.append((first[case], place))
            first.setdefault(case, place)
    return pairs


def _numbered(order: Sequence[int]) -> list[tuple[int, int]]:
    seen: set[int] = set()
    found = []
    for case in order:
        found.append((case, int(case in seen)))
        seen.add(case)
    return found


def reader_trials(
    alias: str,
    block: Block,
    groups: Sequence[Sequence[Stimulus]],
    repeats: int,
    secret: Secret,
) -> list[Trial]:
    """The trials of one reader in one block.

    Args:
        alias: of the reader.
        block: which block.
        groups: what one trial shows: one image, or a real and a synthetic one (2afc).
        repeats: trials shown again.
        secret: decides everything random.

    Returns:
        Trials in order; pairs with the sides balanced.
    """
    place = f"{alias}/{block}"
    rng = secret.rng(f"order/{place}")
    sources = [group[-1].source for group in groups]
    order = shuffled(len(groups), share_repeats(sources, repeats, rng), rng)
    # Half of the pairs are turned round, so that neither side says anything.
    turned = rng.permutation(np.arange(len(order)) % 2 == 0)
    trials = []
    for number, (which, repeat) in enumerate(order):
        shown = list(groups[which])
        if len(shown) == 2 and turned[number]:
            shown.reverse()
        name = f"{place}/{which}/{repeat}"
        trials.append(
            Trial(
                id=secret.name(f"trial/{name}"),
                cases=[stimulus.case for stimulus in shown],
                stimuli=[secret.name(f"stimulus/{name}/{s.case}") for s in shown],
                repeat=repeat,
            )
        )
    return trials
