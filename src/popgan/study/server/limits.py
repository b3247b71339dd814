"""How often something may be tried: a bucket for each session or address that fills up again."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from popgan.study.refusals import Refusal

_MOST_KEYS = 10_000


class Limit:
    """Buckets of tokens, one for each key.

    Args:
        burst: what may be done at once.
        per_second: how many more each second.
        clock: seconds that only grow.
    """

    def __init__(
        self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._rate, self._clock = burst, per_second, clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def check(self, key: Hashable) -> None:
        """Refuse where the bucket is empty; takes nothing.

        Raises:
            Refusal: it is.
        """
        if self._level(key) < 1:
            raise Refusal("many", "too many requests; wait a little")

    def take(self, key: Hashable) -> None:
        """Take one, or refuse.

        Raises:
            Refusal: the bucket is empty.
        """
        self.check(key)
        self.spend(key)

    def spend(self, key: Hashable) -> None:
        """Take one if there is one."""
        self._buckets[key] = (max(self._level(key) - 1, 0.0), self._clock())
        self._buckets.move_to_end(key)
        # Who has not come for longest is forgotten, so that made-up addresses fill no memory.
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)

    def _level(self, key: Hashable) -> float:
        level, since = self._buckets.get(key, (self._burst, 0.0))
        return min(self._burst, level + (self._clock() - since) * self._rate)


def address_key(host: str) -> str:
    """What counts as one address: a whole /64 in IPv6, which one person can have at will."""
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
