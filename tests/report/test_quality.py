"""Thumbnails of every scan, in an order that the reader chooses, without a script."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from report_fixtures import content, private

from popgan.report.content import PreparationRow, ScanRow, ScanStep, Strip
from popgan.report.guard import PrivateContentError, assert_self_contained
from popgan.report.private import private_html
from popgan.report.quality import INLINE, first_to_look_at, quality_view
from popgan.report.shareable import report_html

PNG = b"\x89PNG\r\n\x1a\nnot read here"


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
    assert (view.flagged, view.thumbnails[2].flags) == (1, "stands out: ghost index, SNR")


def test_a_scan_that_is_odd_by_itself_has_a_red_frame_too():
    cut = replace(row("a", snr=1.0), flags=["covers only part of the head (62 mm)"])
    both = replace(row("b", ["snr"], snr=2.0), flags=["covers only part of the head (50 mm)"])
    rows = [row("c", snr=3.0), cut, both]
    view = quality_view(rows)
    assert view.flagged == 2
    assert order(view, "flagged") == ["b", "a", "c"]
    assert first_to_look_at(rows, 2) == [2, 1]
    html = private_html(content(), private(qc=rows))
    assert html.count('class="flagged"') == 2
    assert "<strong>covers only part of the head (62 mm)</strong>" in html
    assert "<strong>stands out: SNR; covers only part of the head (50 mm)</strong>" in html


def stripped(count: int) -> list[ScanRow]:
    """Rows whose pictures are files beside the page."""
    made = [
        row(f"s{i}", ["ghost"] if i == 7 else [], snr=float(i), ghost=0.1) for i in range(count)
    ]
    titles = ("prepared", "as scanned", "brain")
    step = ScanStep("brain", "deepbet", "rule", "a head of a person", {"volume_l": 1.4})
    return [
        replace(one, image=None, strip=Strip(f"pictures/{i:06d}.png", titles, PNG), steps=[step])
        for i, one in enumerate(made)
    ]


def test_flagged_scans_come_first_and_then_the_extremes_of_every_index():
    rows = stripped(40)
    first = first_to_look_at(rows, 5)
    assert first[0] == 7
    assert {0, 1, 2} <= set(first)  # the lowest SNR
    assert len(first) == len(set(first)) == 5
    assert sorted(first_to_look_at(rows, 100)) == list(range(40))
    assert first_to_look_at([], 5) == []


def test_a_large_cohort_keeps_its_pictures_beside_the_page_but_for_the_first_to_look_at():
    rows = stripped(INLINE + 50)
    view = quality_view(rows)
    html = private_html(content(), private(qc=rows))
    section = html[html.index('<section id="qc">') : html.index('<section id="subjects">')]
    assert section.count("data:image/png") == INLINE
    beside = re.findall(r'loading="lazy"[^>]*src="(pictures/\d+\.png)"', section)
    assert len(beside) == len(set(beside)) == view.beside == 50
    assert view.tiles == 3
    assert "brain: deepbet (rule; a head of a person). volume l 1.40" in view.thumbnails[0].steps
    assert section.count("as scanned</span>") == len(rows)
    assert_self_contained(html, pictures_beside=True)
    with pytest.raises(PrivateContentError):
        assert_self_contained(html)


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="pictures/../report.png">',
        '<img src="http://pictures/1.png">',
        '<script src="pictures/1.png"></script>',
        '<a href="pictures/1.png">x</a>',
        '<img src="/pictures/1.png">',
    ],
)
def test_nothing_but_pictures_beside_the_page_may_be_loaded(tag):
    with pytest.raises(PrivateContentError):
        assert_self_contained(f"<html>{tag}</html>", pictures_beside=True)


def test_how_the_scans_were_prepared_is_on_both_pages():
    rows = [PreparationRow("bias field", "n4", "rule", "varies by 12 to 31 %", 37)]
    shown = content(preparation=rows)
    for html in (private_html(shown, private()), report_html(shown)):
        table = html[html.index("<caption>How the scans were prepared") :]
        table = table[: table.index("</table>")]
        for word in ("bias field", "n4", "rule", "varies by 12 to 31 %", "37"):
            assert word in table


def test_the_page_has_a_thumbnail_of_every_scan_and_a_rule_for_every_order():
    rows = [row(f"s{i}", snr=float(i)) for i in range(30)]
    html = private_html(content(), private(qc=rows, doubles=["s1 and s2 have the same pixels"]))
    section = html[html.index('<section id="qc">') : html.index('<section id="subjects">')]
    assert section.count("<figure") == section.count("data:image/png") == 30
    assert "s1 and s2 have the same pixels" in section
    for key, _ in quality_view(rows).sorts:
        assert f'id="order-{key}"' in section
        assert re.search(rf"#qc:has\(#order-{key}:checked\) figure \{{ order: var\(--{key}\)", html)


def test_too_few_scans_are_said_not_to_be_judged():
    said = "FLAIR, T1w not judged: fewer than 8 scans"
    assert said in private_html(content(), private(qc=[row("a")], unjudged=said))
    assert "not judged" not in private_html(content(), private(qc=[row("a")]))
