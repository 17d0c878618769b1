"""The same promises with the embedded families in the flow: DuckDB's own threads, files as targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from osiris.compile.manifest import ManifestStep
from tests.plugins.lab import Lab, hostile, read, write

pytestmark = pytest.mark.slow


def sql(name: str, *inputs: str, query: str, **options: Any) -> ManifestStep:
    return ManifestStep(name, "duckdb.processor", "transform", inputs, options={"query": query, **options})


def file(name: str, source: str, path: str, **options: Any) -> ManifestStep:
    return ManifestStep(name, "filesystem.csv_writer", "write", (source,), options={"path": path, **options})


def table(name: str, source: str, **options: Any) -> ManifestStep:
    given = {"table": "t", **options}
    return ManifestStep(name, "duckdb.writer", "write", (source,), connection="@duckdb.main", options=given)


def in_duckdb(root: Path, query: str = "FROM t ORDER BY ALL") -> list[Any]:
    with duckdb.connect(str(root / "out.duckdb")) as con:
        return con.sql(query).fetchall()


def lines(root: Path, name: str) -> list[str]:
    return (root / name).read_text().splitlines()


def test_a_stream_through_sql_into_three_kinds_of_targets(lab: Lab) -> None:
    lab.database.numbers("source", 1000)
    report = lab.succeed(
        read("r", "source", split_by="n", batch_rows=50),
        sql("half", "r", query="SELECT n, word FROM r WHERE n % 2 = 0"),
        write("server", "half", "target"),
        file("csv", "half", "out.csv"),
        table("duck", "half"),
    )
    assert sorted(lab.database.column("target")) == list(range(0, 1000, 2))
    assert [row[0] for row in in_duckdb(lab.root)] == list(range(0, 1000, 2))
    assert len(lines(lab.root, "out.csv")) == 501
    assert [step.rows_written for step in report.steps] == [0, 500, 500, 500, 500]
    lab.nothing_is_left()


@pytest.mark.parametrize("behaviour", ["fail", "wrong_type", "no_end"])
def test_an_error_keeps_its_class_through_duckdb_s_threads(lab: Lab, behaviour: str) -> None:
    """DESIGN section 3, trap 3."""
    kinds = {"fail": "NetworkFailed", "wrong_type": "DataError", "no_end": "InternalError"}
    error = lab.fail(
        hostile("r", behaviour, splits=3, rows=100),
        sql("one", "r", query="SELECT n % 7 AS k, count(*) AS c FROM r GROUP BY k"),
        sql("two", "one", query="SELECT * FROM one ORDER BY k"),
        write("w", "two", "target"),
        jobs=2,
    )
    assert (type(error).__name__, error.step) == (kinds[behaviour], "r")
    assert lab.database.tables() == []
    lab.nothing_is_left()


@pytest.mark.parametrize("splits", [1, 3])
def test_a_limit_in_sql_ends_an_endless_source(lab: Lab, splits: int) -> None:
    """DESIGN section 3, trap 4: DuckDB pulls from its own threads, and may wait for more with the limit met."""
    source = hostile("r", "endless", splits=splits, rows=50, batch_rows=50)
    report = lab.succeed(source, sql("t", "r", query="FROM r LIMIT 3"), write("w", "t", "target"), jobs=2)
    assert len(lab.database.column("target")) == 3
    assert report.steps[0].stop_reason == "consumer_stopped"
    lab.nothing_is_left()


def test_an_input_read_twice_in_sql_and_a_diamond(lab: Lab) -> None:
    """DESIGN section 3, traps 7 and 9."""
    lab.database.numbers("source", 300)
    lab.succeed(
        read("r", "source", split_by="n", batch_rows=20),
        sql("big", "r", query="SELECT a.n FROM r a JOIN r b ON a.n = b.n + 1"),
        sql("join", "r", "big", query="SELECT r.n, r.word FROM r JOIN big USING (n)"),
        write("w", "join", "target"),
        memory_bytes=1,
    )
    assert sorted(lab.database.column("target")) == list(range(1, 300))


def test_a_source_that_stalls_under_sql_runs_into_the_timeout(lab: Lab) -> None:
    lab.database.numbers("source", 300)
    lab.database.fault("read", "stall", rows=100)
    source = replace(read("r", "source", batch_rows=50), timeout_s=0.3)
    error = lab.fail(source, sql("t", "r", query="SELECT max(n) AS n FROM r"), table("w", "t"))
    assert (error.code, error.step) == ("step.timeout", "r")
    assert ("t",) not in in_duckdb(lab.root, "SHOW TABLES")
    lab.nothing_is_left()


POINTS = {"before": ("commit", "stall"), "after": ("commit", "mute")}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_around_the_commits_of_three_targets_is_rolled_forward(lab: Lab, point: str) -> None:
    on, kind = POINTS[point]
    lab.database.numbers("source", 500)
    lab.database.fault(on, kind)
    steps = read("r", "source"), file("csv", "r", "out.csv"), write("server", "r", "target"), table("duck", "r")
    process = lab.start(steps)
    lab.reach(process, kind)
    lab.kill(process)
    lab.database.sql("DELETE FROM source")
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(500))
    assert [row[0] for row in in_duckdb(lab.root)] == list(range(500))
    assert len(lines(lab.root, "out.csv")) == 501
    assert sorted(path.name for path in lab.root.glob(".out.csv*")) == []
    lab.nothing_is_left()


def test_a_kill_in_the_middle_of_writing_leaves_no_target(lab: Lab) -> None:
    lab.database.numbers("source", 3000)
    lab.database.fault("stage", "stall", rows=1500)
    steps = read("r", "source"), file("csv", "r", "out.csv"), table("duck", "r"), write("server", "r", "target")
    process = lab.start(steps)
    lab.reach(process, "stall")
    lab.kill(process)
    assert not (lab.root / "out.csv").exists()
    assert lab.database.staging() != []
    lab.succeed(*steps)
    assert lab.database.column("target") == [row[0] for row in in_duckdb(lab.root)] == list(range(3000))
    assert sorted(path.name for path in lab.root.glob(".out.csv*")) == []
    lab.nothing_is_left()
