"""Quality control on the private page: a thumbnail of every scan, sorted by any index without code.

Each thumbnail carries its rank by each index as a number of style; a radio button chooses the one
that orders the grid. So the page needs no script.

The scans to look at first are in the page itself; the pictures of all others lie beside it and are
loaded when they come into view. So the page of two hundred scans is one file, and that of five
thousand opens at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.report.content import ScanRow, ScanStep
from popgan.report.pixels import png_uri, slice_uri
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
INLINE = 200
"""Scans whose pictures are in the page itself: at most about 5 MB."""


@dataclass(frozen=True)
class Thumbnail:
    """One scan as the template prints it: ranks are a CSS declaration, no picture is ""."""

    caption: str
    picture: str
    titles: Sequence[str]
    values: Sequence[str]
    flags: str
    style: str
    steps: Sequence[str]


@dataclass(frozen=True)
class QualityView:
    """The section: ways to sort, as (key, words), and thumbnails in the order of the cohort.

    Args:
        tiles: pictures of the scan that has most of them.
        beside: scans whose pictures are not in the page.
    """

    sorts: Sequence[tuple[str, str]]
    thumbnails: Sequence[Thumbnail]
    flagged: int
    tiles: int
    beside: int


def first_to_look_at(rows: Sequence[ScanRow], count: int = INLINE) -> list[int]:
    """Places of the most suspicious scans: flagged ones, then the first by each index in turn."""
    orders = [sorted(range(len(rows)), key=lambda i: (-_hints(rows[i]), i))]
    orders[0] = [i for i in orders[0] if _hints(rows[i])]
    for name in _INDICES:
        orders.append(sorted(range(len(rows)), key=lambda i: (_suspicion(rows[i], name), i)))
    chosen = dict.fromkeys(orders[0][:count])
    for places in zip(*orders[1:], strict=True):
        chosen |= dict.fromkeys(places[: max(0, count - len(chosen))])
    return list(chosen)[:count]


def quality_view(rows: Sequence[ScanRow]) -> QualityView:
    """Thumbnails with their ranks; the most suspicious scan of an index comes first."""
    present = [name for name in _INDICES if any(name in row.indices for row in rows)]
    ranks = {name: _ranks([_suspicion(row, name) for row in rows]) for name in present}
    ranks[FLAGGED] = _ranks([-_hints(row) for row in rows])
    sorts = [(FLAGGED, "flagged first")]
    for name in present:
        title, low_first = _INDICES[name]
        sorts.append((name, f"{title}, {'lowest' if low_first else 'highest'} first"))
    inside = set(first_to_look_at(rows))
    return QualityView(
        sorts=sorts,
        tiles=max((len(row.strip.titles) for row in rows if row.strip), default=1),
        beside=sum(bool(row.strip) and i not in inside for i, row in enumerate(rows)),
        thumbnails=[
            Thumbnail(
                caption=f"{row.subject} ({row.split}), {row.contrast}",
                picture=_picture(row, inside=i in inside),
                titles=row.strip.titles if row.strip else ("prepared",),
                values=[f"{_INDICES[k][0]} {_value(row, k)}" for k in present],
                flags=_flag_words(row),
                style=";".join(f"--{key}:{own[i]}" for key, own in ranks.items()),
                steps=[_step_words(step) for step in row.steps],
            )
            for i, row in enumerate(rows)
        ],
        flagged=sum(bool(_hints(row)) for row in rows),
    )


def _hints(row: ScanRow) -> int:
    """How many things are odd about a scan."""
    return len(row.outlying) + len(row.flags)


def _flag_words(row: ScanRow) -> str:
    """What is odd about a scan: "stands out: SNR; covers only part of the head (62 mm)"."""
    names = ", ".join(_INDICES[key][0] for key in row.outlying if key in _INDICES)
    return "; ".join([*([f"stands out: {names}"] if names else []), *row.flags])


def _picture(row: ScanRow, *, inside: bool) -> str:
    """Where the browser finds the picture: in the page, beside it, or nowhere."""
    if row.strip is not None:
        kept = row.strip.png
        return png_uri(kept) if inside and kept is not None else row.strip.file
    return slice_uri(row.image) if inside and row.image is not None else ""


def _step_words(step: ScanStep) -> str:
    """A step in one line: "bias field: n4 (rule; why). field_percent 12.3"."""
    figures = ", ".join(f"{name.replace('_', ' ')} {number(v)}" for name, v in step.figures.items())
    said = f"{step.name}: {step.choice} ({step.source}; {step.reason})"
    return f"{said}. {figures}" if figures else said


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
