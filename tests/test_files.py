"""Files are whole or absent, and read back with one clear line if they are not."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan import files
from popgan.errors import DiskError, UserError
from popgan.folders import atomic_folder
from small_runs import full_disk


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.nii.gz"
    with files.atomic_path(path) as temporary:
        # Libraries choose a format by the suffix.
        assert temporary.name.endswith("a.nii.gz")
        temporary.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert [p.name for p in path.parent.iterdir()] == ["a.nii.gz"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), files.atomic_path(path) as temporary:
        temporary.write_text("new")
        raise error
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_is_the_users_to_mend(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a.txt"
    with (
        pytest.raises(DiskError, match=r"a\.txt: cannot be written .*free some space"),
        files.atomic_path(path),
    ):
        raise OSError(number, os.strerror(number))
    with pytest.raises(DiskError, match="cannot be written"), atomic_folder(tmp_path / "f"):
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed_in_numpy_too(tmp_path: Path) -> None:
    with (
        full_disk(),
        pytest.raises(UserError, match="cannot be written"),
        files.atomic_path(tmp_path / "a.npy") as temporary,
    ):
        np.save(temporary, np.zeros(10_000), allow_pickle=False)
    assert list(tmp_path.iterdir()) == []


def test_other_trouble_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), files.atomic_path(tmp_path / "a"):
        raise ConnectionError(errno.ECONNRESET, "reset")


def test_a_name_that_a_folder_has_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be written"):
        files.write_text(tmp_path / "a", "text")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        files.write_text(tmp_path / "file" / "a", "text")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("name", ["x.txt", "x/y.txt"])
def test_a_place_that_no_file_can_be_made_in_is_one_line(name: str) -> None:
    with pytest.raises(UserError, match=r"/proc/x.*: cannot be written .*choose another folder"):
        files.write_text(Path("/proc") / name, "text")
    with pytest.raises(UserError, match=r"/proc/x.*: cannot be written"):
        atomic_folder(Path("/proc") / name).__enter__()
    with pytest.raises(UserError, match=r"/proc/x.*: cannot be written"):
        files.owners_folder(Path("/proc") / name)


def test_a_file_that_is_missing_within_the_block_is_no_matter_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.atomic_path(tmp_path / "a"):
        (tmp_path / "other").read_text()
    with pytest.raises(FileNotFoundError), atomic_folder(tmp_path / "f") as part:
        (part / "deep" / "other").read_text()


def test_modes_hold_before_the_name_does(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {}, mode=0o600)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o600
    folder = files.private_folder(tmp_path / "run")
    folder.chmod(0o755)
    assert stat.S_IMODE(files.private_folder(tmp_path / "run").stat().st_mode) == 0o700


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None, max_examples=50)
@given(JSON)
def test_json_comes_back(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    files.write_json(path, value)
    assert files.read_json(path) == value


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read", [files.read_json, files.read_yaml])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, read) -> None:
    path = tmp_path / "a"
    with pytest.raises(UserError, match="does not exist"):
        read(path)
    # Of the last, the parsers themselves raise a bare ValueError.
    odd = b'{"a": ' + (b"9" * 5000 if read is files.read_json else b"2024-13-01") + b"}"
    for content in (b"{", b"\xff\xfe\x00", b"[" * 100_000, b"{a: [}", odd):
        path.write_bytes(content)
        with pytest.raises(UserError, match="is not readable") as caught:
            read(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="is not readable"):
        read(tmp_path)


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(UserError, match="is not readable YAML"):
        files.read_yaml(tmp_path / "a")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_the_hash_of_a_file_is_sha256(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "hashed"
    path.write_bytes(content)
    assert files.sha256_file(path) == hashlib.sha256(content).hexdigest()


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_hash_of_a_value_knows_no_order(value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    assert files.sha256_value(value) == files.sha256_value(turned)
    assert files.sha256_value(value) != files.sha256_value({**value, "more ": None})
    assert files.sha256_value(json.loads(json.dumps(value))) == files.sha256_value(value)


# --- folders ------------------------------------------------------------------------------------


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "set"
    with atomic_folder(folder) as part:
        (part / "a").touch()
        assert not folder.exists()
    assert [p.name for p in folder.iterdir()] == ["a"]
    assert [p.name for p in folder.parent.iterdir()] == ["set"]


def test_a_folder_of_others_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    with atomic_folder(folder) as part:  # an empty one may be filled
        (part / "a").touch()
    for replace in (None, lambda old: (old / "mark").exists()):
        with (
            pytest.raises(UserError, match="exists already"),
            atomic_folder(folder, replace=replace),
        ):
            pytest.fail("not ours")
    assert [p.name for p in folder.iterdir()] == ["a"]
    (folder / "mark").touch()
    with atomic_folder(folder, replace=lambda old: (old / "mark").exists()) as part:
        (part / "b").touch()
    assert [p.name for p in folder.iterdir()] == ["b"]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="exists already"), atomic_folder(tmp_path / "file"):
        pytest.fail("a file")


def test_folders_made_on_the_way_go_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(UserError), atomic_folder(tmp_path / "a/b/set"):
        raise UserError("no")
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "a/b/set") as part:
        (part / "x").touch()
    assert (tmp_path / "a/b/set/x").exists()


def test_the_current_folder_is_not_pulled_from_under_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in (".", "..", "../../" + tmp_path.name):
        with (
            pytest.raises(UserError, match="the folder you are in"),
            atomic_folder(Path(name)),
        ):
            pytest.fail("it cannot be replaced")
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_link_to_an_empty_folder_stays_and_its_target_is_filled(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    with atomic_folder(tmp_path / "link") as part:
        (part / "x").touch()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target/x").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]


def test_a_full_folder_that_is_never_replaced_is_not_said_to_be_of_others(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(UserError, match="exists already and is not empty"), atomic_folder(tmp_path):
        pytest.fail("full")
