"""The files of the page, without a browser: no framework, no markup from data, no word missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import popgan.study

PAGE = Path(popgan.study.__file__).parent / "page"
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.glob("*.js"))}
SHEETS = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.glob("*.css"))}
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.glob("*.html"))}
TEXTS = yaml.safe_load((PAGE / "texts" / "en.yaml").read_text(encoding="utf-8"))
# Names made of parts, each with what may stand for the variable part.
BLOCKS = ["practice", "likert", "authenticity", "2afc"]
PARTS: dict[str, list[str]] = {
    "blocks.${block.name}.name": BLOCKS,
    "blocks.${block}.name": BLOCKS,
    "blocks.${this.block.name}.name": BLOCKS,
    "blocks.${block.name}.intro": BLOCKS,
    "blocks.${before.name}.done": BLOCKS[:2],
    "coordinator.${name}": ["new_link", "lock", "unlock"]
    + [f"{verb}{all_}_confirm" for verb in ("lock", "unlock") for all_ in ("", "_all")],
    "coordinator.${lock}_for": ["lock", "unlock"],
    "coordinator.${lock}": ["lock_all", "unlock_all"],
    "coordinator.state_${phase}": ["open", "started", "locked"],
    "case.${name}": ["next", "back", "undo"],
    "image_tools.${name}": ["standard", "narrow", "dark", "full", "reset", "invert"],
    "image_tools.${label}": ["zoom_in", "zoom_out"],
    "keys.names.${word}": ["enter", "tab", "escape", "backspace", "shift", "arrows"],
    "saved.${state}": ["offline", "storage"],
    "stopped.${kind}": ["superseded", "locked", "session"],
    "${kind}.heading": ["break", "pause"],
    "${kind}.button": ["break", "pause"],
}


def look_up(name: str) -> Any:
    found: Any = TEXTS
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def words(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [text for value in found.values() for text in words(value)]
    return (
        [text for value in found for text in words(value)] if isinstance(found, list) else [found]
    )


def test_every_word_that_the_scripts_ask_for_is_there() -> None:
    source = "\n".join(SCRIPTS.values())
    plain = set(re.findall(r'"((?:[a-z_0-9]+\.)+[a-z_]+)"', source)) - set(SCRIPTS)
    plain = {name for name in plain if name.split(".")[0] in TEXTS}
    assert len(plain) > 60
    made = set(re.findall(r"\bt\(`([^`]+)`", source))
    unknown = {name for name in made if name not in PARTS and "${place}" not in name}
    assert unknown == set()
    for pattern in made & set(PARTS):
        plain |= {re.sub(r"\$\{[^}]+\}", part, pattern) for part in PARTS[pattern]}
    assert [name for name in sorted(plain) if not look_up(name)] == []


def test_texts_are_texts() -> None:
    # YAML reads a bare `yes` as true, and a page would show that.
    assert all(isinstance(text, str) and text for text in words(TEXTS))
    for name in ("anatomy", "contrast", "artefacts", "usefulness", "realism"):
        assert len(set(TEXTS["criteria"][name]["anchors"])) == 5
    assert len(set(TEXTS["confidence"]["anchors"])) == 3


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_make_no_markup_of_data_and_say_nothing_in_the_console(name: str) -> None:
    source = SCRIPTS[name]
    forbidden = "innerHTML|outerHTML|insertAdjacentHTML|document.write|eval\\(|new Function|console"
    assert re.findall(forbidden, source) == []
    assert source.startswith("// ") and len(source.splitlines()) <= 300
    targets = re.findall(r'^(?:import|export).* from "([^"]+)";', source, re.MULTILINE)
    assert all(target.removeprefix("./") in SCRIPTS for target in targets)


def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    for name, source in (SCRIPTS | SHEETS | PAGES).items():
        assert re.findall(r"https?://|//cdn|@import|url\(", source) == [], name
    for name, source in PAGES.items():
        assert re.findall(r"<style|style=|\son\w+=", source) == [], name
        files = re.findall(r'(?:src|href)="/static/([^"]+)"', source)
        assert files and all((PAGE / file).is_file() for file in files), name
        assert all(re.search(r"src=", script) for script in re.findall(r"<script[^>]*>", source))


def test_sheets_are_short_and_move_nothing() -> None:
    for name, source in SHEETS.items():
        assert source.startswith("/* ") and len(source.splitlines()) <= 300
        assert re.findall(r"animation|transition|@keyframes", source) == [], name
