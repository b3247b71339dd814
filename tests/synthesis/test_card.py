"""The model card says what must be said, and says nothing it was not told."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from report_fixtures import content as report_content
from report_fixtures import plan

from popgan.synthesis.card import CardContent, model_card, plain_text, write_card


def card(**changes):
    report = report_content()
    values = {
        "model": "popgan",
        "plan": plan(),
        "plan_hash": "a" * 64,
        "weights_hash": "b" * 64,
        "cohort": report.cohort,
        "fidelity": report.fidelity,
        "verdict": report.verdict,
        "provenance": report.provenance,
    }
    return CardContent(**(values | changes))


def test_the_card_names_uses_privacy_and_limits():
    text = model_card(card())
    for heading in ("Training data", "Evidence", "Uses", "Privacy", "Limits", "Provenance"):
        assert f"\n## {heading}\n" in text
    assert "diagnosis" in text
    assert "Not anonymous" in text
    assert "privacy audit has been made" in text


def test_every_metric_stands_beside_its_floor_and_mean_image():
    content = card()
    text = model_card(content)
    for metric in content.fidelity.metrics:
        row = next(line for line in text.splitlines() if line.startswith(f"| {metric.title} "))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1].startswith(f"{metric.value.value:.3g}")
        assert cells[3] == f"{metric.floor:.3g}"
        assert cells[4] == f"{metric.ceilings['mean image']:.3g}"


def test_an_unmeasured_model_is_called_unmeasured():
    text = model_card(card(fidelity=None, verdict=None))
    assert "Not measured yet" in text
    assert "KID" not in text


@pytest.mark.parametrize("hostile", ["a|b\nc", "<script>x</script>", "[x](http://evil)", "`*"])
def test_hostile_names_stay_text(hostile):
    text = model_card(card(model=hostile, cohort={hostile: hostile}))
    assert "<script" not in text
    assert "](http" not in text.replace("\\](", "")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    counts = [line for line in tables if plain_text(hostile) in line]
    assert counts
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in counts)


def test_hashes_and_seed_are_stated(tmp_path):
    path = write_card(tmp_path / "MODEL_CARD.md", card())
    text = path.read_text()
    assert "a" * 64 in text
    assert "b" * 64 in text
    assert plan().data.cohort in text
    assert "| seed | 0 |" in text
