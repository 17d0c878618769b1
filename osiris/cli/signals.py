"""Ctrl-C, SIGTERM and a closed terminal: they end a verb where it is, or ask the run that is going on to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from osiris.cli.face import Face
from osiris.cli.render import leave_terminal
from osiris.errors import EXIT_SIGINT, EXIT_SIGTERM, Cancelled

CODES = {signal.SIGINT: EXIT_SIGINT, signal.SIGTERM: EXIT_SIGTERM}
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
if hasattr(signal, "SIGHUP"):  # not on Windows
    CODES[signal.SIGHUP] = EXIT_SIGTERM
    WORDS[signal.SIGHUP] = "the terminal was closed"


class Stopped(KeyboardInterrupt):
    """A signal came while no run was going on. No `except Exception` on its way takes it for a failure."""

    def __init__(self, word: str, exit_code: int) -> None:
        super().__init__(word)
        self.error = Cancelled(word)
        self.error.exit_code = exit_code


@contextmanager
def signals(face: Face) -> Iterator[None]:
    """Answer these signals for as long as the block runs; the main thread alone can.

    A verb that set `face.stop` is asked, and asked again by a second signal; any other is ended by `Stopped`. Nothing
    is raised into a run: an exception out of a signal may fall anywhere, into `Thread.join` too, which then takes a
    thread that is running for one that has ended. A third one ends the process where it is, as a crash would.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked = 0

    def answer(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        caught = signal.Signals(number)
        if face.stop is None:
            raise Stopped(WORDS[caught], CODES[caught])
        asked += 1
        if asked > 2:
            leave_terminal()
            os._exit(CODES[caught])
        face.stop(CODES[caught])

    former = {number: signal.signal(number, answer) for number in CODES if not _is_shielded(number)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _is_shielded(number: signal.Signals) -> bool:
    """`nohup` lets a command outlive its terminal."""
    return WORDS[number] == "the terminal was closed" and signal.getsignal(number) is signal.SIG_IGN
