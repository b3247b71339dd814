"""What a study says no to while it is served: a code for the page, words for the reader."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - a refusal is no fault of the program
    """A request that is not granted.

    Args:
        code: one of `STATUS`, which a page can act upon.
        text: one line for a person; never says anything about the truth.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """The status of HTTP that says the same."""
        return STATUS[self.code]


STATUS = {
    "format": 400,
    "host": 400,
    "session": 401,
    "csrf": 403,
    "origin": 403,
    "unknown": 404,
    "method": 405,
    "superseded": 409,
    "revealed": 409,
    "closed": 409,
    "size": 413,
    "type": 415,
    "locked": 423,
    "many": 429,
    "bug": 500,
    "storage": 503,
}


BUG = Refusal("bug", "something went wrong in the server; nothing was lost")
"""What is said of an error that is none of the reader's making."""


class StorageError(Exception):
    """The database could not be written now: another program holds it, or the disk is full."""


def storage(error: Exception) -> Refusal:
    """The refusal for an answer that could not be kept; the page keeps it and tries again."""
    return Refusal("storage", f"the answers cannot be stored now ({error}); trying again helps")
