"""The interface of a served study as OpenAPI: what pages rely on, and what fuzzers are fed with.

Bodies are the server's own models; replies are written out here, closed, so that a key which nobody
promised is a failure.
"""

from __future__ import annotations

from typing import Any

from popgan.study.server.messages import (
    AnswerMessage,
    AnswersMessage,
    EventMessage,
    LinkMessage,
    LockMessage,
)

TEXT, WHOLE, YES = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
MAYBE = {"type": ["string", "null"]}
HEX = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
ANY: dict[str, Any] = {"type": "object"}


def closed(**properties: Any) -> dict[str, Any]:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def each(values: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


ERROR = closed(error=TEXT, code=TEXT)
TRIAL = closed(id=HEX, stimuli=array(HEX), answer={"type": ["object", "null"]}, shown_ms=WHOLE)
BLOCK = closed(name=TEXT, open=YES, frozen=YES, total=WHOLE, done=WHOLE, trials=array(TRIAL))
STATE = closed(
    csrf=TEXT,
    reader=TEXT,
    title=TEXT,
    kind=TEXT,
    locked=YES,
    consented=YES,
    display_checked=YES,
    blocks=array(BLOCK),
    criteria=array(TEXT),
    back=YES,
    break_every=WHOLE,
    image=closed(rows=WHOLE, columns=WHOLE, spacing=array({"type": "number"})),
    texts=ANY,
    instructions=TEXT,
    consent=TEXT,
    server_time=TEXT,
)
STORED = closed(
    acknowledged=array(TEXT), refused=array(closed(id=MAYBE, error=TEXT)), done=each(WHOLE)
)
READER = closed(
    alias=TEXT,
    locked=YES,
    link_issued=MAYBE,
    consented=YES,
    display_checked=YES,
    done=each(WHOLE),
    total=each(WHOLE),
    last_answer=MAYBE,
    median_seconds=each({"type": ["number", "null"]}),
)
BOARD = closed(
    csrf=TEXT,
    title=TEXT,
    texts=ANY,
    started=MAYBE,
    locked=YES,
    readers=array(READER),
    coordinator_link=MAYBE,
    answers=WHOLE,
    clock_warnings=WHOLE,
    revealed=MAYBE,
    design=ANY,
)


def _operation(
    good: int, reply: Any, *bad: int, body: type[Any] | None = None, kind: str = "application/json"
) -> dict[str, Any]:
    content = {kind: {"schema": reply}}
    refusal = {"description": "refused", "content": {"application/json": {"schema": ERROR}}}
    found: dict[str, Any] = {
        "responses": {
            str(good): {"description": "granted", "content": content},
            **{str(status): refusal for status in bad},
        }
    }
    if body is not None:
        schema = body.model_json_schema()
        if body is AnswersMessage:  # each is looked at alone, so the model leaves them open
            schema["properties"]["answers"]["items"] = AnswerMessage.model_json_schema()
        content = {"application/json": {"schema": schema}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def openapi() -> dict[str, Any]:
    """The document."""
    posted = (400, 401, 403, 404, 409, 413, 415, 423, 429)
    image = _operation(200, {"type": "string", "format": "binary"}, 401, 404, 429, kind="image/png")
    image["parameters"] = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    ]
    paths = {
        "/api/state": {"get": _operation(200, STATE, 401, 409, 429)},
        "/api/stimuli/{id}": {"get": image},
        "/api/answers": {"post": _operation(200, STORED, *posted, body=AnswersMessage)},
        "/api/events": {"post": _operation(200, closed(ok=YES), *posted, body=EventMessage)},
        "/api/coordinator/state": {"get": _operation(200, BOARD, 401, 409, 429)},
        "/api/coordinator/lock": {
            "post": _operation(
                200, closed(ok=YES, reader=MAYBE, locked=YES), *posted, body=LockMessage
            )
        },
        "/api/coordinator/link": {
            "post": _operation(200, closed(link=TEXT), *posted, body=LinkMessage)
        },
        "/api/coordinator/export": {"get": _operation(200, TEXT, 401, 429, kind="text/csv")},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "A served reader study", "version": "1"},
        "paths": paths,
    }
