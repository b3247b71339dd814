"""Thumbnails of every scan, in an order that the reader chooses, without a script."""

from __future__ import annotations

import re

import numpy as np
from report_fixtures import content, private

from popgan.report.content import ScanRow
from popgan.report.private import private_html
from popgan.report.quality import quality_view


def row(name: str, outlying: list[str] | None = None, **indices: float | None) -> ScanRow:
    return ScanRow(name, "train", "T1w", np.zeros((8, 8), np.float32), indices, outlying or [])


def order(view, key: str) -> list[str]:
    """Captions in the order that a choice gives."""
    rank = {t.caption: int(re.search(rf"--{key}:(\d+)", t.style)[1]) for t in view.thumbnails}
    return [caption.split()[0] for caption in sorted(rank, key=rank.__getitem__)]


def test_each_index_puts_its_suspicious_end_first_and_the_unmeasured_last():
    view = quality_view(
        [
            row("a", snr=20.0, ghost=0.01),
            row("b", snr=5.0, ghost=None),
            row("c", ["ghost", "snr"], snr=30.0, ghost=0.2),
        ]
    )
    assert order(view, "snr") == ["b", "a", "c"]
    assert order(view, "ghost") == ["c", "a", "b"]
    assert order(view, "flagged") == ["c", "a", "b"]
    assert [key for key, _ in view.sorts] == ["flagged", "snr", "ghost"]
    assert (view.flagged, view.thumbnails[2].flags) == (1, "ghost index, SNR")


def test_the_page_has_a_thumbnail_of_every_scan_and_a_rule_for_every_order():
    rows = [row(f"s{i}", snr=float(i)) for i in range(30)]
    html = private_html(content(), private(qc=rows, doubles=["s1 and s2 have the same pixels"]))
    section = html[html.index('<section id="qc">') : html.index('<section id="subjects">')]
    assert section.count("<figure") == section.count("data:image/png") == 30
    assert "s1 and s2 have the same pixels" in section
    for key, _ in quality_view(rows).sorts:
        assert f'id="order-{key}"' in section
        assert re.search(rf"#qc:has\(#order-{key}:checked\) figure \{{ order: var\(--{key}\)", html)
