"""Which files, sockets and processes are touched inside a `with` block: what Python's audit events tell."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

KINDS = ("open", "socket.", "os.", "shutil.", "subprocess.", "sqlite3.", "tempfile.", "glob.", "pathlib.")
_listening: dict[int, list[str]] = {}
_hooked = threading.Event()


@contextmanager
def touched() -> Generator[list[str]]:
    """The events of this thread, each as `open ('/tmp/x', 'r', 0)`."""
    if not _hooked.is_set():
        sys.addaudithook(_hear)  # for good: a hook cannot be taken back
        _hooked.set()
    heard: list[str] = []
    _listening[threading.get_ident()] = heard
    try:
        yield heard
    finally:
        del _listening[threading.get_ident()]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening and event.startswith(KINDS) and (heard := _listening.get(threading.get_ident())) is not None:
        heard.append(f"{event} {arguments}")
