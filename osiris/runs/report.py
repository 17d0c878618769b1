"""The report of a run: what each step read and wrote, why it stopped, and what went wrong."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from osiris.diagnosis import CheckResult
from osiris.errors import EXIT_FAILED, EXIT_OK, OsirisError
from osiris.secrets import redactor

FILE = "report.json"
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What a dry run found of a step: how a read will be cut, how a writer will write, what was checked for it."""

    splits_wanted: int | None = None
    splits: int | None = None
    why_one_split: str | None = None
    write_mode: str | None = None
    connection: str | None = None
    checks: tuple[CheckResult, ...] = ()

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "checks"}
        checks = [
            {"id": check.id, "status": check.status, "ms": check.ms, "message": check.message, "hint": check.hint}
            for check in self.checks
        ]
        return {**plain, "checks": checks}


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step. `rows_read` is what it took; `rows_written` what a writer committed, or a processor gave."""

    id: str
    component: str
    status: Literal["success", "failure", "cancelled", "skipped", "planned"]
    rows_read: int = 0
    rows_written: int = 0
    rows_rejected: int = 0
    rows_superseded: int = 0
    stop_reason: str | None = None
    duration_s: float = 0.0
    estimated_rows: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    datasets: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    plan: StepPlan | None = None

    def to_json(self) -> dict[str, Any]:
        data = {name: getattr(self, name) for name in self.__slots__ if name != "plan"}
        shown = {name: value for name, value in data.items() if name not in _OPTIONAL or value not in (None, {}, ())}
        return {**shown, **({"plan": self.plan.to_json()} if self.plan is not None else {})}


_OPTIONAL = ("estimated_rows", "counts", "datasets", "notes")


@dataclass(frozen=True, slots=True)
class Edge:
    """The rows that went from one step to another; into a writer `rows_read` is what the writer accounts for."""

    source: str
    target: str
    rows_read: int
    stop_reason: str

    def to_json(self) -> dict[str, Any]:
        return {"from": self.source, "to": self.target, "rows_read": self.rows_read, "stop_reason": self.stop_reason}


@dataclass(frozen=True, slots=True)
class Report:
    """One run, as `run --json` prints it and `report.json` keeps it. `report` is the path of that file, `duration_s`
    the time of this process's work on the run, `peak_memory_mb` its highest resident size."""

    status: Literal["success", "failure", "cancelled"]
    run_id: str
    pipeline: str
    fingerprint: str
    duration_s: float
    peak_memory_mb: float
    report: str
    steps: tuple[StepReport, ...]
    edges: tuple[Edge, ...] = ()
    warnings: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    errors: tuple[OsirisError, ...] = ()
    dry_run: bool = False

    @property
    def error(self) -> OsirisError | None:
        """What ended the run; of a dry run, which goes on, what would have ended it."""
        return self.errors[0] if self.errors else None

    @property
    def exit_code(self) -> int:
        if self.status == "success":
            return EXIT_OK
        return self.error.exit_code if self.error is not None else EXIT_FAILED

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "status": self.status,
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "fingerprint": self.fingerprint,
            "duration_s": self.duration_s,
            "peak_memory_mb": self.peak_memory_mb,
            "report": self.report,
            "steps": [step.to_json() for step in self.steps],
            "edges": [edge.to_json() for edge in self.edges],
            "warnings": list(self.warnings),
            "settled": list(self.settled),
        }
        errors = [{"code": e.code, "message": str(e), "hint": e.hint, "step": e.step} for e in self.errors]
        if errors:
            data["error"] = errors[0]
        if len(errors) > 1:
            data["errors"] = errors
        if self.dry_run:
            data["dry_run"] = True
        redacted: dict[str, Any] = redactor.leaves(data)
        return redacted

    def write(self, folder: Path) -> None:
        """Write `report.json` whole or not at all."""
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n"
        temporary = folder / f".{FILE}.tmp"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / FILE)


def peak_memory_mb() -> float:
    """The highest resident sizes so far of this process and of those it started that still run, added up, in MB."""
    if (PROC / "self" / "status").exists():
        return round(sum(_high_water_mb(pid) for pid in _tree(os.getpid())), 1)
    try:
        import resource
    except ImportError:  # Windows has no resource module
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _tree(root: int) -> set[int]:
    """A process and all its descendants. Linux lists children by the thread that started them."""
    found, waiting = set[int](), [root]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            for thread in _names(PROC / str(pid) / "task"):
                waiting.extend(int(child) for child in _read(PROC / str(pid) / "task" / thread / "children").split())
    return found


def _high_water_mb(pid: int) -> float:
    lines = (line.split() for line in _read(PROC / str(pid) / "status").splitlines())
    return next((int(words[1]) / 1024 for words in lines if words[:1] == ["VmHWM:"]), 0.0)


def _names(folder: Path) -> list[str]:
    """What is in a folder of /proc; nothing when its process has ended meanwhile."""
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


def _read(path: Path) -> str:
    """A file of /proc; empty when its process has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""
