"""All routes of a served study, in one table."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from popgan.study.refusals import BUG, Refusal
from popgan.study.server.coordinator import Coordinator
from popgan.study.server.doors import Doors
from popgan.study.server.guard import Guard
from popgan.study.server.reader import Reader
from popgan.study.server.replies import error_reply
from popgan.study.server.service import Service


def make_app(service: Service, complain: Callable[[str], None] = lambda text: None) -> ASGIApp:
    """The application of a study.

    Args:
        service: what is served.
        complain: told one line about each error that is a bug.
    """
    doors, reader, coordinator = Doors(service), Reader(service), Coordinator(service)
    app = Starlette(
        routes=[
            Route("/", doors.root),
            Route("/r/{link}", doors.look, methods=["GET"]),
            Route("/r/{link}", doors.enter, methods=["POST"]),
            Route("/c/{link}", doors.look, methods=["GET"]),
            Route("/c/{link}", doors.enter, methods=["POST"]),
            Route("/study", doors.study),
            Route("/coordinator", doors.coordinator),
            Route("/static/{name}", doors.static),
            Route("/api/state", reader.state),
            Route("/api/stimuli/{id}", reader.stimulus),
            Route("/api/answers", reader.answers, methods=["POST"]),
            Route("/api/events", reader.event, methods=["POST"]),
            Route("/api/coordinator/state", coordinator.state),
            Route("/api/coordinator/lock", coordinator.lock, methods=["POST"]),
            Route("/api/coordinator/link", coordinator.link, methods=["POST"]),
            Route("/api/coordinator/export", coordinator.export),
        ],
        exception_handlers={HTTPException: _plain, Refusal: _refused, Exception: _bug},
    )
    app.router.redirect_slashes = False
    return Guard(app, service.hosts, complain)


async def _plain(request: Request, error: Exception) -> Response:
    """What the router itself refuses, in the same words as everything else."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        return error_reply(request, Refusal("method", "that cannot be done here"))
    return error_reply(request, Refusal("unknown", "there is nothing here"))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error_reply(request, error)


async def _bug(request: Request, error: Exception) -> Response:
    """The reply; the guard, which sees the error too, complains."""
    return error_reply(request, BUG)
