"""The client over a real server: statements, raw results of both protocols, and what ends a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.err import OperationalError

from osiris.connectors.base import Connection
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.link import Sent
from osiris.connectors.mysql.names import Name
from osiris.errors import ConfigError, InternalError, NetworkFailed, SourceError
from tests.connectors.patience import until
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server


def made(database: Database, **more: Any) -> Client:
    return Client(Connection("mysql", "x", Path(), database.fields(**more)))


@pytest.fixture
def client(database: Database) -> Iterator[Client]:
    client = made(database, local_infile=True)
    client.open()
    yield client
    client.close()


def received(client: Client, view_bytes: int = 2**16) -> bytes:
    """The rest of a result up to its end packet, which is told by its size: no row of these tests has five bytes."""
    buffer, end = bytearray(view_bytes), b"\x05\x00\x00"
    found = b""
    while not (len(found) >= 9 and found[-9:-6] == end and found[-5:-4] == b"\xfe"):
        count = client.receive_into(memoryview(buffer))
        assert count, "the server hung up"
        found += bytes(buffer[:count])
    client.end_read()
    return found


def test_values_come_back_as_they_were_given(client: Client) -> None:
    text = "50% of `it's` \"\\ \0 \x1a ✓ 🐘"
    assert client.rows("SELECT %s, %s, %s, '100%%'", (text, b"\x00\xff", None)) == [(text, b"\x00\xff", None, "100%")]
    assert client.rows("SELECT '100%'") == [("100%",)]


def test_execute_counts_the_rows(client: Client) -> None:
    client.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    assert client.execute("INSERT INTO t VALUES (1), (2)") == 2


@pytest.mark.parametrize("view_bytes", [7, 8192, 2**16])
def test_the_raw_rows_of_a_query_come_whole(client: Client, view_bytes: int) -> None:
    header = client.query("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 22, NULL")
    assert ([column.name for column in header.columns], header.sequence) == (["a", "b"], 5)
    assert received(client, view_bytes)[:16] == b"\x04\x00\x00\x05\x011\x01x\x04\x00\x00\x06\x0222\xfb"
    assert client.rows("SELECT 7") == [(7,)]


def test_a_large_result_is_received_to_its_last_byte(client: Client) -> None:
    client.query("SELECT seq FROM seq_1_to_300000")
    assert received(client).count(b"300000") == 1
    assert client.rows("SELECT 7") == [(7,)]


def test_the_raw_rows_of_a_prepared_statement_are_binary(client: Client) -> None:
    prepared = client.prepare("SELECT 1.5e0 AS x")
    assert [column.name for column in prepared.columns] == ["x"]
    for _ in range(2):
        client.execute_prepared(prepared)
        assert received(client)[4:14] == b"\x00\x00" + b"\x00\x00\x00\x00\x00\x00\xf8\x3f"
    client.close_prepared(prepared)
    assert client.rows("SELECT 7") == [(7,)]


def test_a_statement_without_rows_has_no_columns(client: Client) -> None:
    assert client.query("SET @x = 1").columns == ()
    assert client.rows("SELECT @x") == [(1,)]


def test_nothing_can_be_asked_in_the_middle_of_a_read(client: Client) -> None:
    """A new session in its place would be outside the transaction, and nobody would see it."""
    client.query("SELECT seq FROM seq_1_to_300000")
    for ask in (client.rows, client.execute, client.query, client.prepare):
        with pytest.raises(InternalError, match="in the middle of a result"):
            ask("SELECT 7")
    client.reopen()
    assert client.rows("SELECT 7") == [(7,)]


def test_a_read_that_is_left_early_is_closed_at_once(client: Client, database: Database) -> None:
    number = client.server.connection_id
    client.query("SELECT seq FROM seq_1_to_1000000000")
    client.close()
    until(lambda: not database.sql(f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {number}"))


def test_a_session_that_was_discarded_is_not_silently_replaced(client: Client) -> None:
    client.execute("BEGIN")
    client.discard()
    with pytest.raises(NetworkFailed, match="closed"):
        client.execute("COMMIT")
    client.open()
    assert client.rows("SELECT 7") == [(7,)]


def test_rows_are_loaded_from_memory_whatever_file_is_named(client: Client) -> None:
    client.execute("CREATE TABLE t (id INT, word TEXT)")
    sql = "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t"
    assert client.load_local(sql, [b"1\tx\n", b"", b"2\ty\n"]) == Sent(2, 0)
    assert client.rows("SELECT * FROM t") == [(1, "x"), (2, "y")]


def test_a_statement_of_bytes_is_sent_as_it_is_and_its_warnings_are_counted(client: Client) -> None:
    client.execute("CREATE TABLE t (x BLOB, d DECIMAL(5,2))")
    assert client.send(b"INSERT INTO t VALUES (_binary'\xff\0\\'', 1.5), (NULL, 1.239)") == Sent(2, 1)
    assert client.rows("SELECT x FROM t") == [(b"\xff\0'",), (None,)]
    with pytest.raises(pymysql.err.InternalError, match="gives rows"):
        client.send(b"SELECT 1")


@pytest.mark.parametrize("error", [ValueError("the rows failed"), OperationalError(1205, "the rows failed")])
def test_a_load_whose_rows_fail_loads_nothing(client: Client, database: Database, error: Exception) -> None:
    """Whatever the error is: that of another server looks like one of this server's answers."""

    def rows() -> Iterator[bytes]:
        yield b"1\n" * 1000
        raise error

    client.execute("CREATE TABLE t (id INT)")
    with pytest.raises(type(error), match="the rows failed"):
        client.load_local("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", rows())
    assert not client.is_open
    assert database.sql("SELECT * FROM t") == []


def test_loading_needs_the_word_of_the_connection(database: Database) -> None:
    client = made(database)
    with pytest.raises(ConfigError, match="LOAD DATA LOCAL") as raised:
        client.load_local("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", [])
    assert "local_infile: true" in str(raised.value.hint)


@pytest.mark.parametrize("method", ["rows", "execute", "query"])
def test_a_server_that_asks_for_a_file_gets_none(client: Client, method: str) -> None:
    client.execute("CREATE TABLE t (word TEXT)")
    with pytest.raises(SourceError, match="asked for a file"):
        getattr(client, method)("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t")


def test_the_session_is_the_same_on_every_server(client: Client) -> None:
    asked = "SELECT @@time_zone, @@character_set_client, @@character_set_results, @@autocommit, @@sql_select_limit"
    assert client.rows(asked) == [("+00:00", "utf8mb4", "utf8mb4", 1, 2**64 - 1)]
    assert client.rows("SELECT @@net_write_timeout, @@net_read_timeout") == [(3600, 3600)]


def test_sql_modes_that_change_what_a_statement_means_are_taken_away(database: Database) -> None:
    client = made(database, init_sql="SET @given = @@sql_mode")
    database.server.sql("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'")
    try:
        client.open()
        assert {"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT"} == client.sql_mode
        ((modes,),) = client.rows("SELECT @given")
        assert set(modes.split(",")) == {"PIPES_AS_CONCAT", "STRICT_ALL_TABLES", "NO_AUTO_VALUE_ON_ZERO"}
        assert client.rows('SELECT %s, "a"', ("it's \\",)) == [("it's \\", "a")]
    finally:
        client.close()
        database.server.sql("SET GLOBAL sql_mode = DEFAULT")


def test_init_sql_is_run_last_and_in_order(database: Database) -> None:
    client = made(database, init_sql=["SET @a = 1", "SET @a = @a + 1", "SET SESSION time_zone = '+02:00'"])
    client.open()
    assert client.rows("SELECT @a, @@time_zone") == [(2, "+02:00")]
    client.close()


def test_the_server_is_known_by_flavour_and_version(client: Client) -> None:
    assert client.flavour == "mariadb"
    assert client.version >= (10, 5)


def test_a_dataset_is_named_without_asking() -> None:
    client = Client(Connection("mysql", "x", Path(), {"host": "db.example", "user": "u"}))
    assert str(client.dataset(Name("shop", "orders"))) == "mysql://db.example:3306/shop.orders"
