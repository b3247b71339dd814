"""A model's privacy audit: what it is about, what it refuses, what it says of small cohorts."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from popgan.cohort.cohort import Cohort
from popgan.errors import NotMeasurableError, UserError
from popgan.files import read_json
from popgan.progress import LineReporter
from popgan.stations import audit as station
from popgan.stations import audit_generator, audit_sides
from popgan.stations.audit import audit, audit_images
from popgan.stations.audited import (
    StoredAudit,
    audit_state,
    failed_audit,
    load_audit,
    load_private,
)
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model, find_model
from popgan.stations.untouched import digests, require_untouched
from small_runs import Answer, audited, call, finished, leavings, snapshot

__all__ = ["audited", "finished"]
pytestmark = pytest.mark.xdist_group("finished run")


@pytest.fixture
def model(audited: Path, tmp_path: Path) -> Model:
    """The model of an audited run, in a folder of its own."""
    return find_model(shutil.copytree(audited, tmp_path / "run"))


def refused(answer: Answer, *words: str) -> None:
    assert answer.status == 2, answer
    for word in words:
        assert word in answer.line, answer.line


def test_the_audit_is_stored_without_a_patient_in_it(model: Model) -> None:
    found, private = load_audit(model), load_private(model)
    assert found is not None and found.result is not None and private is not None
    cohort = Cohort.open(model.run)
    assert found.weights == model.weights_hash() and found.cohort == cohort.hash
    assert found.train_subjects == found.result.copies.train_subjects
    assert (found.heldout_subjects, found.reference_subjects) == (2, 2)
    assert found.verdict().level == "too few subjects to test" and found.verdict().needed > 200
    text = model.audit_path.read_text()
    everybody = {info.subject for info in cohort.slices}
    assert everybody and not [name for name in everybody if name in text]
    assert str(model.run) not in text
    assert {row.subject for row in private.worst} <= everybody
    assert stat.S_IMODE(model.private_audit_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(model.private_audit_path.parent.stat().st_mode) == 0o700


def test_the_main_line_audits_after_it_evaluates(model: Model) -> None:
    stations = list(Ledger(model.run).stations())
    assert stations.index("evaluate popgan") < stations.index("audit popgan")
    assert stations[-1] == "report"
    said = call("run", "--help").out
    assert "--no-audit" in said


def test_the_generator_is_over_trained_as_a_control_of_the_audit(model: Model) -> None:
    found = load_audit(model)
    assert found is not None and found.overtrained is not None
    assert found.overtrained.images > 0 and found.inversion is None
    assert "over-trained copy: found" in call("audit", model.run).out


def test_the_generator_itself_is_attacked_where_that_is_asked(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = functools.partial(audit_generator.inversion_attack, steps=3, restarts=1, own=4)
    monkeypatch.setattr(audit_generator, "inversion_attack", quick)
    known = load_audit(model)
    assert known is not None
    monkeypatch.setattr(station, "overtrained", lambda *given: known.overtrained)
    answer = call("audit", model.run, "--generator")
    assert answer.status == 0, answer
    found = load_audit(model)
    assert found is not None and found.inversion is not None and found.released == "generator"
    assert found.result == known.result
    assert "  inversion, " in answer.out and "the images and the weights" in answer.out
    assert found.of_images() == known
    # It holds all of an audit of images, so asking for less does nothing.
    assert "unchanged, skipped" in call("audit", model.run).err
    assert load_audit(model) == found


def test_tuning_patients_calibrate_and_test_patients_are_the_others(model: Model) -> None:
    found, cohort = load_audit(model), Cohort.open(model.run)
    assert found is not None and found.result is not None
    names = {attack.name for attack in found.result.attacks}
    assert {"calibrated GAN-Leaks", "DOMIAS"} <= names
    sizes = {split: len(set(cohort.subjects(split))) for split in ("train", "tuning", "test")}
    for attack in found.result.attacks:
        assert (attack.members, attack.others) == (sizes["train"], sizes["test"])
    assert found.reference_subjects == sizes["tuning"]


def test_an_unchanged_audit_is_skipped_and_its_table_is_shown_again(model: Model) -> None:
    before = snapshot(model.run)
    answer = call("audit", model.run)
    assert answer.status == 0 and "[audit popgan] unchanged, skipped" in answer.err
    assert snapshot(model.run) == before
    for words in ("NOT TESTED: too few patients.", "planted copies found, of", "members", "Next:"):
        assert words in answer.out
    assert max(map(len, answer.out.split("\n")[:22])) <= 120
    result = call("audit", model.run, "--json").result
    assert result["verdict"]["level"] == "too few subjects to test"
    fields = {name: result[name] for name in StoredAudit.model_fields}
    assert StoredAudit.model_validate(fields) == load_audit(model)


def test_an_audit_of_other_weights_or_patients_is_stale(model: Model) -> None:
    assert audit_state(model) == "current"
    stored = read_json(model.audit_path)
    for change in ({"weights": "0" * 64}, {"cohort": "0" * 64}, {"version": 0}):
        model.audit_path.write_text(json.dumps(stored | change))
        assert audit_state(model) == "stale", change
        assert load_audit(model) is None and load_private(model) is None
    model.audit_path.unlink()
    assert audit_state(model) == "none" and load_audit(model) is None
    model.audit_path.write_text("{")
    refused(call("audit", model.run), "is not a privacy audit", "remove it and audit again")


def test_copies_of_training_images_are_flagged_for_their_patients(model: Model) -> None:
    cohort = Cohort.open(model.run)
    images, owners = cohort.images("train")[:12], cohort.subjects("train")
    found = audit_images(model, cohort, images)
    flagged = {(flag.synthetic, flag.subject) for flag in found.private.flags}
    assert flagged == {(i, owners[i]) for i in range(12)}
    assert found.shared.copies.flagged.value == 1


@pytest.mark.parametrize(
    ("subjects", "words"),
    [
        ({"train": ["a"] * 30, "test": ["b", "c"] * 9}, "training images come from 1 patient"),
        ({"train": ["a", "b"] * 9, "test": ["c"] * 30}, "held-out images come from 1 patient"),
        ({"train": ["a", "b"] * 9, "test": ["c", "d", "d"]}, "there are 3 held-out images"),
        ({"train": ["a", "b"] * 4, "test": ["c", "d"] * 9}, "there are 8 training images"),
    ],
)
def test_a_cohort_that_allows_no_test_is_told_with_its_number(
    subjects: dict[str, list[str]], words: str
) -> None:
    cohort: Any = SimpleNamespace(subjects=lambda split: subjects[split])
    with pytest.raises(NotMeasurableError, match=words) as caught:
        audit_sides.require_testable(cohort)
    assert "; add patients" in str(caught.value)


def test_too_small_a_cohort_is_recorded_and_no_crash(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.audit_path.unlink()
    monkeypatch.setattr(audit_sides, "LEAST_PATIENTS", 3)
    answer = call("audit", model.run, "--json")
    assert answer.status == 0
    found = load_audit(model)
    assert found is not None and found.result is None
    assert "from 2 patients" in (found.not_testable or "")
    assert found.verdict().sentence.startswith("Nothing was tested: the held-out images come")
    assert load_private(model) is None and not model.private_audit_path.exists()
    shown = call("audit", model.run)
    assert "unchanged, skipped" in shown.err and "NOT TESTED: too few patients." in shown.out
    refused(
        call("generate", model.run, "--release", "-n", 12, "--accept-untested", "board"),
        "nothing could be tested",
    )


def test_images_that_are_not_finite_are_refused_in_one_line(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.audit_path.unlink()
    broken = np.full((12, 1, 16, 16), np.nan, np.float32)
    monkeypatch.setattr(station, "synthesise", lambda *given, **more: broken)
    refused(call("audit", model.run), "values that are not finite", "train again")
    assert not model.audit_path.exists() and leavings(model.run) == []


def test_what_an_audit_needs_and_is_not_there_is_one_line(model: Model) -> None:
    refused(call("audit", model.run, "-n", 9), "-n", "greater than or equal to 10")
    with pytest.raises(UserError, match=r"an audit of 9 images shows nothing; ask for 10 or more"):
        audit(model, n=9)
    content = model.weights_path.read_bytes()
    model.weights_path.unlink()
    refused(call("audit", model.run), "is not trained yet", "popgan train")
    model.weights_path.write_bytes(content[: len(content) // 2])
    refused(call("audit", model.run), "weights.safetensors: cannot be read as weights")


def test_a_failed_audit_is_not_replaced_by_one_of_fewer_images(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = load_audit(model)
    assert known is not None and known.result is not None and known.n == 12
    measured: list[int] = []

    def fresh(model: Model, plan: Any, cohort: Cohort, extractor: Any, about: Any, *more: Any):
        measured.append(about["n"])
        return StoredAudit(**about, result=known.result), None

    monkeypatch.setattr(station, "_measure", fresh)
    copies = known.result.copies.model_copy(update={"clear": 1})
    failed = known.result.model_copy(update={"copies": copies})
    # One by older rules is no longer shown, yet what it found still stands.
    for version in (known.version, known.version - 1):
        stored = known.model_copy(update={"n": 40, "version": version, "result": failed})
        assert stored.verdict().level == "failed"
        model.audit_path.write_text(stored.model_dump_json())
        options = ["--generator"] if version == known.version else []
        refused(
            call("audit", model.run, "-n", 39, *options),
            "an audit of 40 images of these weights failed, and one of 39 cannot replace it",
            "ask for 40 or more with -n",
        )
        assert measured == [] and StoredAudit.model_validate(read_json(model.audit_path)) == stored
    # As many may, and where no number is given, as many are taken.
    assert audit(model).n == 40 == measured[-1]
    # Other weights, other patients and what did not fail are replaced by any number.
    assert failed_audit(model, "0" * 64) is None
    for change in ({"weights": "0" * 64}, {"result": known.result}):
        model.audit_path.write_text(stored.model_copy(update=change).model_dump_json())
        assert failed_audit(model, known.cohort) is None
    assert audit(model, n=11).n == 11 == measured[-1]


def test_a_damaged_cache_is_told_or_made_again(model: Model) -> None:
    found = load_audit(model)
    assert found is not None and found.result is not None
    damaged = 0
    for path in (model.run / "cache").glob("features-*.npy"):
        if len(np.load(path, allow_pickle=False)) == found.n:
            path.write_bytes(path.read_bytes()[:100])
            damaged += 1
    assert damaged
    images = station.synthesise(model, found.n, seed=found.seed)
    again = audit_images(model, Cohort.open(model.run), images)
    assert again.shared == found.result
    store = model.run / "cache/slices.npy"
    content = bytearray(store.read_bytes())
    content[-1] ^= 1
    store.write_bytes(content)
    refused(call("audit", model.run), "slices.npy: was changed since ingest", "run ingest again")


def test_a_test_split_that_was_touched_is_refused(model: Model) -> None:
    splits = model.run / "dataset/splits.json"
    kept = splits.read_text()
    moved = json.loads(kept)
    moved["splits"]["train"].append(moved["splits"]["test"].pop())
    splits.write_text(json.dumps(moved))
    refused(call("audit", model.run), "splits.json: was changed since ingest")
    splits.write_text(kept)
    manifest = model.run / "dataset/manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    refused(call("audit", model.run), "belongs to another cohort")


@pytest.mark.parametrize(("split", "words"), [("train", "trained"), ("tuning", "tuned")])
def test_a_head_under_two_names_is_found_by_its_pixels(
    model: Model, split: str, words: str
) -> None:
    cohort = Cohort.open(model.run)
    assert len(require_untouched(model, cohort)) == 64
    store = np.array(cohort._store)
    store[cohort.indices("test")[3]] = store[cohort.indices(split)[5]]
    touched = dataclasses.replace(cohort, _store=store)
    with pytest.raises(UserError, match=f"1 held-out slice is, pixel by pixel.*was {words} with"):
        require_untouched(model, touched)


def test_a_translator_has_no_such_audit_and_that_is_noted(model: Model) -> None:
    plan: Any = SimpleNamespace(translates=True)
    with pytest.raises(UserError, match=r"translates contrasts.*treat it like that scan"):
        station.refuse_translators(model, plan)
    said = io.StringIO()
    for _ in range(2):
        station.record_not_applicable(Model(model.run, "pix2pix"), LineReporter(said))
    assert Ledger(model.run).stations()["audit pix2pix"].asked == {"audit": "not applicable"}
    assert said.getvalue().count("not applicable") == 2


def test_empty_images_are_nobodys() -> None:
    images = np.stack([np.full((1, 4, 4), -1.0), np.eye(4)[None]]).astype(np.float32)
    assert digests(images)[0] is None and len(digests(images)[1] or "") == 64


def test_memory_that_is_not_there_is_told_with_both_numbers(model: Model) -> None:
    with pytest.raises(UserError, match=r"takes about \d+\.\d GiB of memory, [\d.]+ are free"):
        audit_sides.require_memory(Cohort.open(model.run), 10**9)


def test_a_model_that_starts_over_has_no_audit(model: Model) -> None:
    from popgan.progress import Reporter

    model.clear(Reporter())
    assert not model.audit_path.exists() and not model.private_audit_path.exists()


def test_the_card_says_what_the_audit_amounts_to(model: Model) -> None:
    card = " ".join((model.folder / "MODEL_CARD.md").read_text().split())
    assert "Privacy audit: **too few subjects to test**." in card
    assert "the weights were not" in card


def test_the_facade_keeps_its_function_whatever_is_imported() -> None:
    import popgan

    assert popgan.audit is audit
    from popgan import audit as again

    assert again is audit
