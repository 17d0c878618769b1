"""What the doctor finds, a line a check, as soon as a connection is done."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
        with self._lock:
            self._line(MARKS[diagnosis.status], f"{reference}  {diagnosis.message}  ({diagnosis.latency_ms:g} ms)")
            for check in diagnosis.checks:
                mark = MARKS[check.status]
                self._line(mark, f"{check.id}  {check.message}  ({check.ms:g} ms)", indent="  ")
                if check.hint:
                    self._output.line(f"         hint: {check.hint}")
            if diagnosis.hint and not any(check.hint for check in diagnosis.checks):
                self._output.line(f"       hint: {diagnosis.hint}")

    def sum_up(self, summary: Mapping[str, Any]) -> None:
        counts = [f"{number} {name}" for name, number in summary.items() if number]
        self._output.line(f"connections: {', '.join(counts) or 'none'}")

    def _line(self, mark: str, text: str, indent: str = "") -> None:
        self._output.line(f"{indent}{mark:<5}{text}", STYLES[mark])
