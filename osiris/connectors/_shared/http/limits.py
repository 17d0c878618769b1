"""`Limiter`: how often and how many at once a connection's clients may ask, all of this process together."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Generator, Hashable
from dataclasses import dataclass

from osiris.connectors._shared.line import LOOK_S, Line
from osiris.errors import RateLimited

MINUTE_S, HOUR_S = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server allows; None is no limit."""

    per_minute: int | None = None
    per_hour: int | None = None
    concurrent: int | None = None


class Clock:
    """Time as it is. Tests give one of their own, in which waiting takes none."""

    def now(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, line: Line, wait_s: float) -> None:
        """Raises Cancelled as soon as `line` is cut."""
        line.pause(wait_s)


CLOCK = Clock()


class Limiter:
    """Counts the requests of the last minute and hour from their starts, in any window of that length."""

    def __init__(self, limits: Limits, clock: Clock = CLOCK) -> None:
        self._clock = clock
        self._concurrent = limits.concurrent
        self._running = 0
        self._not_before = 0.0
        self._changed = threading.Condition()
        given = ((limits.per_minute, MINUTE_S), (limits.per_hour, HOUR_S))
        self._windows = [(count, length_s, deque[float]()) for count, length_s in given if count is not None]

    def hold_off(self, wait_s: float) -> None:
        """Nobody may ask for so long: the server has asked for that."""
        with self._changed:
            self._not_before = max(self._not_before, self._clock.now() + wait_s)

    @contextlib.contextmanager
    def turn(self, line: Line, longest_wait_s: float) -> Generator[None]:
        """Waits until one more request is allowed, and counts it. Raises Cancelled when `line` is cut, and RateLimited
        when the server asked for a longer wait than `longest_wait_s`."""
        while wait_s := self._try(longest_wait_s):
            self._clock.wait(line, wait_s)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def _try(self, longest_wait_s: float) -> float:
        """Take a turn and give 0, or say after how many seconds to try again."""
        with self._changed:
            if self._concurrent is not None and self._running >= self._concurrent:
                self._changed.wait(LOOK_S)
                if self._running >= self._concurrent:
                    return _A_MOMENT_S
            now = self._clock.now()
            held_s = self._not_before - now
            if held_s > longest_wait_s:
                raise waits_too_long(held_s)
            wait_s = max([held_s, *(_full_for(window, now) for window in self._windows)])
            if wait_s > 0:
                return wait_s
            for _, _, starts in self._windows:
                starts.append(now)
            self._running += 1
            return 0.0


_A_MOMENT_S = 0.001


def _full_for(window: tuple[int, float, deque[float]], now: float) -> float:
    """Seconds until the window takes one more; forgets what has left it."""
    count, length_s, starts = window
    while starts and starts[0] + length_s <= now:
        starts.popleft()
    return starts[-count] + length_s - now if len(starts) >= count else 0.0


def waits_too_long(asked_s: float) -> RateLimited:
    return RateLimited(
        f"the server asks for no further request for {asked_s:.0f} s, which is longer than Osiris waits",
        retry_after_s=asked_s,
        hint="run again after that time; fewer requests at once, or fewer runs, keep below the limit",
    )


_limiters: dict[Hashable, Limiter] = {}
_lock = threading.Lock()


def limiter_of(connection: Hashable, limits: Limits) -> Limiter:
    """The one limiter of a connection in this process; project folder and reference name a `connection`."""
    with _lock:
        return _limiters.setdefault((connection, limits), Limiter(limits))
