"""Runs that go well: rows arrive once, counts add up, and the run's folder tells of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from osiris.compile.manifest import ColumnMap, ManifestStep
from osiris.execute.base import Progress, Request
from tests.plugins.lab import Lab, hostile, read, write


@pytest.mark.parametrize("jobs", [1, 4])
def test_all_rows_arrive_once_however_many_splits_read_them(lab: Lab, jobs: int) -> None:
    lab.database.numbers("source", 5000)
    lab.database.sql("INSERT INTO source VALUES (NULL, 'no number')")
    report = lab.succeed(read("r", "source", split_by="n", batch_rows=100), write("w", "r", "target"), jobs=jobs)
    rows = lab.database.column("target")
    assert (rows.count(None), sorted(n for n in rows if n is not None)) == (1, list(range(5000)))
    assert lab.database.sql("SELECT word FROM target WHERE n = 4321") == [["w4321"]]
    reader, writer = report.steps
    assert (reader.rows_read, reader.stop_reason) == (5001, "exhausted")
    assert (writer.rows_read, writer.rows_written, writer.rows_rejected) == (5001, 5001, 0)
    (edge,) = report.edges
    assert (edge.source, edge.target, edge.rows_read, edge.stop_reason) == ("r", "w", 5001, "exhausted")
    assert (lab.database.peak_sessions >= 5) is (jobs == 4)
    lab.nothing_is_left()


def test_the_folder_of_a_run_tells_what_it_did(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    report = lab.succeed(read("r", "source"), write("w", "r", "target"))
    (run,) = lab.runs()
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "run.started"
    assert names[-1] == "run.finished"
    planned = next(event for event in events if event["event"] == "read.planned")
    assert (planned["step"], planned["splits"], planned["why_one_split"]) == ("r", 1, "split_by is not given")
    finished = next(event for event in events if event["event"] == "step.finished" and event["step"] == "w")
    assert finished["datasets"][0]["name"] == "target"
    metrics = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    written = next(line for line in metrics if line["metric"] == "rows_written" and line["tags"] == {"step": "w"})
    assert (written["value"], written["unit"]) == (10, "rows")
    ledger = [json.loads(line) for line in (run.path / "ledger.jsonl").read_text().splitlines()]
    assert [line["entry"] for line in ledger] == ["planned", "decided", "committed", "done", "finished"]
    kept = json.loads((run.path / "report.json").read_text())
    assert kept == report.to_json()
    assert (kept["status"], kept["run_id"], kept["report"]) == ("success", run.run_id, str(run.path / "report.json"))


def test_no_file_of_a_run_has_the_password(lab: Lab) -> None:
    lab.connections(timeout_s=5)
    lab.database.numbers("source", 10)
    lab.succeed(read("r", "source"), write("w", "r", "target"))
    lab.database.fault("login", "refuse", code="denied")  # the server's text quotes no password here, its own does
    (lab.root / "osiris_connections.yaml").write_text(
        (lab.root / "osiris_connections.yaml").read_text().replace("${SOCKETDB_PASSWORD}", "open, sesame")
    )
    lab.fail(read("r", "source"), write("w", "r", "target"))
    for path in lab.root.rglob("*"):
        if path.is_file() and path.name != "osiris_connections.yaml":
            assert b"open, " not in path.read_bytes(), path


@pytest.mark.parametrize("staging", ["table", "session"])
def test_zero_rows_still_create_or_replace_the_target(lab: Lab, staging: str) -> None:
    lab.database.numbers("source", 0)
    lab.database.numbers("old", 7)
    lab.succeed(
        read("r", "source"),
        write("w", "r", "new", staging=staging),
        read("r2", "source"),
        write("w2", "r2", "old", write_mode="replace", staging=staging),
    )
    assert lab.database.column("new") == []
    assert lab.database.column("old") == []
    assert lab.database.sql("SELECT name, type FROM pragma_table_info('new')") == [["n", "INT"], ["word", "TEXT"]]
    lab.nothing_is_left()


@pytest.mark.parametrize("staging", ["table", "session"])
def test_the_last_of_equal_keys_wins_in_split_order_and_the_others_are_counted(lab: Lab, staging: str) -> None:
    """DESIGN section 3, trap 7: the first split is the slowest, and its rows still come first."""
    lab.database.numbers("target", 2, first=1)
    lab.database.numbers("target", 1, first=99)
    upsert = write("w", "r", "target", write_mode="upsert", primary_key=["word"], staging=staging)
    source = hostile("r", "late_first", rows=4, batch_rows=2, splits=4, same_words=True)
    writer = lab.succeed(source, upsert, jobs=4).steps[1]
    assert (writer.rows_read, writer.rows_written, writer.rows_superseded) == (16, 4, 12)
    assert sorted(lab.database.sql("SELECT word, n FROM target")) == [
        ["w0", 12], ["w1", 13], ["w2", 14], ["w3", 15], ["w99", 99]
    ]  # fmt: skip
    lab.nothing_is_left()


def test_progress_counts_rows_and_ends_done(lab: Lab) -> None:
    lab.database.numbers("source", 100)
    progress = Progress()
    lab.run(lab.manifest(read("r", "source"), write("w", "r", "target")), Request(progress=progress))
    assert {step.id: (step.state, step.rows) for step in progress.steps.values()} == {
        "r": ("done", 100),
        "w": ("done", 100),
    }
    assert progress.steps["r"].size_bytes > 800


def test_columns_are_chosen_renamed_and_cast_before_the_writer_sees_them(lab: Lab) -> None:
    lab.database.numbers("source", 3)
    maps = (ColumnMap("word", "name"), ColumnMap("n", "number", "string"))
    lab.succeed(read("r", "source"), replace(write("w", "r", "target"), columns=maps))
    assert lab.database.sql("SELECT * FROM target") == [["w0", "0"], ["w1", "1"], ["w2", "2"]]


def test_flows_run_in_the_order_that_after_asks_for(lab: Lab) -> None:
    lab.database.numbers("source", 5)
    second = replace(read("r2", "copy"), after=("w1",))
    lab.succeed(read("r1", "source"), write("w1", "r1", "copy"), second, write("w2", "r2", "copy of copy"))
    assert lab.database.column("copy of copy") == [0, 1, 2, 3, 4]


def two_writers(first: str, second: str, *, one_flow: bool) -> list[ManifestStep]:
    reader = "r1" if one_flow else "r2"
    readers = [read("r1", "source")] if one_flow else [read("r1", "source"), read("r2", "source")]
    return [*readers, write("w1", "r1", "target", write_mode=first), write("w2", reader, "target", write_mode=second)]


@pytest.mark.parametrize("one_flow", [True, False])
def test_no_step_replaces_the_rows_of_another_one_unasked(lab: Lab, one_flow: bool) -> None:
    """All rows of both would be reported as written."""
    lab.database.numbers("source", 5)
    error = lab.fail(*two_writers("append", "replace", one_flow=one_flow))
    assert (error.code, error.step) == ("run.two_writers", "w2")
    assert "'w1'" in error.message


def test_steps_may_write_to_one_target_where_no_rows_are_lost(lab: Lab) -> None:
    lab.database.numbers("source", 5)
    lab.succeed(*two_writers("replace", "append", one_flow=False))
    assert sorted(lab.database.column("target")) == sorted([0, 1, 2, 3, 4] * 2)


def test_a_target_may_be_read_worked_on_and_put_back(lab: Lab) -> None:
    lab.database.numbers("source", 5)
    again = replace(read("r2", "target"), after=("w1",))
    lab.succeed(
        read("r1", "source"), write("w1", "r1", "target"), again, write("w2", "r2", "target", write_mode="replace")
    )
    assert lab.database.column("target") == [0, 1, 2, 3, 4]
