"""The image in the browser: every stored value, window and level as computed, zoom, gestures."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import pytest
from selenium.webdriver import ActionChains

from popgan.study.schema import Study
from study.browsing import Keys, Reader, Served, browsing, needs_browser, serving
from study.small_studies import make_study, png16

pytestmark = [pytest.mark.slow, needs_browser, pytest.mark.xdist_group("browser-image")]
SIZE = (20, 16)  # with voxels of 2 x 3 mm, so that rows, columns and spacing cannot be mistaken
SPACING = (2.0, 3.0)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    run = tmp_path_factory.mktemp("image") / "run"
    sizes = {"readers": 1, "real": 2, "synthetic": 2, "repeats": 0, "practice": 2}
    return make_study(run, size=SIZE, spacing=SPACING, **sizes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(study: Study) -> Iterator[Served]:
    with serving(study) as found:
        yield found


@pytest.fixture(scope="module")
def reader(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with browsing(tmp_path_factory.mktemp("profile")) as found:
        found.to_part_one(served.links["R1"])
        yield found


@pytest.fixture(autouse=True)
def reset(reader: Reader) -> None:
    reader.screen(1280, 800)
    reader.keys("r")
    settle(reader)


def settle(reader: Reader) -> None:
    """Wait until the canvas was drawn anew."""
    reader.module(
        "await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )


def stored(study: Study) -> np.ndarray:
    """Values 0 .. 65535 of the first case of the first block, rows x columns."""
    case = study.plan_of("R1").trials["likert"][0].cases[0]
    file = next(s.file for s in study.key.stimuli if s.case == case)
    png = (study.places.stimuli / file).read_bytes()
    raw = np.frombuffer(png[48:-20], np.uint8)  # after signature, IHDR, zlib and block headers
    raw = raw[: SIZE[0] * (1 + 2 * SIZE[1])].reshape(SIZE[0], -1)[:, 1:]
    levels = raw.reshape(-1).view(">u2").reshape(SIZE).astype(np.uint16)
    assert png16(levels) == png
    return levels


def shown(reader: Reader) -> tuple[np.ndarray, np.ndarray]:
    """Grey 0 .. 255 and opacity of every pixel of the canvas."""
    width, height, text = reader.js(
        """
        const canvas = document.querySelector("canvas.image");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let text = "";
        for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i], data[i + 3]);
        return [canvas.width, canvas.height, btoa(text)];
        """
    )
    pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 2)
    return pixels[..., 0].astype(int), pixels[..., 1]


def spline(size: int, out: int, scale: float, origin: float) -> tuple[np.ndarray, np.ndarray]:
    """Matrix out x size of Catmull-Rom weights, and which outputs lie within the image."""
    edge = (np.arange(out) + 0.5 - origin) / scale
    inside = (edge >= 0) & (edge < size)
    base = np.floor(edge - 0.5)
    matrix = np.zeros((out, size))
    for tap in range(-1, 3):
        distance = np.abs(edge - 0.5 - base - tap)
        near = 1.5 * distance**3 - 2.5 * distance**2 + 1
        far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
        weight = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
        at = np.clip(base + tap, 0, size - 1).astype(int)
        np.add.at(matrix, (np.arange(out), at), weight)
    return matrix, inside


def expected(
    levels: np.ndarray, shape: tuple[int, int], window: tuple[float, float], zoom: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Grey and visibility, computed apart from the page: the image in the middle of the canvas."""
    height, width = shape
    rows, columns = levels.shape
    fit = min(width / (columns * SPACING[1]), height / (rows * SPACING[0])) * zoom
    down, inside_y = spline(
        rows, height, fit * SPACING[0], height / 2 - rows * fit * SPACING[0] / 2
    )
    across, inside_x = spline(
        columns, width, fit * SPACING[1], width / 2 - columns * fit * SPACING[1] / 2
    )
    values = np.clip(down @ levels.astype(float) @ across.T, 0, 65535)
    low, high = window
    grey = np.clip((values - low) * 255 / (high - low), 0, 255)
    return grey, inside_y[:, None] & inside_x[None, :]


def compare(reader: Reader, study: Study, center: float, width: float, zoom: float = 1.0) -> None:
    levels = stored(study)
    bright = max(float(np.percentile(levels, 99.8, method="lower")), 256)
    window = ((center - width / 2) * bright, (center + width / 2) * bright)
    grey, opacity = shown(reader)
    wanted, inside = expected(levels, grey.shape, window, zoom)
    assert np.array_equal(opacity > 0, inside)
    assert np.abs(grey - wanted)[inside].max() <= 1
    assert grey[inside].std() > 20


def test_the_standard_window_shows_every_pixel_as_computed(reader: Reader, study: Study) -> None:
    compare(reader, study, 0.5, 1.0)


def test_keys_change_window_level_and_zoom_as_computed(reader: Reader, study: Study) -> None:
    reader.keys("ccdd++")
    settle(reader)
    compare(reader, study, 0.5 + 2 * 0.04, 1 / 1.1**2, 1.25**2)
    reader.keys("rsl")
    settle(reader)
    compare(reader, study, 0.46, 1.1)


def test_presets_follow_each_other_and_invert_is_the_negative(reader: Reader, study: Study) -> None:
    standard, _ = shown(reader)
    reader.keys("i")
    settle(reader)
    negative, opacity = shown(reader)
    inside = opacity > 0
    assert np.abs(standard + negative - 255)[inside].max() <= 1
    assert (negative[~inside] == 0).all()
    reader.keys("iw")
    settle(reader)
    compare(reader, study, 0.55, 0.6)
    reader.keys("w")
    settle(reader)
    compare(reader, study, 0.2, 0.4)


def test_dragging_across_changes_the_width_and_up_and_down_the_level(
    reader: Reader, study: Study
) -> None:
    canvas = reader.one("canvas.image")
    ActionChains(reader.driver, duration=0).move_to_element(canvas).click_and_hold().move_by_offset(
        60, 0
    ).move_by_offset(0, 50).release().perform()
    settle(reader)
    compare(reader, study, 0.5 + 50 / 500, float(np.exp(60 / 300)))


def test_wheel_zooms_and_the_right_button_moves(reader: Reader) -> None:
    before, _ = shown(reader)
    canvas = reader.one("canvas.image")
    wheel = {"type": "mouseWheel", "x": 400, "y": 300, "deltaX": 0, "deltaY": -300}
    reader.driver.execute_cdp_cmd("Input.dispatchMouseEvent", wheel)
    reader.until(lambda: "1.6 x" in reader.text(".readout"))
    settle(reader)
    zoomed, _ = shown(reader)
    assert not np.array_equal(before, zoomed)
    chain = ActionChains(reader.driver, duration=0)
    chain.move_to_element(canvas).w3c_actions.pointer_action.pointer_down(button=2)
    chain.w3c_actions.pointer_action.move_by(30, 20)
    chain.w3c_actions.pointer_action.pointer_up(button=2)
    chain.perform()
    settle(reader)
    moved, _ = shown(reader)
    assert np.abs(moved[100:600, 200:600] - zoomed[80:580, 170:570]).max() <= 30
    assert "W 100 %" in reader.text(".readout")
    reader.keys("r")
    settle(reader)
    assert np.array_equal(shown(reader)[0], before)


def test_one_finger_is_the_window_and_two_are_zoom(reader: Reader) -> None:
    def touch(kind: str, *points: tuple[int, int]) -> None:
        fingers = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        reader.driver.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers}
        )

    reader.screen(1024, 768, touch=True)
    touch("touchStart", (300, 300))
    touch("touchMove", (330, 300))
    touch("touchEnd")
    reader.until(lambda: "W 111 %" in reader.text(".readout"))
    reader.keys("r")
    touch("touchStart", (300, 300), (400, 300))
    touch("touchMove", (250, 300), (450, 300))
    touch("touchEnd")
    reader.until(lambda: "2.0 x" in reader.text(".readout"))
    assert "W 100 %" in reader.text(".readout")


def test_arrows_move_the_image_only_when_it_is_zoomed(reader: Reader) -> None:
    reader.js("document.querySelector('canvas.image').focus()")
    before, _ = shown(reader)
    reader.keys(Keys.ARROW_LEFT)
    settle(reader)
    assert np.array_equal(shown(reader)[0], before)
    reader.js("document.querySelector('canvas.image').focus()")
    reader.keys("++")
    settle(reader)
    zoomed, _ = shown(reader)
    reader.keys(Keys.ARROW_LEFT)
    settle(reader)
    assert not np.array_equal(shown(reader)[0], zoomed)


@pytest.mark.parametrize("damage", ["cut", "eight bits", "compressed", "no PNG"])
def test_other_files_are_refused_rather_than_shown_wrongly(reader: Reader, damage: str) -> None:
    whole = bytearray(png16(np.arange(12, dtype=np.uint16).reshape(3, 4)))
    if damage == "cut":
        del whole[60:]
    elif damage == "eight bits":
        whole[24] = 8
    elif damage == "compressed":
        whole[43] = 3
    else:
        whole[0] = 0
    script = """
        const { parsePng } = await load("png16.js");
        const bytes = Uint8Array.from(args[0]);
        try {
          return Array.from(parsePng(bytes.buffer).pixels);
        } catch (error) {
          return error.message;
        }
    """
    assert isinstance(reader.module(script, list(whole)), str)


def test_sixteen_bits_are_read_exactly(reader: Reader) -> None:
    levels = np.random.default_rng(5).integers(0, 65536, (200, 190), dtype=np.uint16)
    script = """
        const { parsePng } = await load("png16.js");
        const bytes = Uint8Array.from(atob(args[0]), (c) => c.charCodeAt(0));
        const image = parsePng(bytes.buffer);
        return [image.rows, image.columns, Array.from(image.pixels)];
    """
    # More than one stored block: 76 000 bytes.
    rows, columns, pixels = reader.module(script, base64.b64encode(png16(levels)).decode())
    assert (rows, columns) == levels.shape
    assert np.array_equal(np.array(pixels).reshape(rows, columns), levels)
