"""The README keeps its promises: its Python example runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from popgan.phantom.cohort import write_cohort

README = Path(__file__).parent.parent / "README.md"


def test_the_python_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    write_cohort(tmp_path / "scans", n=12, spacing=4.0)
    # Only the folders, the length of training and the number of images are made smaller.
    for printed, used in {
        '"my-scans"': repr(str(tmp_path / "scans")),
        '"my-run"': repr(str(tmp_path / "run")),
        'budget="5m"': 'overrides={"train.images": 160, "evaluate.n": 20, "train.threads": 1}',
        "n=500": "n=5",
    }.items():
        assert printed in example, printed
        example = example.replace(printed, used)
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert re.match(r"[\d.]+ between [-\d.e]+ and [\d.]+", printed)
    assert (tmp_path / "run/report.html").exists()
    assert len(list((tmp_path / "run/synthetic/popgan").glob("sub-syn*"))) == 5


def test_every_verb_of_the_table_exists() -> None:
    from popgan.cli.main import app

    verbs = {verb.name for verb in (*app.registered_commands, *app.registered_groups)}
    named = set(re.findall(r"`popgan ([a-z]+)", README.read_text(encoding="utf-8")))
    assert named <= verbs
    assert verbs <= named


def test_links_and_pictures_of_the_readme_exist() -> None:
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (README.parent / target).exists(), target
