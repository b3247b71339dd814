"""Values of answers: what is possible, complete, tidy."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.evidence.readers.answers import CRITERIA
from popgan.study.schema import Block
from popgan.study.values import check_values, is_complete, needed

ANYTHING = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    *(st.just([3]), st.just({"a": 1}), st.just(10**400), st.just("x" * 2001)),
)
KEYS = st.sampled_from([*CRITERIA, "real", "choice", "confidence", "remark", "other"])


@settings(max_examples=60)
@given(
    st.sampled_from(["practice", "likert", "authenticity", "2afc"]),
    st.dictionaries(KEYS | st.text(max_size=8), ANYTHING | st.integers(0, 6), max_size=7),
)
def test_whatever_comes_is_refused_in_one_line_or_within_range(
    block: Block, values: dict[str, object]
) -> None:
    kind = "2afc" if block == "2afc" else "likert+authenticity"
    try:
        checked = check_values(block, kind, values)  # type: ignore[arg-type]
    except ValueError as refusal:
        assert "\n" not in str(refusal) and len(str(refusal)) < 100
        return
    for key, value in checked.items():
        if key in CRITERIA:
            assert type(value) is int and 1 <= value <= 5
        elif key == "confidence":
            assert type(value) is int and 1 <= value <= 3
        elif key == "remark":
            assert isinstance(value, str) and 0 < len(value) <= 2000
        else:
            assert value in ({"left", "right"} if key == "choice" else {True, False})


def test_an_answer_counts_when_all_is_there_with_or_without_a_remark() -> None:
    for block, kind in (
        ("practice", "likert+authenticity"),
        ("practice", "2afc"),
        ("likert", "likert+authenticity"),
        ("authenticity", "likert+authenticity"),
        ("2afc", "2afc"),
    ):
        asked = needed(block, kind)  # type: ignore[arg-type]
        full = {key: {"real": True, "choice": "left"}.get(key, 2) for key in asked}
        checked = check_values(block, kind, full | {"remark": " "})  # type: ignore[arg-type]
        assert checked == full and is_complete(block, kind, checked)  # type: ignore[arg-type]
        for key in asked:
            partial = {k: v for k, v in full.items() if k != key}
            assert not is_complete(block, kind, partial)  # type: ignore[arg-type]


def test_remarks_lose_control_characters_and_nothing_else() -> None:
    remark = "  a\x00b\x1b[2J\tc\nd \u202eüé😀 "
    checked = check_values("likert", "likert+authenticity", {"remark": remark})
    assert checked == {"remark": "ab[2J\tc\nd \u202eüé😀"}
