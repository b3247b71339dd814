"""Everything a user can get wrong ends in one clear line, or in a file set aside and a run that
goes on; never in half a file."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from small_runs import (
    INGEST,
    Answer,
    call,
    full_disk,
    head,
    leavings,
    save,
    sets,
    snapshot,
    start,
    write_heads,
)


def refused(answer: Answer, *words: str) -> None:
    """The answer is status 2 and one line with these words."""
    assert answer.status == 2, answer
    assert all(word in answer.line for word in words), answer.line


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three good subjects."""
    return write_heads(tmp_path / "scans", 3)


def ingest(scans: Path, *options: object) -> Answer:
    return call("ingest", scans, "-o", scans.parent / "run", *INGEST, *options)


def set_aside(run: Path) -> list[str]:
    """Reasons in the shareable quality control, after checking that no name stands in it."""
    text = (run / "dataset/qc.json").read_text()
    assert "Bad" not in text
    return [item["reason"] for item in json.loads(text)["quarantined"]]


# --- the folder ---------------------------------------------------------------------------------


def empty(folder: Path) -> None:
    folder.mkdir()


def no_images(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("no scan")


def masks_only(folder: Path) -> None:
    save(folder / "a/mask.nii.gz", (head(0) > 300).astype(np.uint8))


def one_subject(folder: Path) -> None:
    write_heads(folder, 1)


def two_subjects(folder: Path) -> None:
    write_heads(folder, 2)


def only_bad(folder: Path) -> None:
    for name in "abc":
        (folder / name).mkdir(parents=True)
        (folder / name / "t1.nii.gz").write_bytes(b"not gzip")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: None, "does not exist"),
        (lambda folder: folder.write_text("a file"), "no folder"),
        (empty, "is empty"),
        (no_images, "holds no scans"),
        (masks_only, "only label maps"),
        (one_subject, "one subject cannot be split"),
        (two_subjects, "2 subjects cannot be split"),
        (only_bad, "none of the 3 scans can be used"),
    ],
    ids=["absent", "file", "empty", "no images", "masks", "one subject", "two", "all bad"],
)
def test_a_folder_that_cannot_be_used(
    tmp_path: Path, make: Callable[[Path], object], says: str
) -> None:
    make(tmp_path / "scans")
    for verb in ("ingest", "run"):
        refused(call(verb, tmp_path / "scans", "-o", tmp_path / "run", *INGEST), says)
        assert not (tmp_path / "run").exists(), "a failed start leaves no run folder"


def test_a_run_folder_among_the_scans(scans: Path) -> None:
    for place in (scans, scans / "run"):
        refused(call("run", scans, "-o", place), "inside the folder of scans")
    assert len(list(scans.iterdir())) == 3


def test_a_run_folder_that_holds_something_else(scans: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter1.docx").write_text("years of work")
    refused(call("run", scans, "-o", thesis), "not popgan's")
    refused(call("ingest", scans, "-o", thesis), "not popgan's")
    refused(call("run", scans, "-o", thesis / "chapter1.docx"), "cannot be used")
    assert [path.name for path in thesis.iterdir()] == ["chapter1.docx"]


# --- single files -------------------------------------------------------------------------------


def truncated(path: Path) -> None:
    content = save(path, head(7)).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def absurd(path: Path) -> None:
    raw = bytearray(nib.Nifti1Image(np.zeros((9, 9, 9), np.int16), np.eye(4)).to_bytes())
    struct.pack_into("<8h", raw, 40, 3, 32000, 32000, 32000, 1, 1, 1, 1)
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(bytes(raw)))


def nan(path: Path) -> None:
    save(path, np.full((30, 30, 30), np.nan, np.float32))


def constant(path: Path) -> None:
    save(path, np.full((30, 30, 30), 5, np.int16))


def no_bytes(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [truncated, absurd, nan, constant, no_bytes])
def test_a_bad_scan_is_set_aside_and_the_rest_goes_on(
    scans: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(scans / "Bad9" / "t1.nii.gz")
    answer = ingest(scans)
    assert answer.status == 0, answer
    assert answer.err.count("warning: set aside") == 1
    assert "Bad9" in answer.err
    assert len(set_aside(scans.parent / "run")) == 1
    assert "subjects" in answer.out


def test_a_file_that_cannot_be_read_is_set_aside(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(scans / "Bad9" / "t1.nii.gz", head(9))
    open_file = os.open

    def forbidden(path: Path, *options: int, **more: int) -> int:
        if "Bad9" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return open_file(path, *options, **more)

    # The owner of a test machine may be root, who can read everything.
    monkeypatch.setattr(os, "open", forbidden)
    assert ingest(scans, "--workers", "0").status == 0
    assert set_aside(scans.parent / "run") == ["cannot be read (Permission denied)"]


def test_any_file_name_is_taken(scans: Path, tmp_path: Path) -> None:
    """Names that are not UTF-8, and names with line breaks or markup."""
    strange = [os.fsdecode(b"Bad\xff9"), "two\nlines", "<b>[red]"]
    try:
        for seed, name in enumerate(strange):
            save(scans / name / "t1.nii.gz", head(seed + 20))
    except OSError:
        pytest.skip("this file system takes no such names")
    (scans / strange[0] / "flair.nii.gz").write_bytes(b"damaged")
    run = tmp_path / "r u é n"
    options = ["--no-audit", *INGEST, "--workers", "auto", *sets(train__images=24, train__ticks=1)]
    assert call("run", scans, "-o", run, *options).status == 0
    page = (run / "private/report.html").read_text()
    assert "&lt;b&gt;[red]" in page
    assert "Bad\\udcff9" in page
    refused(call("run", scans, "-o", tmp_path / strange[0], *options), "not a name in UTF-8")
    # In a process of its own, because only a real standard output has an encoding.
    process = start("generate", run, "-n", 1, "-o", tmp_path / strange[0])
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "Bad\\udcff9" in out


def test_mixed_resolutions_go_on_with_a_warning(scans: Path) -> None:
    save(scans / "Coarse" / "t1.nii.gz", head(5)[::2, ::2, ::2], spacing=12.0)
    answer = ingest(scans)
    assert answer.status == 0
    assert "2 different resolutions" in answer.err


def test_a_contrast_that_is_not_there(scans: Path) -> None:
    refused(ingest(scans, "--contrast", "FLAIR"), "FLAIR is not in the cohort", "T1w (3)")
    assert not (scans.parent / "run").exists()


# --- options ------------------------------------------------------------------------------------

SPLITS = ("70,15", "70,15,10", "100,0,0", "-10,60,50", "half,10,40", "nan,50,50")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preset", "fast"], ["unknown preset 'fast'", "quick"]),
        (["--recipe", "diffusion"], ["unknown recipe 'diffusion'", "popgan"]),
        (["--resolution", "101"], ["--resolution 101", "96 or 112"]),
        (["--budget", "soon"], ["budget 'soon' is not a time", "6m"]),
        (["--budget", "1s"], ["out of range"]),
        (["--budget", "soon", "--set", "train.images=99"], ["budget 'soon' is not a time"]),
        (["--budget", "5m", "--set", "train.images=99"], ["both say how long to train"]),
        (["--set", "train.nope=1"], ["train.nope", "no such value"]),
        (["--set", "train.bathc=1"], ["did you mean train.batch?"]),
        (["--set", "train.batch=many"], ["train.batch=many", "integer"]),
        (["--set", "train.batch=-4"], ["train.batch=-4", "greater"]),
        (["--set", "train.precision=fp8"], ["train.precision=fp8", "bf16"]),
        (["--set", "train.batch"], ["is not key=value"]),
        (["--set", "data.height=8"], ["data.height", "no such value"]),
        (["--name", "../other"], ["'../other'", "letters"]),
        (["--slices", "0"], ["slices"]),
        (["--init", "imagenet"], ["--init imagenet", "phantom or scratch"]),
        (["--contrast", "T1w,T1w"], ["each contrast once"]),
        (["--subjects", "("], ["("]),
        *((["--split", text], [f"--split {text}", "50,10,40"]) for text in SPLITS),
    ],
)
def test_an_impossible_option_costs_no_time(
    scans: Path, tmp_path: Path, options: list[str], words: list[str]
) -> None:
    for more in ([], ["--dry-run"]):
        refused(call("run", scans, "-o", tmp_path / "run", *options, *more), *words)
    assert not (tmp_path / "run").exists()


def test_subjects_are_divided_by_the_percentages_that_were_asked_for(tmp_path: Path) -> None:
    scans = write_heads(tmp_path / "scans", 10)
    answer = call("ingest", scans, "-o", tmp_path / "run", *INGEST, "--split", "50,10,40", "--json")
    assert answer.status == 0
    assert answer.result["subjects"] == {"train": 5, "tuning": 1, "test": 4}


def test_a_plan_whose_values_do_not_fit_each_other(scans: Path, tmp_path: Path) -> None:
    options = [*INGEST, *sets(network__minibatch_stddev=3)]
    refused(call("run", scans, "-o", tmp_path / "run", *options), "not a multiple of")
    assert not (tmp_path / "run/models/popgan/plan.yaml").exists()
    assert leavings(tmp_path) == []


# --- run folders --------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["plan", "train", "generate", "evaluate", "report"])
def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path, verb: str) -> None:
    refused(call(verb, tmp_path / "nowhere"), "does not exist")
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(b"")
    refused(call(verb, folder), "is not a run folder", "popgan ingest")
    assert [path.name for path in folder.iterdir()] == ["cat.jpg"]


def test_verbs_in_the_wrong_order_say_what_comes_first(scans: Path, tmp_path: Path) -> None:
    run = tmp_path / "a run"
    assert call("ingest", scans, "-o", run, *INGEST).status == 0
    for verb in ("train", "generate", "evaluate", "report"):
        refused(call(verb, run), f"`popgan plan '{run}'` first")
    assert call("plan", run, *sets()).status == 0
    for verb in ("generate", "evaluate", "report"):
        refused(call(verb, run), f"`popgan train '{run}'` first")
    refused(call("train", run, "--name", "other"), "no model 'other'", "popgan")


def test_an_edited_plan_is_one_line(scans: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    call("ingest", scans, "-o", run, *INGEST)
    call("plan", run, *sets())
    plan = run / "models/popgan/plan.yaml"
    plan.write_text(plan.read_text().replace("batch: 8", "batch: eight"))
    refused(call("train", run), "plan.yaml", "train.batch", "--restart")
    plan.write_text("{" * 100)
    refused(call("train", run), "plan.yaml", "not readable")


@pytest.mark.xdist_group("finished run")
def test_what_is_damaged_in_a_run_is_one_line_that_says_how_to_mend_it(
    finished: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished / "run", tmp_path / "run"))
    people, page = run / "private/subjects.json", run / "report.html"
    content = people.read_text()
    entries = '{"subjects": {"p1": 5}, "quarantined": []}', '{"subjects": {}, "quarantined": ["x"]}'
    for damaged in ("", "{", "{}", "[]", *entries):
        page.unlink(missing_ok=True)
        people.write_text(damaged)
        refused(call("report", run), "private/subjects.json: is damaged", "ingest the same scans")
    people.unlink()
    refused(call("report", run), "private/subjects.json: does not exist", "ingest the same scans")
    people.write_text(content)
    assert call("report", run).status == 0 and page.exists()
    weights = run / "models/popgan/weights.safetensors"
    weights.unlink()
    weights.mkdir()
    for verb in ("generate", "report"):
        refused(call(verb, run), "'popgan' is not trained yet")


@pytest.mark.xdist_group("finished run")
def test_a_plan_that_was_edited_after_training_is_told_of(finished: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished / "run", tmp_path / "run"))
    plan, words = run / "models/popgan/plan.yaml", "is not the plan that model 'popgan' was trained"
    assert words not in call("generate", run, "-n", 2, "-o", tmp_path / "a").err
    plan.write_text(plan.read_text().replace("batch: 8", "batch: 4"))
    answer = call("generate", run, "-n", 2, "-o", tmp_path / "b")
    assert answer.status == 0 and f"warning: {plan} {words}" in answer.err
    assert words in call("report", run).err


# --- the disk -----------------------------------------------------------------------------------


def test_a_full_disk_at_every_station(scans: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    stations: list[list[object]] = [
        ["ingest", scans, "-o", run, *INGEST],
        ["plan", run, *sets(train__images=32, train__ticks=1)],
        ["train", run],
        ["generate", run],
        ["report", run],
        ["generate", run, "-o", tmp_path / "elsewhere"],
    ]
    for station in stations:
        with full_disk():
            refused(call(*station), "cannot be written", "free some space")
        assert leavings(tmp_path) == [], station
        assert not (tmp_path / "elsewhere").exists()
        # The same command succeeds once there is space.
        assert call(*station).status == 0, station


@pytest.mark.xdist_group("finished run")
def test_a_full_disk_while_evaluating(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished / "run", run)
    before = (run / "evaluation/popgan.json").read_bytes()
    with full_disk():
        refused(call("evaluate", run, "-n", 10), "cannot be written")
    assert leavings(run) == []
    assert (run / "evaluation/popgan.json").read_bytes() == before


@pytest.mark.xdist_group("finished run")
def test_a_full_disk_for_the_weights_alone(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished / "run", run)
    weights = run / "models/popgan/weights.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    # The last checkpoint is there, so nothing else needs to be written first.
    with full_disk():
        refused(call("train", run), "weights.safetensors", "cannot be written")
    assert leavings(run) == []
    assert call("train", run).status == 0
    assert weights.read_bytes() == content


@pytest.mark.xdist_group("finished run")
def test_a_disk_that_fills_late_costs_the_overview_and_nothing_else(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished / "run", run)
    overview, images = run / "synthetic/popgan-overview.png", run / "synthetic/popgan"
    command = ("generate", run, "-n", 3, "--seed", 5)
    save = Image.Image.save

    def full(self: Image.Image, where: object, *rest: object, **more: object) -> None:
        if "overview" in str(where):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(self, where, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", full)
        answer = call(*command)
        refused(answer, "popgan-overview.png", "free some space", "the images themselves are whole")
    assert len(list(images.glob("sub-*"))) == 3
    assert not overview.exists()  # the one that was there showed other images
    before = snapshot(images)
    assert call(*command).status == 0
    assert snapshot(images) == before
    added = overview.read_bytes()
    assert "unchanged, skipped" in call(*command).err
    # The sheet is the one that an undisturbed command makes.
    assert call("generate", run, "-n", 3, "--seed", 5, "-o", tmp_path / "other").status == 0
    assert (tmp_path / "other-overview.png").read_bytes() == added


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.xdist_group("finished run")
@pytest.mark.parametrize("more", [(), ("--walk", "2"), ("--interpolate", "0:1,2")])
def test_a_place_where_nothing_can_be_made_is_one_line(
    finished: Path, more: tuple[str, ...]
) -> None:
    answer = call("generate", finished / "run", "-o", "/proc/x", *(more or ("-n", 1)))
    suffix = {"--walk": ".gif", "--interpolate": ".png"}.get(more[0] if more else "", "")
    refused(answer, f"/proc/x{suffix}: cannot be written", "choose another folder")


@pytest.mark.xdist_group("finished run")
def test_a_way_replaces_pictures_of_its_kind_and_nothing_else(
    finished: Path, tmp_path: Path
) -> None:
    run = finished / "run"
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"precious")
    named = tmp_path / "walk.gif"
    named.write_bytes(b"precious")
    walk = ("generate", run, "--walk", 2, "-o")
    refused(call(*walk, weights), "weights.safetensors: is written as GIF", "end it in .gif")
    refused(call(*walk, named), "walk.gif: holds something else")
    refused(call("generate", run, "--interpolate", "0:1,2", "-o", named), "end it in .png")
    assert weights.read_bytes() == named.read_bytes() == b"precious"
    refused(call(*walk, tmp_path / ("long" * 100)), "cannot be written", "choose another name")
    (tmp_path / "folder.gif").mkdir()
    refused(call(*walk, tmp_path / "folder"), "folder.gif: holds something else")
    (tmp_path / "folder.gif").rmdir()
    named.write_bytes(b"")  # mktemp sets a name aside
    for place in (named, tmp_path / "walk", named):  # without an ending, and once more
        assert call(*walk, place).status == 0 and named.read_bytes().startswith(b"GIF8")
    assert call(*walk, tmp_path).status == 0  # into a folder, by its usual name
    assert sorted(path.name for path in tmp_path.glob("*.gif")) == ["popgan-walk.gif", "walk.gif"]


def test_a_full_disk_while_writing_phantoms(tmp_path: Path) -> None:
    with full_disk():
        refused(call("phantom", "-o", tmp_path / "phantoms", "-n", 1), "cannot be written")
    assert list(tmp_path.iterdir()) == []
