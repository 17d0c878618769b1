"""Where runs are kept: `run_logs/<profile>/<pipeline>/<timestamp>_<run id>/`, and how they are found again."""

from __future__ import annotations

import glob
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osiris.errors import NotFound
from osiris.runs import ledger, report

FOLDER = "run_logs"
NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z_[0-9a-f]{12}")
STAMP = "%Y%m%dT%H%M%S.%fZ"
"""Down to the microsecond: names sort by time, also of runs that begin in one second."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder. It holds `manifest.yaml`, `ledger.jsonl`, `events.jsonl`, `metrics.jsonl`, `osiris.log`,
    `report.json`, and `output/` with what steps leave behind (rejected rows)."""

    path: Path
    run_id: str
    pipeline: str
    profile: str

    @property
    def started_at(self) -> str:
        """ISO 8601 in UTC, from the folder's name."""
        stamp = self.path.name.rpartition("_")[0]
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).isoformat()

    def state(self) -> ledger.RunState:
        return ledger.read(self.path)

    def report(self) -> dict[str, Any] | None:
        """What `report.json` says; None for a run that was killed before it wrote one."""
        path = self.path / report.FILE
        if not path.exists():
            return None
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return data

    def output(self, step: str) -> Path:
        """Where a step leaves what stays with the run; the connector makes it when it has something."""
        return self.path / "output" / step


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of `runs list`. `status` is `unfinished` for a run that `osiris run` would settle first."""

    run_id: str
    pipeline: str
    profile: str
    status: str
    started_at: str
    duration_s: float | None
    folder: str


def create(root: Path, profile: str, pipeline: str) -> RunFolder:
    """Make the folder of a new run; its id is 12 hex digits."""
    run_id = secrets.token_hex(6)
    stamp = datetime.now(UTC).strftime(STAMP)
    path = root / FOLDER / profile / pipeline / f"{stamp}_{run_id}"
    path.mkdir(parents=True)
    return RunFolder(path, run_id, pipeline, profile)


def find(root: Path, profile: str = "*", pipeline: str = "*") -> Iterator[RunFolder]:
    """All runs, oldest first within a pipeline, failed and unfinished ones included."""
    for path in sorted((root / FOLDER).glob(f"{_escape(profile)}/{_escape(pipeline)}/*Z_*")):
        if not NAME.fullmatch(path.name):
            continue  # not ours
        yield RunFolder(path, path.name.rpartition("_")[2], path.parent.name, path.parent.parent.name)


def get(root: Path, run_id: str) -> RunFolder:
    """The run whose id is, or starts with, `run_id`; NotFound when there is none or more than one."""
    found = [run for run in find(root) if run.run_id.startswith(run_id)]
    if len(found) == 1:
        return found[0]
    what = "there is no run" if not found else "more than one run starts with"
    raise NotFound(f"{what} {run_id!r}", code="run.unknown", hint="see: osiris runs list")


def summaries(root: Path) -> list[RunSummary]:
    """Every run, newest first."""
    rows = []
    for run in find(root):
        known = run.report() or {}
        status = ledger.finished(run.path) or "unfinished"
        rows.append(
            RunSummary(
                run.run_id, run.pipeline, run.profile, status, run.started_at, known.get("duration_s"), str(run.path)
            )
        )
    return sorted(rows, key=lambda row: (row.started_at, row.run_id), reverse=True)


def unfinished(root: Path, profile: str, pipeline: str) -> list[RunFolder]:
    """Runs of this pipeline that were killed, or that left something to finish or to remove; oldest first."""
    return [run for run in find(root, profile, pipeline) if ledger.finished(run.path) is None]


def _escape(part: str) -> str:
    return part if part == "*" else glob.escape(part)
