"""Write the tables of docs/plan.md from the program: `python tools/plan_page.py`."""

from __future__ import annotations

import re
from pathlib import Path

from popgan.config.preset_model import SHAPED
from popgan.planning.origins import ORIGINS, table

PAGE = Path(__file__).parent.parent / "docs" / "plan.md"


def parameters() -> str:
    """Parameters of presets, the values they shape, and how."""
    lines = ["| parameter | value of the plan | how |", "|---|---|---|"]
    for name, (value, _) in SHAPED.items():
        rule = ORIGINS[value].rule or "as it is"
        lines.append(f"| `preset.{name}` | `{value}` | {rule} |")
    return "\n".join(lines) + "\n"


def filled(text: str) -> str:
    """The page with its tables as the program has them."""
    for name, rows in (("values", table()), ("parameters", parameters())):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        text = re.sub(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _, begin=begin, rows=rows, end=end: f"{begin}{rows}{end}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
