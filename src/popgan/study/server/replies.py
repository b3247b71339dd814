"""Replies in the two forms that there are: JSON for the interface, small pages for people."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from popgan.study.refusals import Refusal


def json_reply(value: Any, status: int = 200) -> Response:
    """A value as JSON. NaN is refused, because JSON has none."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(text, status, media_type="application/json")


def error_reply(request: Request, refusal: Refusal) -> Response:
    """A refusal as JSON under /api, else as a page."""
    if request.scope["path"].startswith("/api/"):
        return json_reply({"error": refusal.text, "code": refusal.code}, refusal.status)
    return page_reply(
        {},
        "Reader study",
        [f"{refusal.text[:1].upper()}{refusal.text[1:]}."],
        status=refusal.status,
    )


def page_reply(
    texts: Mapping[str, Any],
    heading: str,
    paragraphs: list[str],
    *,
    button: str | None = None,
    status: int = 200,
) -> Response:
    """A page of a heading, some lines and perhaps one button that posts to the page's own address.

    Its referrer policy is looser than the header's, which would make browsers hide the origin of
    the post; the address still goes to this server only.
    """
    lines = "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
    press = f'<button type="submit" autofocus>{html.escape(button or "")}</button>'
    form = f'<form method="post">{press}</form>' if button else ""
    language = html.escape(str(texts.get("language", "en")))
    direction = html.escape(str(texts.get("direction", "ltr")))
    title = html.escape(heading)
    text = (
        f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="same-origin"><meta name="robots" content="noindex">'
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
        f'<title>{title}</title><link rel="stylesheet" href="/static/{STYLE}"></head>'
        f'<body class="door"><main><h1>{title}</h1>{lines}{form}</main></body></html>\n'
    )
    return Response(text, status, media_type="text/html")


STYLE = "study.css"
