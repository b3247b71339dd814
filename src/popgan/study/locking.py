"""One server at a time for a study. Other verbs may look at the run, and change links and locks.

The run folder itself stays free: a study lasts for days, and none of the run's stations touches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from popgan.errors import UserError
from popgan.files import owners_folder
from popgan.study.schema import Places

_LOCK = ".server-lock"


@contextmanager
def only_server(places: Places) -> Iterator[None]:
    """Hold the study as its only server; what replaces a study holds it as well.

    The lock belongs to the process, so a killed server leaves nothing behind that blocks.

    Raises:
        UserError: another process serves this study.
    """
    owners_folder(places.private)
    try:
        handle = (places.private / _LOCK).open("w")
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=places.private) from error
    with handle:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                "is served by another popgan already",
                where=places.shared,
                do="use that one, or stop it first",
            ) from error
        except (ImportError, OSError):
            pass  # no POSIX system, or a network file system without locks
        yield
