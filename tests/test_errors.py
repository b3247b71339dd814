"""What a user is told: one line, whatever stands in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.errors import NotMeasurableError, UserError, is_out_of_memory


def test_the_line_says_where_what_and_what_to_do() -> None:
    error = UserError("holds no scans.", where="a/b", do="give the folder with the scans")
    assert str(error) == "a/b: holds no scans; give the folder with the scans."


def test_a_question_keeps_its_mark() -> None:
    assert str(UserError("no such value", do="did you mean train.batch?")).endswith("batch?")


def test_what_is_not_measurable_is_the_users_to_know() -> None:
    assert isinstance(NotMeasurableError("one subject"), UserError)


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("could not create a memory object"), True),
        (RuntimeError("std::bad_alloc"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_lack_of_memory_is_known_by_what_torch_and_its_libraries_say(
    error: Exception, memory: bool
) -> None:
    assert is_out_of_memory(error) == memory


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_it_is_always_one_line(what: str, where: str, do: str) -> None:
    assert len(str(UserError(what, where=where, do=do)).splitlines()) <= 1
