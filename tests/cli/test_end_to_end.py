"""The main line on a small phantom cohort: every output of the run folder is there and right."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import subprocess
import weakref
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from popgan import Cohort, UserError, find_model, generate, synthesise
from popgan.config.schema import Plan
from popgan.files import sha256_file
from popgan.training.log import COLUMNS
from small_runs import INGEST, call, leavings, sets, snapshot

pytestmark = pytest.mark.xdist_group("finished run")


@pytest.fixture(scope="module")
def run(finished: Path) -> Path:
    return finished / "run"


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may change; times of files are kept."""
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_the_answer_names_what_was_made(finished: Path, run: Path) -> None:
    said = json.loads((finished / "said").read_text())
    assert said["report"] == str(run / "report.html")
    assert all(Path(said[key]).exists() for key in ("report", "private_report", "synthetic"))
    assert np.isfinite(said["kid"]["value"])
    assert "KID" in said["verdict"]


def test_nothing_temporary_is_left(run: Path) -> None:
    assert leavings(run) == []
    known = {"dataset", "private", "cache", "models", "synthetic", "evaluation"}
    known |= {"report.html", "report.json", "provenance.json", ".popgan-lock"}
    assert {path.name for path in run.iterdir()} == known


def test_what_is_private_is_closed_to_others(run: Path) -> None:
    assert stat.S_IMODE((run / "private").stat().st_mode) == 0o700
    for name in ("subjects.json", "report.html"):
        assert stat.S_IMODE((run / "private" / name).stat().st_mode) == 0o600


def test_bad_scans_were_set_aside_and_named_in_private_only(run: Path) -> None:
    shared = (run / "dataset/qc.json").read_text()
    private = (run / "private/subjects.json").read_text()
    assert len(json.loads(shared)["quarantined"]) == 2
    for name in ("truncated9", "nan9"):
        assert name not in shared
        assert name in private
        assert name in (run / "private/report.html").read_text()


class _Words(HTMLParser):
    """Everything on a page but its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words += [value for _, value in attrs if value and not value.startswith("data:")]

    handle_comment = handle_data


def test_nothing_that_may_be_shared_names_a_subject_or_a_path(run: Path) -> None:
    page = _Words()
    page.feed((run / "report.html").read_text())
    text = " ".join(page.words)
    files = [*run.glob("*.json"), *run.glob("dataset/*.json"), *run.glob("evaluation/*")]
    files += [*run.glob("models/*/*.*"), *run.glob("synthetic/popgan/*.*"), run / "provenance.json"]
    files += run.glob("synthetic/popgan/*/anat/*.json")
    text += " ".join(path.read_bytes().decode("utf-8", "replace") for path in files)
    assert "sub-phantom" not in text
    assert "truncated9" not in text
    assert str(run) not in text
    assert str(run.parent) not in text


def test_the_bids_validator_passes(run: Path) -> None:
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    ran = subprocess.run(
        [validator, "--format", "json", str(run / "synthetic/popgan")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(ran.stdout)
    assert [i for i in found["issues"]["issues"] if i["severity"] == "error"] == []
    assert len(found["summary"]["subjects"]) == 6


def test_synthetic_volumes_have_the_geometry_of_the_cohort(run: Path) -> None:
    cohort = Cohort.open(run)
    files = sorted((run / "synthetic/popgan").glob("sub-*/anat/*.nii.gz"))
    assert len(files) == 6
    for path in files:
        volume = nib.load(path)
        assert volume.shape == (16, 16, 1)
        np.testing.assert_allclose(volume.affine, cohort.affine, atol=1e-4)
        assert volume.header["descrip"].item().startswith(b"SYNTHETIC")
    assert len(list((run / "synthetic/popgan-png").glob("*.png"))) == 6
    with Image.open(run / "synthetic/popgan-overview.png") as overview:
        assert overview.info["synthetic"] == "true"


def test_every_scan_can_be_looked_at_before_anything_is_trained(run: Path) -> None:
    page = run / "private/quality.html"
    text = page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "PRIVATE" in text
    scans = json.loads((run / "dataset/qc.json").read_text())["scans"]
    section = text[text.index('<section id="qc">') : text.index('<section id="quarantine">')]
    assert section.count("<figure") == section.count("data:image/png") == len(scans) == 12
    for file in ("sub-truncated9", "sub-nan9"):
        assert file in text[text.index('<section id="quarantine">') :]
    for contrast in {scan["contrast"] for scan in scans}:
        assert contrast in section


def test_the_written_volumes_are_the_images_that_are_drawn(run: Path) -> None:
    from popgan.cohort.geometry import to_volume

    images = synthesise(find_model(run), 6, seed=0)
    for number, image in enumerate(images, start=1):
        name = f"sub-syn{number:04d}"
        path = run / f"synthetic/popgan/{name}/anat/{name}_desc-synthetic_T1w.nii.gz"
        stored = np.asarray(nib.load(path).dataobj) * 2 - 1
        np.testing.assert_allclose(stored, to_volume(image[0]), atol=1.01 / 4095)


def test_the_log_has_its_columns_and_ends_where_the_plan_does(run: Path) -> None:
    with (run / "models/popgan/log.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == COLUMNS
    assert {"accuracy_real", "accuracy_fake", "loss_generator", "memory_gib"} <= set(COLUMNS)
    assert [float(row["images"]) for row in rows] == [24, 48, 72, 96]
    for row in rows:
        # No snapshot is measured in so short a training, and only a translator has an error.
        assert row.pop("kid_tuning") == row.pop("mae_tuning") == "nan"
        assert all(np.isfinite(float(value)) for value in row.values())
    grids = sorted((run / "models/popgan/samples").glob("*.png"))
    assert [int(path.stem) for path in grids] == [24, 48, 72, 96]


def test_weights_hold_the_generator_alone_and_reload(run: Path) -> None:
    path = run / "models/popgan/weights.safetensors"
    with safe_open(path, framework="np") as handle:
        names = set(handle.keys())
        assert handle.metadata()["plan"] == find_model(run).plan_hash()
    assert names
    assert not any("discriminator" in name or "optimiser" in name for name in names)
    images = synthesise(find_model(run), 3, seed=9)
    assert images.shape == (3, 1, 16, 16)
    assert np.isfinite(images).all()


def test_the_plan_gives_every_value_a_reason(run: Path) -> None:
    plan = Plan.load(run / "models/popgan/plan.yaml")
    assert plan.train.images == 96
    assert plan.decisions["train.images"].reason == "set by the user"
    assert plan.decisions["network.minibatch_stddev"].source == "rule"
    assert plan.data.cohort == Cohort.open(run).hash


def test_how_the_scans_were_prepared_is_told_by_the_plan_and_both_reports(run: Path) -> None:
    (row,) = [row for row in Cohort.open(run).preparation()["steps"] if row["step"] == "intensity"]
    assert row["scans"] == 12
    assert row["source"] == "rule"
    table = call("plan", run, *sets())
    assert table.status == 0, table
    assert row["choice"] in table.out[table.out.index("preparation") :]
    assert row in json.loads(call("plan", run, *sets(), "--json").out)["preparation"]
    for page in ("report.html", "private/report.html"):
        assert row["reason"] in (run / page).read_text()


def test_the_quality_page_shows_every_scan_and_its_pictures(run: Path) -> None:
    page = (run / "private/report.html").read_text()
    section = page[page.index('<section id="qc">') : page.index('<section id="subjects">')]
    assert section.count("<figure") == section.count("data:image/png") == 12
    assert len(Cohort.open(run).strips()) == 12


def test_the_model_card_states_evidence_and_limits(run: Path) -> None:
    card = (run / "models/popgan/MODEL_CARD.md").read_text()
    kid = json.loads((run / "evaluation/popgan.json").read_text())["fidelity"]["metrics"][0]
    assert f"{kid['value']['value']:.3g}" in card
    assert "Of nobody" in card and "Not anonymous" not in card
    assert sha256_file(run / "models/popgan/weights.safetensors") in card


def test_provenance_tells_what_ran(run: Path) -> None:
    stations = json.loads((run / "provenance.json").read_text())["stations"]
    names = ["ingest", *(f"{verb} popgan" for verb in ("plan", "train", "generate", "evaluate"))]
    assert list(stations) == [*names, "report"]
    for entry in stations.values():
        assert {"inputs", "outputs", "seconds", "versions", "machine", "created"} <= set(entry)
        assert all((run / name).exists() for name in entry["outputs"])


def test_an_image_depends_on_seed_and_index_alone(run: Path, tmp_path: Path) -> None:
    """-n changes nothing about an image, to the last bit of its file."""
    for n, name in ((1, "one"), (40, "many")):
        answer = call("generate", run, "-n", n, "--seed", 5, "-o", tmp_path / name, "--quiet")
        assert answer.status == 0
    one, many = (
        (tmp_path / name / "sub-syn0001/anat/sub-syn0001_desc-synthetic_T1w.nii.gz").read_bytes()
        for name in ("one", "many")
    )
    assert one == many
    model = find_model(run)
    np.testing.assert_array_equal(synthesise(model, 2, seed=5), synthesise(model, 70, seed=5)[:2])
    assert not np.array_equal(synthesise(model, 2, seed=6), synthesise(model, 2, seed=5))


def test_the_same_command_again_rewrites_nothing(finished: Path, run: Path) -> None:

    before = snapshot(run)
    answer = call("run", finished / "scans", "-o", run, "--no-audit", *INGEST, *sets())
    assert answer.status == 0
    assert answer.err.count("unchanged, skipped") == 6
    assert snapshot(run) == before
    assert "report.html" in answer.out


def test_verbs_again_rewrite_nothing(run: Path) -> None:
    before = snapshot(run)
    for verb in ("train", "generate", "evaluate", "report"):
        assert "unchanged, skipped" in call(verb, run).err
    assert snapshot(run) == before


def test_new_weights_void_the_old_evidence(copy: Path) -> None:
    """Until it is measured anew, neither report nor card quote what earlier weights achieved."""
    old = json.loads((copy / "evaluation/popgan.json").read_text())["weights"]

    assert call("plan", copy, *sets(train__images=48), "--restart").status == 0
    assert not (copy / "models/popgan/weights.safetensors").exists()
    assert call("train", copy).status == 0
    assert not (copy / "evaluation/popgan.json").exists()
    assert "Not measured yet" in (copy / "models/popgan/MODEL_CARD.md").read_text()
    assert call("report", copy).status == 0
    assert "Not measured" in (copy / "report.html").read_text()
    assert call("evaluate", copy).status == 0
    assert json.loads((copy / "evaluation/popgan.json").read_text())["weights"] != old
    assert "[generate popgan]\n" in call("generate", copy).err


def test_a_set_that_is_replaced_is_told_of_and_never_with_files_of_the_user(copy: Path) -> None:
    there = len(list((copy / "synthetic/popgan").glob("sub-*")))
    answer = call("generate", copy, "-n", 2, "--seed", 9)
    assert answer.status == 0
    assert f"synthetic/popgan ({there} images, seed 0); -o FOLDER keeps both" in answer.err
    (copy / "synthetic/popgan/notes.txt").write_text("mine")
    answer = call("generate", copy, "-n", 3)
    assert answer.status == 2 and "popgan did not write (notes.txt)" in answer.line
    assert (copy / "synthetic/popgan/notes.txt").read_text() == "mine"
    assert len(list((copy / "synthetic/popgan").glob("sub-*"))) == 2


def test_evidence_of_other_weights_is_not_read(copy: Path) -> None:
    path = copy / "evaluation/popgan.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"weights": "0" * 64}))
    answer = call("report", copy)
    assert answer.status == 0
    assert "Not measured" in (copy / "report.html").read_text()
    path.write_text("{}")
    assert "evaluation/popgan.json" in call("report", copy).line


def test_changed_options_are_named_and_nothing_is_touched(finished: Path, copy: Path) -> None:

    before = snapshot(copy)
    command = ["run", finished / "scans", "-o", copy, "--no-audit", *INGEST, *sets()]
    for more, says in (
        (["--seed", 4], "seed 4, was 0"),
        (["--set", "train.images=200"], "train.images 200, was 96"),
        (["--preset", "standard"], "preset standard, was quick"),
        (["--slices", 7], "slices 7, was 6"),
        (["--subjects", "(.+)"], "another --subjects"),
    ):
        answer = call(*command, *more)
        assert answer.status == 2
        assert says in answer.line
        assert "--restart" in answer.line
    assert snapshot(copy) == before


def test_models_live_side_by_side(finished: Path, copy: Path) -> None:

    first = snapshot(copy / "models/popgan") | snapshot(copy / "synthetic/popgan")
    command = [
        "run",
        finished / "scans",
        "-o",
        copy,
        "--no-audit",
        *INGEST,
        *sets(train__images=48),
    ]
    answer = call(*command, "--name", "second", "--seed", 3)
    assert answer.status == 0
    assert "[ingest] unchanged, skipped" in answer.err
    assert {path.name for path in (copy / "models").iterdir()} == {"popgan", "second"}
    for kind in ("synthetic/second", "evaluation/second.json", "models/second/MODEL_CARD.md"):
        assert (copy / kind).exists()
    assert snapshot(copy / "models/popgan") | snapshot(copy / "synthetic/popgan") == first
    # With two models a verb must know which is meant.
    assert "popgan, second" in call("generate", copy).line
    assert call("generate", copy, "--name", "second", "-n", 2).status == 0
    # The scans under the first model may not change while the second is made anew.
    changed = [*command, "--name", "second", "--slices", 5]
    assert "trained models popgan, second" in call(*changed).line
    assert "trained model popgan" in call(*changed, "--restart").line


def test_restart_begins_anew_and_ends_the_same(finished: Path, copy: Path) -> None:

    weights = copy / "models/popgan/weights.safetensors"
    before = weights.read_bytes(), weights.stat().st_mtime_ns
    command = ["run", finished / "scans", "-o", copy, "--no-audit", *INGEST, *sets()]
    answer = call(*command, "--restart")
    assert answer.status == 0
    assert "[train popgan]\n" in answer.err
    assert weights.read_bytes() == before[0]
    assert weights.stat().st_mtime_ns != before[1]


def test_restart_with_an_impossible_plan_keeps_the_old_model(copy: Path) -> None:

    before = snapshot(copy)
    answer = call("plan", copy, *sets(network__minibatch_stddev=3), "--restart")
    assert answer.status == 2
    assert snapshot(copy) == before


def test_a_damaged_store_is_ingested_again(finished: Path, copy: Path) -> None:

    store = copy / "cache/slices.npy"
    good = store.read_bytes()
    store.write_bytes(good[:-2] + b"\0\1")
    assert "was changed since ingest" in call("generate", copy, "-n", 3).line
    answer = call("ingest", finished / "scans", "-o", copy, *INGEST)
    assert answer.status == 0
    assert "ingesting again" in answer.err
    assert store.read_bytes() == good


def test_damaged_weights_come_back_from_the_last_checkpoint(copy: Path) -> None:
    weights = copy / "models/popgan/weights.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:100])
    assert "remove the file and train again" in call("generate", copy, "-n", 3).line
    weights.unlink()
    assert call("train", copy).status == 0
    assert weights.read_bytes() == good


@pytest.mark.parametrize("content", ["", "{", "[]", '{"popgan_run": 1, "stations": {"ingest": 3}}'])
def test_a_damaged_record_is_one_line(finished: Path, copy: Path, content: str) -> None:

    (copy / "provenance.json").write_text(content)
    for words in (
        ["train", copy],
        ["run", finished / "scans", "-o", copy, "--no-audit", *INGEST, *sets()],
    ):
        answer = call(*words)
        assert answer.status == 2
        assert "provenance.json: is damaged; remove it" in answer.line
    (copy / "provenance.json").unlink()
    # Without the record nothing is lost: the model goes on from its files.
    assert all(call(verb, copy).status == 0 for verb in ("train", "generate", "report"))


def test_generating_elsewhere_leaves_the_run_alone(run: Path, tmp_path: Path) -> None:
    before = snapshot(run)
    answer = call("generate", run, "-n", 3, "-o", tmp_path / "out", "--json")
    assert answer.result["synthetic"] == str(tmp_path / "out")
    assert snapshot(run) == before
    assert len(list((tmp_path / "out").glob("sub-*"))) == 3


def test_scans_are_never_replaced_by_synthetic_data(finished: Path, run: Path) -> None:
    before = snapshot(finished / "scans")
    answer = call("generate", run, "-n", 3, "-o", finished / "scans")
    assert answer.status == 2
    assert "exists already" in answer.line
    assert snapshot(finished / "scans") == before


def test_memory_is_asked_for_before_it_is_used(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(available=2**20)
    monkeypatch.setattr("popgan.stations.draw.psutil.virtual_memory", lambda: free)
    with pytest.raises(UserError, match=r"600 images take .* GiB of memory"):
        synthesise(find_model(run), 600)
    # Writing holds a batch at a time and asks for no more, whatever -n is.
    with pytest.raises(UserError, match="cannot be made"):
        synthesise(find_model(run), 0)


def test_writing_holds_a_few_batches_only(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[weakref.ref[np.ndarray]] = []
    alive = []

    def batches(*_: object, count: int, **__: object) -> Iterator[np.ndarray]:
        for _start in range(0, count, 8):
            batch = np.zeros((8, 1, 16, 16), np.float32)
            seen.append(weakref.ref(batch))
            alive.append(sum(ref() is not None for ref in seen))
            yield batch

    monkeypatch.setattr("popgan.stations.draw.sample", batches)
    generate(find_model(run), 160, out=tmp_path / "out")
    assert len(alive) == 20
    assert max(alive) <= 3
