"""Removing the folders of old runs, as `retention` in osiris.yaml asks, or somebody at the command line."""

from __future__ import annotations

import itertools
import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from osiris.runs.folder import RunFolder, find
from osiris.runs.ledger import finished

log = logging.getLogger(__name__)
GOING = ".going"


@dataclass(frozen=True, slots=True)
class Old:
    """Runs beyond what is to be kept, newest first. The `unfinished` ones stay: they have yet to be settled."""

    finished: tuple[RunFolder, ...]
    unfinished: tuple[RunFolder, ...]


def old(root: Path, profile: str = "*", pipeline: str = "*", *, keep_runs: int | None, keep_days: int | None) -> Old:
    """Of each pipeline the runs beyond its newest `keep_runs`, and those older than `keep_days`; None keeps all."""
    oldest = None if keep_days is None else datetime.now(UTC) - timedelta(days=keep_days)
    found: list[RunFolder] = []
    for _, group in itertools.groupby(find(root, profile, pipeline), key=lambda run: (run.profile, run.pipeline)):
        for place, run in enumerate(reversed(list(group))):
            too_many = keep_runs is not None and place >= keep_runs
            if too_many or (oldest is not None and datetime.fromisoformat(run.started_at) < oldest):
                found.append(run)
    done = {run.path for run in found if finished(run.path) is not None}
    return Old(tuple(run for run in found if run.path in done), tuple(run for run in found if run.path not in done))


def remove(run: RunFolder) -> None:
    """Remove the folder of a finished run. Cut off midway, it leaves nothing that could pass for a run."""
    going = run.path.with_name(f".{run.path.name}{GOING}")
    run.path.rename(going)
    for left in run.path.parent.glob(f".*{GOING}"):  # this one, and what an earlier call was cut off in
        shutil.rmtree(left)


def size_bytes(run: RunFolder) -> int:
    """What its files hold."""
    return sum(path.lstat().st_size for path in run.path.rglob("*") if not path.is_dir())


def prune(root: Path, profile: str, pipeline: str, *, keep_runs: int | None, keep_days: int | None) -> list[RunFolder]:
    """Remove a pipeline's old runs, and return them. What cannot be removed is no failure of the run that ends here."""
    removed = []
    for run in old(root, profile, pipeline, keep_runs=keep_runs, keep_days=keep_days).finished:
        try:
            remove(run)
        except OSError as error:
            log.warning("the old run %s could not be removed: %s", run.run_id, error)
        else:
            removed.append(run)
    return removed
