"""What is said of faces counts right, and says nothing where no face can be left."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from popgan.cohort.faces import face_notes, has_margins
from popgan.preparation.steps import Step


def visits(choice: str, kind: str, count: int, source: str = "rule") -> list[SimpleNamespace]:
    fact = SimpleNamespace(kind=kind, steps=(Step("brain", choice, source, "why"),))
    return [SimpleNamespace(facts=(fact,)) for _ in range(count)]


@pytest.mark.parametrize(
    ("choice", "kind", "one", "two"),
    [
        ("conservative", "brain", "1 head was masked", "2 heads were masked"),
        ("none", "picture", "1 single picture is kept", "2 single pictures are kept"),
        ("none", "stack", "1 stack of few slices is kept", "2 stacks of few slices are kept"),
    ],
)
def test_words_agree_with_the_number_of_scans(choice: str, kind: str, one: str, two: str) -> None:
    for count, said in ((1, one), (2, two)):
        (note,) = face_notes(visits(choice, kind, count))
        assert note.startswith(said)


def test_outlined_brains_need_no_word_and_whole_heads_one() -> None:
    assert face_notes(visits("deepbet", "brain", 3)) == []
    (note,) = face_notes(visits("none", "head", 3, source="fixed"))
    assert "--keep-skull" in note


def test_one_mask_with_a_margin_is_enough_to_say_so() -> None:
    outlined = {"step": "brain", "choice": "deepbet"}
    other = {"step": "bias field", "choice": "conservative"}
    assert not has_margins({"steps": [outlined, other]})
    assert has_margins({"steps": [outlined, {"step": "brain", "choice": "conservative"}]})
    assert not has_margins({})
