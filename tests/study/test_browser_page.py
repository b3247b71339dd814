"""What the reader and the coordinator see and can do: remarks, undo, layout, language, access."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from popgan.study.answers import read_answers, read_log
from popgan.study.schema import Study
from study.browsing import Keys, Reader, browsing, needs_browser, serving
from study.small_studies import make_study

pytestmark = [pytest.mark.slow, needs_browser, pytest.mark.xdist_group("browser-page")]
SCREENS = [(1280, 800), (1024, 768), (768, 1024)]
# Colour of each text against what lies behind it, as in WCAG 2.2, 1.4.3.
CONTRAST = """
const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
    if (a === 1) return [r, g, b];
    if (at.matches("dialog")) break;
  }
  return [0, 0, 0];
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  const style = getComputedStyle(node);
  const unseen = !node.checkVisibility() || node.closest(".hidden, script, noscript");
  if (unseen || !walker.currentNode.textContent.trim()) continue;
  const [a, b] = [light(parts(style.color)), light(behind(node))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) poor.push([walker.currentNode.textContent.trim(), style.color, ratio]);
}
return poor;
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with browsing(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(autouse=True)
def usual_screen(reader: Reader) -> None:
    reader.screen(1280, 800)
    reader.offline(False)  # whatever a test that failed has left


@pytest.fixture
def study(tmp_path: Path) -> Study:
    sizes = {"readers": 2, "real": 2, "synthetic": 2, "repeats": 0, "practice": 2}
    return make_study(tmp_path / "run", break_every=4, **sizes)  # type: ignore[arg-type]


def unnamed(reader: Reader) -> list[dict[str, Any]]:
    """Controls and images that a screen reader could not name."""
    wanted = {"button", "radio", "checkbox", "textbox", "link", "img", "image", "progressbar"}
    wanted |= {"radiogroup", "dialog", "toolbar", "progressIndicator"}
    nodes = reader.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    seen = [n for n in nodes if not n["ignored"] and n["role"]["value"] in wanted]
    assert seen, "nothing was looked at"
    return [n for n in seen if not n.get("name", {}).get("value", "").strip()]


def check_access(reader: Reader) -> None:
    assert unnamed(reader) == []
    assert reader.js(CONTRAST) == []
    # One place has the focus, and it can be seen where the keyboard brought it.
    assert reader.js("return document.documentElement.lang") == "en"
    assert len(reader.all("h1, dialog[open] h2")) >= 1


def test_every_page_has_names_contrast_and_a_heading(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.driver.get(served.links["R1"])
        check_access(reader)
        reader.press("button")
        reader.one("#agree")
        check_access(reader)
        reader.press()
        assert reader.text(".error") == "Please tick the box if you agree to take part."
        check_access(reader)
        reader.one("#agree").click()
        reader.press()
        reader.wait_for("Display check")
        check_access(reader)
        reader.press("button:not(.primary)")
        reader.wait_for("Change the brightness")
        check_access(reader)
        reader.press()
        reader.wait_for("Practice", "h1")
        check_access(reader)
        reader.press()
        reader.wait_case(1)
        reader.keys("345")
        check_access(reader)
        reader.keys("?")
        check_access(reader)
        reader.keys(Keys.ESCAPE, "p")
        reader.wait_for("Paused")
        assert (
            reader.js("return getComputedStyle(document.querySelector('dialog')).width") == "1280px"
        )
        check_access(reader)
        reader.keys(Keys.ENTER, "33", Keys.ENTER)
        reader.answer(2, "33333")
        reader.begin_block("Image quality")
        reader.answer(1, "33333")
        reader.wait_case(2)
        reader.keys("33333", Keys.ENTER)
        reader.wait_for("Time for a break")
        check_access(reader)
        reader.skip_break()
        for number in (3, 4):
            reader.answer(number, "33333")
        reader.begin_block("Real or synthetic")
        check_access(reader)
        for number in range(1, 5):
            reader.answer(number, "12")
        reader.wait_for("All your answers have arrived")
        assert reader.js(CONTRAST) == []
        reader.enter(served.links["coordinator"])
        reader.wait_for("R2")
        check_access(reader)


def test_tab_goes_through_image_tools_criteria_remark_and_buttons(
    reader: Reader, study: Study
) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.js("document.querySelector('canvas.image').focus()")
        script = """const e = document.activeElement;
            return e.name || e.id || e.className || e.textContent.trim()"""
        seen = []
        for _ in range(20):
            reader.keys(Keys.TAB)
            seen.append(reader.js(script))
            visible = """const e = document.activeElement, near = e.nextElementSibling;
                return getComputedStyle(e).outlineStyle !== 'none'
                  || getComputedStyle(near).outlineStyle !== 'none'"""
            assert seen[-1] == "" or reader.js(visible), seen[-1]
            if seen[-1] == "primary":
                break
        order = [name for name in seen if name in {*reader_criteria(), "remark", "primary"}]
        assert order == [*reader_criteria(), "remark", "primary"]


def reader_criteria() -> list[str]:
    return ["anatomy", "contrast", "artefacts", "usefulness", "realism"]


@pytest.mark.parametrize("kind", ["likert+authenticity", "2afc"])
def test_a_case_fits_on_desk_and_tablet_without_scrolling(
    reader: Reader, tmp_path: Path, kind: str
) -> None:
    sizes = {"readers": 1, "real": 2, "synthetic": 2, "repeats": 0, "practice": 2}
    study = make_study(tmp_path / "run", kind=kind, **sizes)  # type: ignore[arg-type]
    over = """return [document.documentElement, document.querySelector("main"),
        document.querySelector(".questions")].map((e) =>
        [e.scrollWidth > e.clientWidth, e.scrollHeight > e.clientHeight])"""
    hidden = """const all = document.querySelectorAll("button, .mark, textarea, legend");
      return [...all].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight;
      }).map((e) => e.textContent)"""
    with serving(study) as served:
        reader.enter(served.links["R1"])
        reader.agree()
        reader.begin_block("Practice")
        for width, height in SCREENS:
            reader.screen(width, height, touch=width < 1100)
            assert reader.js(over) == [[False, False]] * 3, (width, height)
            assert reader.js(hidden) == [], (width, height)
            canvas = reader.one("canvas.image").size
            # The image is what the page is about.
            assert min(canvas["width"], canvas["height"]) >= (330 if kind == "2afc" else 430)
            assert min(e.size["height"] for e in reader.all(".tools button")) >= 36


def test_a_remark_stays_text(reader: Reader, study: Study) -> None:
    words = "<script>document.title='hacked'</script><img src=x onerror=alert(1)> & \"so on\""
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.keys("3333", "m")
        reader.keys(words, " 5bz")  # keys of the page are letters of the remark
        reader.keys(Keys.ESCAPE, "4", Keys.ENTER)
        reader.wait_case(2)
        assert reader.one("#remark").get_property("value") == ""
        reader.keys("b")
        reader.wait_case(1)
        assert reader.one("#remark").get_property("value") == f"{words} 5bz"
        assert reader.driver.title == "Reader study" and not reader.all("img, main script")
        reader.wait_saved()
    values = [row["values"] for row in read_log(study) if row["block"] == "likert"]
    assert values[-1]["remark"] == f"{words} 5bz"


def test_undo_takes_back_key_by_key_and_back_returns(reader: Reader, study: Study) -> None:
    chosen = "return [...document.querySelectorAll('input:checked')].map((e) => Number(e.value))"
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.keys("12345")
        assert reader.js(chosen) == [1, 2, 3, 4, 5]
        reader.keys("z", Keys.BACKSPACE)
        assert reader.js(chosen) == [1, 2, 3]
        reader.keys("55", Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_UP, "1")
        assert reader.js(chosen) == [1, 1, 3, 5, 5]
        reader.keys(Keys.ENTER)
        reader.wait_case(2)
        assert reader.js(chosen) == []
        reader.keys("b")
        reader.wait_case(1)
        assert reader.js(chosen) == [1, 1, 3, 5, 5]
        reader.keys("z" * 12)
        assert reader.js(chosen) == []
        reader.keys(Keys.ENTER)  # incomplete: stays, and says what is open
        assert "Still open: Anatomical accuracy" in reader.text(".below")
        reader.wait_saved()
    assert read_answers(study).ratings == ()


def test_the_part_before_can_be_changed_until_the_next_one_is_begun(
    reader: Reader, study: Study
) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        for number in range(1, 5):
            reader.answer(number, "33333")
        reader.wait_for("Real or synthetic", "h1")
        reader.press("button:not(.primary)")
        reader.wait_case(4)
        reader.keys("5", Keys.ENTER)
        reader.begin_block("Real or synthetic")
        reader.wait_images(2 + 4 + 4)  # else a case ahead has none without a network
        reader.offline(True)
        reader.answer(1, "11")
        for number in (2, 3, 4):
            reader.answer(number, "23")
        reader.wait_for("have not arrived yet")
        reader.offline(False)
        reader.wait_for("All your answers have arrived")
    assert sorted(r.scores["anatomy"] for r in read_answers(study).ratings) == [3, 3, 3, 5]
    assert len(read_answers(study).judgements) == 4


def test_without_a_network_the_next_part_waits(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        for number in range(1, 4):
            reader.answer(number, "33333")
        reader.wait_case(4)
        reader.wait_saved()
        reader.offline(True)
        reader.answer(4, "33333")
        reader.wait_for("must reach the server before the next part opens")
        reader.offline(False)
        reader.begin_block("Real or synthetic")


def test_no_way_back_where_the_study_has_none(reader: Reader, tmp_path: Path) -> None:
    sizes = {"readers": 1, "real": 2, "synthetic": 2, "repeats": 0, "practice": 2}
    study = make_study(tmp_path / "run", back=False, **sizes)  # type: ignore[arg-type]
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.answer(1, "33333")
        reader.wait_case(2)
        reader.keys("b")
        reader.wait_case(2)
        assert "Back" not in reader.text(".panel .buttons")


def test_time_stands_still_while_the_page_is_paused(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        begun = time.monotonic()
        reader.keys("3333", "p")
        reader.wait_for("Paused")
        time.sleep(2.5)
        reader.keys(Keys.ENTER)
        reader.until(lambda: not reader.all("dialog"))
        reader.keys("3")
        reader.wait_saved()
        awake = time.monotonic() - begun - 2.5
    assert 0 < read_answers(study).ratings[0].seconds < awake + 0.5


def test_texts_of_another_language_appear(reader: Reader, study: Study) -> None:
    german = """
        language: de
        begin: {heading: Leserstudie, button: Beginnen}
        blocks: {practice: {name: Übung}}
        case: {next: Weiter, heading: "Fall {n} von {total}"}
        criteria: {anatomy: {name: Anatomie, anchors: [unmöglich, b, c, d, fehlerfrei]}}
        progress: {done: "{done} von {total} erledigt"}
    """
    lines = [line.removeprefix("        ") for line in german.splitlines()]
    study.places.texts.write_text("\n".join(lines), encoding="utf-8")
    with serving(study) as served:
        reader.driver.get(served.links["R1"])
        assert reader.js("return document.documentElement.lang") == "de"
        reader.wait_for("Leserstudie", "h1")
        reader.press("button")
        reader.one("#agree").click()
        reader.press()
        reader.wait_for("Display check")
        reader.press()
        reader.wait_for("Übung", "h1")
        reader.press()
        reader.until(lambda: reader.text("#case-heading") == "Fall 1 von 2")
        assert reader.js("return document.documentElement.lang") == "de"
        assert "Weiter" in reader.text(".panel .buttons")
        assert "fehlerfrei" in reader.text("fieldset") and "Anatomie" in reader.text("legend")
        assert reader.text(".count") == "0 von 2 erledigt"
        # What a translation leaves out is English.
        assert "Tissue contrast" in reader.text("form")


def test_instructions_are_rendered_and_nothing_in_them_is_markup(
    reader: Reader, study: Study
) -> None:
    study.places.instructions.write_text(
        "# How\n\nPlease *look* at **each** image.\n\n- one\n- two\n  goes on\n\n"
        "1. first\n2. second\n\n"
        "See [us](https://example.org). <b>no</b> <script>alert(1)</script> snake_case_word\n"
    )
    with serving(study) as served:
        reader.enter(served.links["R1"])
        text = reader.one(".text")
        html = text.get_attribute("innerHTML")
        assert "<h2>How</h2><p>Please <em>look</em> at <strong>each</strong> image.</p>" in html
        assert "<ul><li>one</li><li>two goes on</li></ul><ol><li>first</li>" in html
        assert "us (https://example.org). &lt;b&gt;no&lt;/b&gt; &lt;script&gt;" in html
        assert "snake_case_word" in html


def test_the_coordinator_sees_progress_locks_and_issues_links(reader: Reader, study: Study) -> None:
    with serving(study) as served:
        reader.to_part_one(served.links["R1"])
        reader.answer(1, "33333")
        reader.wait_case(2)
        reader.wait_saved()
        reader.enter(served.links["coordinator"])
        reader.wait_for("1 of 4")
        assert "Running" in reader.text(".state")
        reader.press("[data-focus='new_link-R2']")
        reader.wait_for("The former link", "dialog")
        reader.press("dialog .primary")
        link = reader.one(".link input").get_property("value")
        assert link.startswith(f"{served.url}/r/") and link != served.links["R2"]
        reader.press(".link button")
        reader.wait_for("Copied", ".link")
        reader.press("[data-focus='lock-R2']")
        reader.wait_for("Lock R2?", "dialog")
        reader.press("dialog button:not(.primary)")
        assert "is-locked" not in reader.one("table").get_attribute("innerHTML")
        reader.press("[data-focus='lock-R2']")
        reader.press("dialog .primary")
        reader.one("td.is-locked")
        assert link == reader.one(".link input").get_property("value")  # outlives the refresh
        reader.press("[data-focus='lock_all']")
        reader.wait_for("which images are real", "dialog")
        reader.press("dialog .primary")
        reader.wait_for("Locked", ".state")
        reader.wait_for("With the truth")
        csv = "return await (await fetch('/api/coordinator/export')).text()"
        assert "source" in reader.module(csv).splitlines()[0]
        reader.driver.get(link)
        reader.wait_for("This study is closed")
