"""Removing the folders of old runs, as `retention` in osiris.yaml asks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from osiris.runs.folder import RunFolder, find
from osiris.runs.ledger import finished


def prune(root: Path, profile: str, pipeline: str, *, keep_runs: int | None, keep_days: int | None) -> list[RunFolder]:
    """Remove the pipeline's finished runs beyond the newest `keep_runs`, and those older than `keep_days`.

    None keeps all. A run that is not finished is always kept: it has yet to be settled. Returns what was removed.
    """
    newest_first = list(find(root, profile, pipeline))[::-1]
    oldest = None if keep_days is None else datetime.now(UTC) - timedelta(days=keep_days)
    removed = []
    for place, run in enumerate(newest_first):
        too_many = keep_runs is not None and place >= keep_runs
        too_old = oldest is not None and datetime.fromisoformat(run.started_at) < oldest
        if (too_many or too_old) and finished(run.path) is not None:
            shutil.rmtree(run.path, ignore_errors=True)
            removed.append(run)
    return removed
