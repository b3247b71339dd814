"""What a report is handed over: the audit while it speaks for the model, images by their place."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from popgan.cohort.cohort import Cohort
from popgan.cohort.licence import keep_licence
from popgan.evidence.privacy.results import Flag, PrivateDetails
from popgan.report.pixels import slice_uri
from popgan.stations.audited import AUDIT_VERSION, load_audit, load_private, save_audit
from popgan.stations.draw import synthesise
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model, find_model
from popgan.stations.report_evidence import (
    audit_content,
    comparison_content,
    evidence_inputs,
    provenance_record,
    release_content,
    splits,
)
from popgan.stations.report_pictures import audit_private, drawn_at
from small_runs import audited, call, finished

__all__ = ["audited", "finished"]
pytestmark = pytest.mark.xdist_group("finished run")


@pytest.fixture
def model(audited: Path, tmp_path: Path) -> Model:
    """The model of an audited run, in a folder of its own."""
    return find_model(shutil.copytree(audited, tmp_path / "run"))


def test_an_audit_is_shown_as_it_is_and_a_stale_one_as_stale_only(model: Model) -> None:
    stored = load_audit(model)
    assert stored is not None
    shown = audit_content(model, model.plan())
    assert shown.state == "current"
    assert shown.tested
    assert shown.result == stored.result
    assert shown.verdict == stored.verdict()
    assert shown.images == stored.n
    before = evidence_inputs(model)
    save_audit(model, stored.model_copy(update={"weights": "0" * 64}), None)
    shown = audit_content(model, model.plan())
    assert (shown.state, shown.result, shown.verdict) == ("stale", None, None)
    assert evidence_inputs(model) != before  # so that the report is written anew
    model.audit_path.unlink()
    assert audit_content(model, model.plan()).state == "none"


class _Words(HTMLParser):
    """Everything on a page but its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words += [value for _, value in attrs if value and not value.startswith("data:")]


def test_page_and_data_agree_and_neither_names_anybody(model: Model) -> None:
    # A patient's image among the audited ones, so that there is somebody to name.
    stored, private = load_audit(model), load_private(model)
    assert stored is not None and private is not None
    cohort = Cohort.open(model.run)
    drawn = slice_uri(drawn_at(model, [2], stored.seed)[2][0])
    assert call("report", model.run).status == 0
    before = (model.run / "report.html").read_text()
    assert drawn in before and "none left out" in before
    owner = cohort.subjects("train")[3]
    flag = Flag(synthetic=2, measure="ssim", train=3, subject=owner, distance=0.1, clear=True)
    save_audit(model, stored, private.model_copy(update={"flags": [flag]}))
    assert call("report", model.run).status == 0
    page = _Words()
    page.feed((model.run / "report.html").read_text())
    said = " ".join(page.words)
    data = json.loads((model.run / "report.json").read_text())
    everybody = {info.subject for info in cohort.slices}
    for text in (said, json.dumps(data)):
        assert not [name for name in everybody if name in text]
        assert str(model.run) not in text
    # No image that is like a patient's is shown, nor is it among the least plausible.
    assert drawn not in (model.run / "report.html").read_text()
    assert "1 is left out, grey here" in said
    status = {row["claim"]: row["status"] for row in data["verdicts"]}
    assert status["The images do not give away who the model was trained on."] == "untested"
    assert all(claim in said for claim in status)
    assert data["audit"]["result"]["synthetic"] == stored.n
    secret = (model.run / "private/report.html").read_text()
    assert "beyond doubt" in secret
    pictures = re.findall(r'src="(data:[^"]+)" alt="Training image of ' + owner, secret)
    assert pictures
    assert not [
        picture for picture in pictures if picture in (model.run / "report.html").read_text()
    ]


def test_flagged_images_stand_beside_the_image_they_resemble(model: Model) -> None:
    stored, cohort = load_audit(model), Cohort.open(model.run)
    assert stored is not None
    names = cohort.subjects("train")
    flags = [
        Flag(synthetic=5, measure="ssim", train=1, subject=names[1], distance=0.2, clear=False),
        Flag(synthetic=3, measure="correlation", train=0, subject=names[0], distance=0.3,
             clear=True),
        Flag(synthetic=3, measure="ssim", train=0, subject=names[0], distance=0.1, clear=False),
    ]  # fmt: skip
    found = audit_private(model, cohort, PrivateDetails(flags=flags, worst=[]), stored.seed)
    assert found.flags == 2
    first, second = found.flagged
    assert (first.place, first.clear, len(first.measures)) == (3, True, 2)
    assert (second.place, second.subject) == (5, names[1])
    images = synthesise(model, 6, seed=stored.seed)
    np.testing.assert_allclose(first.synthetic, images[3], atol=1e-6)
    np.testing.assert_array_equal(first.training, cohort.images("train")[0])


def test_images_are_drawn_by_their_place(model: Model) -> None:
    images = synthesise(model, 11, seed=7)
    found = drawn_at(model, [10, 0, 4, 4], seed=7)
    assert sorted(found) == [0, 4, 10]
    for place, image in found.items():
        np.testing.assert_allclose(image, images[place], atol=1e-6)
    assert drawn_at(model, [], seed=7) == {}


def test_splits_are_hashed_by_what_is_in_them(model: Model) -> None:
    cohort = Cohort.open(model.run)
    found = splits(cohort)
    assert found["train"].subjects == len(set(cohort.subjects("train")))
    assert found["train"].slices == len(cohort.subjects("train"))
    digests = {split.digest for split in found.values()}
    assert len(digests) == 3
    assert splits(Cohort.open(model.run)) == found


def test_provenance_has_hashes_and_seeds_and_no_place(model: Model) -> None:
    found = provenance_record(model, Cohort.open(model.run), model.plan())
    names = {"weights", "plan", "cohort", "splits", "code", "environment"}
    assert set(found["hashes"]) == names
    assert all(len(digest) == 64 for digest in found["hashes"].values())
    assert set(found["seeds"]) == {"training", "evaluated images", "split of patients"}
    assert str(model.run.parent) not in json.dumps(found)
    # Where it was trained, which need not be where the page is written.
    trained = Ledger(model.run).stations()[f"train {model.name}"]
    assert found["training"]["cpu"] == trained.machine["cpu"]
    assert found["training"]["torch"] == trained.versions["torch"]
    assert found["training"]["finished"] == trained.created
    assert found["training"]["threads"] == model.plan().train.threads


def test_a_licence_that_is_stated_later_is_a_reason_to_write_the_report_anew(
    model: Model, tmp_path: Path
) -> None:
    before, source = evidence_inputs(model), tmp_path / "data"
    source.mkdir()
    (source / "dataset_description.json").write_text('{"License": "CC0"}')
    keep_licence(source, model.run)
    assert evidence_inputs(model) != before


def test_a_run_without_release_or_comparison_says_so(model: Model) -> None:
    assert release_content(model, Cohort.open(model.run)).state == "none"
    assert comparison_content(model).state == "none"
    assert comparison_content(model).models == 1


def test_a_release_counts_only_while_its_files_are_those_that_were_audited(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "phantoms, nobody is in them"
    made = call("generate", model.run, "--release", "-n", 12, "--accept-untested", reason)
    assert made.status == 0, made
    cohort = Cohort.open(model.run)
    found = release_content(model, cohort)
    assert (found.state, found.images, found.accepted) == ("current", 12, reason)
    assert len(found.manifest) == 64
    assert found.first_draw is not None and found.first_draw.flagged.n == 12
    with monkeypatch.context() as newer:
        newer.setattr("popgan.stations.report_evidence.AUDIT_VERSION", AUDIT_VERSION + 1)
        assert release_content(model, cohort).state == "stale"
    (model.run / "release" / model.name / "README").write_text("something else")
    assert release_content(model, cohort).state == "changed"
