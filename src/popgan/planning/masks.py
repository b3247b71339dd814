"""Which labels of a cohort's map are drawn as masks beside the image, and what is known of them.

A slice for which nobody drew a map teaches nothing about masks, and to call it empty would be a
lie: a model that draws masks is trained on, tuned to and held against slices with a map alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.config.masks import ALL, MOST, MaskLabel
from popgan.config.schema import Plan
from popgan.errors import UserError

FEWEST_MAPPED = 10
"""Training slices with a map below which there is nothing to learn masks from."""
FEWEST = 4
"""Training slices that show a label below which it is not drawn."""
FEW = 50
"""Training slices that show a label below which a note says that masks will be near copies."""
_BLOCK = 1024  # slices looked at once
_OTHERS = "name others with --set network.masks=[1,2], or ingest another --label-map"


@dataclass(frozen=True)
class FoundMasks:
    """What a plan needs to know of masks.

    Attributes:
        labels: those to draw, ascending by value; empty: none are drawn.
        kind: of label map; None where none are drawn.
        unmapped: training slices that are left out because they have no map.
        notes: remarks for the user.
    """

    labels: list[MaskLabel] = field(default_factory=list)
    kind: str | None = None
    unmapped: int = 0
    notes: list[str] = field(default_factory=list)


def with_maps(cohort: Cohort, plan: Plan) -> Cohort:
    """The slices of a cohort that a plan is about: those with a map, if it draws masks."""
    return cohort.mapped() if plan.data.masks else cohort


def find_masks(cohort: Cohort, wanted: str | Sequence[int] | None) -> FoundMasks:
    """Look up the labels to draw; only the training split is looked at.

    Args:
        cohort: the cohort.
        wanted: values of its label map; `ALL` for every one that enough slices show; nothing for
            no masks.

    Raises:
        UserError: the cohort has no label maps or too few, a label is not in enough training
            slices, or there are more than `MOST`.
    """
    if not wanted:
        return FoundMasks()
    if cohort.label_map is None:
        raise UserError(
            "the cohort has no label maps to draw masks from",
            where=cohort.run,
            do="ingest scans that have them (--label-map NAME chooses), or leave --with-masks out",
        )
    mapped = cohort.mapped()
    rows = mapped.indices("train")
    every = len(cohort.indices("train"))
    if len(rows) < FEWEST_MAPPED:
        raise UserError(
            f"{len(rows)} of {every} training slices have a label map {cohort.label_map}, too few "
            f"to learn masks from",
            where=cohort.run,
            do=f"add maps to at least {FEWEST_MAPPED}, or leave --with-masks out",
        )
    values, areas = _areas(mapped, rows)
    counts = {v: int((areas[k].sum(1) > 0).sum()) for k, v in enumerate(values) if v != 0}
    chosen, notes = _choose(counts, wanted, cohort.label_map)
    if len(rows) < every:
        notes.append(
            f"{every - len(rows)} of {every} training slices have no label map and are left out"
        )
    subjects = mapped.subjects("train")
    labels = []
    for value in chosen:
        if counts[value] < FEW:
            notes.append(
                f"label {value} is in {counts[value]} training slices: expect near copies of them"
            )
        labels.append(
            MaskLabel(
                value=value,
                name=_name(cohort, value, len(counts)),
                slices=counts[value],
                left=_left_share(areas[values.index(value)], subjects),
            )
        )
    return FoundMasks(labels, cohort.label_map, every - len(rows), notes)


def _choose(
    counts: dict[int, int], wanted: str | Sequence[int], kind: str
) -> tuple[list[int], list[str]]:
    """Values to draw, ascending, and notes."""
    notes = []
    if wanted == ALL:
        chosen = sorted(value for value, count in counts.items() if count >= FEWEST)
        if rare := sorted(set(counts) - set(chosen)):
            notes.append(
                f"labels in fewer than {FEWEST} training slices are not drawn: "
                + ", ".join(f"{value} (in {counts[value]})" for value in rare)
            )
        if not chosen:
            raise UserError(
                f"no label of {kind} is in {FEWEST} or more training slices",
                do="add scans that show one, or leave --with-masks out",
            )
    else:
        chosen = sorted({int(value) for value in wanted})
        for value in chosen:
            if counts.get(value, 0) < FEWEST:
                raise UserError(_why_not(value, counts, kind), do=_known(counts))
    if len(chosen) > MOST:
        raise UserError(
            f"{len(chosen)} labels of {kind} are too many to draw as masks, at most {MOST} are",
            do=_OTHERS,
        )
    return chosen, notes


def _why_not(value: int, counts: dict[int, int], kind: str) -> str:
    if value == 0:
        return "network.masks: 0 is the background, which is where no mask is"
    if value not in counts:
        return f"network.masks: the label map {kind} has no label {value}"
    count = counts[value]
    return f"network.masks: label {value} is in {count} training slices, and {FEWEST} are needed"


def _known(counts: dict[int, int]) -> str:
    enough = [str(value) for value, count in sorted(counts.items()) if count >= FEWEST]
    return f"choose among {', '.join(enough[:20])}" if enough else "leave --with-masks out"


def _name(cohort: Cohort, value: int, count: int) -> str:
    """What a table beside the maps calls it, else the map's name, with the value if need be."""
    kind = (cohort.label_map or "label").replace("_", " ")
    return cohort.label_names.get(value) or (kind if count == 1 else f"{kind} {value}")


def _areas(cohort: Cohort, rows: NDArray[np.intp]) -> tuple[list[int], NDArray[np.float64]]:
    """Values of the map, and pixels of each in the left and the right half of each slice.

    Returns:
        K values, and K x n x 2; the middle column of an odd width counts half on either side.
    """
    parts: list[NDArray[np.float64]] = []
    values: tuple[int, ...] = (0,)
    for start in range(0, len(rows), _BLOCK):
        maps = cohort.label_maps(rows[start : start + _BLOCK])
        values, width = maps.values, maps.codes.shape[2]
        side = np.clip(width / 2 - np.arange(width), 0, 1)
        found = [(maps.codes == code).sum(axis=1) for code in range(len(values))]
        parts.append(np.stack([np.stack([f @ side, f @ (1 - side)], 1) for f in found]))
    return list(values), np.concatenate(parts, axis=1)


def _left_share(areas: NDArray[np.float64], subjects: Sequence[str]) -> float:
    """Share of a label in the left half: mean over the subjects that have it.

    A subject counts once however large its label is: one large tumour makes no sided structure.
    """
    _, member = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    total = np.zeros((member.max() + 1, 2))
    np.add.at(total, member, areas)
    total = total[total.sum(1) > 0]
    return round(float((total[:, 0] / total.sum(1)).mean()), 4)
