"""What holds for every request, before any page or answer: who is asked, from where.

- Host: a name that is not this server's is refused, so that a foreign name which was pointed at
  this machine (DNS rebinding) reaches nothing.
- Origin and Sec-Fetch-Site: what changes something must come from a page of this server.
- Headers: the same for all replies. Nothing of a reply but its content depends on what it is about.
- Errors: one line; neither a traceback nor anything of the study.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from popgan.study.refusals import BUG, Refusal
from popgan.study.server.replies import error_reply

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow",
}
_OURS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
_NEVER = {*(name for name, _ in _OURS), b"etag", b"last-modified", b"date", b"server"}
_SAFE = {"GET", "HEAD"}
_LONGEST_PATH = 512


@dataclass(frozen=True)
class Hosts:
    """The names under which this server may be asked.

    Attributes:
        names: lower case, without port.
        any_address: also every IP address; no name of a foreign page can be one.
        secure: whether browsers speak TLS to it.
    """

    names: frozenset[str]
    any_address: bool = False
    secure: bool = False

    def allows(self, header: str) -> bool:
        """Whether the value of a Host header names this server."""
        try:
            host = urlsplit(f"//{header}").hostname
        except ValueError:
            return False
        if not host or "@" in header or "/" in header:
            return False
        if host in self.names:
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return self.any_address

    def is_own(self, origin: str, host: str) -> bool:
        """Whether an Origin is the page that this very Host serves."""
        scheme, _, place = origin.partition("://")
        allowed = {"https"} if self.secure else {"http", "https"}
        return scheme in allowed and place.lower() == host.lower()


class Guard:
    """The outermost layer of the application.

    Args:
        app: what is guarded.
        hosts: own names.
        complain: told one line about each error that is a bug; nothing secret is in it.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, complain: Callable[[str], None]) -> None:
        self._app, self._hosts, self._complain = app, hosts, complain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                kept = [pair for pair in message.get("headers", []) if pair[0] not in _NEVER]
                message = {**message, "headers": [*kept, *_OURS]}
            await send(message)

        request = Request(scope, receive)
        try:
            self._check(request)
            await self._app(scope, receive, answer)
        except Refusal as refusal:
            await error_reply(request, refusal)(scope, receive, answer)
        except Exception as error:
            self._complain(_where(error))
            if not started:
                await error_reply(request, BUG)(scope, receive, answer)

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "")
        if not self._hosts.allows(host):
            raise Refusal("host", "this server is not known under that name")
        if len(request.scope.get("raw_path") or b"") > _LONGEST_PATH:
            raise Refusal("unknown", "there is nothing here")
        site = request.headers.get("sec-fetch-site")
        if request.method in _SAFE:
            # A link in a mail is "cross-site" and must work; the interface is for own pages only.
            foreign = site in {"cross-site", "same-site"}
            if foreign and request.scope["path"].startswith("/api/"):
                raise Refusal("origin", "the request comes from another site")
            return
        origin = request.headers.get("origin", "")
        if site not in {None, "same-origin"} or not self._hosts.is_own(origin, host):
            raise Refusal("origin", "the request comes from another site")


def _where(error: BaseException) -> str:
    """Kind and place of a bug; its words might hold what a reader sent."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return f"a request failed with {type(error).__name__} at {place}; this is a bug of popgan"
