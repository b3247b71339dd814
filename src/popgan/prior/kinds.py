"""What the physics prior was trained on: contrasts of the phantom, with and without skull.

The prior is one conditional network: it was told the kind of each image. `mixture` says which
kinds a contrast of a cohort is made of.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

CONTRASTS = ("T1w", "T2w", "PDw", "FLAIR", "T1wCE")
"""Contrasts of the prior, in order."""


def kind_of(contrast: str, *, skull: bool) -> str:
    """The name of a kind of image."""
    return contrast if skull else f"{contrast} brain"


def has_skull(kind: str) -> bool:
    """Whether images of a kind show skulls."""
    return not kind.endswith(" brain")


KINDS = tuple(kind_of(c, skull=s) for c, s in itertools.product(CONTRASTS, (True, False)))
"""Kinds of images, in the order of the prior's condition vector."""


def mixture(contrasts: Sequence[str], *, skull: bool | None) -> list[float]:
    """What the prior is told for a cohort: shares of the kinds, which sum to 1.

    A contrast that the prior does not know counts as all of them alike, and so do several.

    Args:
        contrasts: of the cohort.
        skull: whether its images show skulls; None where that is not known.
    """
    known = [name for name in contrasts if name in CONTRASTS] or list(CONTRASTS)
    skulls = (True, False) if skull is None else (skull,)
    kinds = [kind_of(name, skull=s) for name, s in itertools.product(known, skulls)]
    return [kinds.count(kind) / len(kinds) for kind in KINDS]
