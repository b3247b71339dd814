"""Quality control on the private page: a thumbnail of every scan, sorted by any index without code.

Each thumbnail carries its rank by each index as a number of style; a radio button chooses the one
that orders the grid. So the page needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.report.content import ScanRow
from popgan.report.pixels import slice_uri
from popgan.report.words import number

# Index -> (name on the page, whether low values are the suspicious ones).
_INDICES = {
    "snr": ("SNR", True),
    "cnr": ("CNR", True),
    "foreground": ("foreground share", True),
    "ghost": ("ghost index", False),
    "entropy": ("entropy focus", False),
}
FLAGGED = "flagged"


@dataclass(frozen=True)
class Thumbnail:
    """One scan as the template prints it: ranks are a CSS declaration."""

    caption: str
    picture: str
    values: Sequence[str]
    flags: str
    style: str


@dataclass(frozen=True)
class QualityView:
    """The section: ways to sort, as (key, words), and thumbnails in the order of the cohort."""

    sorts: Sequence[tuple[str, str]]
    thumbnails: Sequence[Thumbnail]
    flagged: int


def quality_view(rows: Sequence[ScanRow]) -> QualityView:
    """Thumbnails with their ranks; the most suspicious scan of an index comes first."""
    present = [name for name in _INDICES if any(name in row.indices for row in rows)]
    ranks = {name: _ranks([_suspicion(row, name) for row in rows]) for name in present}
    ranks[FLAGGED] = _ranks([-len(row.outlying) for row in rows])
    sorts = [(FLAGGED, "flagged first")]
    for name in present:
        title, low_first = _INDICES[name]
        sorts.append((name, f"{title}, {'lowest' if low_first else 'highest'} first"))
    return QualityView(
        sorts=sorts,
        thumbnails=[
            Thumbnail(
                caption=f"{row.subject} ({row.split}), {row.contrast}",
                picture=slice_uri(row.image),
                values=[f"{_INDICES[k][0]} {_value(row, k)}" for k in present],
                flags=", ".join(_INDICES[k][0] for k in row.outlying if k in _INDICES),
                style=";".join(f"--{key}:{own[i]}" for key, own in ranks.items()),
            )
            for i, row in enumerate(rows)
        ],
        flagged=sum(bool(row.outlying) for row in rows),
    )


def _value(row: ScanRow, name: str) -> str:
    value = row.indices.get(name)
    return "-" if value is None else number(value)


def _suspicion(row: ScanRow, name: str) -> float:
    """What to sort by, the suspicious end first; what could not be measured comes last."""
    value = row.indices.get(name)
    if value is None:
        return float("inf")
    return value if _INDICES[name][1] else -value


def _ranks(values: Sequence[float]) -> list[int]:
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    ranks = [0] * len(values)
    for rank, place in enumerate(order):
        ranks[place] = rank
    return ranks
