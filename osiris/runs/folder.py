"""Where runs are kept: `run_logs/<profile>/<pipeline>/<timestamp>_<run id>/`, and how they are found again."""

from __future__ import annotations

import glob
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osiris.errors import NotFound, did_you_mean
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

    def status(self, is_running: Callable[[RunFolder], bool]) -> str:
        """As in `RunSummary`; `is_running` is asked when it has not ended."""
        if (found := ledger.finished(self.path)) is not None:
            return found
        running = is_running(self)
        return ledger.finished(self.path) or ("running" if running else "unfinished")  # it may have ended meanwhile

    def report(self) -> dict[str, Any] | None:
        """What `report.json` says; None for a run that was killed before it wrote one."""
        path = self.path / report.FILE
        if not path.exists():
            return None
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return data

    def steps(self) -> list[str]:
        """The ids of its steps; none for a run that was killed before it had a manifest."""
        from osiris import documents

        path = self.path / "manifest.yaml"
        return [step["id"] for step in documents.load(path).value["steps"]] if path.exists() else []

    def output(self, step: str) -> Path:
        """Where a step leaves what stays with the run; the connector makes it when it has something."""
        return self.path / "output" / step


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of `runs list`. `status` is `running` while a process is at work on the run, `unfinished` for one that
    `osiris run` would settle first."""

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


def newest_first(root: Path, pipeline: str = "*") -> list[RunFolder]:
    """All runs, whatever their pipeline, by when they began."""
    return sorted(find(root, pipeline=pipeline), key=lambda run: run.path.name, reverse=True)


def get(root: Path, run_id: str | None = None) -> RunFolder:
    """The run whose id is, or starts with, `run_id`, without one the newest; NotFound when there is none or more."""
    known = newest_first(root)
    if not known:
        raise NotFound("nothing was run here yet", code="run.unknown", hint="run a pipeline: osiris run PIPELINE")
    found = known[:1] if run_id is None else [run for run in known if run.run_id.startswith(run_id)]
    if len(found) == 1:
        return found[0]
    if found:
        text = f"more than one run starts with {run_id!r}"
        raise NotFound(text, code="run.unknown", hint=f"such as {', '.join(run.run_id for run in found[:3])}")
    raise NotFound(f"there is no run {run_id!r}", code="run.unknown", hint=_meant(str(run_id), known))


def _meant(word: str, known: list[RunFolder]) -> str:
    """Somebody may have given the name of a pipeline, or of a run's folder."""
    for run in known:
        if word in (run.pipeline, run.path.name, str(run.path)):
            return f"its id is {run.run_id}" if word != run.pipeline else f"the last run of {word} is {run.run_id}"
    return did_you_mean(word, [run.run_id for run in known]) or "see: osiris runs list"


def summaries(
    root: Path,
    pipeline: str = "*",
    status: str | None = None,
    limit: int | None = None,
    is_running: Callable[[RunFolder], bool] = lambda _: False,
) -> list[RunSummary]:
    """Runs, newest first: of one pipeline, with one status, at most `limit`."""
    rows: list[RunSummary] = []
    for run in newest_first(root, pipeline):
        if limit is not None and len(rows) >= limit:
            break
        found = run.status(is_running)
        if status in (None, found):
            spent_s = (run.report() or {}).get("duration_s")
            about = run.run_id, run.pipeline, run.profile, found, run.started_at
            rows.append(RunSummary(*about, spent_s, str(run.path)))
    return rows


def unfinished(root: Path, profile: str, pipeline: str) -> list[RunFolder]:
    """Runs of this pipeline that were killed, or that left something to finish or to remove; oldest first."""
    return [run for run in find(root, profile, pipeline) if ledger.finished(run.path) is None]


def _escape(part: str) -> str:
    return part if part == "*" else glob.escape(part)
