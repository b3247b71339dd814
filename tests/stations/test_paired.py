"""A translator is measured on the test split alone, slice against true slice, and reported so."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from popgan import NotMeasurableError, UserError, evaluate, find_model, generate, synthesise
from popgan.cohort.cohort import Cohort
from popgan.evidence.paired.regions import brain_mask
from popgan.stations.calibration import PASSES, load_calibration
from popgan.stations.domain import load_domain
from popgan.stations.evidence import Evaluation, load_evaluation
from popgan.stations.ledger import Ledger
from popgan.stations.paired import lesions_of
from popgan.stations.paired_pictures import patient_pictures, ranked
from popgan.stations.pairs import visits
from popgan.stations.translated import Scratch, StoredSlices, TranslatedSplit, training_pairs
from popgan.synthesis.translate import Translator
from small_runs import INGEST, call, leavings, snapshot
from translated_runs import SUBJECTS, tiny, translated, write_pairs

__all__ = ["translated"]
pytestmark = pytest.mark.xdist_group("translated")


@pytest.fixture(scope="module")
def run(translated: Path) -> Path:
    return translated / "run"


def paired(run: Path):
    found = load_evaluation(find_model(run))
    assert found is not None and found.paired is not None
    return found.paired


def test_the_main_line_of_a_translator_generates_nothing(translated: Path) -> None:
    run, said = translated / "run", json.loads((translated / "said").read_text())
    assert said["synthetic"] is None
    assert said["kid"] is None
    assert said["psnr"]["mean"] == paired(run).rows[0].score("psnr", "brain").mean
    assert said["verdict"].startswith("FLAIR from T1w and T2w: PSNR in the brain")
    assert not (run / "synthetic").exists()
    stations = [name.split(" ")[0] for name in Ledger(run).stations()]
    # There is nothing to audit; that this was looked at is noted.
    assert stations == ["ingest", "plan", "train", "calibrate", "evaluate", "audit", "report"]
    assert leavings(run) == []


def test_sources_and_target_are_all_that_was_ingested(run: Path) -> None:
    cohort, plan = Cohort.open(run), find_model(run).plan()
    assert cohort.contrasts == ["T1w", "T2w", "FLAIR"]
    assert plan.translates
    assert (plan.network.sources, plan.network.target) == (["T1w", "T2w"], "FLAIR")


def test_the_same_command_again_does_nothing(translated: Path) -> None:
    run = translated / "run"
    before = snapshot(run)
    command = ["run", translated / "scans", "-o", run, "--recipe", "mustgan"]
    again = call(*command, "--from", "t1,T2w", "--to", "flair", *INGEST, *tiny())
    assert again.status == 0
    assert again.err.count("unchanged, skipped") == 5
    assert {path: stat for path, stat in snapshot(run).items() if before.get(path) != stat} == {}
    assert "popgan translate" in again.out
    assert "synthetic data" not in again.out


def test_every_way_is_measured_on_every_test_patient(run: Path) -> None:
    found, cohort = paired(run), Cohort.open(run)
    kinds = [row.kind for row in found.rows]
    assert kinds[:3] == ["model", "without a source", "without a source"]
    assert set(kinds[3:]) == {"baseline"}
    assert [row.name for row in found.rows[:3]] == [
        "mustgan",
        "mustgan without T1w",
        "mustgan without T2w",
    ]
    patients = len(set(cohort.subjects("test")))
    assert found.n_patients == patients == 3
    assert found.n_slices == len(cohort.indices("test"))
    for row in found.rows:
        assert all(v is not None for v in row.score("psnr", "brain").patients)
        assert len(row.score("psnr", "brain").patients) == patients
    assert any("fused at" in text for text in found.fusion)


def test_the_numbers_are_those_of_the_weights_on_the_slices_of_each_patient(run: Path) -> None:
    """The PSNR in the brain, written out: pooled squared error over all slices of a patient."""
    model, cohort = find_model(run), Cohort.open(run)
    plan = model.plan()
    translator = Translator.load(model.weights_path, plan)
    value = paired(run).rows[0].score("psnr", "brain")
    without = paired(run).rows[1].score("mae", "brain")
    lesion = paired(run).rows[0].score("mae", "lesion")
    for place, visit in enumerate(visits(cohort, "test", plan)):
        truth, known = (visit.target + 1) / 2, (visit.sources + 1) / 2
        inside = brain_mask(np.concatenate([known, truth[:, None]], axis=1))
        made = (translator(visit.sources).images + 1) / 2
        error = float(np.mean((made - truth)[inside].astype(np.float64) ** 2))
        assert value.patients[place] == pytest.approx(-10 * math.log10(error), abs=1e-4)
        lacking = (translator(visit.sources, missing=["T1w"]).images + 1) / 2
        assert without.patients[place] == pytest.approx(
            float(np.abs(lacking - truth)[inside].mean()), abs=1e-5
        )
        sick = cohort.masks("test", visit.places, [1])[:, 0] > 0
        own = lesion.patients[place]
        if sick.any():
            assert own == pytest.approx(float(np.abs(made - truth)[sick].mean()), abs=1e-5)
        else:
            assert own is None


def test_intervals_are_calibrated_on_tuning_patients_and_domains_on_training_ones(
    run: Path,
) -> None:
    model, cohort = find_model(run), Cohort.open(run)
    calibration, domain, found = load_calibration(model), load_domain(model), paired(run)
    assert calibration.patients == len(set(cohort.subjects("tuning")))
    assert calibration.passes == found.uncertainty.passes == PASSES
    assert found.uncertainty.calibrated_on == calibration.patients
    assert len(domain.visits) == len(set(cohort.subjects("train")))
    assert set(domain.contrasts) == {"T1w", "T2w", "FLAIR"}
    text = model.domain_path.read_text() + model.calibration_path.read_text()
    assert not any(name in text for name in set(cohort.subjects("train")))


def test_the_shareable_page_has_numbers_and_no_pixel_and_names_nobody(run: Path) -> None:
    html = (run / "report.html").read_text()
    assert "<img" not in html
    assert "data:image" not in html
    assert f"{paired(run).rows[0].score('psnr', 'brain').mean:.2f}" in html
    people = json.loads((run / "private" / "subjects.json").read_text())["subjects"]
    assert len(people) == SUBJECTS
    ids = [*people, *(entry["source_id"] for entry in people.values())]
    assert not any(name in html for name in ids)


def test_error_maps_are_of_the_best_the_median_and_the_worst_patient(run: Path) -> None:
    model, cohort, found = find_model(run), Cohort.open(run), paired(run)
    values = found.rows[0].score("psnr", "brain").patients
    patients = list(dict.fromkeys(cohort.subjects("test")))
    shown = patient_pictures(model, cohort, found)
    assert [p.rank for p in shown] == ["best", "median", "worst"]
    assert [p.psnr for p in shown] == sorted(values, reverse=True)
    assert [p.pseudonym for p in shown] == [patients[values.index(p.psnr)] for p in shown]
    assert [bool(p.baselines) for p in shown] == [False, True, False]
    (median,) = [p for p in shown if p.rank == "median"]
    names = [row.name for row in found.rows if row.kind == "baseline"]
    assert [name for name, _, _ in median.baselines] == names
    private = (run / "private" / "report.html").read_text()
    assert all(p.pseudonym in private for p in shown)
    for patient in shown:
        own = cohort.indices("test")[
            [i for i, s in enumerate(cohort.subjects("test")) if s == patient.pseudonym]
        ]
        area = (cohort.label_maps(own).codes > 0).sum((1, 2))
        most = max(s.lesion.sum() for s in patient.slices)
        assert most == area.max()
        assert patient.slices[0].half_width is not None


def test_what_draws_images_refuses_a_translator_in_one_line(run: Path) -> None:
    for command in (
        ("generate", run, "-n", 3),
        ("generate", run, "--walk", 4),
        ("generate", run, "--interpolate", "0:1,2"),
    ):
        answer = call(*command)
        assert answer.status == 2
        assert "popgan translate" in answer.line
    for draw in (generate, synthesise):
        with pytest.raises(UserError, match="popgan translate"):
            draw(find_model(run), 2)
    answer = call("evaluate", run, "-n", 20)
    assert answer.status == 2
    assert "leave -n out" in answer.line


def test_evaluate_prints_a_row_a_way_and_the_verdict(run: Path) -> None:
    answer = call("evaluate", run)
    assert answer.status == 0
    found = paired(run)
    assert all(any(line.startswith(row.name) for line in answer.out.splitlines())
               for row in found.rows)  # fmt: skip
    assert "neither missed nor invented" in answer.out
    assert call("evaluate", run, "--json").result["model"] == "mustgan"


def test_the_card_beside_the_weights_has_the_figures(run: Path) -> None:
    text = (find_model(run).folder / "MODEL_CARD.md").read_text()
    assert f"{paired(run).rows[1].score('psnr', 'brain').mean:.2f}" in text
    assert "completing contrasts" in text


def test_a_single_held_out_patient_is_one_clear_line_and_the_rest_is_there(tmp_path: Path) -> None:
    scans, run = write_pairs(tmp_path / "scans", 4, lesions=False), tmp_path / "run"
    asked = ("--recipe", "pix2pix", "--from", "T1w", "--to", "FLAIR")
    answer = call("run", scans, "-o", run, *asked, *INGEST, *tiny(train__images=16))
    assert answer.status == 0, answer
    assert "held-out pairs come from one patient" in answer.out
    assert "held-out pairs come from one patient" in (run / "report.html").read_text()
    model = find_model(run)
    assert load_calibration(model) is not None
    assert "Not measurable" in (model.folder / "MODEL_CARD.md").read_text()
    with pytest.raises(NotMeasurableError, match="one patient"):
        evaluate(model)
    again = call("evaluate", run)
    assert again.status == 2
    assert "one patient" in again.line


@pytest.mark.parametrize(
    ("values", "ranks"),
    [
        ([20.0, 22.0, 21.0], {"best": 1, "median": 2, "worst": 0}),
        ([20.0, None, 22.0, 21.0, 23.0], {"best": 4, "median": 3, "worst": 0}),
        ([20.0, 22.0], {"best": 1, "worst": 0}),
        ([20.0], {"best": 0}),
        ([None], {}),
    ],
)
def test_patients_are_ranked_by_their_own_value(
    values: list[float | None], ranks: dict[str, int]
) -> None:
    assert dict(ranked(values)) == ranks


def labelled(codes: np.ndarray, valid: np.ndarray) -> Any:
    """A cohort that has nothing but a label map."""
    maps = lambda rows: SimpleNamespace(codes=codes[rows], valid=valid[rows])  # noqa: E731
    return SimpleNamespace(
        label_map="dseg", indices=lambda split: np.arange(len(codes)), label_maps=maps
    )


@pytest.mark.parametrize(
    ("side", "valid", "outlines", "said"),
    [
        (2, [True] * 4, True, "shows any label"),
        (12, [True] * 4, False, "covers most of the brain"),
        (2, [True, True, False, False], True, "1 test patient has slices without a label map"),
    ],
)
def test_labels_are_lesions_unless_they_cover_the_brain(
    tmp_path: Path, side: int, valid: list[bool], outlines: bool, said: str
) -> None:
    head = np.zeros((4, 16, 16), np.float32)
    head[:, 2:14, 2:14] = 0.8
    codes = np.zeros((4, 16, 16), np.uint8)
    codes[:, 2 : 2 + side, 2 : 2 + side] = 3
    split = TranslatedSplit(
        subjects=["a", "a", "b", "b"],
        heights=np.zeros(4),
        places=np.array([1, 0, 2, 3]),
        truth=head,
        sources=head[:, None],
    )
    cohort = labelled(codes, np.array(valid))
    lesions, notes = lesions_of(cohort, split, Scratch(tmp_path))
    assert (lesions is not None) == outlines
    assert any(said in note for note in notes)
    if lesions is not None:
        np.testing.assert_array_equal(lesions.any((1, 2)), np.array(valid)[split.places])


def test_large_splits_lie_in_files_and_say_the_same(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, most=100)
    small, large = scratch.array(5, 5), scratch.array(10, 10)
    assert list(tmp_path.iterdir()) == [tmp_path / "1.raw"]
    assert isinstance(large, np.memmap) and not isinstance(small, np.memmap)
    large[3, 4] = 2.5
    assert float(large.sum()) == 2.5
    assert scratch.array(3, dtype=np.bool_).dtype == np.bool_


def test_a_full_disk_is_one_line_before_anything_is_translated(tmp_path: Path) -> None:
    from small_runs import full_disk

    with full_disk(), pytest.raises(UserError, match="cannot be written"):
        Scratch(tmp_path, most=0).array(1000, 1000)


def test_training_slices_are_read_as_they_are_asked_for(run: Path) -> None:
    cohort, plan = Cohort.open(run), find_model(run).plan()
    sources, target, heights = training_pairs(cohort, plan)
    images = (cohort.images("train") + 1) / 2
    assert sources.shape == images[:, :2].shape
    assert target.shape == images[:, 2].shape
    assert len(heights) == len(sources) == len(images)
    np.testing.assert_allclose(sources[3:7], images[3:7, :2], atol=1e-6)
    np.testing.assert_allclose(target[5], images[5, 2], atol=1e-6)
    np.testing.assert_allclose(
        StoredSlices(cohort, "train", "T2w")[np.array([4, 0])], images[[4, 0], 1], atol=1e-6
    )


def test_an_evaluation_is_of_one_kind(run: Path) -> None:
    found = paired(run)
    assert Evaluation(weights="w", paired=found).verdict().sentence.startswith("FLAIR from")
    for wrong in ({}, {"paired": found, "not_measurable": "why"}):
        with pytest.raises(ValueError, match="one kind"):
            Evaluation(weights="w", **wrong)
