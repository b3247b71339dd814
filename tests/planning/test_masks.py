"""Which labels are drawn: what there is, what is left out, what is too little or too much."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plans import tiny_plan
from popgan.cohort.slice_maps import LabelMaps
from popgan.config.masks import ALL, MOST
from popgan.config.schema import DataPlan, Plan, leaves
from popgan.errors import UserError
from popgan.planning.masks import FEW, FEWEST, FEWEST_MAPPED, find_masks, with_maps
from popgan.planning.rules import SIDED, MachineFacts, build_plan

SIDE = 8


class MadeCohort:
    """What masks need of a cohort: codes of training slices, some without a map."""

    run = Path("run")

    def __init__(
        self,
        codes: np.ndarray,
        values: tuple[int, ...],
        *,
        unmapped: int = 0,
        kind: str | None = "dseg",
        names: dict[int, str] | None = None,
        subjects: list[str] | None = None,
    ) -> None:
        self.codes, self.values, self.unmapped = codes, values, unmapped
        self.label_map, self.label_names = kind, names or {}
        self.people = subjects or [f"s{i // 4}" for i in range(len(codes))]
        self.only_mapped = False

    def mapped(self) -> MadeCohort:
        other = MadeCohort(self.codes, self.values, kind=self.label_map, names=self.label_names)
        other.people, other.only_mapped = self.people, True
        return other

    def indices(self, split: str) -> np.ndarray:
        return np.arange(len(self.codes) + self.unmapped)

    def subjects(self, split: str) -> list[str]:
        return self.people

    def label_maps(self, rows: np.ndarray) -> LabelMaps:
        return LabelMaps(self.codes[rows], np.ones(len(rows), bool), self.values)


def cohort(shown: dict[int, int], count: int = 100, **more: Any) -> Any:
    """Label v is in the first `shown[v]` slices, a pixel of its own each."""
    values = (0, *sorted(shown))
    codes = np.zeros((count, SIDE, SIDE), np.uint8)
    for code, value in enumerate(values[1:], start=1):
        codes[: shown[value], code // SIDE, code % SIDE] = code
    return MadeCohort(codes, values, **more)


def test_nothing_is_drawn_unless_asked_for() -> None:
    for nothing in (None, []):
        found = find_masks(cohort({1: 50}), nothing)
        assert (found.labels, found.kind, found.unmapped, found.notes) == ([], None, 0, [])


def test_all_means_every_label_that_enough_slices_show() -> None:
    made = cohort({1: 80, 3: FEWEST, 7: FEWEST - 1, 9: 0}, names={3: "lesion"})
    found = find_masks(made, ALL)
    assert [(mask.value, mask.slices) for mask in found.labels] == [(1, 80), (3, FEWEST)]
    assert [mask.name for mask in found.labels] == ["dseg 1", "lesion"]
    assert found.kind == "dseg"
    assert f"labels in fewer than {FEWEST} training slices are not drawn: 7 (in 3), 9 (in 0)" in (
        found.notes
    )
    assert any(f"label 3 is in {FEWEST} training slices" in note for note in found.notes)
    assert not any("label 1 " in note for note in found.notes)
    assert FEW <= 80


def test_a_single_label_is_called_like_its_map() -> None:
    (mask,) = find_masks(cohort({255: 60}, kind="lesion_mask"), ALL).labels
    assert mask.name == "lesion mask"


def test_labels_that_are_named_come_in_order_whatever_order_they_were_given_in() -> None:
    found = find_masks(cohort({1: 80, 2: 80, 3: 80}), [3, 1, 3])
    assert [mask.value for mask in found.labels] == [1, 3]


def test_slices_without_a_map_are_counted_and_left_out() -> None:
    found = find_masks(cohort({1: 80}, unmapped=17), ALL)
    assert found.unmapped == 17
    assert "17 of 117 training slices have no label map and are left out" in found.notes


@pytest.mark.parametrize(
    ("made", "wanted", "what"),
    [
        (cohort({1: 50}, kind=None), ALL, "no label maps to draw masks from.*--label-map"),
        (cohort({1: 5}, count=FEWEST_MAPPED - 1, unmapped=90), ALL, "9 of 99 training slices"),
        (cohort({1: 2, 2: 0}), ALL, "no label of dseg is in 4 or more"),
        (cohort({1: 50}), [0], "0 is the background"),
        (cohort({1: 50, 2: 9}), [5], "has no label 5.*choose among 1, 2"),
        (cohort({1: 50, 2: 3}), [2], "label 2 is in 3 training slices, and 4 are needed"),
        (cohort(dict.fromkeys(range(1, 41), 50)), ALL, "40 labels of dseg are too many.*16"),
        (cohort(dict.fromkeys(range(1, 41), 50)), range(1, 18), "17 labels.*network.masks=.1,2."),
    ],
)
def test_what_cannot_be_drawn_is_one_line_with_advice(made: Any, wanted: Any, what: str) -> None:
    with pytest.raises(UserError, match=f"(?s){what}"):
        find_masks(made, wanted)


def test_sixteen_labels_are_possible() -> None:
    made = cohort(dict.fromkeys(range(1, MOST + 1), 50))
    assert len(find_masks(made, ALL).labels) == MOST


def test_the_side_of_a_label_counts_subjects_and_not_pixels() -> None:
    codes = np.zeros((20, SIDE, SIDE), np.uint8)
    codes[:4, :, :4] = 1  # one subject with a huge one on the left
    codes[4:, 2, 6] = 1  # four with a small one on the right
    codes[:, 7, 3:5] = 2  # in the middle of everybody
    found = find_masks(MadeCohort(codes, (0, 1, 2)), ALL)  # type: ignore[arg-type]
    assert [mask.left for mask in found.labels] == [0.2, 0.5]


def test_the_middle_column_of_an_odd_width_is_on_both_sides() -> None:
    codes = np.zeros((20, 9, 9), np.uint8)
    codes[:, 2, 4] = 1
    (mask,) = find_masks(MadeCohort(codes, (0, 1)), ALL).labels  # type: ignore[arg-type]
    assert mask.left == 0.5


def planned(lefts: list[float], **overrides: Any) -> Plan:
    masks = [
        {"value": 10 + k, "name": f"part {k}", "slices": 90, "left": left}
        for k, left in enumerate(lefts)
    ]
    data = DataPlan(
        height=64,
        width=64,
        contrasts=["T1w", "FLAIR"],
        train_slices=600,
        train_subjects=28,
        cohort="0" * 64,
        label_map="aseg" if masks else None,
        masks=masks,  # type: ignore[arg-type]
        unmapped=3 if masks else 0,
    )
    return build_plan(
        data,
        preset_name="quick",
        recipe="popgan",
        seed=0,
        budget=None,
        overrides={"train.images": 1000, **overrides},
        machine=MachineFacts(cores=2, device="CPU", bf16=False),
        probe=lambda plan: [],
    )


def test_a_plan_says_which_labels_and_why() -> None:
    plan = planned([0.5, 0.4])
    assert plan.network.masks == [10, 11]
    assert plan.image_channels == 4
    reason = plan.decisions["network.masks"].reason
    assert "aseg" in reason
    assert "3 training slices without a map are left out" in reason
    shown = dict(leaves(plan))
    assert shown["data.masks"][0] == "10: part 0, in 90 training slices"
    assert planned([]).network.masks == []
    assert planned([]).decisions["network.masks"].reason == "nothing is asked for"


def test_heads_are_not_mirrored_where_a_label_has_a_side() -> None:
    assert planned([0.5, 0.5]).augmentation.flip is True
    assert planned([0.5, 1 - SIDED + 0.01]).augmentation.flip is True
    for left in (0.97, 0.02):
        plan = planned([0.5, left])
        assert plan.augmentation.flip is False
        assert plan.decisions["augmentation.flip"].reason.startswith("part 1: on one side")
    # The user may know better.
    assert planned([0.97], **{"augmentation.flip": True}).augmentation.flip is True


def test_a_plan_whose_masks_do_not_fit_its_data_is_refused() -> None:
    with pytest.raises(UserError, match=r"network\.masks names \[3\], data\.masks holds \[\]"):
        tiny_plan(network__masks=[3])


def test_only_models_with_masks_leave_slices_out() -> None:
    made = SimpleNamespace(mapped=lambda: "mapped")
    assert with_maps(made, planned([0.5])) == "mapped"  # type: ignore[arg-type]
    assert with_maps(made, planned([])) is made  # type: ignore[arg-type]
