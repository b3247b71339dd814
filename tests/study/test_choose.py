"""Real slices are of test patients, far apart, balanced, and spread as the training slices are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from popgan.cohort.cohort import SliceInfo
from popgan.errors import UserError
from popgan.study.choose import AUTO, DISTANCE_MM, DISTANCE_ROWS, choose_practice, choose_real


def a_cohort(
    test: int = 6, slices: int = 24, step: float = 4.0, *, known: bool = True, visits: int = 1
) -> Any:
    """What `choose` looks at of a cohort: 4 training, 2 tuning and some test patients."""
    splits = ["train"] * 4 + ["tuning"] * 2 + ["test"] * test
    infos = [
        SliceInfo(
            subject=f"sub-{n}",
            split=split,
            height=0.3 + 0.6 * i / max(1, slices - 1) if known else 0.5,
            position_mm=step * i + 100 * visit if known else 0.0,
            label=None,
            visit=visit,
        )
        for n, split in enumerate(splits)
        for visit in range(visits)
        for i in range(slices)
    ]

    def indices(split: str) -> np.ndarray:
        return np.array([i for i, info in enumerate(infos) if info.split == split], np.intp)

    return SimpleNamespace(slices=infos, indices=indices, run=Path("run"))


@pytest.mark.parametrize("wanted", [1, 4, 6, 7, 13, 30, 60, 72])
def test_few_slices_of_each_patient_far_apart_and_spread(wanted: int) -> None:
    cohort = a_cohort()
    choice = choose_real(cohort, wanted, 0)
    assert len({image.row for image in choice.images}) == len(choice.images) == wanted
    counts = Counter(image.subject for image in choice.images)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert choice.per_patient == max(counts.values()) == -(-wanted // 6)
    assert choice.patients == len(counts) == min(6, wanted)
    for subject in counts:
        rows = [image.row for image in choice.images if image.subject == subject]
        assert all(cohort.slices[row].split == "test" for row in rows)
        places = sorted(cohort.slices[row].position_mm for row in rows)
        assert all(np.diff(places) >= DISTANCE_MM)
    if wanted >= 6:
        heights = [cohort.slices[image.row].height for image in choice.images]
        assert np.mean(heights) == pytest.approx(0.6, abs=0.04)
        assert np.std(heights) == pytest.approx(0.177, abs=0.05)


def test_auto_takes_one_a_patient_where_patients_suffice_and_never_more_than_usual() -> None:
    many = choose_real(a_cohort(test=130, slices=4), None, 0)
    assert (len(many.images), many.per_patient, many.design_effect) == (AUTO, 1, 1.0)
    few = choose_real(a_cohort(), None, 0)
    assert (len(few.images), few.patients, few.per_patient) == (72, 6, 12)
    assert few.design_effect == pytest.approx(1 + 11 * 0.3)
    assert few.effective == pytest.approx(72 / few.design_effect)


def test_the_seed_decides_and_nothing_else() -> None:
    cohort = a_cohort()
    one, same, other = (choose_real(cohort, 20, seed).images for seed in (1, 1, 2))
    assert one == same != other


def test_too_many_are_refused_with_what_is_possible() -> None:
    with pytest.raises(UserError, match="6 test patients give 72 slices that are 8 mm apart"):
        choose_real(a_cohort(), 73, 0)
    with pytest.raises(UserError, match="give --real 6 or fewer"):
        choose_real(a_cohort(slices=2), 7, 0)


def test_pictures_are_spread_over_the_order_of_their_files() -> None:
    choice = choose_real(a_cohort(test=2, known=False), 10, 0)
    for subject in ("sub-6", "sub-7"):
        rows = sorted(image.row for image in choice.images if image.subject == subject)
        assert len(rows) == 5 and all(np.diff(rows) >= DISTANCE_ROWS)


def test_one_visit_of_a_patient_is_enough() -> None:
    cohort = a_cohort(visits=2)
    choice = choose_real(cohort, None, 0)
    assert len(choice.images) == 72
    assert {cohort.slices[image.row].visit for image in choice.images} == {0}


def test_practice_is_of_tuning_patients_first_and_never_of_test_ones() -> None:
    cohort = a_cohort()
    found = choose_practice(cohort, 3, 0)
    splits = Counter(cohort.slices[image.row].split for image in found)
    assert splits == {"tuning": 2, "train": 1} and len({image.subject for image in found}) == 3
    assert len({image.row for image in choose_practice(cohort, 20, 0)}) == 20
    assert choose_practice(cohort, 0, 0) == []
    with pytest.raises(UserError, match="1000 real practice images are not possible"):
        choose_practice(cohort, 1000, 0)
