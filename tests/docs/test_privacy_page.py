"""docs/privacy.md and the README are true: how many patients an audit takes under which split."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.special import ndtri

from popgan.cli.values import split_fractions
from popgan.evidence.privacy.bounds import AUC_LIMIT, CONFIDENCE, auc_error, subjects_needed

ROOT = Path(__file__).parents[2]
SCORES = 8  # four attacks, each scored two ways


def patients(fractions: tuple[float, ...]) -> int:
    """Of a cohort divided so, with which an honest generator passes in 80 % of audits."""
    reach = ndtri((1 + CONFIDENCE) / 2) + ndtri(0.8 ** (1 / SCORES))
    members, _, others = fractions
    count = 10
    while reach * auc_error(round(count * members), round(count * others)) >= AUC_LIMIT - 0.5:
        count += 1
    return count


def test_as_many_on_each_side_as_the_pages_say() -> None:
    assert subjects_needed(SCORES) == pytest.approx(250, abs=5)
    for name in ("README.md", "docs/privacy.md"):
        assert "about 250" in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("split", "count"), [("70,15,15", "1,020"), ("50,10,40", "570")])
def test_as_many_in_all_as_the_pages_say(split: str, count: str) -> None:
    exact = patients(split_fractions(split))
    assert exact == pytest.approx(int(count.replace(",", "")), rel=0.01)
    for name in ("README.md", "docs/privacy.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert split in text and count in text
