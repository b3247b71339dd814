"""Whole volumes translated: where they lie, what they say, what is skipped and what set aside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import popgan
from made_dicom import T1, write_series
from popgan.cohort.cohort import Cohort
from popgan.cohort.whole import whole_of_arrays
from popgan.cohort.whole_rules import WholeRules
from popgan.errors import UserError
from popgan.evidence.paired.domain import Domain
from popgan.evidence.paired.uncertainty import Calibration
from popgan.files import write_json
from popgan.preparation.intensity import measure_intensity
from popgan.preparation.orientation import to_ras
from popgan.progress import Reporter
from popgan.stations.domain import visit_traits
from popgan.stations.model import Model
from popgan.stations.translate import Translations, translate, translate_volume
from popgan.synthesis.translate import Translated, Translator
from small_runs import full_disk, leavings, snapshot
from whole_cohorts import affine_of, ingested, save_scan, scan_of, with_model, write_subject

pytestmark = pytest.mark.xdist_group("whole volumes")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scans` and `run`, a mustgan and a pix2pix in it; not to be changed."""
    folder = tmp_path_factory.mktemp("translate")
    cohort = ingested(folder)
    with_model(cohort)
    with_model(cohort, ["T1w"], recipe="pix2pix")
    with_model(cohort, name="strict", train__source_dropout=0.0)
    return folder


@pytest.fixture
def model(home: Path) -> Model:
    """T1w and T2w to FLAIR; either may be missing."""
    return Model(home / "run", "mustgan")


class Echo:
    """A translator that gives its first source back."""

    neighbours = 1
    target = "FLAIR"

    def __init__(self, plan: Any) -> None:
        self.sources = list(plan.network.sources)
        self.may_miss = bool(plan.train.source_dropout) and len(self.sources) > 1
        self.calls: list[dict[str, Any]] = []

    def __call__(self, stack: np.ndarray, **given: Any) -> Translated:
        self.calls.append({"stack": stack, **given})
        advance = given.get("advance")
        if advance is not None:
            advance(len(stack))
        shown = [i for i, name in enumerate(self.sources) if name not in given["missing"]]
        images = stack[:, shown[0]]
        spread = np.full_like(images, 0.1) if given["passes"] else None
        return Translated(images, spread)


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> list[Echo]:
    """All translators that are loaded give their first source back; those that were loaded."""
    made: list[Echo] = []

    def load(weights: Path, plan: Any) -> Echo:
        made.append(Echo(plan))
        return made[-1]

    monkeypatch.setattr(Translator, "load", load)
    return made


class Listener(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.messages: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def message(self, text: str) -> None:
        self.messages.append(text)


def run(model: Model, scans: Any, out: Path, **more: Any) -> Translations:
    return translate(model, scans, out, workers=0, **more)


def told(result: Translations, number: int = 0) -> dict[str, Any]:
    return json.loads(result.visits[number].sidecar.read_text())


def unit(path: Path) -> np.ndarray:
    """A file's voxels as ingest normalises them, in the file's own axes."""
    image = nib.load(path)
    data = image.get_fdata(dtype=np.float32)
    intensity = measure_intensity(to_ras(data, image.affine)[0])
    assert intensity is not None
    return intensity.apply(data)


GRIDS = [
    ("RAS", (5.0, 5.0, 10.0), (40, 48, 14)),
    ("LPS", (5.0, 5.0, 10.0), (40, 48, 14)),
    ("PSR", (5.0, 10.0, 5.0), (48, 14, 40)),
    ("IRP", (12.0, 3.0, 4.0), (12, 66, 60)),
]


@pytest.mark.parametrize(("axes", "spacing", "shape"), GRIDS, ids=[grid[0] for grid in GRIDS])
def test_a_volume_lies_voxel_upon_voxel_on_its_source(
    model, echo, tmp_path, axes, spacing, shape
) -> None:
    place: dict[str, Any] = {"axes": axes, "spacing": spacing, "shape": shape}
    write_subject(tmp_path / "s/A", 7, ["T1w", "T2w"], **place, middle=(9, -4, 30))
    result = run(model, tmp_path / "s", tmp_path / "out")
    source, image = (nib.load(p) for p in (tmp_path / "s/A/t1.nii.gz", result.visits[0].image))
    assert image.shape == source.shape
    assert np.array_equal(image.affine, source.affine)
    for form in ("get_sform", "get_qform"):
        (one, code), (other, same) = (getattr(i, form)(coded=True) for i in (source, image))
        assert code == same
        assert np.array_equal(one, other)
    # The grey values are those of the training scans' FLAIR, the picture is the source's.
    low, high = told(result)["IntensityRange"]
    found = (image.get_fdata() - low) / (high - low)
    error = np.abs(found - unit(tmp_path / "s/A/t1.nii.gz"))
    assert error.mean() < 0.01
    assert np.percentile(error, 99) < 0.06


def test_grey_values_are_those_of_the_training_scans_of_the_target(home, model, echo) -> None:
    cohort = Cohort.open(home / "run")
    own = {s.subject for s in cohort.slices if s.split == "train"}
    scans = [s for s in cohort._manifest.scans if s.subject in own and s.contrast == "FLAIR"]
    offset = np.median([s.offset for s in scans])
    scale = np.median([s.scale for s in scans])
    result = run(model, home / "scans/Person0", home.parent / "grey")
    assert told(result)["IntensityRange"] == pytest.approx([offset, offset + scale], abs=1e-3)
    image = nib.load(result.visits[0].image)
    assert image.get_data_dtype() == np.int16
    values = image.get_fdata()
    assert values.min() == pytest.approx(offset, abs=1e-3)
    assert 0.8 * scale < np.percentile(values, 99.9) <= offset + scale + 1e-2


def test_two_statements_of_a_position_are_both_kept(model, echo, tmp_path) -> None:
    affine = affine_of()
    tilted = affine.copy()
    tilted[:3, :3] = affine[:3, :3] @ [[1, 0, 0], [0, 0.995, -0.1], [0, 0.1, 0.995]]
    for name, contrast in (("t1", "T1w"), ("t2", "T2w")):
        image = nib.Nifti1Image(scan_of(1, contrast), None)
        image.set_sform(affine, 4)
        image.set_qform(tilted, 1)
        (tmp_path / "A").mkdir(exist_ok=True)
        nib.save(image, tmp_path / f"A/{name}.nii.gz")
    result = run(model, tmp_path / "A", tmp_path / "out")
    source, image = (nib.load(p) for p in (tmp_path / "A/t1.nii.gz", result.visits[0].image))
    for name in ("sform_code", "qform_code", "srow_x", "quatern_b", "qoffset_y", "pixdim"):
        ours, theirs = image.header[name], source.header[name]
        assert np.array_equal(ours[:4], theirs[:4]) if ours.ndim else ours == theirs


def test_a_dicom_series_is_translated_onto_its_own_slices(model, echo, tmp_path) -> None:
    affine = affine_of("LPS")
    voxels = np.rint(scan_of(3, "T1w", affine)).astype(np.uint16)
    head = {"PixelSpacing": [5.0, 5.0], "SliceThickness": 10}
    write_series(tmp_path / "series", voxels.transpose(2, 1, 0), step=10.0, **T1, **head)
    result = run(model, tmp_path / "series", tmp_path / "out", sources=["T1w"])
    (visit,) = result.visits
    assert visit.image.name.startswith("sub-Mueller7_")
    image = nib.load(visit.image)
    assert sorted(image.shape) == [14, 40, 48]
    # The first pixel lies at (-15, -24, 10) of the patient, which DICOM counts to left and back.
    corners = [[x, y, z, 1] for x in (0, 39) for y in (0, 47) for z in (0, 13)]
    assert np.abs(np.array(corners) @ image.affine.T - (15, 24, 10, 1)).sum(axis=1).min() < 1e-3
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    low, high = told(result)["IntensityRange"]
    found = to_ras((image.get_fdata(dtype=np.float32) - low) / (high - low), image.affine)[0]
    straight = to_ras(voxels.astype(np.float32), affine)[0]
    intensity = measure_intensity(straight)
    assert intensity is not None
    assert np.abs(found - intensity.apply(straight)).mean() < 0.01


def test_the_first_source_that_is_asked_for_gives_the_grid(model, echo, tmp_path) -> None:
    write_subject(tmp_path / "A", 5, ["T1w"])
    write_subject(tmp_path / "A", 5, ["T2w"], axes="LPS", spacing=(4, 4, 9), shape=(50, 60, 16))
    result = run(model, tmp_path / "A", tmp_path / "one", sources=["t2", "t1"])
    assert nib.load(result.visits[0].image).shape == (50, 60, 16)
    assert told(result)["SourceContrasts"] == ["T2w", "T1w"]
    assert told(result)["ResampledSources"] == ["T1w"]
    # The network gets its sources in its own order all the same.
    assert echo[0].sources == ["T1w", "T2w"]
    first = echo[0].calls[0]["stack"]
    run(model, tmp_path / "A", tmp_path / "two")
    other = echo[1].calls[0]["stack"]
    middle = [stack[len(stack) // 2] for stack in (first, other)]
    assert np.abs(middle[0] - middle[1]).mean() < 0.1 < np.abs(middle[0][::-1] - middle[1]).mean()


@pytest.mark.parametrize(("spacing", "depth", "gap"), [(10.0, 14, 2), (2.0, 70, 10), (30.0, 5, 1)])
def test_neighbours_are_as_far_apart_as_in_training(
    home, model, echo, tmp_path, spacing, depth, gap
) -> None:
    assert model.plan().data.slice_distance == 20
    shape, size = (40, 48, depth), (5.0, 5.0, spacing)
    write_subject(tmp_path / "A", 1, ["T1w"], shape=shape, spacing=size)
    run(model, tmp_path / "A", tmp_path / "out", uncertainty=False)
    assert echo[0].calls[0]["gap"] == gap
    assert len(echo[0].calls[0]["stack"]) == depth


# --- sources ------------------------------------------------------------------------------------


def test_a_missing_source_is_done_without_and_that_is_said(model, echo, tmp_path) -> None:
    write_subject(tmp_path / "s/A", 1, ["T1w", "T2w"])
    write_subject(tmp_path / "s/B", 2, ["T2w"])
    heard = Listener()
    result = run(model, tmp_path / "s", tmp_path / "out", reporter=heard)
    assert [told(result, n)["MissingSources"] for n in (0, 1)] == [[], ["T1w"]]
    assert [call["missing"] for call in echo[0].calls] == [[], ["T1w"]]
    assert "1 visit is translated without T1w" in heard.warnings


def test_a_model_that_needs_all_sources_leaves_such_visits_out(home, echo, tmp_path) -> None:
    strict = Model(home / "run", "strict")
    write_subject(tmp_path / "s/A", 1, ["T1w", "T2w"])
    write_subject(tmp_path / "s/B", 2, ["T2w"])
    heard = Listener()
    result = run(strict, tmp_path / "s", tmp_path / "out", reporter=heard)
    assert [visit.subject for visit in result.visits] == ["A"]
    assert result.left_out == 1
    assert "1 visit without T1w and T2w left out" in heard.warnings
    with pytest.raises(UserError, match=r"no visit has T1w and T2w; there are T2w \(1\)"):
        run(strict, tmp_path / "s/B", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("name", "asked", "says"),
    [
        ("mustgan", {"target": "T2w"}, "translates to FLAIR, not to T2w; give --to FLAIR"),
        ("mustgan", {"sources": ["PDw"]}, "translates from T1w, T2w, not from PDw"),
        ("mustgan", {"sources": ["t1", "T1w"]}, "name each contrast once"),
        ("strict", {"sources": ["T1w"]}, "cannot do without T2w"),
        ("pix2pix", {"sources": ["T1w", "T2w"]}, "translates from T1w, not from T2w"),
    ],
)
def test_contrasts_that_are_not_the_models_are_refused(home, tmp_path, name, asked, says) -> None:
    with pytest.raises(UserError, match=says):
        run(Model(home / "run", name), home / "scans", tmp_path / "out", **asked)
    assert not (tmp_path / "out").exists()


def test_visits_that_have_the_target_can_be_left_alone(home, model, echo, tmp_path) -> None:
    shutil.copytree(home / "scans/Person0", tmp_path / "s/complete")
    write_subject(tmp_path / "s/incomplete", 2, ["T1w", "T2w"])
    result = run(model, tmp_path / "s", tmp_path / "out", missing_only=True)
    assert ([visit.subject for visit in result.visits], result.left_alone) == (["incomplete"], 1)
    done = run(model, tmp_path / "s/complete", tmp_path / "none", missing_only=True)
    assert (done.visits, done.left_alone) == ([], 1)
    assert not (tmp_path / "none").exists()


# --- the data set -------------------------------------------------------------------------------


def test_visits_and_ids_are_the_sources_own(model, echo, tmp_path) -> None:
    for number in (1, 2):
        for contrast in ("T1w", "T2w"):
            path = tmp_path / f"s/sub-07/ses-{number}/anat/sub-07_ses-{number}_{contrast}.nii.gz"
            save_scan(path, scan_of(number, contrast), affine_of())
    result = run(model, tmp_path / "s", tmp_path / "out")
    assert [(v.subject, v.session) for v in result.visits] == [
        ("sub-07", "ses-1"),
        ("sub-07", "ses-2"),
    ]
    name = "sub-07/ses-2/anat/sub-07_ses-2_desc-synthetic_FLAIR.nii.gz"
    assert result.visits[1].image == tmp_path / "out" / name
    one, two = (nib.load(visit.image).get_fdata() for visit in result.visits)
    assert not np.array_equal(one, two)


def test_every_mark_says_synthetic_and_nothing_says_where_files_lie(
    home, model, echo, tmp_path
) -> None:
    result = run(model, home / "scans/Person1", tmp_path / "out")
    for path in sorted((tmp_path / "out").rglob("*")):
        if path.suffix in (".json", "") and path.is_file():
            text = path.read_text()
            assert "not for diagnosis" in text.lower() or path.name == "dataset_description.json"
            assert "synthetic" in text.lower()
            assert str(home) not in text
    image = nib.load(result.visits[0].image)
    assert bytes(image.header["descrip"].tobytes()).startswith(b"SYNTHETIC popgan")
    assert bytes(image.header["intent_name"].tobytes()).startswith(b"synthetic")
    assert told(result)["WeightsSHA256"] == model.weights_hash()
    assert told(result)["Synthetic"] is True


def test_the_sidecar_says_how_far_outside_of_training_slices_lie(home, model, echo) -> None:
    result = run(model, home / "scans/Person1", home.parent / "heights")
    facts = told(result)
    cohort = Cohort.open(home / "run")
    heights = [s.height for s in cohort.slices if s.split == "train"]
    assert facts["TrainedHeights"] == pytest.approx([min(heights), max(heights)], abs=1e-3)
    # Six slices between 30 and 90 % of the brain were learnt, and the head has fourteen.
    assert 0.2 < facts["SlicesOutsideTrainedHeights"] < 0.6
    assert facts["Slices"] == 14
    # A copy of the source is as smooth through the plane as the source.
    assert facts["ThroughPlaneRoughness"] == pytest.approx(1)


def test_a_head_larger_than_the_field_is_told(model, echo, tmp_path) -> None:
    affine = affine_of(spacing=(6.5, 6.5, 12.0))
    for name, contrast in (("t1", "T1w"), ("t2", "T2w")):
        save_scan(tmp_path / f"A/{name}.nii.gz", scan_of(1, contrast), affine)
    heard = Listener()
    result = run(model, tmp_path / "A", tmp_path / "out", reporter=heard)
    assert "the model's field" in result.visits[0].warnings[0]
    assert set(result.visits[0].warnings) < set(told(result)["Warnings"])
    assert any(text.startswith("sub-A: the head is") for text in heard.warnings)
    again = run(model, tmp_path / "A", tmp_path / "out")
    assert again.visits[0].unchanged
    assert again.visits[0].warnings == result.visits[0].warnings


def test_a_scan_unlike_those_of_training_is_told(home, echo, tmp_path) -> None:
    shutil.copytree(home / "run", tmp_path / "run")
    own = Model(tmp_path / "run", "mustgan")
    rules = WholeRules.read(own.run, own.plan().data.cohort)
    visits = []
    for seed in range(10, 22):
        volumes = {name: (scan_of(seed, name), affine_of()) for name in ("T1w", "T2w")}
        visit = whole_of_arrays(volumes, rules)
        stacks = np.moveaxis((visit.stack[visit.taken] + 1) / 2, 1, 0)
        images = dict(zip(volumes, stacks, strict=True))
        visits.append(visit_traits(images, visit.facts[0].spacing))
    domain = Domain.learn(visits, heights=rules.heights)
    write_json(own.domain_path, domain.model_dump(mode="json"))
    heard = Listener()
    write_subject(tmp_path / "s/usual", 33, ["T1w", "T2w"])
    exchanged = write_subject(tmp_path / "s/wrong", 9, ["T1w", "T2w"])
    (exchanged / "t1.nii.gz").rename(exchanged / "t.nii.gz")
    (exchanged / "t2.nii.gz").rename(exchanged / "t1.nii.gz")
    (exchanged / "t.nii.gz").rename(exchanged / "t2.nii.gz")
    result = run(own, tmp_path / "s", tmp_path / "out", reporter=heard)
    usual, wrong = result.visits
    assert usual.warnings == ()
    assert any("looks like T2w rather than T1w" in text for text in wrong.warnings)
    assert all(text.startswith("unlike the training scans: ") for text in wrong.warnings)
    assert set(wrong.warnings) <= set(told(result, 1)["Warnings"])
    assert f"sub-wrong: {wrong.warnings[0]}" in heard.warnings


def test_what_holds_for_all_visits_is_told_once(home, model, echo, tmp_path) -> None:
    heard = Listener()
    result = run(model, home / "scans", tmp_path / "out", reporter=heard)
    assert len([text for text in heard.warnings if "no record of the scans" in text]) == 1
    assert all("no record of the scans" in told(result, n)["Warnings"][1] for n in range(4))


# --- uncertainty --------------------------------------------------------------------------------


def test_a_map_without_calibration_is_called_a_bare_spread(home, model, echo, tmp_path) -> None:
    heard = Listener()
    result = run(model, home / "scans/Person1", tmp_path / "out", reporter=heard)
    assert any("not calibrated" in text for text in heard.warnings)
    facts = told(result)
    assert facts["Uncertainty"]["Calibrated"] is False
    assert "not calibrated" in facts["Uncertainty"]["Meaning"]
    assert result.visits[0].half_width is not None
    image = nib.load(result.visits[0].half_width)
    low, high = facts["IntensityRange"]
    # The spread is 0.1 everywhere in the field, in grey values a tenth of the range.
    assert np.median(image.get_fdata()) == pytest.approx(0.1 * (high - low), rel=0.01)
    assert np.array_equal(image.affine, nib.load(result.visits[0].image).affine)


def test_a_calibrated_map_is_the_half_width(home, echo, tmp_path) -> None:
    shutil.copytree(home / "run", tmp_path / "run")
    own = Model(tmp_path / "run", "mustgan")
    known = Calibration(
        level=0.9, passes=5, patients=3, voxels=100, spread=[0.0, 0.2], half_width=[0.02, 0.42]
    )
    alone = known.model_copy(update={"half_width": [0.04, 0.84]})
    known = known.model_copy(update={"without": {"T1w": alone}})
    write_json(own.folder / "calibration.json", known.model_dump(mode="json"))
    result = run(own, home / "scans/Person1", tmp_path / "out")
    assert echo[0].calls[0]["passes"] == 5
    facts = told(result)
    assert (facts["Uncertainty"]["Calibrated"], facts["Uncertainty"]["Level"]) == (True, 0.9)
    low, high = facts["IntensityRange"]
    assert result.visits[0].half_width is not None
    values = nib.load(result.visits[0].half_width).get_fdata()
    assert np.median(values) == pytest.approx(0.22 * (high - low), rel=0.01)
    lacking = run(own, home / "scans/Person1", tmp_path / "less", sources=["T2w"])
    facts = told(lacking)
    assert facts["Uncertainty"]["Calibrated"] is True
    assert "without T1w" in facts["Uncertainty"]["Meaning"]
    assert lacking.visits[0].half_width is not None
    values = nib.load(lacking.visits[0].half_width).get_fdata()
    low, high = facts["IntensityRange"]
    assert np.median(values) == pytest.approx(0.44 * (high - low), rel=0.01)
    # What was never calibrated is said, and not only in half a clause.
    unknown = run(own, home / "scans/Person1", tmp_path / "other", sources=["T1w"])
    facts = told(unknown)
    assert facts["Uncertainty"]["Calibrated"] is False
    assert any("not calibrated" in text for text in facts["Warnings"])


def test_without_uncertainty_there_is_no_map(home, model, echo, tmp_path) -> None:
    result = run(model, home / "scans/Person1", tmp_path / "out", uncertainty=False)
    assert result.visits[0].half_width is None
    assert echo[0].calls[0]["passes"] == 0
    assert list((tmp_path / "out").rglob("*desc-uncertainty*")) == []
    assert told(result)["Uncertainty"] is None


# --- trouble ------------------------------------------------------------------------------------


def test_a_bad_scan_is_set_aside_and_the_rest_goes_on(model, echo, tmp_path) -> None:
    for name, seed in (("A", 1), ("B", 2), ("C", 3)):
        write_subject(tmp_path / f"s/{name}", seed, ["T1w", "T2w"])
    bad = tmp_path / "s/B/t2.nii.gz"
    bad.write_bytes(bad.read_bytes()[:999])
    heard = Listener()
    result = run(model, tmp_path / "s", tmp_path / "out", reporter=heard)
    assert [visit.subject for visit in result.visits] == ["A", "C"]
    (aside,) = result.set_aside
    assert (aside.subject, aside.path) == ("B", bad)
    assert "truncated" in aside.reason
    assert any(str(bad) in text for text in heard.warnings)
    assert not (tmp_path / "out/sub-B").exists()
    with pytest.raises(UserError, match=r"nothing can be translated: t2\.nii\.gz is trunc"):
        run(model, tmp_path / "s/B", tmp_path / "none")


def test_sources_that_do_not_lie_on_one_another_are_set_aside(home, model, echo, tmp_path) -> None:
    write_subject(tmp_path / "s/A", 1, ["T1w", "T2w"])
    write_subject(tmp_path / "s/B", 2, ["T1w"])
    write_subject(tmp_path / "s/B", 2, ["T2w"], shift=(22, 10, 0))
    result = run(model, tmp_path / "s", tmp_path / "out")
    assert [visit.subject for visit in result.visits] == ["A"]
    (aside,) = result.set_aside
    assert aside.path == tmp_path / "s/B/t2.nii.gz"
    assert "T1w and T2w are shifted by" in aside.reason
    assert "register them first, or leave one out (--from)" in aside.reason
    alone = run(model, tmp_path / "s/B", tmp_path / "alone", sources=["T2w"])
    assert [visit.subject for visit in alone.visits] == ["B"]
    volumes = {
        "T1w": (scan_of(2, "T1w"), affine_of()),
        "T2w": (scan_of(2, "T2w", shift=(22, 10, 0)), affine_of()),
    }
    with pytest.raises(UserError, match="the T2w volume does not lie on the other source"):
        translate_volume(model, volumes)


def test_what_is_done_is_skipped_and_what_changed_is_done_again(model, echo, tmp_path) -> None:
    for name, seed in (("A", 1), ("B", 2)):
        write_subject(tmp_path / f"s/{name}", seed, ["T1w", "T2w"])
    run(model, tmp_path / "s", tmp_path / "out")
    before = snapshot(tmp_path / "out")
    again = run(model, tmp_path / "s", tmp_path / "out")
    assert [visit.unchanged for visit in again.visits] == [True, True]
    after = snapshot(tmp_path / "out")
    assert {n for n in after if after[n] != before.get(n)} <= {"README"}
    assert echo[1].calls == []
    # Another scan, and another wish.
    write_subject(tmp_path / "s/B", 5, ["T2w"])
    changed = run(model, tmp_path / "s", tmp_path / "out")
    assert [visit.unchanged for visit in changed.visits] == [True, False]
    other = run(model, tmp_path / "s", tmp_path / "out", uncertainty=False)
    assert [visit.unchanged for visit in other.visits] == [False, False]
    assert list((tmp_path / "out").rglob("*desc-uncertainty*")) == []
    # A map that was removed is made again.
    back = run(model, tmp_path / "s", tmp_path / "out")
    assert back.visits[0].half_width is not None
    back.visits[0].half_width.unlink()
    assert not run(model, tmp_path / "s", tmp_path / "out").visits[0].unchanged


def test_an_interrupted_translation_leaves_whole_files_and_goes_on(
    model, echo, tmp_path, monkeypatch
) -> None:
    for name, seed in (("A", 1), ("B", 2)):
        write_subject(tmp_path / f"s/{name}", seed, ["T1w", "T2w"])
    call = Echo.__call__

    def stopped(self: Echo, stack: np.ndarray, **given: Any) -> Translated:
        if self.calls:
            raise KeyboardInterrupt
        return call(self, stack, **given)

    monkeypatch.setattr(Echo, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(model, tmp_path / "s", tmp_path / "out")
    assert leavings(tmp_path / "out") == []
    assert (tmp_path / "out/sub-A/anat/sub-A_desc-synthetic_FLAIR.json").exists()
    monkeypatch.setattr(Echo, "__call__", call)
    result = run(model, tmp_path / "s", tmp_path / "out")
    assert [visit.unchanged for visit in result.visits] == [True, False]


def test_an_image_whose_sidecar_is_missing_is_made_again(home, model, echo, tmp_path) -> None:
    result = run(model, home / "scans/Person1", tmp_path / "out")
    result.visits[0].sidecar.unlink()
    assert not run(model, home / "scans/Person1", tmp_path / "out").visits[0].unchanged


def test_a_full_disk_is_one_line(home, model, echo, tmp_path) -> None:
    with full_disk(3000), pytest.raises(UserError, match="cannot be written"):
        run(model, home / "scans/Person1", tmp_path / "out")
    assert leavings(tmp_path) == []
    assert list((tmp_path / "out").rglob("*desc-synthetic_FLAIR*")) == []


def into_run(home: Path, tmp_path: Path) -> Path:
    return home / "run/synthetic/translated"


def into_scans(home: Path, tmp_path: Path) -> Path:
    return home / "scans/derivatives"


def among_other_files(home: Path, tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").write_text("mine")
    return tmp_path / "other"


def onto_a_file(home: Path, tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("mine")
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (into_run, "lies inside the run folder"),
        (into_scans, "lies inside the folder of scans"),
        (among_other_files, "holds files that are no translations of popgan"),
        (onto_a_file, "is no folder"),
    ],
)
def test_a_data_set_lies_where_nothing_else_does(
    home, model, echo, tmp_path, place: Callable[[Path, Path], Path], says
) -> None:
    with pytest.raises(UserError, match=says):
        run(model, home / "scans", place(home, tmp_path))


def test_translations_of_two_models_are_not_mixed(home, model, echo, tmp_path) -> None:
    run(model, home / "scans/Person1", tmp_path / "out")
    with pytest.raises(UserError, match="holds translations of another model"):
        run(Model(home / "run", "pix2pix"), home / "scans/Person1", tmp_path / "out")


def test_what_is_no_trained_translator_is_refused(home, tmp_path) -> None:
    shutil.copytree(home / "run", tmp_path / "run")
    own = Model(tmp_path / "run", "mustgan")
    own.weights_path.unlink()
    with pytest.raises(UserError, match="not trained yet"):
        run(own, home / "scans", tmp_path / "out")
    drawing = popgan.make_plan(Cohort.open(home / "run"), overrides={"train.images": 640})
    own.weights_path.write_bytes(b"")
    drawing.save(own.plan_path)
    with pytest.raises(UserError, match="does not translate"):
        run(own, home / "scans", tmp_path / "out")
    with pytest.raises(UserError, match=r"holds 3 models .*--name"):
        translate(home / "run", home / "scans", tmp_path / "out")


# --- the real network, and arrays ---------------------------------------------------------------


def test_a_network_makes_what_is_written_and_alike_in_memory(home, model, tmp_path) -> None:
    result = run(model, home / "scans/Person2", tmp_path / "out")
    volumes = {}
    for contrast, name in (("T1w", "t1"), ("T2w", "t2")):
        image = nib.load(home / f"scans/Person2/{name}.nii.gz")
        volumes[contrast] = (image.get_fdata(dtype=np.float32), image.affine)
    volume = translate_volume(model, volumes)
    written = nib.load(result.visits[0].image)
    assert result.visits[0].half_width is not None and volume.half_width is not None
    step = (volume.brightest - volume.background) / 32000
    assert np.abs(written.get_fdata() - volume.image).max() <= step
    half = nib.load(result.visits[0].half_width).get_fdata()
    assert np.abs(half - volume.half_width).max() <= step
    assert half.max() > 0
    assert np.array_equal(volume.affine, written.affine)
    assert not volume.calibrated


def test_the_python_interface_has_it() -> None:
    assert popgan.translate is translate
    assert popgan.translate_volume is translate_volume
    assert popgan.Translations is Translations
