"""Values as Markdown that means nothing but itself: lines and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


def table(names: Sequence[str], rows: Any) -> str:
    """A table; every cell is made plain."""
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(plain_text(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def plain_text(value: object) -> str:
    """A value as one line of Markdown that means nothing but itself.

    Labels and contrasts come from folder names, so they may hold anything.
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(plain_text(item) for item in value)
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\|*\[\]!])", r"\\\1", text)
