"""A training of an ablation is done once, by one, and taken over only from the dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.evidence.experiments.results import Variant
from popgan.tuning.ablation_study import AblationStudy
from popgan.tuning.cells import Cell, Cells, Ended


def cells(folder: Path, count: int = 3) -> Cells:
    return Cells(folder, [Cell(f"{i:03d}", "default", {}, i) for i in range(count)])


def ended(cell: Cell, kid: float = 0.5) -> Ended:
    return Ended(cell=cell.name, state="complete", kid=kid)


def test_each_cell_is_claimed_once_in_order_and_told_once(tmp_path: Path) -> None:
    one, other = cells(tmp_path), cells(tmp_path)
    first, second = one.claim(), other.claim()
    assert first is not None and second is not None
    assert (first.cell.name, second.cell.name) == ("000", "001")
    one.tell(first, ended(first.cell))
    found = other.ended(first.cell)
    assert found is not None and found.kid == 0.5
    third = other.claim()
    assert third is not None and third.cell.name == "002"
    assert one.claim() is None and not one.done()
    other.tell(second, ended(second.cell))
    other.tell(third, ended(third.cell))
    assert one.done() and one.claim() is None
    assert [cell.name for cell, _ in one.records()] == ["000", "001", "002"]


def test_a_cell_whose_worker_died_is_taken_over_and_fails_after_three_deaths(
    tmp_path: Path,
) -> None:
    one = cells(tmp_path, 2)
    for _ in range(3):
        claim = one.claim()
        assert claim is not None and claim.cell.name == "000"
        claim.lock.close()  # as the system does when a process dies
    claim = one.claim()
    assert claim is not None and claim.cell.name == "001"
    dead = one.ended(one.cells[0])
    assert dead is not None and (dead.state, dead.kid) == ("failed", None)
    assert dead.reason == "its worker died 3 times, without a word"


def test_a_cell_that_gets_further_each_time_is_not_to_blame_for_deaths(tmp_path: Path) -> None:
    one = cells(tmp_path, 1)
    for rows in range(1, 8):
        claim = one.claim()
        assert claim is not None, rows
        (one.folder(claim.cell) / "log.csv").write_text("images\n" + rows * "8\n")
        claim.lock.close()
    for _ in range(3):  # and now it does not
        claim = one.claim()
        assert claim is not None
        claim.lock.close()
    assert one.claim() is None
    dead = one.ended(one.cells[0])
    assert dead is not None and dead.state == "failed"


def test_starts_that_an_earlier_version_has_counted_still_count(tmp_path: Path) -> None:
    one = cells(tmp_path, 1)
    one.folder(one.cells[0]).mkdir(parents=True)
    (one.folder(one.cells[0]) / "starts.json").write_text("3")
    assert one.claim() is None and one.done()


def test_interruptions_are_no_deaths(tmp_path: Path) -> None:
    one = cells(tmp_path, 1)
    for _ in range(5):
        claim = one.claim()
        assert claim is not None
        one.leave(claim, died=False)
    assert one.ended(one.cells[0]) is None


def test_a_damaged_record_is_one_line_with_advice(tmp_path: Path) -> None:
    one = cells(tmp_path, 1)
    (tmp_path / "ended").mkdir()
    (tmp_path / "ended" / "000.json").write_text("{}")
    with pytest.raises(UserError, match=r"000.json: is no record of a training; remove it"):
        one.claim()


def test_all_variants_are_trained_with_a_seed_before_the_next_seed_begins() -> None:
    def variant(name: str, **more: str) -> Variant:
        return Variant(name=name, kind="out", setting={}, **more)  # type: ignore[arg-type]

    study = AblationStudy(
        name="x",
        recipe="popgan",
        preset="standard",
        cohort="",
        seed=7,
        seeds=[7, 8],
        seconds=1.0,
        threads=1,
        variants=[variant("a"), variant("b", impossible="so"), variant("no likeness / matching")],
        trials=[{"train.batch": 4}, {}],
    )
    found = [(cell.variant, cell.seed) for cell in study.cells()]
    third = "no likeness / matching"
    assert found == [("a", 7), (third, 7), ("a", 8), (third, 8), ("", 7), ("", 8)]
    names = [cell.name for cell in study.cells()]
    assert len(set(names)) == 6 and names[1] == "001-no-likeness-matching-7"


def test_what_another_study_of_the_name_has_left_is_trained_anew(tmp_path: Path) -> None:
    cell = Cell("000", "default", {}, 0)
    former, later = Cells(tmp_path, [cell], "former"), Cells(tmp_path, [cell], "later")
    claim = former.claim()
    assert claim is not None
    for name in ("plan.yaml", "checkpoints/8.tar"):
        path = former.folder(cell) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("of the former")
    former.tell(claim, ended(cell))
    assert Cells(tmp_path, [cell], "former").done() and not later.done()
    again = later.claim()
    assert again is not None
    assert {path.name for path in later.folder(cell).iterdir()} == {
        *(".lock", "starts.json", "study.sha256")
    }
    later.tell(again, ended(cell, 0.7))
    found = Cells(tmp_path, [cell], "later").ended(cell)
    assert found is not None and found.kid == 0.7


def test_what_an_interrupted_study_has_left_is_kept(tmp_path: Path) -> None:
    cell = Cell("000", "default", {}, 0)
    for _ in range(2):
        claim = Cells(tmp_path, [cell], "same").claim()
        assert claim is not None
        claim.lock.close()
        (tmp_path / "cells/000/plan.yaml").touch()
    assert (tmp_path / "cells/000/plan.yaml").exists()
