"""`popgan study serve`, `links`, `lock`, `unlock` and `status`: a study while readers answer it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of
from popgan.errors import UserError
from popgan.wording import counted

if TYPE_CHECKING:
    from popgan.study.schema import Study

HELP_SERVE = "Serve the reader study to browsers until Ctrl-C; prints the personal links."
HELP_LINKS = "Issue new personal links; the old ones end."
HELP_LOCK = "Close the study, or one reader's part: no more answers."
HELP_UNLOCK = "Open what `lock` closed."
HELP_STATUS = "How far every reader is."

Reader = Annotated[
    str | None,
    typer.Option("--reader", metavar="R1", help="One reader only.", show_default=False),
]
_COORDINATOR = "coordinator"


def serve(
    context: typer.Context,
    folder: shared.RunFolder,
    host: Annotated[
        str, typer.Option("--host", metavar="NAME", help="Address to listen on; 0.0.0.0: all.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0: any that is free.")
    ] = 8000,
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="PEM", help="Certificate; serve with TLS."),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", metavar="PEM", help="Its key, where it is another file."),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host", metavar="NAME", help="Name that browsers may use; repeatable."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="BASE", help="How browsers reach a proxy before it, https://NAME."
        ),
    ] = None,
) -> None:
    """See HELP_SERVE."""
    shown, study = settings_of(context), _open(folder)
    from popgan.study.counts import counts
    from popgan.study.server import serve as server

    allowed = tuple(allowed_host or ())
    place = server.Place(host, port, tls_cert, tls_key, allowed, _base(url))
    reporter = shown.reporter()

    def opened(opening: server.Opening) -> None:
        if opening.plain:
            reporter.warning(
                f"--host {host} without TLS: links and answers travel in the clear, readable by"
                " anybody on the way; give --tls-cert, or stay on loopback"
            )
        lines = [f"serving {study.design.title!r} at {opening.url}; Ctrl-C ends"]
        if opening.links:
            lines += ["", *_shown(opening.links), "", _ONCE]
        else:
            lines.append(f"links were issued before; `popgan study links {folder} --all` renews")
        shown.show(lines, {"url": opening.url, "links": opening.links})
        _flush()

    server.serve(study, place, opened, reporter)
    stored = counts(study)["answers"]
    words = counted(stored, "version of an answer is", "versions of answers are")
    reporter.message(f"stopped; {words} stored")


def links(
    context: typer.Context,
    folder: shared.RunFolder,
    reader: Reader = None,
    coordinator: Annotated[
        bool, typer.Option("--coordinator", help="The coordinator's link.")
    ] = False,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's.")] = False,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="BASE",
            help="What links begin with.  [default: as last served]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """See HELP_LINKS."""
    shown, study = settings_of(context), _open(folder)
    from popgan.study.clock import Clock
    from popgan.study.database import changing, setting
    from popgan.study.links import issue

    if [reader is not None, coordinator, everybody].count(True) != 1:
        raise UserError("say whose links", do="give --reader R1, --coordinator or --all")
    people = [plan.alias for plan in study.key.readers] + [_COORDINATOR]
    if reader is not None:
        people = [_alias(study, reader)]
    elif coordinator:
        people = [_COORDINATOR]
    with changing(study) as connection:
        base = _base(url) or setting(connection, "url")
        if base is None:
            raise UserError("the study was never served", do="give --url, or serve it first")
        issued = issue(connection, people, Clock.of(connection).stamp())
    found = {person: base + path for person, path in issued.items()}
    shown.show([*_shown(found), "", _ONCE], {"links": found})


def lock(context: typer.Context, folder: shared.RunFolder, reader: Reader = None) -> None:
    """See HELP_LOCK."""
    _set_locked(context, folder, reader, locked=True)


def unlock(
    context: typer.Context,
    folder: shared.RunFolder,
    reader: Reader = None,
    force: Annotated[
        bool, typer.Option("--force", help="Although the truth was opened: no longer blind.")
    ] = False,
) -> None:
    """See HELP_UNLOCK."""
    _set_locked(context, folder, reader, locked=False, force=force)


def status(context: typer.Context, folder: shared.RunFolder) -> None:
    """See HELP_STATUS."""
    shown, study = settings_of(context), _open(folder)
    from popgan.study.counts import counts

    found = counts(study)
    state = "locked" if found["locked"] else "open"
    began = f"first answer {found['started']}" if found["started"] else "no answers yet"
    lines = [f"{study.design.title}: {state}; {began}"]
    lines += [_line(reader) for reader in found["readers"]]
    if found["clock_warnings"]:
        times = counted(found["clock_warnings"], "time", "times")
        lines.append(f"this computer's clock went backwards {times}")
    if found["revealed"]:
        lines.append(f"the truth was opened at {found['revealed']}")
    shown.show(lines, found)


_ONCE = "Only their hashes are stored: this is the one time that these links are shown."


def _set_locked(
    context: typer.Context,
    folder: Path,
    reader: str | None,
    *,
    locked: bool,
    force: bool = False,
) -> None:
    shown, study = settings_of(context), _open(folder)
    from popgan.study.clock import Clock
    from popgan.study.database import COORDINATOR, changing, setting
    from popgan.study.records import is_locked, set_locked

    alias = None if reader is None else _alias(study, reader)
    with changing(study) as connection:
        stamp = Clock.of(connection).stamp()
        revealed = setting(connection, "revealed")
        if revealed and alias is None and not locked and not force:
            raise UserError(
                f"holds a study whose truth was opened at {revealed}: answers after that are not "
                "blind",
                where=folder,
                do="leave it locked, or give --force; the analysis will count such answers",
            )
        set_locked(connection, alias, locked, by=COORDINATOR, stamp=stamp)
        whole = is_locked(connection)
    if revealed and not whole:
        shown.reporter().warning(
            f"the truth was opened at {revealed}: answers after that are not blind"
        )
    who = alias or "the study"
    line = f"{who} is {'locked' if locked else 'open'}"
    if alias and whole and not locked:
        line += ", but the whole study is locked"
    shown.show([line], {"reader": alias, "locked": locked})


def _open(folder: Path) -> Study:
    from popgan.study.schema import Study

    return Study.open(folder)


def _alias(study: Study, reader: str) -> str:
    known = [plan.alias for plan in study.key.readers]
    if reader.upper() not in known:
        raise UserError(
            f"--reader {reader} is not in this study", do=f"give {known[0]} to {known[-1]}"
        )
    return reader.upper()


def _base(url: str | None) -> str | None:
    if url is None:
        return None
    scheme, _, place = url.rstrip("/").partition("://")
    if scheme not in {"http", "https"} or not place or set("/?#@ ") & set(place):
        raise UserError(
            f"--url {url} is no address of a server", do="give https://NAME, without a path"
        )
    return f"{scheme}://{place}"


def _shown(found: dict[str, str]) -> list[str]:
    width = max(map(len, found))
    return [f"{person:<{width}}  {link}" for person, link in found.items()]


def _line(reader: dict[str, Any]) -> str:
    parts = [f"{b} {n} of {reader['total'][b]}" for b, n in reader["done"].items()]
    marks = [
        *(["locked"] if reader["locked"] else []),
        *([] if reader["link_issued"] else ["no link yet"]),
        *([] if reader["consented"] else ["no consent yet"]),
    ]
    last = f"; last answer {reader['last_answer']}" if reader["last_answer"] else ""
    return f"{reader['alias']}: {', '.join(parts)}{last}{''.join(f'; {mark}' for mark in marks)}"


def _flush() -> None:
    """Links come through a pipe at once: the program goes on for days."""
    import sys

    sys.stdout.flush()
