"""A clock in which waiting takes no time."""

from __future__ import annotations

import threading

from osiris.connectors._shared.http.limits import Clock
from osiris.connectors._shared.line import Line


class QuickClock(Clock):
    """Starts at 0, and moves only when somebody waits. `waits` keeps how long each was."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._now = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return 1_800_000_000 + self._now

    def wait(self, line: Line, wait_s: float) -> None:
        line.raise_if_cut()
        with self._lock:
            self.waits.append(wait_s)
            self._now += wait_s
