"""Threads that wait for one another give their cores back soon.

OpenMP splits every operation of torch among threads that meet at its end. GNU's lets whoever comes
first hold its core, by default for some ten milliseconds. Where another program has a core as well,
the thread that is waited for then gets none: on two cores a training beside one busy program took
fifty times as long, and takes thirteen times as long so (benchmarks/busy.py). Shorter waits cost
nothing measurable otherwise.
"""

from __future__ import annotations

import os

SPINS = "10000"
"""How often a waiting thread looks before it sleeps: below a millisecond."""


def wait_briefly() -> None:
    """Set it for libraries that are loaded from now on, unless the user has."""
    # Torch reads this once, when it is imported, so this has to come first.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
