"""The reports in a real browser: they fit a desk, a phone and paper, show everything, load nothing.

The instrument itself is tested first, on a page that does everything wrong.
"""

import io

import audit_fixtures as audits
import evidence_fixtures as evidence
import made_experiments as made
import numpy as np
import paired_fixtures
import pytest
from chromium_pipe import Browser, find_chromium
from PIL import Image
from reader_fixtures import analysis
from report_fixtures import bare, content, log, masks, private

from popgan.report.content import (
    PreparationRow,
    QualityContent,
    Quarantined,
    ScanRow,
    ScanStep,
    Strip,
)
from popgan.report.private import private_html, quality_html
from popgan.report.readers import ReaderContent
from popgan.report.shareable import report_html

pytestmark = pytest.mark.slow


TABLE = [PreparationRow("bias field", "n4", "rule", "varies by 12 to 31 % in the brain", 37)]


def scans(count):
    """Scans with the pictures and the words of their preparation."""

    def strip(tiles):
        buffer = io.BytesIO()
        ramp = np.tile(np.arange(112, dtype=np.uint8), (112, tiles))
        Image.fromarray(ramp).save(buffer, format="PNG")
        return Strip("pictures/1.png", titles[:tiles], buffer.getvalue())

    titles = ("prepared", "as scanned", "bias field", "brain", "chequerboard of contrasts")
    steps = [ScanStep("brain", "deepbet", "rule", "a head of a person", {"volume_l": 1.4})] * 6
    return [
        ScanRow(
            subject=f"sub-{i:08d}",
            split="train",
            contrast="T1w",
            image=None,
            indices={"snr": 20.5 + i, "foreground": 0.577, "ghost": 0.0129},
            outlying=["snr"] if i == 3 else [],
            flags=["covers only part of the head (62 mm)"] if i == 5 else [],
            strip=strip(1 + i % 5),
            steps=steps,
        )
        for i in range(count)
    ]


def quality():
    """The page that ingest leaves."""
    aside = [Quarantined("/data/of/somebody/sub-9/anat/sub-9_T1w.nii.gz", "is truncated")]
    doubles = ["sub-00000001 and sub-00000002 have the same pixels (T1w): one patient twice?"]
    told = "FLAIR not judged: fewer than 8 scans"
    return quality_html(QualityContent(scans(24), doubles, told, TABLE, aside))


DESK, PHONE, PAPER = 1280, 375, 680  # CSS pixels; A4 less Chromium's margins is 718
PAGES = {
    "shareable": lambda: report_html(content()),
    "two contrasts, few ticks": lambda: report_html(
        content(contrasts=["T1w", "FLAIR"], log=log(rows=3, images=900))
    ),
    "audited, compared, anatomy": lambda: report_html(
        content(
            audit=audits.passed(),
            comparison=evidence.compared(),
            tissue=evidence.tissue(),
            release=evidence.release(),
        )
    ),
    "audit failed": lambda: report_html(bare(audit=audits.failed(), filmstrip=[])),
    "search and ablation": lambda: report_html(
        bare(tune=made.tuned(), ablation=made.ablated(), filmstrip=[])
    ),
    "masks": lambda: report_html(content(masks=masks(unmapped=240))),
    "readers": lambda: report_html(
        content(readers=ReaderContent(analysis(("popgan", "stylegan2")), "these weights", "popgan"))
    ),
    "nothing measured": lambda: report_html(bare(filmstrip=[])),
    "scans with their preparation": lambda: private_html(
        content(preparation=TABLE), private(qc=scans(9))
    ),
    "quality": quality,
    "translator": lambda: report_html(paired_fixtures.content()),
    "translator, private": lambda: private_html(
        paired_fixtures.content(), paired_fixtures.secret()
    ),
    "private": lambda: private_html(content(audit=audits.failed()), private(audit=audits.secret())),
    "private, with masks": lambda: private_html(
        content(masks=masks()), private(real_overlays=masks().overlays)
    ),
}
WIDEST = "document.documentElement.scrollWidth"
# Boxes whose content is wider than they are, so that a reader has to scroll or loses it on paper.
CUT = """[...document.querySelectorAll('.wide, table, figure, p, h1, h2, h3, td, th, dd, li')]
    .filter(e => e.getClientRects().length && e.scrollWidth > e.clientWidth + 1
            && getComputedStyle(e).display !== 'inline')
    .map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 40))"""
# What a page break may go through, and remarks in larger letters than what they remark on.
TORN = """[...document.querySelectorAll('figure, .scale, .dark, .verdict, caption, tr')]
    .filter(e => !e.matches('.qc, .qc *') && getComputedStyle(e).breakInside !== 'avoid')
    .map(e => e.tagName + ' ' + e.className)"""
LOUD = """[...document.querySelectorAll('td .note')]
    .filter(e => parseFloat(getComputedStyle(e).fontSize)
            > parseFloat(getComputedStyle(e.closest('table')).fontSize))
    .map(e => e.textContent.trim().slice(0, 40))"""
EMPTY = """[...document.querySelectorAll('img, svg.drawing')]
    .filter(e => !e.closest('details:not([open])'))
    .filter(e => e.getBoundingClientRect().width < 20 || e.getBoundingClientRect().height < 20
            || (e.tagName === 'IMG' && !(e.complete && e.naturalWidth > 0))).length"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    command = find_chromium()
    if command is None:
        pytest.skip("no Chromium is installed, so the pages cannot be looked at")
    found = Browser(command, tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, make in PAGES.items():
        (folder / f"{name}.html").write_text(make(), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


def test_the_instrument_sees_overflow_requests_and_blank_pages(browser, tmp_path):
    path = tmp_path / "wrong.html"
    path.write_text(
        "<!DOCTYPE html><p style='width: 2000px'>wide</p><img src='http://127.0.0.1:9/spy.png'>"
        "<div class='wide' style='width: 90px; overflow: auto'><b style='display: block; "
        "width: 400px'>cut</b></div>"
    )
    page = browser.open(path, width=PHONE)
    assert page.ask(WIDEST) > PHONE
    assert page.requests == ["http://127.0.0.1:9/spy.png"]
    assert page.errors
    assert page.ask(CUT) == ["DIV cut"]
    assert page.ask(EMPTY) == 1
    path.write_text("<!DOCTYPE html><body></body>")
    assert ink(browser.open(path, width=PHONE).pixels()) == 0


def ink(pixels):
    """Share of pixels that differ from the most common colour."""
    values = pixels.reshape(-1, 3)
    background = np.median(values, axis=0)
    return float((np.abs(values - background).max(1) > 24).mean())


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_shows_everything_and_asks_nobody(browser, files, name, width):
    page = browser.open(files[name], width=width)
    assert page.requests == []
    assert page.errors == []
    assert page.ask(WIDEST) <= width
    assert page.ask(CUT) == []
    assert page.ask(EMPTY) == 0
    if name != "translator":  # whose page that may be shared has none
        assert page.ask("document.querySelectorAll('img').length") > 20
    pixels = page.pixels()
    assert pixels.shape[1] == pytest.approx(width / 2, abs=1)
    assert ink(pixels) > 0.05
    # No screenful of it is empty.
    bands = [pixels[top : top + 450] for top in range(0, len(pixels) - 450, 450)]
    assert min(ink(band) for band in bands) > 0.01


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_on_paper_and_folded_parts_are_open(browser, files, name):
    page = browser.open(files[name], width=PAPER, media="print")
    assert page.ask(WIDEST) <= PAPER
    assert page.ask(CUT) == []
    assert page.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    hidden = "[...document.querySelectorAll('details table')].filter(e => !e.offsetHeight).length"
    assert page.ask(hidden) == 0
    assert page.ask(TORN) == []
    assert page.ask(LOUD) == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground_by_day_and_by_night(browser, files, dark):
    page = browser.open(files["shareable"], width=DESK, dark=dark)
    ground = page.ask("getComputedStyle(document.body).backgroundColor")
    for selector in ("p", ".lead", ".note", ".pill", ".share", "nav a"):
        colour = page.ask(f"getComputedStyle(document.querySelector('{selector}')).color")
        assert contrast(rgb(colour), rgb(ground)) >= 4.5, selector  # WCAG 2 level AA


def rgb(text):
    return [float(part) / 255 for part in text[text.index("(") + 1 : -1].split(",")[:3]]


def contrast(one, other):
    """Contrast ratio of two sRGB colours after WCAG 2."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    light, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dim + 0.05)


def test_single_pixels_are_shown_on_request(browser, files):
    page = browser.open(files["shareable"], width=DESK)
    style = "getComputedStyle(document.querySelector('#gallery .slice')).imageRendering"
    assert page.ask(style) == "auto"
    page.ask("document.querySelector('#pixels').click()")
    assert page.ask(style) == "pixelated"
