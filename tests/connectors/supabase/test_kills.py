"""`osiris run` over REST is killed while it commits: the next run goes on from what is staged; nothing is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris import Project
from osiris.testing.faults import Fault, FaultProxy
from tests.connectors.patience import until
from tests.servers.postgrest.server import Rest

pytestmark = [pytest.mark.server, pytest.mark.slow]
ROWS, AT_ONCE = 50, 10
WHOLE = [(n, f"row {n};") for n in range(1, ROWS + 1)]
AMID = b"row 25;"
UPSERT = {"write_mode": "upsert", "primary_key": "id"}


@pytest.fixture
def proxy(rest: Rest) -> Iterator[FaultProxy]:
    host, port = rest.url.removeprefix("http://").removesuffix("/").split("/")[0].split(":")
    with FaultProxy(host, int(port)) as proxy:
        yield proxy


@pytest.mark.parametrize("lose_answer", [False, True], ids=["before a request", "before its answer"])
def test_an_upsert_that_is_killed_and_run_again_is_one_clean_run(
    rest: Rest, proxy: FaultProxy, tmp_path: Path, lose_answer: bool
) -> None:
    rest.database.sql("CREATE TABLE t (id int PRIMARY KEY, s text)", "INSERT INTO t VALUES (7, 'old'), (99, 'stays')")
    kill(rest, proxy, tmp_path, lose_answer=lose_answer, **UPSERT)
    seen = len(rest.database.sql("SELECT * FROM t"))
    assert 2 < seen < ROWS, "the commit was under way"
    (tmp_path / "source.csv").write_text("id,s\n1,it is not read again\n")
    again(rest, tmp_path)
    assert rest.database.sql("SELECT * FROM t ORDER BY id") == [*WHOLE, (99, "stays")]
    is_settled(tmp_path)


def test_an_append_whose_request_never_came_is_one_clean_run(rest: Rest, proxy: FaultProxy, tmp_path: Path) -> None:
    rest.database.sql("CREATE TABLE t (id int, s text)")
    kill(rest, proxy, tmp_path, lose_answer=False)
    (tmp_path / "source.csv").write_text("id,s\n")
    again(rest, tmp_path)
    assert rest.database.sql("SELECT * FROM t ORDER BY id") == WHOLE
    is_settled(tmp_path)


def test_an_append_whose_answer_was_lost_has_all_rows_and_those_of_one_request_twice(
    rest: Rest, proxy: FaultProxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At least once, as validate and the log say."""
    rest.database.sql("CREATE TABLE t (id int, s text)")
    kill(rest, proxy, tmp_path, lose_answer=True)
    until(lambda: rest.database.sql("SELECT count(*) FROM t") == [(3 * AT_ONCE,)])
    (tmp_path / "source.csv").write_text("id,s\n")
    again(rest, tmp_path)
    assert "rows 21 to 30 may have been written before" in caplog.text
    assert rest.database.sql("SELECT DISTINCT * FROM t ORDER BY id") == WHOLE
    assert rest.database.sql("SELECT count(*) FROM t") == [(ROWS + AT_ONCE,)]
    is_settled(tmp_path)


def kill(rest: Rest, proxy: FaultProxy, root: Path, *, lose_answer: bool, **options: str) -> None:
    """A run, in the middle of its commit: the bytes of a row do not reach the server, or do so and are not answered."""
    prepare(rest, proxy, root, options)
    proxy.mend(Fault("stall", "to_server", at=AMID, lose_answer=lose_answer))
    environ = {**os.environ, "SUPABASE_KEY": rest.secret_key}
    command = [sys.executable, "-m", "osiris", "run", "p.yaml", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=root, env=environ, stdout=pipe, stderr=pipe, text=True) as process:
        until(lambda: proxy.hits["stall"] > 0 or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGKILL)
        process.communicate()
    proxy.mend()


def again(rest: Rest, root: Path) -> None:
    report = Project(root, environ={"SUPABASE_KEY": rest.secret_key}).run(root / "p.yaml")
    assert report.status == "success", report.to_json()


def prepare(rest: Rest, proxy: FaultProxy, root: Path, options: dict[str, str]) -> None:
    url = f"http://{proxy.host}:{proxy.port}"
    fields = {"url": url, "key": "${SUPABASE_KEY}", "rest_path": rest.settings.prefix, "transport": "rest"}
    connections = {"version": 1, "connections": {"supabase": {"web": fields}}}
    (root / "osiris_connections.yaml").write_text(json.dumps(connections))
    (root / "source.csv").write_text("id,s\n" + "".join(f"{n},{text}\n" for n, text in WHOLE))
    reading = {"path": "source.csv", "dtypes": {"id": "int64", "s": "string"}}
    writing = {"connection": "@supabase.web", "table": "t", "batch_rows": AT_ONCE, **options}
    steps = [
        {"id": "r", "component": "filesystem.csv_extractor", "mode": "read", "config": reading},
        {"id": "w", "component": "supabase.writer", "mode": "write", "config": writing},
    ]
    (root / "p.yaml").write_text(json.dumps({"oml_version": "0.1.0", "name": "trial", "steps": steps}))


def is_settled(root: Path) -> None:
    """Nothing of what was staged stays."""
    left = [path for path in root.rglob("*") if path.suffix in (".rows", ".sent")]
    assert left == []
