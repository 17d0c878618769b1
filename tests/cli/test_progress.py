"""The lines and the table of a run's progress, from a `Progress` that the test fills as an executor would."""

from __future__ import annotations

import pyarrow as pa
import pytest

from osiris.cli.progress import COLUMNS, LEAVING, STOPPING, RunView
from osiris.execute.base import Cancellation, Progress, StepProgress
from osiris.stream import Batches

SCHEMA = pa.schema({"n": pa.int64()})


def test_a_step_is_told_once_when_it_starts_and_once_when_it_ends() -> None:
    progress = Progress({name: StepProgress(name, "a.b") for name in ("read", "write")})
    view = RunView(progress)
    assert view.lines() == []
    progress.steps["read"].state = "running"
    assert view.lines() == ["read: started (a.b)"]
    assert view.lines() == []
    progress.steps["read"].state = "done"
    progress.steps["write"].state = "failed"
    assert view.lines() == ["read: done, 0 rows, 0 B", "write: failed, 0 rows, 0 B"]
    assert view.lines() == []


def test_a_message_is_told_once() -> None:
    progress = Progress(message="settling run 12ab")
    view = RunView(progress)
    assert view.notes() == ["settling run 12ab"]
    assert view.notes() == view.lines() == []


def test_a_stop_is_told_once_and_once_more_when_it_is_urgent() -> None:
    cancellation = Cancellation()
    view = RunView(Progress(), cancellation)
    assert view.notes() == []
    cancellation.request()
    assert view.notes() == [STOPPING]
    assert view.notes() == []
    cancellation.request()
    assert view.notes() == [LEAVING]
    assert RunView(Progress(), cancellation).notes() == [STOPPING, LEAVING]


@pytest.mark.parametrize(("rows", "waits_for"), [(0, "the first row"), (3, "mysql://db/t to commit")])
def test_a_step_that_waits_says_for_what_instead_of_its_rate(rows: int, waits_for: str) -> None:
    given = Batches.of(SCHEMA, [pa.record_batch([list(range(rows))], schema=SCHEMA)] if rows else [])
    list(given)
    step = StepProgress("w", "a.b", "running", [given], waits_for=waits_for if rows else "")
    view = RunView(Progress({"w": step}))
    assert view.table()[1][0][-1] == f"waits for {waits_for}"
    step.state = "cancelled"
    assert view.lines()[0].startswith(f"w: cancelled, {rows} rows, ")
    assert "waits" not in str(view.table())


def test_a_cancelled_step_that_never_ran_is_not_said_to_have_started() -> None:
    progress = Progress({"write": StepProgress("write", "a.b", "cancelled")})
    assert RunView(progress).lines() == ["write: cancelled, 0 rows, 0 B"]


def test_the_table_has_a_row_for_each_step_and_figures_for_those_that_began() -> None:
    progress = Progress({"read": StepProgress("read", "a.b", "running"), "write": StepProgress("write", "c.d")})
    columns, rows = RunView(progress).table()
    assert columns == COLUMNS
    assert rows[0][:3] == ("read", "running", "0")
    assert rows[0][4] == "0 B"
    assert rows[1] == ("write", "waiting", "", "", "", "")
