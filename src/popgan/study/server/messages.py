"""What browsers may send: bodies within bounds, JSON without tricks, and the shape of each message.

The size is bounded while the body arrives, whatever its header claims; depth is bounded by the
parser, which gives up; NaN, infinities and keys that come twice are no JSON for us.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from popgan.study.records import Sent
from popgan.study.refusals import Refusal
from popgan.study.schema import Block

MOST_BYTES = 64 * 1024
MOST_ANSWERS = 100
_PATIENCE = 20.0
_LONGEST_SHOWN = 24 * 3600 * 1000
_MOST_DETAIL = 1024
_UUID4 = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
_Kind = TypeVar("_Kind", bound=BaseModel)


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _iso(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _small(detail: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(detail)) > _MOST_DETAIL:
        raise ValueError(f"longer than {_MOST_DETAIL} bytes")
    return detail


class AnswerMessage(_Message):
    """A version of an answer; its values are checked against the block later."""

    id: str = Field(pattern=_UUID4)
    block: Block
    trial: str = Field(pattern=r"^[0-9a-f]{32}$")
    values: dict[str, Any]
    shown_ms: int = Field(ge=0, le=_LONGEST_SHOWN)
    client_time: Annotated[str, Field(max_length=40), AfterValidator(_iso)]

    def sent(self) -> Sent:
        """The same for `records`."""
        return Sent(self.id, self.block, self.trial, self.values, self.shown_ms, self.client_time)


class AnswersMessage(_Message):
    """Several answers; each is looked at by itself."""

    answers: list[dict[str, Any]] = Field(max_length=MOST_ANSWERS)


class EventMessage(_Message):
    """Something that happened in front of the reader."""

    kind: Literal[
        "consent", "display_check", "begin", "break", "resume", "visible", "hidden", "finish"
    ]
    detail: Annotated[dict[str, str | int | float | bool | None], AfterValidator(_small)] = Field(
        default_factory=dict
    )


class LockMessage(_Message):
    """Lock or unlock a reader, or the study."""

    reader: str | None = Field(max_length=8)
    locked: bool


class LinkMessage(_Message):
    """Ask for a new link."""

    reader: str = Field(max_length=8)


async def read_message(request: Request, kind: type[_Kind]) -> _Kind:
    """The body of a request as a message.

    Raises:
        Refusal: another type of content, too long, too slow, no JSON, or not of that shape.
    """
    declared = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if declared != "application/json":
        raise Refusal("type", "the content must be application/json")
    body = await read_body(request, MOST_BYTES)
    try:
        value = json.loads(body, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refusal("format", "the content is no JSON") from error
    return _shaped(kind, value)


def _shaped(kind: type[_Kind], value: Any) -> _Kind:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise Refusal("format", words_of(error)) from error


def words_of(error: ValidationError) -> str:
    """The first fault of a message, in one line, without what was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    known = [str(part) for part in first["loc"] if str(part).isascii() and len(str(part)) <= 40]
    return f"{'.'.join(known) or 'the content'}: {first['msg']}"


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request, given up as soon as it is longer than `most` bytes.

    Raises:
        Refusal: too long, too slow, or the browser went away.
    """
    claimed = request.headers.get("content-length", "0")
    if not (claimed.isascii() and claimed.isdigit()) or int(claimed[:12]) > most:
        raise Refusal("size", f"the content is longer than {most} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise Refusal("size", f"the content is longer than {most} bytes")
    except (TimeoutError, ClientDisconnect) as error:
        raise Refusal("format", "the content did not arrive") from error
    return bytes(body)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found
