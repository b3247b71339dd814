"""What docs/phantom.md shows can be done: its Python runs, its protocol is accepted, its pictures
have the commands printed beside them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml

from popgan.phantom.protocol import parse_protocol

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "phantom.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return next(iter(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)))


def test_the_python_of_the_page_runs() -> None:
    # Only the voxels are made larger.
    text = block("python").replace('lesions="ms")', 'lesions="ms", spacing=4.0)')
    names: dict[str, object] = {}
    exec(compile(text, "docs/phantom.md", "exec"), names)
    assert names["old"].parameters.age == 80  # type: ignore[attr-defined]
    assert names["well"].parameters.lesions is None  # type: ignore[attr-defined]
    assert names["weak"].field == 1.5  # type: ignore[attr-defined]


def test_the_protocol_of_the_page_is_accepted() -> None:
    made = parse_protocol(yaml.safe_load(block("yaml")))
    assert made.sequence("T1w").kind == "spgr"
    assert set(made.artefacts.described()) == {"ghosting", "thick_slices"}


def test_every_picture_stands_beside_the_command_that_makes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    pictures = importlib.import_module("phantom_pictures").PICTURES
    shown = re.findall(
        r"!\[[^\]]+\]\(images/phantom-(\w+)\.png\)\n\n"
        r"`python benchmarks/phantom_pictures\.py (\w+)`",
        PAGE,
    )
    assert all(image == command for image, command in shown)
    assert {image for image, _ in shown} == set(pictures)
    for name in pictures:
        assert (ROOT / "docs" / "images" / f"phantom-{name}.png").stat().st_size < 600_000
