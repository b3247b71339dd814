"""The slice store: sixteen bits, whole or absent."""

import errno

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from popgan.cohort import store
from popgan.errors import UserError


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)))
def test_values_come_back_to_sixteen_bits(normal):
    back = store.decode(store.encode(normal))
    assert back.min() >= -1
    assert back.max() <= 1
    np.testing.assert_allclose(back, normal * 2 - 1, atol=1.01 / 65535)


def test_what_lies_outside_is_clipped_not_wrapped():
    np.testing.assert_array_equal(store.encode(np.float32([-0.5, 1.5])), [0, 65535])


def test_a_store_is_read_as_written(tmp_path):
    with store.new_store(tmp_path / "s.npy", (2, 1, 4, 4)) as new:
        new[:] = 7
        assert not (tmp_path / "s.npy").exists()
    assert (store.open_store(tmp_path / "s.npy", (2, 1, 4, 4)) == 7).all()


def test_a_failure_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), store.new_store(tmp_path / "s.npy", (2, 1, 4, 4)):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "posix_fallocate", full)
    with (
        pytest.raises(UserError, match=r"No space left.*free some space"),
        store.new_store(tmp_path / "s.npy", (2, 1, 4, 4)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_damaged_missing_and_foreign_stores_are_refused(tmp_path):
    path = tmp_path / "s.npy"
    with pytest.raises(UserError, match="does not exist"):
        store.open_store(path, (1,))
    path.write_bytes(b"\x93NUMPY damaged")
    with pytest.raises(UserError, match="damaged"):
        store.open_store(path, (1,))
    np.save(path, np.zeros((2, 2), np.float32))
    with pytest.raises(UserError, match="float32"):
        store.open_store(path, (2, 2))
    np.save(path, np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="damaged"):
        store.open_store(path, (1,))
