"""The one exception a user is meant to see.

Everything that a user can cause (a missing folder, a bad number, a full disk) is raised as a
`UserError`: one line that says what is wrong, where, and what to do. The command line prints
the line and exits with status 2; any other exception is a bug of popgan and keeps its traceback.
"""

from __future__ import annotations


class UserError(Exception):
    """A condition caused by the user's input or machine, explained in one line.

    Args:
        what: what is wrong, with the offending value.
        where: the path or the option concerned, if there is one.
        do: what the user can do about it.
    """

    def __init__(self, what: str, *, where: object = None, do: str | None = None) -> None:
        parts = [what.rstrip(".")]
        if where is not None:
            parts[0] = f"{where}: {parts[0]}"
        if do is not None:
            parts.append(do.rstrip("."))
        # A path may hold a line break; the promise is one line.
        text = " ".join("; ".join(parts).split())
        super().__init__(text if text.endswith(("?", "!")) else f"{text}.")


class DiskError(UserError):
    """A disk is full, read-only or gone; nothing else is wrong, and all can go on later."""


class NotMeasurableError(UserError):
    """The cohort is too small for a measurement; everything else of a run can go on."""


_MEMORY_WORDS = (
    *("can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc"),
    *("status_alloc_failed", "could not create a memory object"),  # cuBLAS, cuDNN; oneDNN
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, torch or a GPU ran out of memory; torch knows no common class for it."""
    torch_says = isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in _MEMORY_WORDS
    )
    return isinstance(error, MemoryError) or torch_says
