"""What a connector may leave behind by mistake: threads and open handles."""

from __future__ import annotations

import gc
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

OPEN_FILES = Path("/proc/self/fd")
"""Where Linux lists a process's open files and sockets; elsewhere only threads are counted."""


def threads() -> set[threading.Thread]:
    """Those that run. C++ libraries call back from threads of their own, which Python shows as Dummy-N."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("Dummy-")}


def handles() -> dict[str, str]:
    """Open files and sockets, by number, with what they lead to."""
    found: dict[str, str] = {}
    if OPEN_FILES.is_dir():
        for entry in OPEN_FILES.iterdir():
            with suppress(OSError):  # closed meanwhile, such as the listing itself
                found[entry.name] = os.readlink(entry)  # noqa: PTH115 - a socket's link is no path
    return found


def until(condition: object, limit_s: float) -> bool:
    """Whether a condition (called again and again) comes true in time."""
    deadline = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Before:
    """What was there; `new` tells what has come since and stays for longer than a moment."""

    def __init__(self) -> None:
        self._threads = threads()
        self._handles = set(handles().items())

    def new(self) -> list[str]:
        gc.collect()
        until(lambda: not self._left(), 2.0)
        return self._left()

    def _left(self) -> list[str]:
        opened = [f"open {target}" for number, target in handles().items() if (number, target) not in self._handles]
        return [f"thread {thread.name}" for thread in threads() - self._threads] + sorted(opened)
