"""The progress of a run as a table that changes or as lines that follow each other: per step rows, bytes and rate."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osiris.cli.numbers import count, duration, row_count, size

if TYPE_CHECKING:
    from osiris.execute.base import Cancellation, Progress, StepProgress

LINE_EVERY_S = 5.0
COLUMNS = ("step", "state", "rows", "time", "size", "rate")
"""The less one needs it, the further right: a narrow terminal has no room for all."""
STOPPING = "stopping in order: writers take their rows back; press Ctrl-C again to leave at once"
LEAVING = "leaving at once: what is not taken back by now is left to the next osiris run of this pipeline"


@dataclass(slots=True)
class _Seen:
    state: str = "waiting"
    began: float = 0.0
    ended: float | None = None


class RunView:
    """Reads a `Progress` that another thread fills. A step's time counts from when this view first saw it run."""

    def __init__(self, progress: Progress, cancellation: Cancellation | None = None) -> None:
        self._progress = progress
        self._cancellation = cancellation
        self._stops_told = 0
        self._seen: dict[str, _Seen] = {}
        self._last_line = time.monotonic()
        self._message = ""

    def notes(self) -> list[str]:
        """What goes on besides steps: settling, waiting, stopping."""
        found = [self._progress.message] if self._progress.message not in ("", self._message) else []
        self._message = self._progress.message
        asked = self._cancellation
        stops = 0 if asked is None else asked.requested + asked.urgent
        found += (STOPPING, LEAVING)[self._stops_told : stops]
        self._stops_told = stops
        return found

    def lines(self) -> list[str]:
        """What has changed about the steps since the last call."""
        found: list[str] = []
        changed = False
        for step, seen, before in self._steps():
            if step.state == before:
                continue
            changed = True
            if before == "waiting" and step.state in ("running", "done"):
                found.append(f"{step.id}: started ({step.component})")
            if step.state != "running":
                found.append(f"{step.id}: {step.state}, {_figures(step, seen)}")
        if changed:
            self._last_line = time.monotonic()
        elif time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = time.monotonic()
            running = [(step, seen) for step, seen, _ in self._steps() if step.state == "running"]
            found += [f"{step.id}: {_figures(step, seen)}" for step, seen in running]
        return found

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        rows: list[tuple[str, ...]] = []
        for step, seen, _ in self._steps():
            spent_s = _spent_s(seen)
            idle = step.state == "waiting"
            rate = "" if idle or not spent_s else _waiting(step) or f"{count(int(step.rows / spent_s))}/s"
            rows.append(
                (
                    step.id,
                    step.state,
                    "" if idle else count(step.rows),
                    "" if idle else duration(spent_s),
                    "" if idle else size(step.size_bytes),
                    rate,
                )
            )
        return COLUMNS, rows

    def _steps(self) -> Iterable[tuple[StepProgress, _Seen, str]]:
        """Each step with what this view knows of it and the state in which it was last seen."""
        for step in list(self._progress.steps.values()):
            seen = self._seen.setdefault(step.id, _Seen())
            before, now = seen.state, time.monotonic()
            state = step.state
            if before == "waiting" and state != "waiting":
                seen.began = now
            if state in ("done", "failed", "cancelled") and seen.ended is None:
                seen.ended = now
            if state == "running":
                seen.ended = None
            seen.state = state
            yield step, seen, before


def _spent_s(seen: _Seen) -> float:
    return (time.monotonic() if seen.ended is None else seen.ended) - seen.began


def _waiting(step: StepProgress) -> str:
    """What it waits for, as far as that is known: a rate of 0 would say nothing."""
    if step.state != "running":
        return ""
    what = step.waits_for or ("" if step.rows else "the first row")
    return f"waits for {what}" if what else ""


def _figures(step: StepProgress, seen: _Seen) -> str:
    spent_s = _spent_s(seen)
    text = f"{row_count(step.rows)}, {size(step.size_bytes)}"
    if waiting := _waiting(step):
        text += f", {waiting}"
    elif spent_s >= 1:
        text += f", {count(int(step.rows / spent_s))} rows/s"
    return text
