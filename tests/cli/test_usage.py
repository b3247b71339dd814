"""The surface of the command line: help at once, one line an error, JSON for machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from popgan import __version__
from popgan.cli.main import app
from small_runs import call

VERBS = [command.name for command in app.registered_commands]
HEAVY = ("torch", "numpy", "scipy", "nibabel", "matplotlib", "pandas", "PIL", "nilearn", "sklearn")


def test_help_of_every_verb_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from popgan.cli.main import main\n"
        f"for words in [[], {', '.join(f'[{verb!r}]' for verb in VERBS)}]:\n"
        "    try:\n"
        "        main([*words, '--help'])\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, words\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert ran.stdout.splitlines()[-1] == "HEAVY []"
    assert all(f"Usage: popgan {verb}" in ran.stdout for verb in VERBS)


def test_python_m_popgan_is_the_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "popgan", "--version"], capture_output=True, text=True, timeout=120
    )
    assert (ran.returncode, ran.stdout) == (0, f"popgan {__version__}\n")


def test_no_verb_at_all_shows_the_help() -> None:
    answer = call()
    assert answer.status == 0
    assert all(f"  {verb} " in answer.out for verb in VERBS)


def test_defaults_in_square_brackets_survive_in_the_help() -> None:
    # A renderer of markup once took them for styles and left them out.
    assert "[default: RUN/synthetic/NAME]" in " ".join(call("generate", "--help").out.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nope"], "no such command 'nope'"),
        (["trian"], "train"),
        (["run", "--nope"], "no such option: --nope"),
        (["run", "--seed", "x", "a"], "--seed"),
        (["run", "--seed", "-1", "a"], "--seed"),
        (["generate"], "missing argument 'RUN'"),
        (["generate", "a", "-n", "0"], "-n"),
        (["generate", "a", "b"], "unexpected extra argument"),
        (["run", "a", "-o"], "-o"),
        (["run", "a"], "no run folder given; add -o FOLDER"),
        (["run", "-o", "b"], "no scans given"),
        (["run", "a", "--demo", "-o", "b"], "both scans and --demo given"),
        (["phantom", "-o", "a", "-n", "many"], "-n"),
    ],
)
def test_a_slip_of_the_pen_is_one_line(words, says, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call(*words)
    assert answer.status == 2
    assert says in answer.line.lower() or says in answer.line
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_errors_are_json_when_json_is_asked_for(tmp_path) -> None:
    for words in (["nope"], ["generate"], ["train", str(tmp_path)], ["run", "a"]):
        for placed in (["--json", *words], [*words, "--json"]):
            answer = call(*placed)
            assert answer.status == 2
            assert set(answer.result) == {"error", "status"}
            assert answer.err == ""


def test_flags_after_a_double_dash_are_arguments() -> None:
    assert "--json" in call("train", "--", "--json").line


def test_a_bug_is_named_as_one_and_debug_shows_where(monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of\nzeros")

    monkeypatch.setattr("popgan.provenance.record", broken)
    answer = call("doctor")
    assert answer.status == 1
    assert "bug of popgan (ZeroDivisionError: of zeros)" in answer.line
    with pytest.raises(ZeroDivisionError):
        call("doctor", "--debug")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    ],
)
def test_running_out_of_memory_is_not_called_a_bug(monkeypatch, error: Exception) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("popgan.provenance.record", greedy)
    answer = call("doctor")
    assert answer.status == 2
    assert "memory" in answer.line


def test_the_doctor_reports_what_there_is() -> None:
    answer = call("doctor", "--json")
    assert answer.status == 0
    checks = {check["name"]: check for check in json.loads(answer.out)["checks"]}
    assert checks["torch"]["ok"]
    assert "GiB free" in checks["memory"]["detail"]
    assert "torch" in call("doctor").out


def test_the_doctor_says_how_to_install_what_reads_dicom(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    checks = {check["name"]: check for check in call("doctor", "--json").result["checks"]}
    assert checks["pydicom"]["detail"].endswith("pip install pydicom")
    assert checks["gdcm"]["detail"].endswith("pip install python-gdcm")


def test_phantoms_never_go_among_other_files(tmp_path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "participants.tsv").write_text("participant_id\tage\n")
    answer = call("phantom", "-o", folder, "-n", "1")
    assert answer.status == 2
    assert "exists already" in answer.line
    assert [path.name for path in folder.iterdir()] == ["participants.tsv"]


@pytest.mark.parametrize("text", ["-1", "many", "1.5", "257", "²"])
def test_an_impossible_number_of_workers_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "d").mkdir()
    answer = call("ingest", tmp_path / "d", "-o", tmp_path / "run", "--workers", text)
    assert answer.status == 2
    assert "give auto or 0 to 256" in answer.line
