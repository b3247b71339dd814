"""`popgan ablate`: a table for people, JSON for machines, one line for whoever mistyped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from popgan.cli.ablate import told
from popgan.config.schema import Plan
from popgan.evidence.experiments.results import AblationResult
from report.made_experiments import ablated
from small_runs import call
from tuning.tiny_ablations import TINY, short
from tuning.tiny_searches import Made, cheap, heads, made, own_run

_ = (heads, own_run, cheap, made, short)
pytestmark = pytest.mark.usefixtures("cheap", "short")
SETS = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
ASKED = ["--preset", "quick", "--seeds", "2", "--budget", "10m", *SETS]


def test_a_study_is_told_as_a_table_and_the_same_command_goes_on(own_run: Path, made: Made) -> None:
    left = [9]

    def stop(plan: Plan) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    made.before = stop
    answer = call("ablate", own_run, *ASKED)
    assert answer.status == 130
    assert answer.line == "popgan: interrupted; the same command goes on where it stopped."
    answer = call("ablate", own_run, *ASKED)
    assert answer.status == 0, answer
    assert len({folder for folder, _ in made.trained}) == len(made.trained)
    lines = answer.out.splitlines()
    assert lines[0].startswith("Equal budgets: ")
    (averaging,) = [line for line in lines if line.startswith("no EMA ")]
    assert re.search(r"  2  +0\.\d{4} +\+0\.\d{4}  [+-]0\.\d{4} to \+0\.\d{4} ", averaging)
    (prior,) = [line for line in lines if line.startswith("no prior ")]
    assert "cannot be trained here: " in prior
    assert f"all trainings: {own_run}/ablation/popgan/runs.csv" in lines
    again = call("ablate", own_run, "--json")
    found = AblationResult.model_validate(again.result)
    assert len(found.runs) == len(made.trained) and found.seeds == [0, 1]
    joined = call("ablate", own_run, "--join")
    assert joined.status == 0 and joined.out == f"study: {own_run}/ablation/popgan\n"
    otherwise = call("ablate", own_run, "--join", "--seeds", 7)
    assert otherwise.status == 2 and "begun otherwise (seeds 7, was" in otherwise.line
    several = call("ablate", own_run, "--join", "--workers", 4)
    assert several.status == 2 and "--join is one worker" in several.line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--parts", "out,inside"], "--parts inside: no such part; choose of out, in, factorial"),
        (["--parts", "factorial", "--factors", "EMA,luck"], "--factors luck: no part of recipe"),
        (["--parts", "factorial", "--factors", "EMA,R2"], "3 to 8 factors, and there are 2"),
        (["--factors", "EMA"], "add --parts out,factorial"),
        (["--budget", "11s"], "grant "),
        (["--seeds", "0"], "--seeds 0 is not possible"),
        (["--recipe", "pix2pix"], "recipe 'pix2pix' cannot be ablated"),
        (["--name", "../up"], "not usable as a folder"),
        (
            ["--name", "none", "--join"],
            "holds no study 'none' to join; begin it with `popgan ablate",
        ),
        (["--set", "train.nope=1"], "--set train.nope"),
        (["--init", "heaven"], "--init heaven is not possible"),
    ],
)
def test_what_is_mistyped_is_one_line(own_run: Path, words: list[str], says: str) -> None:
    answer = call("ablate", own_run, *SETS, *words)
    assert answer.status == 2
    assert says in answer.line
    assert answer.out == ""


def test_other_options_than_the_study_was_begun_with_are_refused(own_run: Path, made: Made) -> None:
    def stop(plan: Plan) -> None:
        raise KeyboardInterrupt

    made.before = stop
    assert call("ablate", own_run, *ASKED).status == 130
    answer = call("ablate", own_run, *ASKED[2:], "--seeds", "4")
    assert answer.status == 2
    assert "begun otherwise (seeds 4, was 2)" in answer.line
    assert "add --name NEW" in answer.line
    # What is typed is meant, even where it is the default; what is not typed asks for nothing.
    typed = call("ablate", own_run, "--preset", "standard", "--seed", "0")
    assert typed.status == 2
    assert "begun otherwise (preset standard, was quick)" in typed.line


def test_one_seed_is_a_warning_and_no_error(own_run: Path, made: Made) -> None:
    answer = call("ablate", own_run, "--preset", "quick", "--budget", "10m", "--seeds", "1", *SETS)
    assert answer.status == 0
    assert "warning: with one seed nothing can be told from chance" in answer.err
    assert "caution: With one seed nothing can be told from chance" in answer.out


def test_a_folder_that_is_no_run_is_refused_before_anything_heavy(tmp_path: Path) -> None:
    assert "is not a run folder" in call("ablate", tmp_path).line


def test_effects_and_importances_are_told_with_how_sure_they_are() -> None:
    made_up: Any = ablated()
    text = "\n".join(told(made_up))
    assert "factorial of 5 parts, 16 cells, resolution 5" in text
    assert re.search(r"growing x EMA +\+0\.0310  \+0\.0190 to \+0\.0430  p \(Holm\) 0\.0024", text)
    assert "or augmentation x likeness matching x dropout" in text
    assert "sensitivity: 40 trials, 3 without a score" in text
    assert "R2 of the forest on trials it has not seen 0.62 (0.44 to 0.75)" in text
    assert "share of the variance of the forest's prediction, and its scatter" in text
    assert "weaker values come out too small" in text
    assert re.search(r"train\.lr_generator +46\.0%  27\.6% to 62\.1%  rank 1 to 2", text)
    assert "(against bare)" in text
    one = "\n".join(told(ablated(seeds=1, factorial=None, sensitivity=None)))
    assert "p (Holm)" in one and "nan" not in one and "None" not in one
