"""docs/prior.md is true: what it tells of the prior's worth is what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "prior.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"
CELLS = json.loads((RESULTS / "quality.json").read_text(encoding="utf-8"))["cells"]


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("random weights, 20 minutes", "scratch"),
        ("the prior, 6.7 minutes", "phantom, third"),
        ("the prior, 20 minutes", "phantom"),
    ],
)
def test_the_table_has_the_ends_of_the_curves(words: str, start: str) -> None:
    ends = []
    for cohort in ("ixi-64", "lgg-64"):
        cell = CELLS[f"prior/{cohort} {start}/0"]
        last = cell["value"]["points"][-1]
        assert last["minutes"] == pytest.approx(float(words.split()[-2]), rel=0.01)
        ends.append(f"{last['kid']:.3f}")
    assert f"| {words} | {' | '.join(ends)} |" in PAGE


def test_the_curves_of_the_page_are_there() -> None:
    for cohort in ("ixi-64", "lgg-64"):
        name = f"quality-prior-{cohort}.svg"
        assert f"](../benchmarks/results/{name})" in PAGE and (RESULTS / name).exists()


def test_the_words_about_the_curves_are_true() -> None:
    page = " ".join(PAGE.split())
    words = re.search(
        r"where the prior is within (\w+), on LGG FLAIR where it is within (\w+)", page
    )
    assert words
    for cohort, minutes in zip(("ixi-64", "lgg-64"), words.groups(), strict=True):
        end = CELLS[f"prior/{cohort} scratch/0"]["value"]["points"][-1]["kid"]
        prior = CELLS[f"prior/{cohort} phantom/0"]["value"]["points"]
        first = next(point["minutes"] for point in prior if point["kid"] <= end)
        assert first <= {"two": 2, "four": 4}[minutes]
    best = min(prior, key=lambda point: point["kid"])
    assert f"best after twelve minutes ({best['kid']:.3f})" in page
    assert round(best["minutes"]) == 12
    second = CELLS["prior/lgg-64 phantom/2"]["value"]["points"]
    end, twelve = second[-1], min(second, key=lambda point: abs(point["minutes"] - 12))
    words = f"a second seed ends at {end['kid']:.3f}, after {twelve['kid']:.3f} at twelve minutes"
    assert words in page
    # The first points are those of a start that is hardly a generator of this cohort yet.
    errors = {f"{point['error']:.2f}" for point in [*prior[3:], *second[3:]]}
    assert errors == {"0.02", "0.03"} and "each of these KIDs is 0.02 to 0.03" in page
    floor = CELLS["scale/lgg-64"]["value"]["floor"]["value"]
    assert f"much nearer to the held-out ones ({floor:.3f})" in page
