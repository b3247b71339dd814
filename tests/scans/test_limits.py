"""Untrusted files cost no more than they are worth."""

import gzip
import os
import tracemalloc

import pytest

from popgan.scans import limits
from popgan.scans.scan import ScanError


def test_a_symbolic_link_is_not_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ScanError, match="symbolic link"):
        limits.read_bytes(tmp_path / "link")


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ScanError, match="not a regular file"):
        limits.read_bytes(tmp_path / "pipe")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ScanError, match="empty"):
        limits.read_bytes(tmp_path / "empty")


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 10)
    (tmp_path / "big").write_bytes(bytes(11))
    with pytest.raises(ScanError, match="larger than"):
        limits.read_bytes(tmp_path / "big")


def test_a_gzip_bomb_is_inflated_no_further_than_asked():
    bomb = gzip.compress(bytes(64 * 2**20))
    tracemalloc.start()
    try:
        assert len(limits.inflate(bomb, 1000)) == 1000
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "raw", [gzip.compress(b"x" * 9999, mtime=0)[:-20], gzip.compress(b"x" * 9999, mtime=0)[:15]]
)
def test_truncated_gzip_is_named_truncated(raw):
    with pytest.raises(ScanError, match="truncated"):
        limits.inflate(raw, 10**6)


def test_a_wrong_checksum_is_noticed():
    raw = bytearray(gzip.compress(b"x" * 9999))
    raw[-6] ^= 1
    with pytest.raises(ScanError, match="not a valid gzip"):
        limits.inflate(bytes(raw), 10**6)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((-4, 10, 10), "absurd"),
        ((0, 10, 10), "absurd"),
        ((30000, 10, 10), "absurd"),
        ((2000, 2000, 2000), "absurd"),
        ((64, 64, 30, 200), "more than three dimensions"),
        ((64, 64), "fewer than three"),
        ((2, 2, 2), "too small"),
    ],
)
def test_shapes_no_scanner_makes_are_refused(shape, reason):
    with pytest.raises(ScanError, match=reason):
        limits.check_shape(shape)


def test_ordinary_shapes_pass():
    for shape in [(256, 256, 180), (90, 120, 120), (512, 512, 1), (64, 64, 30, 1)]:
        limits.check_shape(shape)


def test_a_claim_beyond_any_compression_is_refused():
    limits.check_claim(1000 * 1000, 1000, compressed=True)
    with pytest.raises(ScanError, match="claimed"):
        limits.check_claim(2000 * 1000, 1000, compressed=True)
    with pytest.raises(ScanError, match="claimed"):
        limits.check_claim(1001, 1000, compressed=False)
