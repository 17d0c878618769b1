"""What a run tells as it goes on: `osiris.log` and `events.jsonl`, read back as one story, also while they grow."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from osiris import events

LOG = "osiris.log"
POLL_S = 0.2
BELOW = "  "
"""In front of every line of a record but its first: no text can pass for a record of its own."""
HEAD = re.compile(r"(?P<at>\d{4}-\S+) (?P<level>[A-Z]+) (?P<name>\S+) \[(?P<step>[^\]]*)\] (?P<text>.*)")
ALARMING = {"step.failed": "error", "step.cancelled": "warning", "flow.retried": "warning"}
ENDINGS = {"failure": "error", "cancelled": "warning"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An event or a log record. `name` is the event's or the logger's, `at` ISO 8601 in UTC; `data` is an event's."""

    at: str
    level: str
    source: Literal["event", "log"]
    step: str | None
    name: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class LogFormatter(logging.Formatter):
    """`<time> LEVEL logger [step] message`; the step is what `events.about` says, unless the record has one itself."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        step = getattr(record, "step", None) or events.subject() or "-"
        text = super().format(record).replace("\n", f"\n{BELOW}")
        return f"{at} {record.levelname} {record.name} [{step}] {text}"


class RunLog:
    """Reads the two files of a run's folder; a line that is still being written waits for the next call."""

    def __init__(self, folder: Path) -> None:
        self._events = _Lines(folder / events.EVENTS)
        self._records = _Lines(folder / LOG)
        self._last = Entry("", "info", "log", None, "", "")

    def new(self, *, over: bool = False) -> list[Entry]:
        """What was added since the last call, in the order of time. When the run is `over`, a torn last line is taken
        as it is."""
        found: list[Entry] = []
        for line in self._events.new(over=over):
            found.append(_event(line, found[-1].at if found else ""))
        for line in self._records.new(over=over):
            self._add(line, found)
        return sorted(found, key=lambda entry: entry.at)

    def follow(self, is_over: Callable[[], bool]) -> Iterator[list[Entry]]:
        """What is there, then what is added, until the run is over and all is told."""
        over = False
        while not over:
            over = is_over()  # before it is read, so that nothing is missed
            yield self.new(over=over)
            if not over:
                time.sleep(POLL_S)

    def _add(self, line: str, found: list[Entry]) -> None:
        """A line below a record's first becomes part of it, or an entry like it when that was told already."""
        head = HEAD.fullmatch(line)
        if head is not None:
            step = None if head["step"] == "-" else head["step"]
            self._last = Entry(head["at"], head["level"].lower(), "log", step, head["name"], head["text"])
        elif found and found[-1] is self._last:
            found.pop()
            self._last = _with_text(self._last, f"{self._last.text}\n{line.removeprefix(BELOW)}")
        else:
            self._last = _with_text(self._last, line.removeprefix(BELOW))
        found.append(self._last)


class _Lines:
    """The whole lines that are added to a file, which need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told_bytes = 0

    def new(self, *, over: bool) -> list[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._told_bytes)
                data = file.read()
        except FileNotFoundError:
            return []
        if not over:
            data = data[: data.rfind(b"\n") + 1]
        self._told_bytes += len(data)
        text = data.decode("utf-8", "replace").removesuffix("\n")
        return text.split("\n") if data else []


def _event(line: str, before: str) -> Entry:
    """A line of `events.jsonl`; one that a crash has torn is told as what is left of it, at the time `before`."""
    try:
        data = json.loads(line)
        at, name, step = data.pop("at"), data.pop("event"), data.pop("step", None)
    except (ValueError, KeyError, AttributeError):
        return Entry(before, "warning", "event", None, "damaged", line)
    level = ALARMING.get(name) or ENDINGS.get(data.get("status"), "info")
    figures = [f"{key}={_shown(value)}" for key, value in data.items() if not isinstance(value, list | dict)]
    return Entry(at, level, "event", step, name, " ".join([name, *figures]), data)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value and not re.search(r"\s", value) else json.dumps(value)


def _with_text(entry: Entry, text: str) -> Entry:
    return Entry(entry.at, entry.level, entry.source, entry.step, entry.name, text)
