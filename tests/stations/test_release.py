"""A set that leaves the house: refused unless tested, mended, audited as it is, hashed."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popgan.cohort.cohort import Cohort
from popgan.config.condition import Condition
from popgan.errors import UserError
from popgan.evidence.privacy.results import PrivateDetails, Verdict
from popgan.files import read_json
from popgan.progress import Reporter
from popgan.stations import release_choice, release_files
from popgan.stations.audited import StoredAudit
from popgan.stations.draw import ANY
from popgan.stations.model import Model, find_model
from popgan.stations.release import allow, release
from popgan.stations.release_choice import Chosen
from popgan.stations.release_files import write_release
from popgan.synthesis.told import tell
from small_runs import Answer, audited, call, finished, leavings, snapshot

__all__ = ["audited", "finished"]
pytestmark = pytest.mark.xdist_group("finished run")

WHY = "Data board, 3 May: [phantoms], nobody is in them"


@pytest.fixture
def model(audited: Path, tmp_path: Path) -> Model:
    """The model of an audited run, in a folder of its own."""
    return find_model(shutil.copytree(audited, tmp_path / "run"))


def refused(answer: Answer, *words: str) -> None:
    assert answer.status == 2, answer
    for word in words:
        assert word in answer.line, answer.line


def ask(model: Model, *more: object) -> Answer:
    return call("generate", model.run, "--release", "-n", 12, *more)


def judge(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Let every audit come out at one level."""
    made = Verdict(level=level, sentence="So it is.", reasons=["A reason."], needed=9)  # type: ignore[arg-type]
    monkeypatch.setattr(StoredAudit, "verdict", lambda self: made)


def with_copies(monkeypatch: pytest.MonkeyPatch, model: Model, places: dict[int, int]) -> None:
    """Let the generator draw training images, a little darker, at some places of its stream."""
    draw, train = release_choice.draw_set, Cohort.open(model.run).images("train")
    dark = 0.98 * train - 0.02

    def drawn(model: Model, n: int, *, first: int = 0, **more: Any) -> Any:
        images, codes = draw(model, n, first=first, **more)
        for place, copied in places.items():
            if first <= place < first + n:
                images[place - first] = dark[copied]
        return images, codes

    monkeypatch.setattr(release_choice, "draw_set", drawn)


def test_nothing_untested_leaves_the_house(model: Model) -> None:
    refused(ask(model), "too few subjects to test", "--accept-untested", "on each side")
    stored = read_json(model.audit_path)
    model.audit_path.write_text(json.dumps(stored | {"weights": "0" * 64}))
    refused(ask(model, "--accept-untested", WHY), "privacy audit that is stale", "popgan audit")
    model.audit_path.unlink()
    refused(ask(model, "--accept-untested", WHY), "has no privacy audit", "popgan audit")
    assert not (model.run / "release").exists() and leavings(model.run) == []


@pytest.mark.parametrize(
    ("level", "says"),
    [("failed", "audit failed: A reason"), ("no power", "has no power: A reason")],
)
def test_what_failed_cannot_be_accepted(
    model: Model, monkeypatch: pytest.MonkeyPatch, level: str, says: str
) -> None:
    judge(monkeypatch, level)
    refused(ask(model, "--accept-untested", WHY), "nothing is released", says)


def test_an_audit_of_the_generator_counts_as_far_as_it_concerns_images(model: Model) -> None:
    stored = StoredAudit.model_validate(read_json(model.audit_path))
    assert stored.model_copy(update={"released": "generator"}).of_images() == stored


def test_options_of_a_release_that_cannot_be_meant(model: Model) -> None:
    for reason in ("", "  \n "):
        refused(ask(model, "--accept-untested", reason), "is empty", "recipients will read it")
    refused(ask(model, "--accept-untested", "x" * 501), "has 501 characters")
    refused(call("generate", model.run, "--accept-untested", WHY), "add --release")
    refused(ask(model, "--walk", 4), "leave out --interpolate and --walk")
    refused(call("generate", model.run, "--release", "-n", 9), "9 images cannot be audited")


def test_a_release_holds_its_evidence_and_its_hashes(model: Model) -> None:
    answer = ask(model, "--accept-untested", WHY, "--json")
    assert answer.status == 0, answer
    folder = model.run / "release/popgan"
    assert answer.result["release"] == str(folder) and answer.result["accepted"] == WHY
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {line.split("  ")[1] for line in release_files.sums(folder)} == {
        f"{name}\n" for name in files - {"SHA256SUMS"}
    }
    assert len([name for name in files if name.endswith(".nii.gz")]) == 12
    found = StoredAudit.model_validate(read_json(folder / "audit.json"))
    assert (found.n, found.seed, found.dropped, found.accepted) == (12, 0, 0, WHY)
    assert found.result is not None and found.result.synthetic == 12
    assert found.weights == model.weights_hash() and found.overtrained is not None
    assert "RELEASE.md says what was tested of privacy" in (folder / "README").read_text()
    note = (folder / "RELEASE.md").read_text()
    assert "**NOT privacy-tested: too few patients" in note and WHY.replace(
        "[phantoms]", r"\[phantoms\]"
    ) in " ".join(note.split())
    for words in ("## What was not tested", "## Not allowed", "sha256sum -c SHA256SUMS"):
        assert words in note
    assert not re.search(r"\banonymous\b", note.replace("Whether the images are anonymous", "")
                         .replace("Calling them anonymous", ""))  # fmt: skip
    everything = "".join(
        path.read_text() for path in folder.rglob("*") if path.suffix in {".md", ".json", ".tsv"}
    )
    people = {info.subject for info in Cohort.open(model.run).slices}
    assert not [name for name in people if name in everything]
    assert str(model.run) not in everything


def test_a_release_tells_no_value_that_few_patients_share(
    model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sex = Condition(name="sex", kind="number", high=1.0, words=["F", "M"])
    age = Condition(name="age", kind="number", low=20.0, high=85.0)
    columns: dict[str, Any] = {"sex": [1.0] * 9 + [0.0], "age": [61.3] * 9 + [62.0]}
    told, notes = tell([sex, age], columns, {})
    monkeypatch.setattr(release_files, "told_of", lambda *given: (told, notes))
    stored = StoredAudit.model_validate(read_json(model.audit_path))
    assert stored.result is not None
    audit = stored.model_copy(update={"first_draw": stored.result.copies})
    indices = [*range(2, 42, 2)]
    images = np.zeros((len(indices), 1, 16, 16), np.float32)
    private = PrivateDetails(flags=[], worst=[])
    chosen = Chosen(images, None, indices, audit, private, [], [])
    out = tmp_path / "set"
    out.mkdir()
    write_release(model, Cohort.open(model.run), out, chosen, 3, ANY, Reporter())
    lines = [line.split("\t") for line in (out / "participants.tsv").read_text().splitlines()]
    rare = [row == 9 for row in told.rows(3, indices)]
    assert any(rare)
    assert [line[6:] for line in lines[1:]] == [
        ["n/a", "n/a"] if alone else ["M", "60"] for alone in rare
    ]
    assert "fewer than 5 patients" in (out / "participants.json").read_text()
    note = " ".join((out / "RELEASE.md").read_text().split())
    assert "Drawn from the training data for each image: sex, age." in note
    assert "fewer than 5 patients share them" in note
    sidecars = [read_json(path)["Conditions"] for path in sorted(out.rglob("*_T1w.json"))]
    assert sidecars == [
        {"sex": None, "age": None} if alone else {"sex": "M", "age": 60} for alone in rare
    ]


def test_an_unchanged_release_stays_and_a_damaged_one_is_made_again(model: Model) -> None:
    assert ask(model, "--accept-untested", WHY).status == 0
    folder = model.run / "release/popgan"
    before = snapshot(folder)
    assert "unchanged, skipped" in ask(model, "--accept-untested", WHY).err
    assert snapshot(folder) == before
    (folder / "sub-syn0001/anat/sub-syn0001_desc-synthetic_T1w.json").unlink()
    assert not release_files.is_intact(folder)
    assert ask(model, "--accept-untested", WHY).status == 0
    assert release_files.is_intact(folder) and set(snapshot(folder)) == set(before)
    # Another reason is another release.
    assert "unchanged" not in ask(model, "--accept-untested", "Others decided").err
    assert "Others decided" in (folder / "RELEASE.md").read_text()


def test_copies_are_left_out_and_the_set_is_audited_again(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_copies(monkeypatch, model, {3: 0, 7: 10, 13: 20})
    answer = ask(model, "--accept-untested", WHY, "--json")
    assert answer.status == 0, answer
    assert answer.result["left_out"] == 3
    folder = model.run / "release/popgan"
    rows = (folder / "participants.tsv").read_text().splitlines()[1:]
    kept = [0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 14]
    assert [int(row.split("\t")[4]) for row in rows] == kept
    assert {path.name for path in folder.glob("sub-*")} == {f"sub-syn{i + 1:04d}" for i in kept}
    found = StoredAudit.model_validate(read_json(folder / "audit.json"))
    assert found.dropped == 3 and found.result is not None
    assert found.result.copies.flagged.value == 0
    # The generator is spoken of by the first draw of 12; the third copy came later.
    assert found.first_draw is not None and found.first_draw.flagged.n == 12
    assert round(12 * (found.first_draw.flagged.value or 0)) == 2
    assert found.result.copies.flagged.high is None
    most = f"{found.first_draw.flagged.high:.2%}"
    assert most == "43.81%"  # binom.cdf(2, 12, 0.4381) is 0.05
    note = " ".join((folder / "RELEASE.md").read_text().split())
    assert "3 images were left out" in note and "holds by this selection" in note
    assert "In the first draw 2 of 12 were flagged. So many may be chance" in note
    assert f"| 16.67% | up to {most} | 12 images drawn |" in note
    assert "| none flagged | - | 12 images |" in note
    # Each bound on what the generator makes is one of the first draw; its over-trained copy has
    # a search of its own.
    of_set = found.model_copy(update={"overtrained": None}).model_dump_json()
    for text in (note, of_set):
        bounds = re.findall(r"at most ([\d.]+)% of all that the generator makes", text)
        assert bounds and set(bounds) == {"43.811"}
    record = model.run / "private/releases/popgan.json"
    cohort = Cohort.open(model.run)
    owners = cohort.subjects("train")
    flags = {(flag["synthetic"], flag["subject"]) for flag in read_json(record)["left_out"]}
    assert flags == {(3, owners[0]), (7, owners[10]), (13, owners[20])}
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_images_of_the_stream_are_those_of_generate(model: Model, tmp_path: Path) -> None:
    given = release(model, 12, out=tmp_path / "given", accept=WHY)
    assert release_files.is_intact(given) and not (model.run / "release").exists()
    assert call("generate", model.run, "-n", 12).status == 0
    name = "sub-syn0012/anat/sub-syn0012_desc-synthetic_T1w.nii.gz"
    kinds = (given / name, model.run / "synthetic/popgan" / name)
    assert kinds[0].read_bytes() == kinds[1].read_bytes()


def test_no_real_image_is_in_the_set_even_of_patients_not_trained_with(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy search looks at training patients; a planted image of others is found by hash."""
    cohort = Cohort.open(model.run)
    draw = release_choice.draw_set

    def drawn(model: Model, n: int, *, first: int = 0, **more: Any) -> Any:
        images, codes = draw(model, n, first=first, **more)
        if first == 0:
            images[2], images[5] = cohort.images("test")[1], cohort.images("tuning")[4]
        return images, codes

    monkeypatch.setattr(release_choice, "draw_set", drawn)
    assert ask(model, "--accept-untested", WHY).status == 0
    found = StoredAudit.model_validate(read_json(model.run / "release/popgan/audit.json"))
    assert found.dropped == 2
    private = read_json(model.run / "private/releases/popgan.json")
    assert private["equal_to_real_images"] == [2, 5] and private["left_out"] == []


def test_a_generator_that_keeps_copying_is_given_up(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_copies(monkeypatch, model, {place: place for place in range(40)})
    refused(
        ask(model, "--accept-untested", WHY),
        "12 images had to be left out for 12",
        "still some resemble training images",
    )
    assert not (model.run / "release").exists() and leavings(model.run) == []


@pytest.mark.parametrize("change", [{"clear": 1}, {"p": 0.006}])
def test_a_first_draw_that_shows_copies_is_refused_and_not_mended(
    model: Model, monkeypatch: pytest.MonkeyPatch, change: dict[str, float]
) -> None:
    with_copies(monkeypatch, model, {3: 0})
    audited, sizes = release_choice.audit_images, []

    def audit_images(*given: Any, **more: Any) -> Any:
        made = audited(*given, **more)
        sizes.append(len(given[2]))
        copies = made.shared.copies
        if copies.flagged.value:
            copies = copies.model_copy(update=change)
        shared = made.shared.model_copy(update={"copies": copies})
        return made.model_copy(update={"shared": shared})

    monkeypatch.setattr(release_choice, "audit_images", audit_images)
    refused(
        ask(model, "--accept-untested", WHY),
        "nothing is released, because the privacy audit failed: In the first draw",
        "1 of 12 synthetic images",
    )
    assert sizes == [12]
    assert not (model.run / "release").exists() and leavings(model.run) == []


def test_the_set_itself_must_be_allowed_not_its_model_alone(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_model = Verdict(level="passed", sentence="Passed.", reasons=["x"], needed=9)
    of_set = Verdict(level="failed", sentence="No.", reasons=["The set fails."], needed=9)
    monkeypatch.setattr(StoredAudit, "verdict", lambda self: of_model if self.seed else of_set)
    refused(ask(model), "nothing is released, because the privacy audit failed: The set fails")
    assert not (model.run / "release").exists()


def test_a_passed_set_needs_no_reason_and_says_what_it_passed(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(monkeypatch, "passed")
    assert ask(model).status == 0
    note = (model.run / "release/popgan/RELEASE.md").read_text()
    assert "**Privacy-tested: passed.**" in note and "released all the same" not in note


def test_a_release_appears_whole_or_not_at_all(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(model, "--accept-untested", WHY).status == 0
    before = snapshot(model.run / "release")

    def stopped(folder: Path) -> list[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(release_files, "sums", stopped)
        patched.setattr("popgan.stations.release.is_intact", lambda folder: False)
        assert ask(model, "--accept-untested", WHY).status == 130
    assert snapshot(model.run / "release") == before and leavings(model.run) == []


def test_a_foreign_folder_is_left_alone(model: Model, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter1.docx").write_text("mine")
    refused(ask(model, "--accept-untested", WHY, "-o", thesis), "was not written by this command")
    # Nor is a data set replaced that is none to give away.
    assert call("generate", model.run, "-n", 2, "-o", tmp_path / "set").status == 0
    refused(ask(model, "--accept-untested", WHY, "-o", tmp_path / "set"), "not written by this")
    assert leavings(tmp_path) == []


def test_what_could_not_be_tested_is_refused_whatever_the_reason() -> None:
    untested = StoredAudit(
        version=1, weights="w", cohort="c", features={}, n=12, seed=0, not_testable="one patient; x"
    )
    with pytest.raises(UserError, match="nothing could be tested: one patient"):
        allow(untested, WHY)
