"""A headless Chromium, driven over the DevTools protocol through a pipe: no driver, no port."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import io
import json
import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
SECONDS = 120


def find_chromium() -> str | None:
    """The browser's command, or None where none is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@dataclass
class Page:
    """A loaded page: answers to scripts, what it asked the network for, what went wrong."""

    browser: Browser
    session: str
    requests: list[str]
    errors: list[str]

    def ask(self, script: str) -> Any:
        """Value of a JavaScript expression (runs beside the page's own policy)."""
        got = self.browser.call(
            "Runtime.evaluate", self.session, expression=script, returnByValue=True
        )
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def pixels(self) -> np.ndarray:
        """The whole page at half its size, H x W x 3, 0..255."""
        size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        width, height = self.ask(size)
        got = self.browser.call(
            "Page.captureScreenshot",
            self.session,
            format="png",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 0.5},
        )
        picture = Image.open(io.BytesIO(base64.b64decode(got["data"])))
        return np.asarray(picture.convert("RGB"))


class Browser:
    """One browser process with one tab at a time.

    Args:
        command: from `find_chromium`.
        profile: an empty folder.
    """

    def __init__(self, command: str, profile: Path) -> None:
        self._in, out = os.pipe()
        into, self._out = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to 4; numbers above keep
        # the two from treading on each other while they are moved there.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (into, out)]
        os.close(into)
        os.close(out)

        def wire() -> None:
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [command, *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=wire,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in ends:
            os.close(end)
        self._buffer, self._number = b"", 0
        self._events: list[dict[str, Any]] = []
        self._target: str | None = None

    def open(self, path: Path, *, width: int, media: str = "screen", dark: bool = False) -> Page:
        """Load a file at a width in CSS pixels; the page opened before is closed."""
        if self._target is not None:
            self.call("Target.closeTarget", targetId=self._target)
        self._target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=self._target, flatten=True)
        session = attached["sessionId"]
        for domain in ("Page", "Network", "Log"):
            self.call(f"{domain}.enable", session)
        shape = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", session, **shape)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", session, media=media, features=[scheme])
        self._events.clear()
        address = path.resolve().as_uri()
        self.call("Page.navigate", session, url=address)
        self._wait("Page.loadEventFired")
        self.call("Runtime.evaluate", session, expression="0")  # collects what is still on its way
        asked = [e["request"]["url"] for e in self._seen("Network.requestWillBeSent")]
        entries = [e["entry"] for e in self._seen("Log.entryAdded")]
        return Page(
            self,
            session,
            [url for url in asked if url != address and not url.startswith("data:")],
            [entry["text"] for entry in entries if entry["level"] == "error"],
        )

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        number = self._number
        command = {"id": number, "method": method, "params": parameters}
        text = json.dumps(command | ({"sessionId": session} if session else {}))
        os.write(self._out, text.encode() + b"\0")
        end = time.monotonic() + SECONDS
        while True:
            message = self._message(end)
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self._events.append(message)

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(Exception):
            self.call("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _wait(self, method: str) -> None:
        end = time.monotonic() + SECONDS
        while not self._seen(method):
            self._events.append(self._message(end))

    def _seen(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self._events if event.get("method") == method]

    def _message(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            part = os.read(self._in, 1 << 16) if ready else b""
            assert part, f"no answer from the browser within {SECONDS} s, or it ended"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)
