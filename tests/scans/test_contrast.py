"""Contrasts by physics first, words second; every protocol here is one of clinical practice."""

from __future__ import annotations

import pytest

from popgan.scans.contrast import Parameters, recognise


def seen(sequence: str, tr: float | None, te: float | None, ti: float | None = None, *texts: str):
    return Parameters(tr=tr, te=te, ti=ti, sequence=tuple(sequence.split("/")), texts=texts)


@pytest.mark.parametrize(
    ("parameters", "contrast"),
    [
        (seen("SE", 500, 12), "T1w"),  # spin echo
        (seen("GR/IR", 2300, 2.98, 900), "T1w"),  # MPRAGE, Siemens
        (seen("GR", 6.5, 2.9), "T1w"),  # turbo field echo, Philips
        (seen("GR/IR", 8.2, 3.2, 450), "T1w"),  # BRAVO, GE
        (seen("SE/IR", 2000, 10, 860), "T1w"),  # T1 FLAIR
        (seen("SE", 4000, 95), "T2w"),  # turbo spin echo
        (seen("SE", 3200, 408), "T2w"),  # SPACE
        (seen("SE", 3000, 15), "PDw"),
        (seen("SE/IR", 9000, 120, 2500), "FLAIR"),
        (seen("SE/IR", 5000, 388, 1800), "FLAIR"),  # 3D FLAIR
        (seen("SE/IR", 4000, 60, 150), "STIR"),
        (seen("GR", 700, 20), "T2starw"),
    ],
)
def test_parameters_alone_name_the_contrast(parameters: Parameters, contrast: str) -> None:
    found = recognise(parameters)
    assert (found.contrast, found.confidence) == (contrast, "high")
    assert f"TR {parameters.tr:g} ms" in found.reason


def test_words_decide_where_parameters_are_silent() -> None:
    found = recognise(seen("", None, None, None, "AX T2 TSE"))
    assert (found.contrast, found.confidence) == ("T2w", "low")
    between = recognise(seen("SE", 2500, 50, None, "t2_tse_tra"))
    assert (between.contrast, between.confidence) == ("T2w", "medium")


def test_a_description_that_contradicts_the_physics_loses_and_lowers_confidence() -> None:
    found = recognise(seen("SE", 500, 12, None, "T2 axial"))
    assert (found.contrast, found.confidence) == ("T1w", "low")
    assert "though the description says T2w" in found.reason


def test_a_flair_without_its_inversion_time_is_known_by_name_but_not_for_sure() -> None:
    assert recognise(seen("SE", 9000, 120, None, "t2_flair")).contrast == "FLAIR"
    assert recognise(seen("SE", 9000, 120, None, "t2_flair")).confidence == "medium"


@pytest.mark.parametrize(
    ("agent", "text", "contrast", "confidence"),
    [
        ("Gadovist", "t1_se", "T1wCE", "high"),
        ("YES", "", "T1wCE", "high"),
        ("NONE", "t1_se", "T1w", "high"),
        ("", "T1 AX +C", "T1wCE", "medium"),
        ("", "t1_tse post gd", "T1wCE", "medium"),
        ("", "t1_tse pre gd", "T1w", "high"),
    ],
)
def test_gadolinium_by_header_or_by_word(
    agent: str, text: str, contrast: str, confidence: str
) -> None:
    found = recognise(Parameters(tr=500, te=12, sequence=("SE",), agent=agent, texts=(text,)))
    assert (found.contrast, found.confidence) == (contrast, confidence)


def test_an_enhanced_header_states_its_contrast() -> None:
    found = recognise(Parameters(tr=5000, te=400, stated="FLUID_ATTENUATED"))
    assert (found.contrast, found.confidence) == ("FLAIR", "high")


def test_nothing_known_is_called_unknown() -> None:
    assert recognise(Parameters()).contrast == "unknown"


def test_reasons_quote_no_free_text() -> None:
    found = recognise(seen("SE", 500, 12, None, "Mueller T2 1970"))
    assert "Mueller" not in found.reason
