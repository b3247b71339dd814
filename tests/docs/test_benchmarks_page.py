"""benchmarks/README.md names every benchmark that can be run, and none that is gone."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
PAGE = (FOLDER / "README.md").read_text("utf-8")


def test_every_benchmark_is_listed_and_every_listed_one_exists() -> None:
    scripts = {path.name for path in FOLDER.glob("*.py") if "__main__" in path.read_text("utf-8")}
    listed = set(re.findall(r"^\| `(\w+\.py)` \|", PAGE, re.MULTILINE))
    assert listed <= {path.name for path in FOLDER.glob("*.py")}
    assert scripts - set(re.findall(r"\b(\w+\.py)\b", PAGE)) == set()
