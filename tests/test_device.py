"""The device: what is claimed of it is true."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from popgan.device import best_device, has_fast_bf16, kept_memory


def test_the_best_device_computes() -> None:
    device = best_device()
    assert (torch.ones(2, device=device) + 1).sum().item() == 4
    assert device.type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("flags", "fast"), [("sse avx512_bf16", True), ("amx_bf16 sse", True), ("avx2 bf16x", False)]
)
def test_bfloat16_is_fast_where_the_processor_says_so(
    monkeypatch: pytest.MonkeyPatch, flags: str, fast: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(Path, "exists", lambda _: True)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"processor: 0\nflags : {flags}\n")
    assert has_fast_bf16.__wrapped__() is fast


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library of Linux")
def test_memory_freed_in_the_block_is_kept_and_given_back_behind_it() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024

    with kept_memory():
        before = resident()
        torch.ones(400 << 18)  # 400 MiB; some of it may lie in memory that is there already
        inside = resident()
    assert inside - before > 300
    assert inside - resident() > 300


def test_results_do_not_depend_on_where_memory_comes_from() -> None:
    x = torch.randn(1 << 20)
    with kept_memory():
        inside = (x * 2).sum()
    assert torch.equal(inside, (x * 2).sum())
