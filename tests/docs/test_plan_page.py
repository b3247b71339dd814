"""docs/plan.md is true: its tables are the program's, its options and files exist."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from popgan.cohort.fingerprint import VERSION
from popgan.stations.machine import FILE
from small_runs import call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")


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
