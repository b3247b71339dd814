"""The model card says what must be said, and says nothing it was not told."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

import paired_fixtures
from report_fixtures import content as report_content
from report_fixtures import plan

from popgan.config.schema import parse_plan
from popgan.evidence.masks import measure_masks
from popgan.evidence.paired.verdict import paired_verdict
from popgan.synthesis.card import CardContent, model_card, write_card
from popgan.synthesis.markdown import plain_text


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


def test_a_model_of_simulated_heads_is_of_nobody():
    text = model_card(card(simulated=True))
    assert "Of nobody" in text and "Not anonymous" not in text


def test_every_metric_stands_beside_its_floor_and_mean_image():
    content = card()
    text = model_card(content)
    for metric in content.fidelity.metrics:
        row = next(line for line in text.splitlines() if line.startswith(f"| {metric.title} "))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1].startswith(f"{metric.value.value:.3g}")
        assert cells[3] == f"{metric.floor:.3g}"
        assert cells[4] == f"{metric.ceilings['mean image']:.3g}"


def test_masks_have_a_section_where_there_are_any():
    assert "## Masks" not in model_card(card())
    values = plan().model_dump()
    label = {"value": 4, "name": "le|sion", "slices": 90, "left": 0.4}
    values["data"] |= {"masks": [label], "label_map": "dseg"}
    values["network"] |= {"masks": [4]}
    made = parse_plan(values)
    text = model_card(card(plan=made))
    assert "## Masks" in text
    assert "They were not measured yet." in text
    assert "| 4 | le\\|sion | 90 |" in text
    rng = np.random.default_rng(0)
    images, codes = rng.normal(size=(40, 1, 8, 8)).astype(np.float32), np.ones((40, 8, 8), np.uint8)
    codes[:, :4] = 0
    result = measure_masks(
        images=images,
        codes=codes,
        real_images=images,
        real_codes=codes,
        real_subjects=[f"s{i % 4}" for i in range(40)],
        labels=[(4, "le|sion")],
        contrasts=["T1w"],
    )
    text = model_card(card(plan=made, masks=result))
    assert "100.0 % (91.2 to 100.0) / 100.0 %" in text  # Wilson: 40 / (40 + 1.96^2) = 91.2 %
    assert "nobody has outlined it" in text


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


def translator(found="made up", **changes):
    made = paired_fixtures.paired() if found == "made up" else found
    return card(
        model="mustgan",
        plan=paired_fixtures.translator_plan(),
        fidelity=None,
        paired=made,
        verdict=paired_verdict(made) if made else None,
        **changes,
    )


def test_the_card_of_a_translator_says_what_it_completes_and_what_it_is_not_for():
    text = model_card(translator())
    said = " ".join(text.split())
    assert "T1w and T1wCE in, FLAIR out" in said
    assert "completing contrasts that are missing" in said
    assert "lesions: they may be missed, blurred or invented" in said
    assert "sparing a patient a scan or a contrast agent" in said
    assert "draws images at random" not in said
    assert "latent" not in said
    assert "No privacy audit has been made" in said


def test_every_way_has_its_row_and_what_is_lost_without_each_source():
    found = paired_fixtures.paired()
    lines = model_card(translator(found)).splitlines()
    gaps = {c.against: c.difference.mean for c in found.comparisons if c.metric == "psnr"}
    for row in found.rows:
        (line,) = [line for line in lines if line.startswith(f"| {row.name} |")]
        assert f"{row.score('psnr', 'brain').mean:.2f} (" in line
        if row.name in gaps:
            assert f"| {gaps[row.name]:.2f} (" in line
    assert "hold 87% in the brain, 64% within lesions" in model_card(translator(found))


def test_a_translator_without_lesions_intervals_or_measurements_has_a_card():
    few = paired_fixtures.paired(patients=2, lesions=0, uncertainty=None)
    text = model_card(translator(few))
    assert "MAE in lesions" not in text
    assert "No uncertainty was measured" in text
    assert "None" not in text.split("## Uses")[0].split("## Evidence")[1]
    assert "Not measured yet" in model_card(translator(None))
