"""HTTP with patience that ends: a browser that sends its request too slowly is let go.

uvicorn bounds the time between two requests, but not the time that one takes to arrive; a few
hundred connections that never finish theirs would keep readers out (slow loris).
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 20.0


class PatientProtocol(H11Protocol):
    """uvicorn's protocol; a request must be there, head and body, within `PATIENCE` seconds."""

    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        arriving = self.conn.their_state is h11.SEND_BODY
        begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if arriving or begun:
            self._wait()
        else:
            self._be_content()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._be_content()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """Measured from the first byte, so that one byte a second buys no time."""
        if self._slow is None:
            self._slow = self.loop.call_later(PATIENCE, self._give_up)

    def _be_content(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _give_up(self) -> None:
        self._slow = None
        if not self.transport.is_closing():
            self.transport.abort()
