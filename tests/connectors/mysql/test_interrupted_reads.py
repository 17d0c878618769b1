"""What becomes of a read when the connection, the server or the table goes away under it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, End, Split
from osiris.connectors.mysql.client import Client
from osiris.testing.faults import Fault, FaultProxy, Kind
from tests.connectors.mysql.source import Source
from tests.connectors.patience import until
from tests.servers.mariadb import Database, MariaDB

pytestmark = pytest.mark.server

LONG = {"query": "SELECT a.* FROM t AS a, t AS b"}
KEYSET: dict[str, Any] = {"table": "t", "read_mode": "keyset", "page_rows": 700}
ROWS = 5000
FIRST_BYTES = 20_000
"""More than what comes before the first row: the greeting, the login, the answers about the table."""


@pytest.fixture(params=["plain", "tls"])
def source(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Source:
    return filled(database, tmp_path, ssl_mode="disabled" if request.param == "plain" else "required")


def filled(database: Database, root: Path, **fields: Any) -> Source:
    """A table of 5,000 rows and about 1.5 MB, that is read in several batches."""
    source = Source(database, root, fields, memory_bytes=2**20)
    source.sql(
        f"CREATE TABLE t (id INT PRIMARY KEY) SELECT seq AS id, REPEAT('x', seq % 500) AS text FROM seq_1_to_{ROWS}"
    )
    return source


@pytest.mark.parametrize(
    ("how", "codes"), [("KILL", ("connection.killed", "connection.lost")), ("KILL QUERY", ("query.killed",))]
)
def test_a_read_that_is_killed_fails(source: Source, how: str, codes: tuple[str, ...]) -> None:
    with source.client() as client:
        stream, _ = begun(source, client, LONG)
        source.sql(f"{how} {client.server.connection_id}")
        (error,) = failure(lambda: rest(stream))
    assert error.code in codes
    assert error.retryable == (how == "KILL")


def test_an_error_of_the_server_among_the_rows_is_raised(source: Source) -> None:
    query = "SELECT id, IF(id = 4000, (SELECT 1 UNION SELECT 2), text) AS x FROM t"
    with source.client() as client:
        stream, rows = begun(source, client, {"query": query, "batch_rows": 100})
        (error,) = failure(lambda: rest(stream))
    assert "more than 1 row" in error.message
    assert 0 < rows < 4000


@pytest.mark.parametrize("kind", ["cut", "reset", "half_close"])
def test_a_snapshot_that_is_cut_anywhere_fails(source: Source, kind: Kind) -> None:
    whole = passed(source, {"table": "t"})
    for place in (FIRST_BYTES, whole // 2, whole - 1000):
        with pytest.raises(osiris.NetworkFailed):
            through(source, {"table": "t"}, Fault(kind, after_bytes=place))


@pytest.mark.parametrize("seed", range(6))
def test_pages_go_on_after_each_cut(source: Source, seed: int) -> None:
    """Cut at any byte, again and again: no row is lost, none comes twice."""
    dice = random.Random(seed)
    whole = passed(source, KEYSET)
    kinds: tuple[Kind, ...] = ("cut", "reset", "half_close")
    script = [
        Fault(dice.choice(kinds), after_bytes=dice.randrange(FIRST_BYTES, whole // 3), connection=number)
        for number in range(5)
    ]
    rows, end = through(source, KEYSET, *script)
    assert rows["id"].to_pylist() == list(range(1, ROWS + 1))
    assert end.rows == ROWS
    assert end.counts["reconnects"] >= 4


def test_pages_count_what_they_altered_once(source: Source) -> None:
    source.sql("CREATE TABLE z (id INT PRIMARY KEY, d DATE, text VARCHAR(500))")
    with source.database.server.connect(source.database.name) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute("INSERT INTO z SELECT id, '0000-00-00', text FROM t")
    options = {**KEYSET, "table": "z", "zero_dates": "null"}
    whole = passed(source, options)
    script = [Fault("cut", after_bytes=whole // 3, connection=number) for number in range(2)]
    rows, end = through(source, options, *script)
    assert rows.num_rows == ROWS
    assert end.counts == {"zero_dates": ROWS, "reconnects": 2}


def test_a_server_that_stays_away_ends_the_pages_too(source: Source) -> None:
    with FaultProxy(*address(source)) as proxy, behind(source, proxy).client() as client:
        stream, _ = begun_pages(source, client)
        proxy.close()
        (error,) = failure(lambda: rest(stream))
    assert isinstance(error, osiris.NetworkFailed)


def test_a_silent_server_ends_by_the_read_timeout(source: Source) -> None:
    quiet = Source(source.database, source.root, {**source.changes, "read_timeout_s": 0.5}, memory_bytes=2**20)
    whole = passed(source, {"table": "t"})
    with pytest.raises(osiris.TimedOut):
        through(quiet, {"table": "t"}, Fault("stall", after_bytes=whole // 2))
    rows, end = through(quiet, KEYSET, Fault("stall", after_bytes=whole // 2, connection=0))
    assert (rows.num_rows, end.counts) == (ROWS, {"reconnects": 1})


def test_a_server_that_dies_ends_a_snapshot_and_not_the_pages(tmp_path: Path) -> None:
    server = MariaDB.start(tls=False)
    try:
        source = filled(server.database(), tmp_path)
        with source.client() as client:
            stream, _ = begun(source, client, LONG)
            server.kill()
            (error,) = failure(lambda: rest(stream))
        assert isinstance(error, osiris.NetworkFailed)
        server.resume()
        with source.client() as client:
            stream, rows = begun_pages(source, client)
            server.kill()
            back = threading.Thread(target=server.resume)
            back.start()
            rows += rest(stream)
            back.join()
        assert rows == ROWS
    finally:
        server.stop()


def test_a_table_that_is_altered_meanwhile_is_to_be_read_again(source: Source) -> None:
    """The server's error 1412: the snapshot is older than the table's definition."""
    caught: list[osiris.OsirisError] = []
    plan = source.plan(table="t")
    with source.database.server.connect(source.database.name) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        thread = gather(caught, lambda: source.split(plan.splits[0], plan.schema, {"table": "t"}))
        until(lambda: seen(source, "STATE LIKE 'Waiting for table metadata%'"))
        cursor.execute("ALTER TABLE t ADD COLUMN more INT, ALGORITHM = COPY")
        cursor.execute("UNLOCK TABLES")
        thread.join()
    assert [error.code for error in caught] == ["table.changed"]
    assert caught[0].retryable


def test_an_interrupt_ends_a_query_that_still_runs(source: Source) -> None:
    caught: list[osiris.OsirisError] = []
    with source.client() as client:
        extractor = source.extractor(client, {"query": "SELECT SLEEP(60) AS x"})
        thread = gather(caught, lambda: list(extractor.read(Split(0))))
        until(lambda: seen(source, "INFO LIKE 'SELECT SLEEP%'"))
        client.interrupt()
        thread.join(10)
        assert not thread.is_alive()
    assert [type(error) for error in caught] == [osiris.Cancelled]


def test_an_interrupt_ends_the_wait_for_a_server(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    caught: list[osiris.OsirisError] = []
    with FaultProxy(*address(source)) as proxy, behind(source, proxy).client() as client:
        stream, _ = begun_pages(source, client)
        proxy.close()
        thread = gather(caught, lambda: rest(stream))
        until(lambda: "connecting again" in caplog.text)
        client.interrupt()
        thread.join(10)
        assert not thread.is_alive()
    assert [type(error) for error in caught] == [osiris.Cancelled]


def test_a_read_that_is_left_early_ends_its_session(source: Source) -> None:
    with source.client() as client:
        begun(source, client, LONG)
        left = client.server.connection_id
        client.reopen()
        assert client.rows("SELECT 1") == [(1,)]
        assert client.server.connection_id != left
        until(lambda: not seen(source, f"ID = {left}"))
        begun(source, client, LONG)
        left = client.server.connection_id
    until(lambda: not seen(source, f"ID = {left}"))


def rest(stream: Iterator[pa.RecordBatch]) -> int:
    """Read to the end; how many rows came."""
    return sum(batch.num_rows for batch in stream)


def seen(source: Source, where: str) -> bool:
    """Whether the server has a session like this."""
    return bool(source.sql(f"SELECT 1 FROM information_schema.PROCESSLIST WHERE {where}"))


def failure(call: Callable[[], object]) -> list[osiris.OsirisError]:
    """What a call raises, as the drivers see it."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, a test looks at it
        return [Client.classify(error)]
    return []


def gather(caught: list[osiris.OsirisError], call: Callable[[], object]) -> threading.Thread:
    """A thread that makes the call and keeps its failure."""
    thread = threading.Thread(target=lambda: caught.extend(failure(call)))
    thread.start()
    return thread


def begun(source: Source, client: Client, options: dict[str, Any]) -> tuple[Iterator[pa.RecordBatch], int]:
    """A read of which the first batch has come, and its rows."""
    extractor = source.extractor(client, options)
    stream = iter(Batches(extractor.schema(), extractor.read(Split(0))))
    return stream, next(stream).num_rows


def begun_pages(source: Source, client: Client) -> tuple[Iterator[pa.RecordBatch], int]:
    plan = source.plan(**KEYSET)
    stream = iter(Batches(plan.schema, source.extractor(client, KEYSET).read(plan.splits[0])))
    return stream, next(stream).num_rows


def address(source: Source) -> tuple[str, int]:
    return "127.0.0.1", source.database.server.port


def behind(source: Source, proxy: FaultProxy) -> Source:
    changes = {**source.changes, "host": proxy.host, "port": proxy.port}
    return Source(source.database, source.root, changes, memory_bytes=source.memory_bytes)


def through(source: Source, options: dict[str, Any], *script: Fault) -> tuple[pa.Table, End]:
    """A read of one split through a proxy with this script; planned before, without it."""
    plan = source.plan(**options)
    with FaultProxy(*address(source), *script) as proxy:
        return behind(source, proxy).split(plan.splits[0], plan.schema, options)


def passed(source: Source, options: dict[str, Any]) -> int:
    """How many bytes a read takes."""
    plan = source.plan(**options)
    with FaultProxy(*address(source)) as proxy:
        behind(source, proxy).split(plan.splits[0], plan.schema, options)
        return proxy.bytes_passed["to_client"]
