"""`popgan study`: from a run to a study on the disk, and every way in which that is refused."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from popgan.cohort.cohort import Cohort
from popgan.files import read_json, sha256_file
from popgan.stations.folder import locked
from popgan.study.locking import only_server
from popgan.study.preregistration import commitment, stimuli_hash
from popgan.study.rehearsal import load_rehearsal
from popgan.study.schema import Places, Study
from small_runs import Answer, call, full_disk, leavings, snapshot

SMALL = ("--readers", 2, "--real", 4, "--synthetic", 6, "--repeats", 2, "--practice", 2)

pytestmark = pytest.mark.xdist_group("finished run")


@pytest.fixture(scope="module", autouse=True)
def rare_alarms() -> Iterator[None]:
    """One clean study in twenty raises an alarm, and three in a row are refused; names, orders and
    times of replies are new in every run of the tests, so here it is one in four hundred."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("popgan.study.leaks.LEVEL", 1 / 400)
        yield


@pytest.fixture(scope="module")
def base(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a study; never change it."""
    run = tmp_path_factory.mktemp("study") / "run"
    shutil.copytree(finished / "run", run)
    answer = call("study", "create", run, *SMALL, "--json")
    assert answer.status == 0, answer
    (run.parent / "said").write_text(answer.out)
    return run


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(base, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def bare(finished: Path, tmp_path: Path) -> Path:
    """A run without a study."""
    shutil.copytree(finished / "run", tmp_path / "run")
    return tmp_path / "run"


def state(run: Path) -> dict[str, tuple[int, int]]:
    """All files but the server's lock, which holds nothing."""
    return {name: at for name, at in snapshot(run).items() if not name.endswith(".server-lock")}


def refused(answer: Answer) -> str:
    assert answer.status == 2, answer
    return answer.line


def test_a_study_is_whole_private_and_as_was_asked(base: Path) -> None:
    places, study = Places(base), Study.open(base)
    for path in (*places.shared.iterdir(), *places.private.iterdir()):
        assert path.exists()
    names = {path.name for path in places.shared.iterdir()}
    assert names == {
        *("design.json", "preregistration.md", "preregistration.json", "instructions.md"),
        *("consent.md", "texts.yaml", "leak-test.json"),
    }
    assert places.private.stat().st_mode & 0o777 == places.stimuli.stat().st_mode & 0o777 == 0o700
    files = [*places.stimuli.iterdir(), places.key, places.private / "secret.json"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    stimuli = list(places.stimuli.iterdir())
    assert len({path.stat().st_size for path in stimuli}) == 1
    assert len({path.stat().st_mtime_ns for path in stimuli}) == 1
    assert len(stimuli) == len(study.key.stimuli) == 12
    assert leavings(base) == []
    design = study.design
    assert (design.real, design.synthetic, design.repeats, design.readers) == (
        *(4, {"popgan": 6}, 2, 2),
    )
    for plan in study.key.readers:
        counts = {block: len(trials) for block, trials in plan.trials.items()}
        assert counts == {"practice": 2, "likert": 12, "authenticity": 12}


def test_real_images_are_of_test_patients_and_practice_of_none(base: Path) -> None:
    cohort, study = Cohort.open(base), Study.open(base)
    for stimulus in study.key.stimuli:
        if stimulus.source != "real":
            assert stimulus.cluster == stimulus.case and stimulus.row is None
            continue
        assert stimulus.row is not None
        info = cohort.slices[stimulus.row]
        assert stimulus.cluster == info.subject
        assert (info.split == "test") is not stimulus.practice
    seeds = Counter(s.seed for s in study.key.stimuli if s.source != "real" and not s.practice)
    assert sorted(seeds.values()) == [2, 2, 2]
    assert all(seed is not None and seed >= 2**31 for seed in seeds)
    assert len(seeds) == study.design.generators
    published = "".join(path.read_text() for path in Places(base).shared.iterdir())
    assert not any(str(seed) in published for seed in seeds)


def test_the_preregistration_commits_to_the_key_and_tells_no_truth(base: Path) -> None:
    places, study = Places(base), Study.open(base)
    record = read_json(places.preregistration.with_suffix(".json"))
    secret = read_json(places.private / "secret.json")["secret"]
    assert record["hashes"]["key"]["sha256"] == commitment(secret, places.key.read_bytes())
    assert record["hashes"]["design"] == study.design.hash()
    files = {path.name: path.read_bytes() for path in places.stimuli.iterdir()}
    assert record["hashes"]["stimuli"] == stimuli_hash(files)
    shown = places.preregistration.read_text()
    for text in (*record["hypotheses"], *record["analysis"], *record["sizes"]):
        assert text in shown
    everything = "".join(path.read_text() for path in places.shared.iterdir())
    assert secret not in everything
    for stimulus in study.key.stimuli:
        assert stimulus.case not in everything and stimulus.file[:32] not in everything
        assert not (stimulus.source == "real" and stimulus.cluster in everything)


def test_readers_read_neither_numbers_of_kinds_nor_an_order(base: Path) -> None:
    places = Places(base)
    for path in (places.instructions, places.consent):
        text = path.read_text()
        assert "$" not in text and "computer" in text
        assert not {"4 real", "6 synthetic", "half"} & set(text.split())
    assert "about 10 images" in places.consent.read_text()


def test_what_create_says_has_the_formulas_and_is_honest(base: Path) -> None:
    said = json.loads((base.parent / "said").read_text())
    text = " ".join(said["advice"])
    assert "1 + (m - 1) x ICC" in text and "215 trials" in text and "Bonett" in text
    assert "Only" in text and "More test patients help" in text
    assert said["moved"] is None and said["leaks"]["channels"]


def test_a_study_that_is_there_stays_unless_restart_and_its_answers_always(run: Path) -> None:
    before = snapshot(run)
    line = refused(call("study", "create", run, *SMALL))
    assert "holds a reader study already; give --restart" in line
    assert snapshot(run) == before
    places = Places(run)
    old = sha256_file(places.key)
    places.database.write_bytes(b"answers")
    answer = call("study", "create", run, *SMALL, "--restart", "--seed", 3, "--json")
    assert answer.status == 0, answer
    kept = run / "private" / "study-before-1"
    assert answer.result["moved"] == str(kept)
    assert (kept / "answers.sqlite").read_bytes() == b"answers"
    assert sha256_file(kept / "key.json") == old
    assert (kept / "shared" / "design.json").exists()
    assert not places.database.exists() and Study.open(run).design.seed == 3


def test_edited_words_of_a_former_study_are_kept_and_the_rest_is_not(run: Path) -> None:
    answer = call("study", "create", run, *SMALL, "--restart", "--json")
    assert answer.result["moved"] is None
    assert not list((run / "private").glob("study-before-*")) and leavings(run) == []
    Places(run).consent.write_text("Ours.")
    assert call("study", "create", run, *SMALL, "--restart").status == 0
    assert (run / "private/study-before-1/shared/consent.md").read_text() == "Ours."


def test_a_study_that_is_served_or_a_run_that_is_busy_is_left_alone(run: Path) -> None:
    before = state(run)
    with only_server(Places(run)):
        assert "is served" in refused(call("study", "create", run, *SMALL, "--restart"))
    with locked(run):
        assert "another popgan works" in refused(call("study", "create", run, "--restart"))
    assert state(run) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--real", 500), "500 real images are not possible: 2 test patients give"),
        (("--real", 0), "--real 0 is not possible; give 1 to"),
        (("--real", "many"), "--real many is not possible; give a number, or auto"),
        (("--synthetic", 0), "--synthetic 0 is not possible"),
        (("--synthetic", 10**9), "is not possible; give 1 to 2000"),
        (("--readers", 0), "--readers 0 is not possible; give 1 to 50"),
        (("--repeats", 99), "--repeats 99 is more than there is to repeat; give 0 to 10"),
        (("--practice", 3), "--practice 3 is not possible; give an even number"),
        (("--design", "guess"), "--design guess is not possible; give likert+authenticity or 2afc"),
        (("--design", "2afc"), "pairs take as many synthetic images as real ones"),
        (("--models", "nobody"), "holds no model 'nobody'"),
        (("--models", "popgan,popgan"), "names a model twice"),
        (("--models", ","), "--models names no model"),
        (("--contrast", "PDw"), "--contrast PDw is not in the cohort; there: T1w"),
        (("--margin", 0.5), "--margin 0.5 is not possible"),
        (("--texts", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    ],
)
def test_what_is_not_possible_is_one_line_and_leaves_nothing(
    bare: Path, options: tuple[object, ...], words: str
) -> None:
    before = snapshot(bare)
    assert words in refused(call("study", "create", bare, *SMALL, *options))
    assert snapshot(bare) == before and not (bare / "study").exists()


def test_models_that_do_not_fit_are_refused(bare: Path) -> None:
    model = bare / "models/popgan"
    plan = (model / "plan.yaml").read_text()
    cohort = Cohort.open(bare).hash
    (model / "plan.yaml").write_text(plan.replace(cohort, "a" * 64))
    assert "another cohort" in refused(call("study", "create", bare, *SMALL))
    (model / "plan.yaml").write_text(plan)
    (model / "weights.safetensors").write_bytes(b"no weights")
    assert "cannot be read as weights" in refused(call("study", "create", bare, *SMALL))
    (model / "weights.safetensors").unlink()
    assert "is not trained yet" in refused(call("study", "create", bare, *SMALL))
    shutil.rmtree(bare / "models")
    assert "holds no model" in refused(call("study", "create", bare, *SMALL))
    assert "is not a run folder" in refused(call("study", "create", bare.parent, *SMALL))
    assert not (bare / "study").exists() and leavings(bare) == []


def test_a_full_disk_leaves_the_run_as_it_was(run: Path) -> None:
    before = state(run)
    with full_disk(300):
        line = refused(call("study", "create", run, *SMALL, "--restart"))
    assert "cannot be written" in line
    assert state(run) == before and leavings(run) == []


def test_two_models_in_pairs(bare: Path) -> None:
    shutil.copytree(bare / "models/popgan", bare / "models/other")
    options = ("--readers", 1, "--real", 4, "--design", "2afc", "--practice", 0, "--repeats", 1)
    answer = call("study", "create", bare, *options, "--no-mask", "--no-back", "--json")
    assert answer.status == 0, answer
    design = answer.result["design"]
    assert design["synthetic"] == {"other": 2, "popgan": 2}
    assert design["masked"] is design["back"] is False
    (plan,) = Study.open(bare).key.readers
    assert {block: len(trials) for block, trials in plan.trials.items()} == {
        **{"practice": 0, "2afc": 5},
    }
    assert call("study", "simulate", bare).status == 0
    assert len(load_rehearsal(Study.open(bare)).answers.choices) == 5


def test_an_edited_design_or_key_is_refused(run: Path) -> None:
    places = Places(run)
    design = read_json(places.design)
    for changed, words in (
        (design | {"margin": 0.2}, "was changed after the study was created"),
        (design | {"readers": 10**9}, "is damaged or of another version"),
        (design | {"size": "../../etc"}, "is damaged or of another version"),
        ([], "is damaged or of another version"),
    ):
        places.design.write_text(json.dumps(changed))
        for verb in ("leak-test", "simulate"):
            assert words in refused(call("study", verb, run))
    places.design.write_text(json.dumps(design))
    key = read_json(places.key)
    for where, value in (("case", "nobody"), ("file", "../../../secret.png")):
        stimuli = [key["stimuli"][0] | {where: value}, *key["stimuli"][1:]]
        places.key.write_text(json.dumps(key | {"stimuli": stimuli}))
        assert "was changed" in refused(call("study", "leak-test", run))
    places.design.write_text("[" * 100_000)
    assert "is not readable JSON" in refused(call("study", "leak-test", run))
    places.design.unlink()
    assert "holds no reader study" in refused(call("study", "simulate", run))


def test_the_leak_test_is_a_table_a_file_and_a_status(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Places(run).leaks.unlink()
    monkeypatch.setattr("popgan.study.leaks.ask_server", lambda study: [])
    answer = call("study", "leak-test", run)
    assert answer.status == 0, answer
    assert "stimulus ids" in answer.out and "in the image" in answer.out
    assert {channel["leaks"] for channel in read_json(Places(run).leaks)["channels"]} == {False}
    some = next(Places(run).stimuli.iterdir())
    some.write_bytes(some.read_bytes() + b"\0")
    assert "is not as popgan wrote it" in refused(call("study", "leak-test", run))


def test_simulated_answers_follow_the_design_and_touch_nothing_else(run: Path) -> None:
    before = snapshot(run)
    answer = call("study", "simulate", run, "--dprime", 1, "--studies", 2, "--json")
    assert answer.status == 0, answer
    assert set(snapshot(run)) - set(before) == {
        *("private/study/rehearsal.json", "private/study/rehearsal-2.json"),
    }
    first, second = (load_rehearsal(Study.open(run), number) for number in (1, 2))
    assert first.told["d_prime"] == 1 and first.told["seed"] + 1 == second.told["seed"]
    assert first.answers != second.answers
    assert len(first.answers.judgements) == len(first.answers.ratings) == 2 * 12
    assert first.answers.planned == {"likert": 12, "authenticity": 12}
    assert call("study", "simulate", run, "--readers", 1).status == 0
    assert not (run / "private/study/rehearsal-2.json").exists()
    for options in (("--readers", 3), ("--dprime", "nan"), ("--missing", 1), ("--studies", 0)):
        assert "is not possible" in refused(call("study", "simulate", run, *options))


def test_words_of_a_translation_must_have_the_same_keys(bare: Path, tmp_path: Path) -> None:
    texts = tmp_path / "de.yaml"
    for content, words in (
        ("- a", "the file holds no keys"),
        ("title: Studie", "the file lacks"),
        ("!!python/object/apply:os.system [ls]", "is not readable YAML"),
    ):
        texts.write_text(content)
        assert words in refused(call("study", "create", bare, *SMALL, "--texts", texts))
