"""Whole volumes for a model: seen as its cohort was, and back on the voxels they came from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from popgan.cohort.cohort import Cohort
from popgan.cohort.options import IngestOptions
from popgan.cohort.whole import digest, open_reader, whole_of_arrays
from popgan.cohort.whole_rules import WholeRules
from popgan.cohort.whole_visits import Named, SetAside
from popgan.cohort.whole_work import WholeVisit
from popgan.errors import UserError
from popgan.preparation.intensity import measure_intensity
from popgan.preparation.orientation import to_ras
from popgan.progress import Reporter
from whole_cohorts import (
    OPTIONS,
    SIDE,
    affine_of,
    ingested,
    save_scan,
    scan_of,
    write_subject,
)

pytestmark = pytest.mark.xdist_group("whole volumes")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scans` and `run`; not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    ingested(folder)
    return folder


@pytest.fixture(scope="module")
def rules(home: Path) -> WholeRules:
    return WholeRules.read(home / "run", Cohort.open(home / "run").hash)


def read(rules: WholeRules, *paths: Path, contrasts=("T1w", "T2w"), workers=0):
    """What is found, and what is read, in the order of subjects and visits."""
    with open_reader(rules, workers=workers, reporter=Reporter()) as reader:
        found = reader.find(Named(paths))
        asked = [(c, [n for n in contrasts if n in c.scans]) for c in found.visits]
        return found, list(reader.read([(c, names) for c, names in asked if names]))


def only(rules: WholeRules, *paths: Path, **more) -> WholeVisit:
    _, visits = read(rules, *paths, **more)
    (visit,) = visits
    assert isinstance(visit, WholeVisit), visit
    return visit


def unit(path: Path) -> np.ndarray:
    """A file's voxels as ingest normalises them, in the file's own axes."""
    data = nib.load(path).get_fdata(dtype=np.float32)
    turned, _ = to_ras(data, nib.load(path).affine)
    intensity = measure_intensity(turned)
    assert intensity is not None
    return intensity.apply(data)


def test_a_model_sees_what_it_was_trained_on(home, rules) -> None:
    """The slices that ingest took are those of the stack, normalisation and all."""
    cohort = Cohort.open(home / "run")
    for seed in range(4):
        visit = only(rules, home / f"scans/Person{seed}", contrasts=("T1w", "T2w", "FLAIR"))
        rows = [i for i, s in enumerate(cohort.slices) if s.subject == f"Person{seed}"]
        assert np.array_equal(
            visit.heights[visit.taken].round(6), [cohort.slices[i].height for i in rows]
        )
        for row in rows:
            nearest = int(np.abs(visit.heights - cohort.slices[row].height).argmin())
            assert visit.heights[nearest] == pytest.approx(cohort.slices[row].height, abs=1e-5)
            assert np.abs(visit.stack[nearest] - cohort.image(row)).max() < 4 / 65535


@pytest.mark.parametrize("method", ["nyul", "zscore", "wm-peak"])
def test_the_normalisation_that_the_cohort_learnt_is_applied(home, tmp_path, method) -> None:
    options = OPTIONS.model_copy(update={"intensity": method})
    cohort = Cohort.from_folder(home / "scans", tmp_path / "run", options=options, workers=0)
    rules = WholeRules.read(tmp_path / "run", cohort.hash)
    visit = only(rules, home / "scans/Person2", contrasts=("T1w", "T2w", "FLAIR"))
    row = next(i for i, s in enumerate(cohort.slices) if s.subject == "Person2")
    nearest = int(np.abs(visit.heights - cohort.slices[row].height).argmin())
    assert np.abs(visit.stack[nearest] - cohort.image(row)).max() < 4 / 65535


GRIDS = [
    ("RAS", (5.0, 5.0, 10.0), (40, 48, 14)),
    ("LPS", (5.0, 5.0, 10.0), (40, 48, 14)),
    ("PSR", (5.0, 10.0, 5.0), (48, 14, 40)),  # sagittal
    ("LSA", (5.0, 10.0, 4.0), (40, 14, 60)),  # coronal
    ("IRP", (12.0, 3.0, 4.0), (12, 66, 60)),  # thick slices, and none of them square
]


@pytest.mark.parametrize(("axes", "spacing", "shape"), GRIDS, ids=[grid[0] for grid in GRIDS])
def test_what_a_model_leaves_as_it_is_comes_back_to_its_own_voxels(
    rules, tmp_path, axes, spacing, shape
) -> None:
    folder = write_subject(tmp_path / "p", 7, ["T1w"], axes=axes, spacing=spacing, shape=shape)
    visit = only(rules, folder, contrasts=("T1w",))
    assert visit.file.shape == shape
    assert np.allclose(visit.file.affine, affine_of(axes, spacing, shape))
    back = visit.back((visit.stack[:, 0] + 1) / 2)
    assert back.shape == shape
    true = unit(folder / "t1.nii.gz")
    error = np.abs(back - true)
    # Edges are 2 to 5 mm wide and pixels 3.5 mm, so single voxels of an edge are off.
    assert error.mean() < 0.01
    assert np.percentile(error, 99) < 0.08
    # And nothing but the place where it lies would do: a voxel aside is ten times worse.
    for axis in range(3):
        assert np.abs(np.roll(back, 1, axis) - true).mean() > 2.5 * error.mean()


def test_every_slice_is_covered(rules, home) -> None:
    visit = only(rules, home / "scans/Person1", contrasts=("T1w",))
    back = visit.back(np.ones((14, SIDE, SIDE), np.float32))
    assert len(visit.stack) == len(visit.heights) == 14
    seen = back.any(axis=(0, 1))
    assert np.array_equal(seen, visit.shown)
    assert seen.sum() >= 13  # of the head no slice is left out, wherever training took its own


def test_near_empty_slices_stay_background(rules, tmp_path) -> None:
    shape = (40, 48, 26)
    folder = write_subject(tmp_path / "p", 1, ["T1w"], shape=shape)
    visit = only(rules, folder, contrasts=("T1w",))
    data = unit(folder / "t1.nii.gz")
    share = (data > visit.facts[0].intensity.threshold).mean(axis=(0, 1))
    assert np.array_equal(visit.shown, share > 0.02 * share.max())
    back = visit.back(np.ones((26, SIDE, SIDE), np.float32))
    assert not back[:, :, ~visit.shown].any()
    assert not visit.shown.all()
    assert (visit.unseen()[:, :, ~visit.shown] == 1).all()


def test_a_head_off_the_middle_comes_back_to_its_own_place(rules, tmp_path) -> None:
    shape, shift = (60, 70, 14), (-55.0, 60.0, 0.0)
    folder = write_subject(tmp_path / "p", 3, ["T1w"], shape=shape, shift=shift)
    visit = only(rules, folder, contrasts=("T1w",))
    # In what the model sees the head is in the middle ...
    seen = np.argwhere(visit.stack[7, 0] > -0.5)
    assert np.abs((seen.min(axis=0) + seen.max(axis=0)) / 2 - (SIDE - 1) / 2).max() < 2
    # ... and afterwards where it was.
    back = visit.back((visit.stack[:, 0] + 1) / 2)
    assert np.abs(back - unit(folder / "t1.nii.gz")).mean() < 0.01


def test_what_lies_outside_the_field_is_background(rules, tmp_path) -> None:
    shape = (120, 48, 14)
    folder = write_subject(tmp_path / "p", 3, ["T1w"], shape=shape)
    visit = only(rules, folder, contrasts=("T1w",))
    back = visit.back(np.ones((14, SIDE, SIDE), np.float32))
    covered = np.flatnonzero(back.any(axis=(1, 2))) * 5.0
    assert covered[-1] - covered[0] == pytest.approx(rules.field, abs=10)
    assert (covered[-1] + covered[0]) / 2 == pytest.approx(visit.centre[0], abs=5)
    # There nothing was seen, and within it all was, but for a rim of interpolation.
    unseen = visit.unseen()
    assert np.allclose(unseen, 1 - back, atol=1e-5) and (unseen == 1).mean() > 0.3


def test_contrasts_on_other_grids_are_brought_onto_the_first(rules, tmp_path) -> None:
    folder = write_subject(tmp_path / "p", 5, ["T1w"])
    write_subject(folder, 5, ["T2w"], axes="LPS", spacing=(4.0, 4.0, 9.0), shape=(50, 60, 16))
    visit = only(rules, folder)
    assert [fact.regridded for fact in visit.facts] == [False, True]
    straight = only(rules, write_subject(tmp_path / "q", 5))
    error = np.abs(visit.stack[2:-2] - straight.stack[2:-2])
    assert error.mean() < 0.03


def test_a_skull_stripped_scan_keeps_its_mask(rules, tmp_path) -> None:
    folder, affine = tmp_path / "p", affine_of()
    data = scan_of(4, "T1w")
    radius = np.linalg.norm(
        (np.indices(data.shape).T * (5, 5, 10) + affine[:3, 3]) / (60, 76, 62), axis=-1
    ).T
    save_scan(folder / "t1.nii.gz", np.where(radius < 1, data, 0), affine)
    visit = only(rules, folder, contrasts=("T1w",))
    assert visit.facts[0].kind == "brain"
    back = visit.back(np.ones((14, SIDE, SIDE), np.float32))
    assert np.array_equal(back > 0, (radius < 1) & visit.shown)


def test_a_cohort_in_template_space_leads_back_to_the_scan(home, rules, tmp_path) -> None:
    """The way back from a template is that of the place where slices lie (`Place.to_scan`)."""
    visit = only(rules, home / "scans/Person0", contrasts=("T1w",))
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1.05]]
    turn[:3, 3] = (4, -6, 3)
    # The head sampled where the template's grid lies in the scan's own space.
    shape, spacing = (50, 56, 36), (4.0, 4.0, 5.0)
    grid = turn @ affine_of(shape=shape, spacing=spacing)
    data = scan_of(0, "T1w", grid, shape)
    stack = only(
        rules,
        save_scan(tmp_path / "p/t1.nii.gz", data, affine_of(shape=shape, spacing=spacing)).parent,
        contrasts=("T1w",),
    )
    moved = replace(stack, affine=grid, file=visit.file)
    back = moved.back((moved.stack[:, 0] + 1) / 2)
    true = unit(home / "scans/Person0/t1.nii.gz")
    assert back.shape == true.shape
    assert np.abs(back - true)[:, :, 1:-1].mean() < 0.02


def test_two_visits_of_a_subject_are_two(rules, tmp_path) -> None:
    for number in (1, 2):
        folder = tmp_path / f"sub-A/ses-{number}/anat"
        affine = affine_of()
        save_scan(folder / f"sub-A_ses-{number}_T1w.nii.gz", scan_of(number, "T1w"), affine)
    found, visits = read(rules, tmp_path)
    assert [(v.subject, v.session) for v in found.visits] == [
        ("sub-A", "ses-1"),
        ("sub-A", "ses-2"),
    ]
    assert all(isinstance(visit, WholeVisit) for visit in visits)


def test_a_bad_file_is_set_aside_and_the_rest_goes_on(rules, home, tmp_path) -> None:
    shutil.copytree(home / "scans/Person0", tmp_path / "good")
    write_subject(tmp_path / "bad", 1, ["T1w"])
    path = tmp_path / "bad/t1.nii.gz"
    path.write_bytes(path.read_bytes()[:500])
    for workers in (0, 1):
        _, visits = read(rules, tmp_path, workers=workers)
        assert isinstance(visits[0], SetAside)
        assert (visits[0].subject, visits[0].path) == ("bad", path)
        assert "truncated" in visits[0].reason
        assert isinstance(visits[1], WholeVisit)


def test_workers_give_what_this_process_gives(rules, home) -> None:
    own, other = (only(rules, home / "scans/Person1", workers=n) for n in (0, 1))
    assert np.array_equal(own.stack, other.stack)
    assert np.array_equal(own.back(own.stack[:, 0] + 1), other.back(other.stack[:, 0] + 1))


def test_arrays_in_memory_are_seen_as_files_are(rules, home) -> None:
    image = nib.load(home / "scans/Person1/t1.nii.gz")
    visit = whole_of_arrays({"T1w": (image.get_fdata(dtype=np.float32), image.affine)}, rules)
    assert np.array_equal(
        visit.stack, only(rules, home / "scans/Person1", contrasts=("T1w",)).stack
    )
    with pytest.raises(UserError, match="the T1w volume shows nothing but background"):
        whole_of_arrays({"T1w": (np.zeros((9, 9, 9)), np.eye(4))}, rules)
    with pytest.raises(UserError, match="NaN"):
        whole_of_arrays({"T1w": (np.full((9, 9, 9), np.nan), np.eye(4))}, rules)
    with pytest.raises(UserError, match="onto a plane"):
        whole_of_arrays({"T1w": (np.ones((9, 9, 9)), np.diag([1.0, 1.0, 0.0, 1.0]))}, rules)


def test_colour_pictures_are_as_large_as_in_their_cohort(tmp_path) -> None:
    shape, affine = (100, 110, 14), affine_of(spacing=(2.0, 2.0, 10.0), shape=(100, 110, 14))
    for seed in range(3):
        volumes = [scan_of(seed, name, affine, shape) for name in ("T1w", "T2w", "FLAIR")]
        for k in (5, 7, 9):
            pixels = np.stack([np.clip(v[:, ::-1, k].T / 4, 0, 255) for v in volumes], axis=-1)
            path = tmp_path / f"pictures/sub-{seed}/slice{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    contrasts = ["T1w", "T2w", "FLAIR"]
    options = OPTIONS.model_copy(update={"channels": contrasts})
    cohort = Cohort.from_folder(tmp_path / "pictures", tmp_path / "run", options=options, workers=0)
    rules = WholeRules.read(tmp_path / "run", cohort.hash)
    # The same pictures, half as large: their pixels are taken to be twice as large.
    picture = Image.open(tmp_path / "pictures/sub-1/slice7.png")
    (tmp_path / "new").mkdir()
    picture.resize((50, 55), Image.Resampling.BOX).save(tmp_path / "new/slice7.png")
    with open_reader(rules, workers=0, reporter=Reporter()) as reader:
        found = reader.find(Named((tmp_path / "new",), channels=tuple(contrasts)))
        (visit,) = reader.read([(found.visits[0], ["T1w"])])
    assert isinstance(visit, WholeVisit)
    row = next(i for i, s in enumerate(cohort.slices) if s.subject == "sub-1") + 1
    assert np.corrcoef(visit.stack[0, 0].ravel(), cohort.image(row)[0].ravel())[0, 1] > 0.97
    back = visit.back((visit.stack[:, 0] + 1) / 2)
    assert back.shape == (55, 50, 1)
    shown = np.asarray(picture.resize((50, 55), Image.Resampling.BOX))[..., 0]
    assert np.corrcoef(back[..., 0].ravel(), shown.ravel())[0, 1] > 0.99


# --- what is named ------------------------------------------------------------------------------


def names(found) -> list[tuple[str, str | None, list[str]]]:
    return [(v.subject, v.session, sorted(v.scans)) for v in found.visits]


def test_folders_of_subjects_and_single_files_are_understood(rules, home, tmp_path) -> None:
    scans = home / "scans"
    both = ["T1w", "T2w"]
    expected = [("Person1", None, ["FLAIR", *both])]
    # A folder right above the files gives its name to the subject.
    assert names(read(rules, scans / "Person1")[0]) == expected
    # So do files whose names say nothing but their contrast.
    files = [scans / "Person1/t1.nii.gz", scans / "Person1/t2.nii.gz"]
    assert names(read(rules, *files)[0]) == [("Person1", None, both)]
    # The data set and a folder of it again: the same scans, once.
    found, _ = read(rules, scans, scans / "Person1")
    assert len(found.visits) == 4
    assert found.set_aside == []


def test_two_scans_of_one_name_are_not_mixed(rules, home, tmp_path) -> None:
    other = write_subject(tmp_path / "Person1", 9, ["T1w"])
    found, visits = read(rules, home / "scans/Person1", other)
    assert len(visits) == 1
    (aside,) = found.set_aside
    assert aside.path == other / "t1.nii.gz"
    assert "another T1w" in aside.reason


def test_what_is_no_scan_is_set_aside_by_name(rules, home, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    picture = tmp_path / "slice.png"
    picture.write_bytes(b"x")
    mask = save_scan(tmp_path / "lesion_mask.nii.gz", np.ones((9, 9, 9)), np.eye(4))
    found, visits = read(rules, home / "scans/Person1", tmp_path / "empty", picture, mask)
    assert len(visits) == 1
    told = {aside.path.name: aside.reason for aside in found.set_aside}
    assert "is empty" in told["empty"]
    assert "no volume in one file" in told["slice.png"]
    assert "label map" in told["lesion_mask.nii.gz"]
    with pytest.raises(UserError, match="does not exist"):
        read(rules, tmp_path / "nowhere")
    with pytest.raises(UserError, match="is empty"):
        read(rules, tmp_path / "empty")


def test_a_phantom_is_known_by_its_data_set_wherever_it_is_entered(rules, tmp_path) -> None:
    from popgan.phantom.cohort import _write_tables

    scan = scan_of(1, "T1w")
    path = tmp_path / "data/sub-1/anat/sub-1_T1w.nii.gz"
    save_scan(path, scan, affine_of())
    _write_tables(tmp_path / "data", [], "test")
    for named in (tmp_path / "data", tmp_path / "data/sub-1", path):
        (visit,) = read(rules, named)[0].visits
        assert visit.phantom
    elsewhere = save_scan(tmp_path / "other/sub-1_T1w.nii.gz", scan, affine_of())
    (visit,) = read(rules, elsewhere)[0].visits
    assert not visit.phantom


# --- rules --------------------------------------------------------------------------------------


def test_rules_need_no_slices_of_patients(home, rules, tmp_path) -> None:
    shutil.copytree(home / "run/dataset", tmp_path / "run/dataset")
    found = WholeRules.read(tmp_path / "run", Cohort.open(home / "run").hash)
    assert (found.field, found.side, found.heights) == (rules.field, rules.side, rules.heights)


def test_another_cohort_or_none_is_refused(home, tmp_path) -> None:
    with pytest.raises(UserError, match="belongs to another cohort"):
        WholeRules.read(home / "run", "0" * 64)
    with pytest.raises(UserError, match="holds no cohort"):
        WholeRules.read(tmp_path, "0" * 64)


def test_a_digest_is_of_the_bytes(tmp_path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    one.write_bytes(b"abc")
    two.write_bytes(b"")
    assert digest([one]) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest([one, two]) != digest([two, one])
    assert digest([tmp_path / "nowhere"]) is None


def test_options_of_ingest_are_kept_for_scans_to_come(rules) -> None:
    assert isinstance(rules.options, IngestOptions)
    assert rules.options.keep_skull
    assert rules.heights[0] < 0.4 < 0.8 < rules.heights[1]
