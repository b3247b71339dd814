"""Two-level designs: which half of all settings, or quarter, or eighth, tells the most apart.

A fraction of 2^k settings is made by generators: the level of an extra factor is the product of
some basic ones (on = +1, off = -1). Every product of generators is a word, a set of factors whose
product is +1 in all settings. The words are the defining relation, and everything follows from it:
effects whose factors differ by a word are aliases, one column under two names, and the length of
the shortest word is the resolution. Generators are searched for, not looked up: those with the
fewest short words (minimum aberration; Fries & Hunter 1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

FEWEST, MOST = 3, 8
BASIC = {3: 3, 4: 4, 5: 4, 6: 5, 7: 5, 8: 5}
"""Basic factors by factors: 8, 16 or 32 settings. Three and four factors are tried in full; five
and six have resolution 5 and 6; seven and eight 4, for 5 would take 64."""
_LISTED = 3
"""Factors in an alias up to which it is named: larger interactions are hardly ever seen."""


def design(factors: Sequence[str]) -> list[dict[str, bool]]:
    """Settings of the design, the one with every factor on, the default, first.

    Args:
        factors: 3 to 8 names. With seven or eight their order decides which pairs are aliases.

    Raises:
        ValueError: fewer or more factors, or one twice.
    """
    count = _counted(factors)
    basic = BASIC[count]
    cells = []
    for number in range(2**basic):
        # A bit of `number` is 1 where a basic factor is off.
        off = number | sum(
            (number & generator).bit_count() % 2 << (basic + i)
            for i, generator in enumerate(_generators(count))
        )
        cells.append({name: not off >> i & 1 for i, name in enumerate(factors)})
    return cells


def resolution(factors: Sequence[str]) -> int:
    """Length of the shortest word; of a full design 5 or factors + 1, whichever is more."""
    count = _counted(factors)
    return min((word.bit_count() for word in _words(count)), default=max(5, count + 1))


def aliases(factors: Sequence[str], effect: Sequence[str]) -> list[list[str]]:
    """Effects of up to three factors that the design cannot tell from this one, smallest first.

    Args:
        factors: of the design.
        effect: one or several of them.
    """
    own = sum(1 << list(factors).index(name) for name in effect)
    others = [own ^ word for word in _words(_counted(factors))]
    named = [
        [name for i, name in enumerate(factors) if other >> i & 1]
        for other in sorted(others, key=lambda other: (other.bit_count(), other))
    ]
    return [names for names in named if len(names) <= _LISTED]


def _counted(factors: Sequence[str]) -> int:
    count = len(factors)
    if not FEWEST <= count <= MOST or len(set(factors)) < count:
        raise ValueError(
            f"{count} factors ({', '.join(factors)}): 3 to 8 different ones are needed"
        )
    return count


@lru_cache
def _generators(count: int) -> tuple[int, ...]:
    """For each extra factor the basic ones that it is the product of, as bits."""
    basic = BASIC[count]
    products = [bits for bits in range(2**basic) if bits.bit_count() > 1]

    def short_words(chosen: tuple[int, ...]) -> list[int]:
        lengths = [word.bit_count() for word in _relation(chosen, basic)]
        return [lengths.count(length) for length in range(1, count + 1)]

    return min(combinations(products, count - basic), key=short_words)


@lru_cache
def _words(count: int) -> tuple[int, ...]:
    return _relation(_generators(count), BASIC[count])


def _relation(generators: tuple[int, ...], basic: int) -> tuple[int, ...]:
    """All products of the generators' words, as bits; none of a full design."""
    found = [0]
    for i, generator in enumerate(generators):
        found += [word ^ (generator | 1 << (basic + i)) for word in found]
    return tuple(found[1:])
