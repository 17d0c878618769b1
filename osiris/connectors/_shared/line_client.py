"""`LineClient`: a client that has one `Line` to its server."""

from __future__ import annotations

from osiris.connectors import base
from osiris.connectors._shared.line import Line
from osiris.connectors.base import Connection


class LineClient(base.Client):
    """What blocks on the line ends when another thread interrupts the client."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._line = Line()

    def reopen(self) -> None:
        """A new session in place of this one, as after a loss; an interrupt still holds."""
        self.close()
        self.open()

    def interrupt(self) -> None:
        self._line.cut()

    def raise_if_interrupted(self) -> None:
        self._line.raise_if_cut()
