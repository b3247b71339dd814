"""Parked things are their owner's alone, and a shelf sweeps nothing but its own kind."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from popgan.cohort.shelf import Shelf


def test_what_is_parked_comes_back_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "new", ".kind")
    shelf.put("k", {"a": [1, 2]}, b"\nbytes")
    value, start = shelf.head("k")
    assert value == {"a": [1, 2]}
    assert shelf.path("k").read_bytes()[start:] == b"\nbytes"
    assert stat.S_IMODE(shelf.path("k").stat().st_mode) == 0o600


def test_a_head_of_a_megabyte_is_refused_although_it_is_sound(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, ".kind")
    shelf.path("k").write_bytes(b"[" + b"1," * 2**19 + b"1]\n")
    with pytest.raises(ValueError, match="Expecting"):
        shelf.head("k")


def test_sweeping_leaves_other_kinds_alone(tmp_path: Path) -> None:
    one, other = Shelf(tmp_path / "both", ".one"), Shelf(tmp_path / "both", ".other")
    for key in "ab":
        one.put(key, {}, b"")
        other.put(key, {}, b"")
    one.sweep({"b"})
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == [
        "a.other",
        "b.one",
        "b.other",
    ]
    one.sweep(set())
    other.sweep(set())
    assert not (tmp_path / "both").exists()
