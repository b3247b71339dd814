"""A served study and a real browser for tests: Debian's Chromium, driven as a reader would."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from popgan.study.schema import Study

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SWITCHES = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_T = TypeVar("_T")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"
)


@dataclass
class Served:
    """`popgan study serve` in a process of its own, on one port for its life."""

    study: Study
    url: str = ""
    links: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None

    @property
    def _port(self) -> str:
        return self.url.rpartition(":")[2] if self.url else "0"

    def start(self) -> Served:
        """Serve; after a stop on the same port as before."""
        run = str(self.study.places.run)
        command = [sys.executable, "-m", "popgan", "study", "serve", run, "--json"]
        self._process = subprocess.Popen(
            [*command, "--port", self._port],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        text = self._process.stdout.readline()
        while text and not _is_whole(text):
            line = self._process.stdout.readline()
            assert line, text
            text += line
        assert text, self._process.stderr.read()
        opening = json.loads(text)
        self.url = opening["url"]
        self.links = opening["links"] or self.links
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.communicate(timeout=20)
            self._process = None


def _is_whole(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@contextlib.contextmanager
def serving(study: Study) -> Iterator[Served]:
    """A served study that is ended afterwards."""
    served = Served(study).start()
    try:
        yield served
    finally:
        served.kill()


@contextlib.contextmanager
def browsing(folder: Path, width: int = 1280, height: int = 800) -> Iterator[Reader]:
    """A browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for switch in [*SWITCHES, f"--user-data-dir={folder}", f"--window-size={width},{height}"]:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(str(DRIVER))
    driver = webdriver.Chrome(options=options, service=service)
    reader = Reader(driver)
    reader.screen(width, height)
    try:
        yield reader
    finally:
        driver.quit()


class Reader:
    """Somebody in front of a browser."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def screen(self, width: int, height: int, *, touch: bool = False) -> None:
        """Give the page this size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})

    def offline(self, is_off: bool) -> None:
        """Pull or plug in the network."""
        self.driver.set_network_conditions(offline=is_off, latency=0, throughput=-1)

    def wait_images(self, count: int) -> None:
        """Wait until so many images have been fetched since the page was opened."""
        fetched = (
            "return performance.getEntriesByType('resource')"
            ".filter((entry) => entry.name.includes('stimuli')).length"
        )
        self.until(lambda: self.js(fetched) >= count)

    def js(self, script: str, *arguments: Any) -> Any:
        """Run a function body in the page."""
        return self.driver.execute_script(script, *arguments)

    def module(self, script: str, *arguments: Any) -> Any:
        """Run an asynchronous function body; `load(name)` imports a module of the page."""
        wrapped = (
            "const done = arguments[arguments.length - 1], args = [...arguments].slice(0, -1);"
            "const load = (name) => import(`/static/${name}`);"
            f"(async () => {{ {script} }})().then((value) => done({{ value }}),"
            " (error) => done({ error: String(error) }));"
        )
        reply = self.driver.execute_async_script(wrapped, *arguments)
        assert "error" not in reply, reply
        return reply.get("value")

    def keys(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def until(self, look: Callable[[], _T], seconds: float = 30) -> _T:
        """Wait for something to be true of a page that changes meanwhile."""
        ignored = [StaleElementReferenceException]
        wait = WebDriverWait(self.driver, seconds, poll_frequency=0.03, ignored_exceptions=ignored)
        try:
            return wait.until(lambda _: look())
        except TimeoutException as error:
            raise AssertionError(f"did not come; the page says: {self.text()!r}") from error

    def all(self, selector: str) -> list[WebElement]:
        """Elements by their CSS selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first of them, waited for."""
        return self.until(lambda: next(iter(self.all(selector)), None))  # type: ignore[return-value]

    def text(self, selector: str = "body") -> str:
        """What stands there."""
        return self.js(
            "return document.querySelector(arguments[0])?.innerText.trim() ?? ''", selector
        )

    def wait_for(self, words: str, selector: str = "body") -> None:
        """Wait until these words stand there."""
        self.until(lambda: words in self.text(selector))

    def press(self, selector: str = "button.primary") -> None:
        """Press a button with the mouse."""

        def click() -> bool:
            self.one(selector).click()
            return True

        self.until(click)

    def clicks(self, *selectors: str) -> None:
        """Click on elements one after the other."""
        chain = ActionChains(self.driver, duration=0)
        for selector in selectors:
            chain.click(self.one(selector))
        chain.perform()

    def tab_to(self, selector: str) -> None:
        """Reach an element with the Tab key alone."""
        for _ in range(40):
            if self.js("return document.activeElement?.matches(arguments[0])", selector):
                return
            self.keys(Keys.TAB)
        raise AssertionError(f"Tab does not lead to {selector}")

    # The way through a study

    def enter(self, link: str) -> None:
        """Open a personal link and begin."""
        self.driver.get(link)
        self.press("button")
        self.until(lambda: self.all("#bar") and self.text("main"))

    def agree(self) -> None:
        """Consent, and confirm the display."""
        self.one("#agree").click()
        self.press()
        self.wait_for("Display check")
        self.press()
        self.until(lambda: self.text("h1") != "Display check")

    def begin_block(self, name: str) -> None:
        """Go from the page before a block to its first case."""
        self.wait_for(name, "h1")
        self.press()
        self.wait_case(1)

    def wait_case(self, number: int) -> None:
        """Wait until a case is in front and can be answered."""
        self.until(
            lambda: self.js(
                "return document.getElementById('case-heading')?.textContent"
                ".startsWith(arguments[0]) && !document.querySelector('form[inert]')",
                f"Case {number} of",
            )
        )

    def answer(self, number: int, keys: str) -> None:
        """Answer a case by keys and go on; ends breaks that are offered."""
        self.wait_case(number)
        self.keys(keys, Keys.ENTER)
        self.skip_break()

    def skip_break(self) -> None:
        """Press Enter where a break is offered."""
        if self.all("dialog.cover[open]"):
            self.keys(Keys.ENTER)
            self.until(lambda: not self.all("dialog.cover"))

    def through_practice(self, cases: int = 2, keys: str = "33333") -> None:
        """Begin the practice cases and answer them."""
        self.begin_block("Practice")
        for number in range(1, cases + 1):
            self.answer(number, keys)

    def to_part_one(self, link: str, name: str = "Image quality", keys: str = "33333") -> None:
        """From the link to the first case that counts."""
        self.enter(link)
        self.agree()
        self.through_practice(keys=keys)
        self.begin_block(name)

    def wait_saved(self) -> None:
        """Wait until the server has everything."""
        self.until(lambda: self.text(".saved") == "Saved" and self.unsent() == 0)

    def unsent(self) -> int:
        """Answers kept in the browser's database."""
        return self.module(
            "const storage = await (await load('storage.js')).Storage.open();"
            "return (await storage.all()).length;"
        )
