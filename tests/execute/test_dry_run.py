"""A dry run: it touches nothing, finds all that stands in the way of a run, and says nothing that is not so."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris.errors import ConfigError
from osiris.execute.base import Cancellation, Request
from osiris.project import Project
from osiris.runs import Report, StepReport
from tests.plugins.lab import LIMIT_S, Lab, hostile, read, until, write

pytestmark = pytest.mark.slow

CONNECTIONS = """\
version: 1
connections:
  filesystem:
    data: {base_dir: data, default: true}
    new: {base_dir: not-there-yet}
    unset: {base_dir: "${NO_SUCH_VARIABLE_HERE}"}
  duckdb:
    shop: {path: shop.duckdb, default: true}
    fresh: {path: fresh.duckdb}
    lost: {path: no-such-folder/x.duckdb}
"""
CONFIG = "{path: a.csv, dtypes: {id: int64, name: string}}"
READ = f"{{id: read, component: filesystem.csv_extractor, mode: read, config: {CONFIG}}}"
WRITES = f"""
  - {READ}
  - {{id: upsert, component: duckdb.writer, mode: write, needs: [read],
     config: {{table: people, write_mode: upsert, primary_key: id}}}}
  - {{id: replace, component: duckdb.writer, mode: write, needs: [read], config: {{table: copy, write_mode: replace}}}}
  - {{id: make, component: duckdb.writer, mode: write, needs: [read],
     config: {{connection: "@duckdb.fresh", table: people}}}}
  - {{id: append, component: filesystem.csv_writer, mode: write, needs: [read],
     config: {{path: old.csv, write_mode: append}}}}
  - {{id: parquet, component: filesystem.parquet_writer, mode: write, needs: [read], config: {{path: old.parquet}}}}
  - {{id: folder, component: filesystem.parquet_writer, mode: write, needs: [read], config: {{path: a/b/new.parquet}}}}
  - {{id: base, component: filesystem.csv_writer, mode: write, needs: [read],
     config: {{connection: "@filesystem.new", path: new.csv}}}}
"""
KILLED = """
import duckdb, os, sys
con = duckdb.connect(sys.argv[1])
con.execute("insert into people values (7, 'left in the log')")
os._exit(9)
"""
CLOSED = """
oml_version: "0.1.0"
name: p
steps:
  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: a.csv}}
  - {id: write, component: filesystem.csv_writer, mode: write, needs: [read], config: {path: data/out/new.csv}}
"""
RUNS = """
import os, sys
from osiris import Project
opened, closed = (Project(root, environ={}) for root in sys.argv[1:])
for dry_run in (True, False):  # which imports what another user may not be able to
    assert opened.run("p.yaml", dry_run=dry_run).error is None
if os.getuid() == 0: os.setuid(65534)
for dry_run in (True, False):
    error = closed.run("p.yaml", dry_run=dry_run).error
    print(error.message, error.hint, error.step, sep="|")
"""
Dry = Callable[[str], Report]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a source, and targets that are there."""
    (tmp_path / "osiris_connections.yaml").write_text(CONNECTIONS)
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("id,name\n1,Ada\n2,Grace\n")
    (data / "old.csv").write_text("id,name\n0,Zero\n")
    pq.write_table(pa.table({"id": range(300)}), data / "old.parquet", row_group_size=100)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute("create table people (id bigint, name varchar); insert into people values (1, 'A'), (2, 'B')")
        con.execute("create table copy (id integer); create view seen as from people")
    return tmp_path


@pytest.fixture
def dry(root: Path) -> Dry:
    """`dry(steps)`: the report of a dry run of a pipeline with these steps."""

    def run(steps: str) -> Report:
        (root / "p.yaml").write_text(f'oml_version: "0.1.0"\nname: p\nsteps:\n{steps}')
        return Project(root, environ={}).run("p.yaml", dry_run=True)

    return run


def everything(root: Path) -> dict[str, Any]:
    """All that can be seen of a folder: each file's content, times and identity, each folder's own."""
    found = {}
    for path in sorted([root, *root.rglob("*")]):
        seen = path.stat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else sorted(map(str, path.iterdir()))
        found[str(path)] = (content, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_mode, seen.st_size)
    return found


def step(report: Report, name: str) -> StepReport:
    return next(each for each in report.steps if each.id == name)


def failures(report: Report) -> list[tuple[str | None, str]]:
    return [(error.step, error.code) for error in report.errors]


def test_no_target_is_touched_and_a_run_of_the_same_touches_all(root: Path, dry: Dry) -> None:
    """LESSONS 12: `run --dry-run` executed for real."""
    dry(WRITES)
    before = everything(root)
    report = Project(root, environ={}).run("p.yaml", dry_run=True)
    assert (report.status, report.errors, report.dry_run) == ("success", (), True)
    assert everything(root) == before
    assert Project(root, environ={}).run("p.yaml").status == "success"
    after = everything(root)
    for name in ("shop.duckdb", "data/old.csv", "data/old.parquet"):
        assert after[str(root / name)] != before[str(root / name)]
    for name in ("fresh.duckdb", "data/a/b/new.parquet", "not-there-yet/new.csv"):
        assert str(root / name) in after
        assert str(root / name) not in before


def test_a_log_that_a_killed_process_left_is_read_and_not_written_into_the_file(root: Path, dry: Dry) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(root / "shop.duckdb")], check=False)
    assert (root / "shop.duckdb.wal").exists()
    steps = """
  - {id: r, component: duckdb.extractor, mode: read, config: {table: people}}
  - {id: w, component: duckdb.writer, mode: write, config: {table: copy2}}
  - {id: r2, component: duckdb.extractor, mode: read, needs: [], config: {table: people}}
  - {id: w2, component: filesystem.csv_writer, mode: write, config: {path: x.csv}}
"""
    dry(steps)
    before = everything(root)
    report = Project(root, environ={}).run("p.yaml", dry_run=True)
    assert report.status == "success", report.errors
    assert everything(root) == before
    assert step(report, "r2").estimated_rows == 3


def test_a_dry_run_that_fails_touches_nothing_either(root: Path, dry: Dry) -> None:
    dry(WRITES.replace("table: people, write_mode", "table: seen, write_mode"))
    before = everything(root)
    report = Project(root, environ={}).run("p.yaml", dry_run=True)
    assert failures(report) == [("upsert", "write.view")]
    assert everything(root) == before


def test_all_that_stands_in_the_way_is_told_at_once(dry: Dry) -> None:
    report = dry("""
  - {id: gone, component: filesystem.csv_extractor, mode: read, config: {path: gone.csv}}
  - {id: w1, component: filesystem.csv_writer, mode: write, config: {path: x.csv, connection: "@filesystem.unset"}}
  - {id: r, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: a.csv}}
  - {id: sql, component: duckdb.processor, mode: transform, config: {query: select idd from r}}
  - {id: w2, component: duckdb.writer, mode: write, config: {table: t, connection: "@duckdb.lost"}}
  - {id: w3, component: duckdb.writer, mode: write, needs: [r], config: {table: seen}}
  - {id: w4, component: filesystem.csv_writer, mode: write, needs: [r], config: {path: old.csv, write_mode: append},
     columns: [{from: name}]}
  - {id: w5, component: filesystem.parquet_writer, mode: write, needs: [r], config: {path: x.parquet},
     columns: [{from: naem}]}
""")
    assert failures(report) == [
        ("gone", "file.missing"),
        ("w1", "secrets.unset"),
        ("sql", "query.invalid"),
        ("w2", "not_found"),
        ("w3", "write.view"),
        ("w4", "csv.append"),
        ("w5", "columns.unknown"),
    ]
    assert (report.status, report.exit_code, report.error) == ("failure", 1, report.errors[0])
    assert {each.id: each.status for each in report.steps}["r"] == "planned"
    document = report.to_json()
    assert [error["step"] for error in document["errors"]] == ["gone", "w1", "sql", "w2", "w3", "w4", "w5"]
    assert document["error"] == document["errors"][0]


def test_the_exit_code_is_that_with_which_a_run_would_end(root: Path, dry: Dry) -> None:
    steps = f"""
  - {READ}
  - {{id: w, component: filesystem.csv_writer, mode: write, config: {{path: x, connection: "@filesystem.unset"}}}}
"""
    report = dry(steps)
    with pytest.raises(ConfigError) as raised:
        Project(root, environ={}).run("p.yaml")
    assert report.exit_code == raised.value.exit_code == 2
    assert [error.code for error in report.errors] == [raised.value.code]


def test_the_plan_says_what_is_read_written_and_how_it_is_cut(root: Path, dry: Dry) -> None:
    report = dry("""
  - {id: r, component: filesystem.parquet_extractor, mode: read, config: {path: old.parquet}}
  - {id: w, component: duckdb.writer, mode: write, config: {table: copy, write_mode: replace}}
  - {id: r2, component: filesystem.parquet_extractor, mode: read, needs: [], config: {path: old.parquet, limit: 7}}
  - {id: w2, component: filesystem.csv_writer, mode: write, config: {path: out/x.csv}}
""")
    reading, limited = step(report, "r"), step(report, "r2")
    assert (reading.estimated_rows, limited.estimated_rows) == (300, 7)
    assert reading.plan is not None
    assert reading.plan.splits == min(3, reading.plan.splits_wanted or 0)
    assert limited.plan is not None
    assert (limited.plan.splits, limited.plan.why_one_split) == (1, "limit counts over all rows")
    assert reading.datasets == ({"namespace": "file", "name": str(root / "data/old.parquet")},)
    writing = step(report, "w")
    assert writing.plan is not None
    assert (writing.plan.write_mode, writing.plan.connection) == ("replace", "@duckdb.shop")
    assert [check.id for check in writing.plan.checks] == ["auth.login", "server.version"]
    assert writing.datasets == ({"namespace": f"duckdb://{root / 'shop.duckdb'}", "name": "main.copy"},)
    assert step(report, "w2").notes == ("the file is not there yet: it is made",)


@pytest.mark.parametrize(
    ("config", "rows"),
    [
        ("table: people", 2),
        ("table: people, limit: 1", 1),
        ("table: people, offset: 5", 0),
        ("table: people, where: id > 0", None),
        ("table: seen", None),
        ("query: from people", None),
    ],
)
def test_rows_are_expected_only_where_they_are_known(dry: Dry, config: str, rows: int | None) -> None:
    report = dry(f"""
  - {{id: r, component: duckdb.extractor, mode: read, config: {{{config}}}}}
  - {{id: w, component: filesystem.csv_writer, mode: write, config: {{path: x.csv}}}}
""")
    assert report.status == "success", report.errors
    assert step(report, "r").estimated_rows == rows


@pytest.mark.parametrize(
    ("target", "notes"),
    [
        ("table: people", ()),
        ("table: fresh", ("there is no table main.fresh yet: it is made",)),
        ("table: copy, on_schema_change: add_columns", ('main.copy gets new columns: "name" VARCHAR',)),
        ("table: copy, write_mode: replace", ("main.copy is made anew: its columns or types are others",)),
    ],
)
def test_what_would_be_made_or_changed_is_told(dry: Dry, target: str, notes: tuple[str, ...]) -> None:
    columns = "[{from: id, type: int32}, {from: name}]" if "on_schema" in target else "[{from: id}, {from: name}]"
    report = dry(f"""
  - {READ}
  - {{id: w, component: duckdb.writer, mode: write, config: {{{target}}}, columns: {columns}}}
""")
    assert report.status == "success", report.errors
    assert step(report, "w").notes == notes


def test_a_column_that_the_table_cannot_hold_is_found_before_the_run(dry: Dry) -> None:
    report = dry(f"  - {READ}\n  - {{id: w, component: duckdb.writer, mode: write, config: {{table: copy}}}}\n")
    assert failures(report) == [("w", "write.schema")]


def test_columns_that_depend_on_the_rows_are_not_guessed(dry: Dry) -> None:
    """A PIVOT makes columns of values, of which none is there: what it would lack must not count as missing."""
    report = dry(f"""
  - {READ}
  - {{id: pivot, component: duckdb.processor, mode: transform, config: {{query: "pivot read on name using sum(id)"}}}}
  - {{id: w, component: duckdb.writer, mode: write, config: {{table: wide}}, columns: [{{from: Ada, type: int64}}]}}
""")
    assert report.status == "success", report.errors
    assert step(report, "pivot").notes == ("its columns are known only when it runs",)
    assert "known only when the pipeline runs" in step(report, "w").notes[0]
    assert step(report, "w").datasets == ()


def test_a_folder_that_a_writer_makes_is_no_failure(dry: Dry) -> None:
    writer = 'id: w, component: filesystem.csv_writer, mode: write, config: {path: x.csv, connection: "@filesystem.new"'
    report = dry(f"  - {READ}\n  - {{{writer}}}}}\n")
    assert report.status == "success", report.errors
    plan = step(report, "w").plan
    assert plan is not None
    assert [(check.id, check.status) for check in plan.checks] == [("perm.read", "warning")]
    refused = dry(f"  - {READ}\n  - {{{writer}, create_dirs: false}}}}\n")
    assert failures(refused) == [("w", "folder.missing")]


@pytest.mark.parametrize("reads", ["table: copy", "query: select id + 1 as n from copy"])
def test_what_an_earlier_step_writes_is_not_judged_by_what_is_there_now(dry: Dry, reads: str) -> None:
    """`copy` has one column now; the run gives it two, before it is read."""
    report = dry(f"""
  - {READ}
  - {{id: first, component: duckdb.writer, mode: write, config: {{table: copy, write_mode: replace}}}}
  - {{id: then, component: duckdb.extractor, mode: read, config: {{{reads}}}}}
  - {{id: last, component: filesystem.csv_writer, mode: write, config: {{path: x.csv}}, columns: [{{from: name}}]}}
""")
    assert report.status == "success", report.errors
    assert "an earlier step writes" in step(report, "then").notes[0]
    assert step(report, "then").estimated_rows is None


def test_what_is_not_there_yet_is_a_failure_only_where_no_step_makes_it(root: Path, dry: Dry) -> None:
    reader = "{id: then, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: made.csv}}"
    rest = "  - {id: last, component: filesystem.parquet_writer, mode: write, config: {path: made.parquet}}\n"
    writer = "{id: make, component: filesystem.csv_writer, mode: write, config: {path: made.csv}}"
    report = dry(f"  - {READ}\n  - {writer}\n  - {reader}\n{rest}")
    assert report.status == "success", report.errors
    assert step(report, "then").notes[0].startswith("not there yet, an earlier step may make it")
    assert Project(root, environ={}).run("p.yaml").status == "success"
    (root / "data/made.csv").unlink()
    other = writer.replace("made.csv", "other.csv")
    assert failures(dry(f"  - {READ}\n  - {other}\n  - {reader}\n{rest}")) == [("then", "file.missing")]


def test_two_steps_that_would_replace_each_other_s_rows_are_found(root: Path, dry: Dry) -> None:
    report = dry(f"""
  - {READ}
  - {{id: a, component: duckdb.writer, mode: write, needs: [read], config: {{table: t, write_mode: replace}}}}
  - {{id: b, component: duckdb.writer, mode: write, needs: [read],
     config: {{table: T, write_mode: replace, create_if_missing: false}}}}
""")
    assert failures(report) == [("b", "run.two_writers")]
    error = Project(root, environ={}).run("p.yaml").error
    assert error is not None
    assert error.code == "run.two_writers"


def test_a_run_that_is_unfinished_is_named(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "lost")
    lab.database.fault("settle", "drop")
    made = lab.manifest(read("r", "source"), write("w", "r", "target"))
    lab.run(made)
    (folder,) = lab.runs()
    lab.database.mend()
    before = lab.database.tables()
    report = lab.run(made, Request(dry_run=True))
    assert report.warnings == (
        f"run {folder.run_id} of this pipeline is unfinished: a run settles it before it begins",
    )
    assert lab.database.tables() == before


def test_a_target_s_server_is_checked_once_for_all_its_writers(lab: Lab) -> None:
    made = lab.manifest(hostile("r"), write("a", "r", "x"), write("b", "r", "y"))
    report = lab.run(made, Request(dry_run=True))
    assert report.status == "success", report.errors
    assert [[check.id for check in each.plan.checks] for each in report.steps if each.plan and each.plan.checks] == [
        ["net.tcp", "auth.login"]
    ] * 2
    assert lab.database.peak_sessions == 1
    assert lab.database.tables() == []


def test_a_target_s_server_that_does_not_let_us_in_fails_each_of_its_writers(lab: Lab) -> None:
    lab.connections(password="wrong-password-here")
    made = lab.manifest(hostile("r"), write("a", "r", "x"), write("b", "r", "y"))
    report = lab.run(made, Request(dry_run=True))
    assert failures(report) == [("a", "connection.auth"), ("b", "connection.auth")]
    assert {error.category for error in report.errors} == {"auth"}
    assert [each.status for each in report.steps] == ["planned", "failure", "failure"]


def test_a_check_that_hangs_can_be_stopped(lab: Lab) -> None:
    lab.database.fault("login", "stall")
    made = lab.manifest(hostile("r"), write("w", "r", "x"))
    cancellation, reports = Cancellation(), list[Report]()
    request = Request(dry_run=True, cancellation=cancellation)
    run = threading.Thread(target=lambda: reports.append(lab.run(made, request)))
    run.start()
    until(lambda: lab.database.hits("stall"), "the check has begun")
    cancellation.request(143)
    run.join(LIMIT_S)
    assert (reports[0].status, reports[0].exit_code) == ("cancelled", 143)
    assert [each.status for each in reports[0].steps] == ["planned", "skipped"]


def test_a_folder_that_takes_no_new_files_is_told_as_the_run_tells_it() -> None:
    """As another user, where this one may write anywhere; the folder of pytest is closed to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        roots = [Path(made, "opened"), Path(made, "closed")]
        for root, mode in zip(roots, (0o755, 0o555), strict=True):
            root.mkdir()
            root.chmod(0o777)
            (root / "data").mkdir(mode)
            (root / "a.csv").write_text("id\n1\n")
            (root / "p.yaml").write_text(CLOSED)
        done = subprocess.run([sys.executable, "-c", RUNS, *roots], capture_output=True, text=True, check=True)
    folder = roots[1] / "data"
    target = folder / "out/new.csv"
    told = f"not allowed to write {target}|let this user write in {folder}, or write elsewhere|write"
    assert done.stdout.splitlines() == [told, told]
