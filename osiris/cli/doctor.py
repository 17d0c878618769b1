"""What the doctor finds, a line a check, as soon as a connection is done."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from osiris.cli.numbers import duration

if TYPE_CHECKING:
    from osiris.cli.render import Output
    from osiris.diagnosis import Diagnosis

MARKS = {"success": "ok", "ok": "ok", "warning": "warn", "failure": "FAIL", "untestable": "?"}
STYLES = {"ok": "success", "warn": "warning", "FAIL": "failure", "?": "warning"}


class DoctorView:
    """Shows each diagnosis whole; `show` may be called from several threads at once."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lock = threading.Lock()

    def show(self, reference: str, diagnosis: Diagnosis) -> None:
        """The connection's line, then its checks in columns; a hint stands below the message that it is about."""
        told = {check.hint for check in diagnosis.checks}
        hint = None if diagnosis.hint in told else diagnosis.hint
        width = max((len(check.id) for check in diagnosis.checks), default=0)
        with self._lock:
            self._show(diagnosis.status, f"{reference}  ", f"{diagnosis.message}{_time(diagnosis.latency_ms)}", hint)
            for check in diagnosis.checks:
                self._show(
                    check.status, f"{check.id:<{width}}  ", f"{check.message}{_time(check.ms)}", check.hint, "  "
                )

    def sum_up(self, summary: Mapping[str, Any]) -> None:
        counts = [f"{number} {name}" for name, number in summary.items() if number]
        self._output.line(f"connections: {', '.join(counts) or 'none'}")

    def _show(self, status: str, name: str, text: str, hint: str | None, indent: str = "") -> None:
        start = f"{indent}{MARKS[status]:<4}  {name}"
        below = " " * min(len(start), self._output.width * 2 // 3)
        self._output.sentence(start + text, STYLES[MARKS[status]], below)
        if hint:
            self._output.sentence(f"{below}hint: {hint}", below=f"{below}      ")


def _time(ms: float) -> str:
    """Nothing for less than a millisecond, which nobody waits for."""
    return "" if ms < 1 else f"  ({ms:.0f} ms)" if ms < 1000 else f"  ({duration(ms / 1000)})"
