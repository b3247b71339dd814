"""Images that come with their masks: from the command line to files, figures and pages."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from popgan import Cohort, UserError, Wish, find_model, synthesise, synthesise_with_masks
from popgan.stations.evidence import load_evaluation
from popgan.stations.source import CohortImages
from small_runs import INGEST, call, head, save, sets

SUBJECTS = 14
UNMAPPED = "Person3"
RIGHT, LESION, RARE = 40, 2, 7


def write_masked(folder: Path, count: int = SUBJECTS) -> Path:
    """Subjects with two contrasts; all but one have a map of a sided part and of a lesion.

    The upper half of every head shows no label, and one subject alone a rare one.
    """
    for seed in range(count):
        data, name = head(seed), f"Person{seed}"
        save(folder / name / "t1.nii.gz", data)
        save(folder / name / "flair.nii.gz", (data.max() - data) * (data > 100))
        labels = np.zeros(data.shape, np.int16)
        inside = data > 500
        labels[18:28, 8:30, :18][inside[18:28, 8:30, :18]] = RIGHT  # RAS: beyond 16 is the right
        place = 4 + 10 * (seed % 2)
        labels[place : place + 6, 14:20, 6:16] = LESION
        if seed == 0:
            labels[4, 20, 10] = RARE
        if name != UNMAPPED:
            save(folder / name / "tissue.nii.gz", labels)
    (folder / "tissue.tsv").write_text(f"index\tname\n{LESION}\tlesion\n{RIGHT}\tright side\n")
    return folder


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scans`, `run` (a main line with masks and conditions) and `said`."""
    folder = tmp_path_factory.mktemp("masked")
    write_masked(folder / "scans")
    answer = call("run", folder / "scans", "-o", folder / "run", *COMMAND, "--json")
    assert answer.status == 0, answer
    (folder / "said").write_text(answer.err)
    return folder


COMMAND = [
    *("--contrast", "T1w,FLAIR", "--with-masks", "--label-map", "tissue", "--label", "map"),
    *("--condition", "label", "--no-audit", *INGEST, *sets()),
]


def test_the_plan_says_which_labels_and_what_is_left_out(masked: Path) -> None:
    plan = find_model(masked / "run").plan()
    assert [(m.value, m.name) for m in plan.data.masks] == [
        (LESION, "lesion"),
        (RIGHT, "right side"),
    ]
    assert plan.network.masks == [LESION, RIGHT]
    assert plan.image_channels == 4
    cohort = Cohort.open(masked / "run")
    train = cohort.indices("train")
    assert plan.data.unmapped == sum(not cohort.slices[i].mapped for i in train)
    assert plan.data.train_slices == len(cohort.mapped().indices("train"))
    assert plan.augmentation.flip is False
    assert "right side" in plan.decisions["augmentation.flip"].reason
    said = (masked / "said").read_text()
    assert f"labels in fewer than 4 training slices are not drawn: {RARE} (in " in said
    assert f"{plan.data.unmapped} of {len(train)} training slices have no label map" in said


def test_every_image_has_its_label_map_beside_it(masked: Path) -> None:
    run = masked / "run"
    drawn = synthesise_with_masks(find_model(run), 6, seed=0)
    assert drawn.names == {LESION: "lesion", RIGHT: "right side"}
    assert set(np.unique(drawn.label_maps)) <= {0, LESION, RIGHT}
    np.testing.assert_array_equal(drawn.images, synthesise(find_model(run), 6, seed=0))
    assert drawn.images.shape == (6, 2, 16, 16)
    for k in range(6):
        anat = run / f"synthetic/popgan/sub-syn{k + 1:04d}/anat"
        assert len(list(anat.glob("*.nii.gz"))) == 3
        volume = nib.load(anat / f"sub-syn{k + 1:04d}_desc-synthetic_dseg.nii.gz")
        scan = nib.load(anat / f"sub-syn{k + 1:04d}_desc-synthetic_T1w.nii.gz")
        np.testing.assert_array_equal(volume.affine, scan.affine)
        found, grey = (np.asarray(image.dataobj)[:, :, 0] for image in (volume, scan))
        # Row 0 of a slice is anterior, column 0 the subject's right: see cohort.geometry.
        np.testing.assert_array_equal(found.T[::-1, ::-1], drawn.label_maps[k])
        np.testing.assert_allclose(grey.T[::-1, ::-1], (drawn.images[k, 0] + 1) / 2, atol=1 / 4095)
        with Image.open(
            run / f"synthetic/popgan-png/sub-syn{k + 1:04d}_desc-synthetic_dseg.png"
        ) as png:
            np.testing.assert_array_equal(np.asarray(png), drawn.label_maps[k])
    table = (run / "synthetic/popgan/dseg.tsv").read_text().splitlines()
    assert [line.split("\t")[:2] for line in table[1:]] == [["2", "lesion"], ["40", "right side"]]
    with Image.open(run / "synthetic/popgan-masks.png") as sheet:
        assert sheet.mode == "RGB"


@pytest.mark.parametrize("resident", [2**31, 0])
def test_training_sees_the_masks_of_its_slices(
    masked: Path, monkeypatch: pytest.MonkeyPatch, resident: int
) -> None:
    """Whether the split is held in memory or read batch by batch."""
    monkeypatch.setattr("popgan.stations.source.RESIDENT_BYTES", resident)
    plan, cohort = find_model(masked / "run").plan(), Cohort.open(masked / "run")
    source = CohortImages(cohort, "train", plan.data.conditions, plan.data.masks)
    assert len(source) == plan.data.train_slices
    places = np.array([5, 0, len(source) - 1])
    batch = source.batch(places).cpu().numpy()
    rows = [i for i in cohort.indices("train") if cohort.slices[i].mapped]
    for image, place in zip(batch, places, strict=True):
        np.testing.assert_array_equal(image[:2], cohort.image(rows[place]))
        maps = cohort.label_maps(np.array([rows[place]]))
        values = np.array(maps.values)[maps.codes[0]]
        np.testing.assert_array_equal(image[2], np.where(values == LESION, 1, -1))
        np.testing.assert_array_equal(image[3], np.where(values == RIGHT, 1, -1))
    told = source.condition(places)
    labels = [cohort.slices[rows[place]].label for place in places]
    assert told is not None
    assert told.argmax(1).tolist() == [("absent", "present").index(name) for name in labels]


def test_masks_are_measured_against_held_out_maps(masked: Path) -> None:
    run = masked / "run"
    evaluation = load_evaluation(find_model(run))
    assert evaluation is not None and evaluation.masks is not None
    cohort = Cohort.open(run).mapped()
    maps = cohort.label_maps(cohort.indices("test"))
    for label in evaluation.masks.labels:
        shown = (maps.codes == maps.values.index(label.value)).any((1, 2))
        assert label.share_real.value == pytest.approx(shown.mean())
        assert [step.contrast for step in label.steps] == ["T1w", "FLAIR"]
    assert evaluation.fidelity is not None
    assert evaluation.fidelity.image_shape == [2, 16, 16]  # masks have no part in it
    card = (run / "models/popgan/MODEL_CARD.md").read_text()
    assert "## Masks" in card
    for page in (run / "report.html", run / "private/report.html"):
        assert "under their masks" in page.read_text()


def test_the_class_that_is_asked_for_comes_with_masks(masked: Path) -> None:
    model = find_model(masked / "run")
    wishes = [Wish({"label": name}) for name in ("present", "absent")]
    one, other = (synthesise_with_masks(model, 4, wish=wish) for wish in wishes)
    assert not np.array_equal(one.images, other.images)
    for way in (("--interpolate", "0:1,2"), ("--walk", 4)):
        assert call("generate", masked / "run", *way).status == 0


def test_the_same_command_again_has_nothing_to_do(masked: Path) -> None:
    answer = call("run", masked / "scans", "-o", masked / "run", *COMMAND)
    assert answer.status == 0
    assert answer.err.count("unchanged, skipped") == 6


def test_labels_can_be_chosen_and_masks_be_left_out(masked: Path) -> None:
    run = masked / "run"
    chosen = ("--name", "one", "--set", "network.masks=[2]", *sets())
    answer = call("plan", run, *chosen, "--json")
    assert answer.result["plan"]["network"]["masks"] == [LESION]
    assert answer.result["plan"]["augmentation"]["flip"] is True  # a lesion has no side
    assert answer.result["plan"]["decisions"]["network.masks"]["reason"] == "set by the user"
    everybody = call("plan", run, "--name", "none", *sets(), "--json").result["plan"]
    assert everybody["network"]["masks"] == []
    cohort = Cohort.open(run)
    assert everybody["data"]["train_slices"] == len(cohort.indices("train"))
    with pytest.raises(UserError, match="not trained"):
        synthesise_with_masks(find_model(run, "one"), 2)
    with pytest.raises(UserError, match=r"draws no masks.*--with-masks"):
        synthesise_with_masks(find_model(run, "none"), 2)


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("[3]", r"has no label 3; choose among 2, 40"),
        ("[0]", "0 is the background"),
        ("some", "valid list"),
        ("[1.5]", "network.masks"),
    ],
)
def test_labels_that_are_not_there_are_one_line(masked: Path, setting: str, what: str) -> None:
    answer = call("plan", masked / "run", "--name", "x", "--set", f"network.masks={setting}")
    assert answer.status == 2
    assert what in answer.line


def test_masks_without_label_maps_are_one_line(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    for seed in range(3):
        save(scans / f"Person{seed}" / "t1.nii.gz", head(seed))
    run = tmp_path / "run"
    none = call("run", scans, "-o", run, "--with-masks", "--label-map", "none", *INGEST)
    assert none.status == 2
    assert "masks are asked for, and no label map" in none.line
    assert not (run / "dataset").exists()  # told before hours of work
    answer = call("run", scans, "-o", run, "--with-masks", *INGEST, *sets())
    assert answer.status == 2
    assert "no label maps to draw masks from" in answer.line


def test_a_parcellation_is_refused_with_advice_and_a_dry_run_says_so_too(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    for seed in range(6):
        data = head(seed)
        save(scans / f"Person{seed}" / "t1.nii.gz", data)
        grid = np.indices(data.shape)
        parcels = 1 + grid[0] // 6 + 6 * (grid[1] // 6)  # 42 columns through the head
        save(scans / f"Person{seed}" / "aseg.nii.gz", parcels.astype(np.int16))
    command = ["run", scans, "--with-masks", *INGEST, *sets(), "--dry-run"]
    answer = call(*command)
    assert answer.status == 2
    assert "labels of aseg are too many to draw as masks, at most 16 are" in answer.line
    assert "network.masks=[1,2]" in answer.line
    answer = call(*command, "--set", "network.masks=[15,16]", "--json")
    assert answer.status == 0, answer
    assert answer.result["plan"]["network"]["masks"] == [15, 16]
    assert json.dumps(answer.result["plan"]["data"]["masks"]).count("aseg") == 2
