"""Serve a study until it is told to stop: one server for a study, its socket, its links."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.study import links
from popgan.study.clock import Clock
from popgan.study.database import COORDINATOR, changing, set_setting
from popgan.study.locking import only_server
from popgan.study.registered import check_registered
from popgan.study.schema import Study
from popgan.study.server.app import make_app
from popgan.study.server.guard import Hosts
from popgan.study.server.protocol import PatientProtocol
from popgan.study.server.service import open_service

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MOST_CONNECTIONS = 800
_LONGEST_HEAD = 16 * 1024
_CUT = 1 << 30  # above every level: uvicorn's log stays silent, as it might hold a link


@dataclass(frozen=True)
class Place:
    """Where to serve.

    Attributes:
        host: address or name to listen on.
        port: 0 for any that is free.
        certificate, key: PEM files for TLS; the key may be in the certificate's file.
        allowed: further names under which browsers reach this server.
        url: how browsers reach it, where that is not what it listens on (behind a proxy).
    """

    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    key: Path | None = None
    allowed: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True)
class Opening:
    """What a server says when it begins.

    Attributes:
        url: how browsers reach it.
        links: person -> link; empty where they were issued before.
        plain: whether links and answers travel without encryption beyond this computer.
    """

    url: str
    links: dict[str, str] = field(default_factory=dict)
    plain: bool = False


def serve(study: Study, place: Place, opened: Callable[[Opening], None], say: Reporter) -> None:
    """Serve a study until Ctrl-C or SIGTERM.

    Args:
        study: what to serve.
        place: where.
        opened: called once, when browsers can connect.
        say: told of bugs.

    Raises:
        UserError: another server serves this study, the port is in use, or the study cannot be
            served (see `open_service`) or is not what was registered.
    """
    _check_tls(place)
    # What could not be analysed in the end is told before anybody answers.
    check_registered(study)
    with only_server(study.places), _listen(place) as listening:
        url = place.url or _url(place, listening)
        with open_service(study, _hosts(place, url)) as service:
            issued = _first_links(study, url)
            config = uvicorn.Config(
                make_app(service, say.warning),
                http=PatientProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level=_CUT,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=5,
                h11_max_incomplete_event_size=_LONGEST_HEAD,
                ssl_certfile=place.certificate,
                ssl_keyfile=place.key,
            )
            plain = place.certificate is None and not _is_loopback(place.host)
            opened(Opening(url, {who: url + path for who, path in issued.items()}, plain))
            try:
                uvicorn.Server(config).run(sockets=[listening])
            except KeyboardInterrupt:
                return  # the usual end; uvicorn has let running requests finish


def _first_links(study: Study, url: str) -> dict[str, str]:
    """Links for those who have none yet: everybody at the first start."""
    with changing(study) as connection:
        set_setting(connection, "url", url)
        rows = connection.execute("SELECT alias FROM person WHERE link IS NULL")
        waiting = {alias for (alias,) in rows}
        people = [plan.alias for plan in study.key.readers] + [COORDINATOR]
        missing = [person for person in people if person in waiting]
        return links.issue(connection, missing, Clock.of(connection).stamp())


def _listen(place: Place) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UserError(f"--host {place.host} is no address of this computer") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise _unbound(place, error) from error
    except OverflowError as error:
        listening.close()
        raise UserError(f"--port {place.port} is not possible", do="give 0 to 65535") from error
    return listening


def _unbound(place: Place, error: OSError) -> UserError:
    if error.errno == errno.EADDRINUSE:
        return UserError(
            f"--port {place.port} is in use", do="give another, or --port 0 for any that is free"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return UserError(f"--port {place.port} is not allowed here", do="give one above 1023")
    return UserError(f"--host {place.host} cannot be listened on ({error.strerror})")


def _url(place: Place, listening: socket.socket) -> str:
    """How browsers reach the server, as well as it can be known from here."""
    host, port = place.host, listening.getsockname()[1]
    if place.allowed:
        host = place.allowed[0]
    elif _is_everywhere(place.host):
        host = _own_address()
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if place.certificate else 'http'}://{shown}:{port}"


def _own_address() -> str:
    """This computer's address towards other networks; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
            return str(asking.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _hosts(place: Place, url: str) -> Hosts:
    named = urlsplit(url).hostname
    names = {*LOOPBACK, place.host.lower(), *(name.lower() for name in place.allowed)}
    if named:
        names.add(named)
    everywhere = _is_everywhere(place.host)
    if everywhere:
        names.add(socket.gethostname().lower())
    return Hosts(frozenset(names), everywhere, url.startswith("https://"))


def _check_tls(place: Place) -> None:
    """Refuse a certificate that cannot be used, before anything is started."""
    if place.certificate is None:
        if place.key is not None:
            raise UserError("--tls-key needs --tls-cert")
        return
    for path in filter(None, (place.certificate, place.key)):
        if not path.is_file():
            raise UserError("does not exist or is no file", where=path)
    try:
        # A password is never asked for: a server that starts by itself could not answer.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            place.certificate, place.key, password=lambda: ""
        )
    except (ssl.SSLError, OSError, ValueError) as error:
        raise UserError(
            "is no certificate with its key in PEM, without a password",
            where=place.certificate,
            do="give the key's file with --tls-key",
        ) from error
