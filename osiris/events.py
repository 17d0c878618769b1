"""What happened and when: the events and metrics that a run emits, the sink they go to, and the step it is about."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from osiris.secrets import redactor

EVENTS = "events.jsonl"
LEVELS = ("debug", "info", "warning", "error")
_SUBJECT: ContextVar[str | None] = ContextVar("_SUBJECT", default=None)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of `events.jsonl`: a stable `name` (`step.started`), the step it is about, and plain data."""

    name: str
    step: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of `metrics.jsonl`. Names in use: `rows_read`, `rows_written`, `rows_processed` (unit `rows`)."""

    name: str
    value: float
    unit: str
    step: str | None = None


class Sink(Protocol):
    """Takes events and metrics, from any thread."""

    def emit(self, item: Event | Metric) -> None: ...


class NullSink:
    """Takes everything and keeps nothing: for library use without a run folder."""

    def emit(self, item: Event | Metric) -> None:
        return


class FileSink:
    """Appends to `events.jsonl` and `metrics.jsonl` in a run's folder, redacted, one JSON document a line."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._events = (folder / EVENTS).open("a", encoding="utf-8", buffering=1)
        self._metrics = (folder / "metrics.jsonl").open("a", encoding="utf-8", buffering=1)

    def emit(self, item: Event | Metric) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        if isinstance(item, Event):
            step = {"step": item.step} if item.step else {}
            line: dict[str, Any] = {"at": at, "event": item.name, **step, **item.data}
            file = self._events
        else:
            line = {"at": at, "metric": item.name, "value": item.value, "unit": item.unit, "tags": {"step": item.step}}
            file = self._metrics
        text = json.dumps(redactor.leaves(line), ensure_ascii=False, default=str)
        with self._lock:
            file.write(text + "\n")

    def close(self) -> None:
        self._events.close()
        self._metrics.close()


@contextmanager
def about(step: str) -> Generator[None]:
    """What is logged in this thread while the block runs is about `step`."""
    former = _SUBJECT.set(step)
    try:
        yield
    finally:
        _SUBJECT.reset(former)


def subject() -> str | None:
    """The step that this thread is at work on, as far as it is known."""
    return _SUBJECT.get()
