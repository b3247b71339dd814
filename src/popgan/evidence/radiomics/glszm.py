"""Grey level size zone matrix: how large the areas are in which the grey level does not change.

Thibault et al. 2009; features of the IBSI reference manual (arXiv 1612.07003, section 3.8). A zone
is 8-connected; it has no direction, so nothing has to be averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.radiomics.discretise import Levels
from popgan.evidence.radiomics.emphases import Counts, emphases

NAMES = (
    "small zone emphasis",
    "large zone emphasis",
    "low grey level zone emphasis",
    "high grey level zone emphasis",
    "small zone low grey level emphasis",
    "small zone high grey level emphasis",
    "large zone low grey level emphasis",
    "large zone high grey level emphasis",
    "grey level non-uniformity",
    "normalised grey level non-uniformity",
    "zone size non-uniformity",
    "normalised zone size non-uniformity",
    "zone percentage",
    "grey level variance",
    "zone size variance",
    "zone size entropy",
)


def zone_counts(levels: Levels) -> Counts:
    """Zones of each image.

    Args:
        levels: N x H x W, 0 outside of the region.
    """
    zone, inside = _zones(levels), levels.ravel() > 0
    first = np.unique(zone[inside], return_index=True, return_counts=True)
    place = np.flatnonzero(inside)[first[1]]
    return Counts.of(
        place // max(levels[0].size, 1),
        levels.ravel()[place].astype(np.int64),
        first[2],
        np.count_nonzero(levels.reshape(len(levels), -1), axis=1),
    )


def features(levels: Levels) -> NDArray[np.float64]:
    """N x 16 in the order of `NAMES`; an empty region gets zeros. IBSI: "2D, averaged"."""
    return emphases(zone_counts(levels))


def _zones(levels: Levels) -> NDArray[np.int64]:
    """Number of the zone of each pixel of all images, flat: a graph of equal neighbours."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    places = np.arange(levels.size, dtype=np.int32).reshape(levels.shape)
    pairs = (
        (np.s_[:, :, :-1], np.s_[:, :, 1:]),
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:, :-1, :-1], np.s_[:, 1:, 1:]),
        (np.s_[:, :-1, 1:], np.s_[:, 1:, :-1]),
    )
    rows, columns = [], []
    for here, there in pairs:
        equal = (levels[here] == levels[there]) & (levels[here] > 0)
        rows.append(places[here][equal])
        columns.append(places[there][equal])
    row, column = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(row), np.int8), (row, column)), shape=(levels.size,) * 2)
    found: NDArray[np.int64] = connected_components(graph, directed=False)[1]
    return found
