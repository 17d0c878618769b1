"""Calls that block until they are interrupted, and waiting for what happens in another thread or process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from osiris.testing.rig import raised

PATIENCE_S = 30.0
"""How long a test waits for what has to happen, on a machine that is busy."""


class Blocked:
    """A call in a thread of its own, from which it does not come back by itself."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.error: Exception | None = None
        self._call = call
        self._thread = threading.Thread(target=self._run, name="blocked", daemon=True)
        self._thread.start()

    def interrupted_by(self, interrupt: Callable[[], None]) -> Exception | None:
        """What the call raised once it was interrupted, again and again."""
        assert self._thread.is_alive(), f"the call did not block: {self.error!r}"
        ends_at = time.monotonic() + PATIENCE_S
        while self._thread.is_alive() and time.monotonic() < ends_at:
            interrupt()
            self._thread.join(0.05)
        assert not self._thread.is_alive(), "the call still blocks"
        return self.error

    def _run(self) -> None:
        self.error = raised(self._call)


def until(condition: Callable[[], object], every_s: float = 0.01) -> None:
    """Wait for what happens in another thread or process."""
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at, "it did not happen"
        time.sleep(every_s)
