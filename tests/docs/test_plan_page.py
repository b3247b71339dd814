"""docs/plan.md is true: its tables are the program's, its options and files exist."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from statistics import mean
from typing import Any

from popgan.cohort.fingerprint import VERSION
from popgan.config.preset import load_preset
from popgan.config.preset_model import parameter_of
from popgan.evidence.experiments.groups import gap
from popgan.planning.origins import ORIGINS
from popgan.stations.machine import FILE
from small_runs import call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
TUNING = (ROOT / "benchmarks" / "results" / "tuning.md").read_text(encoding="utf-8")
COHORTS = ("IXI, benchmark cohort", "LGG FLAIR", "Cheng T1wCE")
SCRATCH = "standard, from scratch"


def test_the_tables_are_those_of_the_program() -> None:
    """Where this fails: python tools/plan_page.py."""
    filled = runpy.run_path(str(ROOT / "tools" / "plan_page.py"))["filled"]
    assert filled(PAGE) == PAGE
    assert PAGE.count("| `train.") > 30


def test_options_and_files_of_the_page_exist() -> None:
    help_of_plan = call("plan", "--help").out
    for option in set(re.findall(r"popgan plan RUN (--[a-z]+)", PAGE)) | {"--set"}:
        assert option in help_of_plan, option
    assert f"(version {VERSION};" in PAGE and f"`models/NAME/{FILE}`" in PAGE
    assert (ROOT / "src/popgan/config/presets").is_dir()


def cells_of(results: str) -> dict[str, Any]:
    """What a file of results holds."""
    path = ROOT / "benchmarks" / "results" / f"{results}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))["cells"])


def of_seeds(results: str, named: str) -> list[float]:
    """KID of the seeds that a file of results has of cells of a name."""
    cells = cells_of(results)
    names = sorted(name for name in cells if name.rpartition("/")[0] == named)
    return [cells[name]["value"]["scores"]["kid"]["value"] for name in names]


def told(figures: list[str]) -> str:
    """As the page lists them."""
    *first, last = figures
    return f"{', '.join(first)} and {last}"


def rows(part: str, *begin: str) -> list[list[str]]:
    """Of a table of the results: the first row for each cohort that begins so."""
    found = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TUNING.partition(part)[2].splitlines()
        if line.startswith("| ")
    ]
    return [
        next(row for row in found if row[: len(begin) + 1] == [cohort, *begin])
        for cohort in COHORTS
    ]


def test_what_the_page_tells_of_forty_settings_is_what_was_measured() -> None:
    page = " ".join(PAGE.split())
    transfer = rows("on the one that had no say")
    defaults, deviations = zip(*(row[3].rstrip(")").split(" (") for row in transfer), strict=True)
    below, best, median = ([row[place] for row in transfer] for place in (6, 4, 5))
    assert f"{told(below)} of the 40 settings are below its mean (KID {told(defaults)};" in page
    assert f"the median of the settings {told(median)})" in page
    assert f"the lowest are {told(best)}; SD {told(deviations)})" in page
    gaps = [
        (float(d) - float(b)) / float(sd)
        for d, b, sd in zip(defaults, best, deviations, strict=True)
    ]
    assert f"none by more than {max(gaps):.1f} SD" in page
    agree = re.findall(r"^- .* and .*: (0\.\d\d) \(", TUNING, re.MULTILINE)
    assert f"rank correlation {told(agree)} between cohorts" in page
    early = [row[2].split(", ") for row in rows("## Search efficiency", "at 20 % and 45 %")]
    assert f"rank correlation {', '.join(row[0] for row in early)}), that at 45 %" in page
    assert f"at 45 % more ({', '.join(row[1] for row in early)})" in page
    granted = "| Cheng T1wCE | at 45 % and 65 % |"  # the last row for which all are begun
    for rule, words in (
        ("at 45 %", "in {} % of orders"),
        ("at 20 % and 45 %", "at 20 and 45 % in {} %"),
        ("none is stopped", "without stopping in {} %"),
    ):
        ties = [row[6].rstrip("%") for row in rows(granted, rule)]
        assert words.format(told(ties)) in page, rule


def test_the_values_that_were_found_are_told_as_they_were_and_are() -> None:
    start = json.loads((ROOT / "benchmarks" / "tuning_start.json").read_text(encoding="utf-8"))
    shipped = load_preset("standard", "popgan")
    listed = PAGE.partition("| before | found |")[2].partition("\n\n")[0]
    cells = [line.strip("|").split("|") for line in listed.splitlines() if "`" in line]
    told = {name.strip(" `"): (was.strip(), now.strip()) for name, was, now in cells}
    assert set(told) == set(shipped.tuned)
    for name, (was, now) in told.items():
        parameter = parameter_of(name)
        before = start["popgan"]["standard"]
        if parameter:
            values = before[parameter], getattr(shipped, parameter)
        else:
            values = before["values"][name][0], shipped.values[name][0]
        assert (was, now) == tuple(map(str, values)) or was == "0.03, by a rule", name
    assert (
        before["ema_share"] is None and "3 % of the images" in ORIGINS["train.ema_half_life"].rule
    )


def test_what_the_page_tells_of_the_values_worth_is_what_was_measured() -> None:
    parts = re.split(r"^## ", TUNING, flags=re.MULTILINE)
    tables = [next(part for part in parts if part.startswith(cohort)) for cohort in COHORTS]

    def row(table: str, method: str) -> list[str]:
        line = re.search(rf"^\| {re.escape(method)} \|.*$", table, re.MULTILINE)
        assert line, method
        return [cell.strip() for cell in line[0].strip("|").split("|")]

    def value(table: str, method: str) -> str:
        """The mean, and of how many seeds where these are not three; "-" if it was not trained."""
        if f"| {method} |" not in table:
            return "-"
        seeds, mean = row(table, method)[3:5]
        return mean if seeds == "3" else f"{mean} ({seeds} seed{'' if seeds == '1' else 's'})"

    for table, words in zip(
        tables, ("on IXI, whose", "on LGG FLAIR (95 %", "on Cheng ("), strict=True
    ):
        mean, low, high = re.findall(r"[+-]0\.\d{3}", row(table, "old standard")[6])
        assert f"{mean[1:]} {words}" in PAGE or f"it is {mean[1:]} (" in PAGE
        assert f"{low.lstrip('+')} to {high.lstrip('+')})" in PAGE
    for words, method in (
        ("`standard`", "new standard"),
        ("`standard` before the search", "old standard"),
        ("`standard`, from random weights", "new standard, from scratch"),
        ("the same before the search", "old standard, from scratch"),
        ("the paper's values at batch 32", "paper, batch 32"),
        ("`stylegan2`", "tuned stylegan2"),
        ("`r3gan`", "tuned r3gan"),
    ):
        told = " | ".join(value(table, method) for table in tables)
        assert f"| {words} | {told} |" in PAGE
    for cohort in ("verify/ixi-64", "verify/lgg-64", "third/cheng-64"):
        former, present = (
            of_seeds("tuning", f"{cohort}, {word} {SCRATCH}") for word in ("old", "new")
        )
        found = gap(former, present)
        assert found is not None
        assert f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})" in PAGE
    ours, *others = (
        int(row(tables[0], method)[2].replace(",", ""))
        for method in ("new standard, from scratch", "tuned stylegan2", "tuned r3gan")
    )
    shares = " and ".join(f"{one / ours:.0%}".replace("%", " %") for one in others)
    assert f"they see {shares} of the images" in " ".join(PAGE.split())


def test_what_the_page_tells_of_precision_is_what_was_measured() -> None:
    name = "popgan standard"
    half = mean(of_seeds("quality", f"recipes/{name}"))
    alike = mean(of_seeds("quality", f"precision/{name}"))
    timed = mean(of_seeds("quality", f"precision/{name} in fp32"))
    cells = cells_of("quality")
    few, many = (
        cells[f"{cell}/0"]["value"]["images"]
        for cell in (f"precision/{name} in fp32", f"recipes/{name}")
    )
    assert (
        f"in equal time KID {half:.3f}, in fp32, with {few / many:.2f} of the images, {timed:.3f}; "
        f"with as many images fp32 is better, {alike:.3f}"
    ) in PAGE
    assert alike < half < timed
