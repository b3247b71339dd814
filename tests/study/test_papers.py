"""What people read of a study: advice, preregistration, instructions, consent, and words."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import yaml

from popgan.errors import UserError
from popgan.study.advice import advice, effective
from popgan.study.papers import consent, instructions, page_words, trials_of
from popgan.study.preregistration import Hashes, as_markdown, as_record, commitment
from study.planned_studies import a_design

HASHES = Hashes("d" * 64, "k" * 64, "s" * 64)
FULL = a_design(real=120, synthetic={"a": 60, "b": 60}, patients=120, repeats=30, readers=5)


def test_the_recommended_study_is_called_enough() -> None:
    text = " ".join(advice(FULL))
    assert "120 real images of 120 patients, one each: they are independent" in text
    assert "215 trials for 80 % power and 271 for 90 %" in text
    assert "240 here, worth about 240 independent ones in equal halves: enough" in text
    assert "known to +- 0.1 with 73 images and 5 readers" in text
    assert "Only" not in text


def test_few_patients_and_readers_are_called_few() -> None:
    small = a_design(real=60, patients=6, per_patient=10, design_effect=3.7, readers=1)
    text = " ".join(advice(small))
    assert effective(small) == pytest.approx(16.2, abs=0.1)
    assert "worth about 16 independent images" in text and "too few" in text
    assert "Only 6 patients stand" in text and "at most 20 independent" in text
    assert "agreement between readers cannot be measured" in text
    assert "1 reader says little" in text


def test_pairs_count_as_one_trial() -> None:
    pairs = a_design(kind="2afc", real=40, synthetic={"a": 40}, repeats=5)
    assert trials_of(pairs) == 45 and trials_of(FULL) == 270
    assert "40 here, worth about 40" in " ".join(advice(pairs))


def test_the_preregistration_has_what_a_journal_asks() -> None:
    paper, record = as_markdown(FULL, HASHES), as_record(FULL, HASHES)
    for part in ("Design", "Hypotheses", "Outcome measures", "Analysis plan", "Sizes"):
        assert f"## {part}\n" in paper
    for words in ("TOST", "Holm", "cluster", "Missing answers", "No interim analysis", "popgan "):
        assert words in paper
    assert "H3 (secondary): the models differ" in paper
    assert record["hashes"]["key"]["sha256"] == "k" * 64 and "k" * 64 in paper
    pairs = as_markdown(a_design(kind="2afc", synthetic={"a": 12}), HASHES)
    assert "H2" not in pairs and "H3" not in pairs and "side by side" in pairs


def test_a_commitment_binds_key_and_secret() -> None:
    assert len(commitment("ab" * 32, b"key")) == 64
    others = {("ab" * 32, b"key!"), ("ac" * 32, b"key")}
    assert commitment("ab" * 32, b"key") not in {commitment(*other) for other in others}


@pytest.mark.parametrize("kind", ["likert+authenticity", "2afc"])
def test_instructions_and_consent_fit_the_design(kind: str) -> None:
    design = a_design(kind=kind, practice=6, back=False)
    words = instructions(design)
    assert "You cannot go back" in words and "$" not in words
    assert f"{3 if kind == '2afc' else 6} cases for practice" in words
    assert "no practice cases" in instructions(a_design(kind=kind))
    agreed = consent(design)
    assert "made by a computer" in agreed and "voluntary" in agreed and "$" not in agreed


def test_words_may_be_translated_and_nothing_else(tmp_path: Path) -> None:
    english = (
        resources.files("popgan.study").joinpath("page", "texts", "en.yaml").read_text("utf-8")
    )
    assert page_words(None) == english
    own = tmp_path / "own.yaml"

    def given(words: object) -> str:
        own.write_text(yaml.safe_dump(words, allow_unicode=True), encoding="utf-8")
        return page_words(own)

    words = yaml.safe_load(english)
    assert yaml.safe_load(given(words | {"title": "Étude"}))["title"] == "Étude"
    for bad, said in (
        ({k: v for k, v in words.items() if k != "begin"}, "lacks begin"),
        (words | {"more": "x"}, "does not know more"),
        (words | {"title": ["x"]}, "title is no text"),
        (words | {"begin": "x"}, "begin holds no keys"),
        (words | {"begin": words["begin"] | {"button": None}}, "begin.button is no text"),
    ):
        with pytest.raises(UserError, match=said):
            given(bad)
    own.write_bytes(b"x" * 2_000_000)
    with pytest.raises(UserError, match="too large"):
        page_words(own)
