"""What others could see while a call runs: somebody looks each time that it comes back from outside of Python."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Generic, TypeVar

T = TypeVar("T")
WAIT_S = 1.0
"""How long a look may wait for a lock that the call holds; then it goes on, and looks again once that look is over."""


@contextmanager
def watched(look: Callable[[], T]) -> Generator[list[T]]:
    """What `look` gives after each C function that this thread calls in the block: a rename, a message, a statement.

    A look that raises has seen nothing."""
    watcher, before = _Watcher(look), sys.getprofile()
    sys.setprofile(watcher.hear)
    try:
        yield watcher.seen
    finally:
        sys.setprofile(before)
        watcher.finish()


class _Watcher(Generic[T]):
    def __init__(self, look: Callable[[], T]) -> None:
        self.seen: list[T] = []
        self._look = look
        self._thread: threading.Thread | None = None

    def hear(self, _frame: FrameType, event: str, argument: Any) -> None:
        """For `sys.setprofile`, which does not hear what happens in here."""
        if event == "c_return" and _is_outside(argument) and not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self._once, name="osiris-kit-look", daemon=True)
            self._thread.start()
            self._thread.join(WAIT_S)

    def finish(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _once(self) -> None:
        try:
            self.seen.append(self._look())
        except Exception:  # noqa: BLE001 - the target may be locked while it is changed
            return


def _is_outside(function: Any) -> bool:
    """Whether a C function may do more than compute: not one of Python's own types and built-in names."""
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or type(owner).__module__
    return module not in ("builtins", "_thread", "time", "_weakref", "_contextvars")
