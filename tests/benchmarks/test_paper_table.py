"""The paper's table: equal minutes from frozen speeds, cells measured once, an honest page."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from popgan.errors import UserError
from small_runs import SETTINGS, head, save
from translated_runs import TINY as TRANSLATOR

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
DRAWING = {name: yaml.safe_load(value) for name, value in SETTINGS.items()}
DRAWING = {n: v for n, v in DRAWING.items() if n not in ("train.images", "evaluate.n")}
OPTIONS = ("--phantom", "12", "--minutes", "0.2", "--side", "32", "--samples", "12")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The benchmark with two models of a few thousand weights."""
    monkeypatch.syspath_prepend(str(FOLDER))
    cells = importlib.import_module("paper_cells")
    plan = importlib.import_module("quality_plan")
    translation = importlib.import_module("translation")
    monkeypatch.setattr("popgan.stations.compare_inversion.STEPS", 2)
    tiny = [
        plan.Setting("popgan standard", overrides=DRAWING),
        plan.Setting("dcgan standard", recipe="dcgan", overrides=DRAWING),
    ]
    found = importlib.import_module("paper_table")
    # Heads of so few voxels have no brain to find.
    quick = {"keep_skull": True, "bias_field": "off", "slices": 6}
    monkeypatch.setitem(translation.INGEST, "phantom", translation.INGEST["phantom"] | quick)
    monkeypatch.setattr(cells, "PHANTOM", cells.PHANTOM | quick)
    (one,) = [c for c in translation.cells(["phantom-t2"]) if c.sources == ("T1w",)]
    monkeypatch.setattr(cells.Bench, "translated", [one])
    for module in (cells, found):
        monkeypatch.setattr(module, "DRAWING", tiny)
    yield found


def bench(table: Any, work: Path, phantoms: Path) -> Any:
    """A trial with made-up speeds, so that nothing is measured."""
    made, _ = table.bench_of(table.parse([*OPTIONS, "--work", str(work)]))
    made.translations.overrides = {n: v for n, v in TRANSLATOR.items() if n != "train.images"}
    for place in (work, made.translations.work):
        shutil.copytree(phantoms, place / "phantoms", dirs_exist_ok=True)
    plan = importlib.import_module("quality_plan")
    shapes = {
        plan.shape(plan.provisional(setting, made.cohort, 1)): {"images_per_second": [12.0, 12.0]}
        for setting in table.DRAWING
    }
    made.store.put("speeds", {}, {"shapes": shapes, "snapshot_seconds": {"32": 100.0}})
    known = {cell.shape: {"median": 12.0} for cell in made.translated}
    made.translations.store.put("speeds", {}, known)
    return made


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Heads that take less time to write than phantoms, in their place."""
    folder = tmp_path_factory.mktemp("phantoms") / "phantoms"
    for seed in range(12):
        data = head(seed)[:, :, 8:28].astype(np.float64)
        for contrast, scale in (("T1w", 1.0), ("PDw", 0.5), ("T2w", -0.8)):
            other = np.where(data > 100, 1400 * (scale < 0) + scale * data, data)
            name = f"sub-{seed:02}"
            place = folder / name / "anat" / f"{name}_{contrast}.nii.gz"
            save(place, np.clip(other, 0, None).astype(np.int16), spacing=1.0)
    names = "".join(f"sub-{seed:02}\n" for seed in range(12))
    (folder / "participants.tsv").write_text(f"participant_id\n{names}")
    return folder


def test_a_trial_leaves_a_page_curves_and_cells_that_are_not_measured_twice(
    table: Any, phantoms: Path, tmp_path: Path
) -> None:
    made, results = bench(table, tmp_path, phantoms), tmp_path / "results"
    assert table.run_cells(made, table.PARTS, results) == 0
    cells = made.store.cells()
    assert {name.split("/")[0] for name in cells} == {"speeds", "draw", "compared", "curve"}
    assert all(record["commit"] for record in cells.values())
    images = {n: r["value"]["images"] for n, r in cells.items() if n.startswith("draw/")}
    # 0.88 of twelve seconds at twelve images a second, in whole batches.
    assert len(images) == 2 and set(images.values()) == {128}
    page = (results / "paper_table.md").read_text()
    for words in (
        "Unpaired: not evidence of quality",
        "2 steps, 1 restart an image",
        "3.01 dB",
        "| *mean training image* |",
        "| *real against real* |",
        "| *copies of the training set* |",
        "identical",
        "popgan-standard-0",
        "dcgan-standard-0",
        "Models that translate: true pairs",
        "the best trivial way",
        "paper_table-losses.svg",
        "weights of the generator",
        "Models that draw: slices of 32 x 32 pixels",
        "Models that translate (1): ",
        "held-out patients; task phantom-t2 of",
        "| minutes granted |",
    ):
        assert words in page, words
    for name in ("losses", "accuracies"):
        assert "</svg>" in (results / f"paper_table-{name}.svg").read_text()
    before = (results / "paper_table.json").read_bytes()
    assert table.run_cells(made, table.PARTS, results) == 0
    assert (results / "paper_table.json").read_bytes() == before
    assert "missing: about 0.0 h" in table.status(made)


def test_weights_of_another_machine_are_not_mistaken_for_those_measured(
    table: Any, phantoms: Path, tmp_path: Path
) -> None:
    made = bench(table, tmp_path, phantoms)
    for setting in table.DRAWING:
        made.store.put(
            f"draw/{setting.name}/0",
            {"minutes": 0.2, "plan": table.plan_hash(table.plan_of(setting, 0, made))},
            {"images": 64, "weights": "0" * 64},
        )
    with pytest.raises(UserError, match="not on this machine"):
        table.compare_cell(made)


def test_a_budget_that_is_refused_is_a_result(
    table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise UserError("budget '12s' is too short for popgan paper")

    made, _ = table.bench_of(table.parse([*OPTIONS, "--work", str(tmp_path)]))
    monkeypatch.setattr(importlib.import_module("paper_cells"), "plan_of", refuse)
    assert table.draw_cell(table.DRAWING[0], 0, made)
    assert not table.draw_cell(table.DRAWING[0], 0, made)
    table.write_page(made, tmp_path / "results")
    assert "popgan standard/0: refused" in (tmp_path / "results" / "paper_table.md").read_text()


def test_a_trial_writes_nothing_that_is_committed(table: Any, tmp_path: Path) -> None:
    made, results = table.bench_of(table.parse([*OPTIONS, "--work", str(tmp_path)]))
    assert results == tmp_path / "results"
    assert made.translations.work == tmp_path / "translation"
    real = table.parse([])
    assert real.work == FOLDER.parent / "runs" / "paper" and real.results is None
