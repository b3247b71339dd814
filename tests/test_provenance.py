"""Provenance: enough to trace a number, nothing that names a person or a machine's owner."""

from __future__ import annotations

import datetime
import getpass
import importlib.metadata
import json
import platform
import socket
from pathlib import Path

import pytest

from popgan import __version__, provenance


def test_versions_are_those_installed() -> None:
    found = provenance.versions()
    assert found["popgan"] == __version__
    assert found["python"] == platform.python_version()
    assert found["numpy"] == importlib.metadata.version("numpy")


def test_a_missing_package_is_named_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert provenance.versions()["no-such-package"] == "missing"


def test_the_record_is_json_and_names_nobody() -> None:
    text = json.dumps(provenance.record())
    words = {socket.gethostname(), getpass.getuser(), str(Path.home()), str(Path.cwd())}
    # Names as short as "root" or "vm" occur inside of other words.
    for word in (word for word in words if len(word) > 4):
        assert word not in text


def test_the_machine_is_described() -> None:
    machine = provenance.machine()
    assert machine["cores"] >= 1
    assert machine["memory_gib"] > 0.1
    assert machine["cpu"]


def test_the_time_is_utc_to_the_second() -> None:
    time = datetime.datetime.fromisoformat(provenance.now())
    assert time.utcoffset() == datetime.timedelta(0)
    assert time.microsecond == 0
    assert abs(datetime.datetime.now(datetime.UTC) - time) < datetime.timedelta(minutes=1)
