"""The client over a real server: statements, transactions, COPY both ways, and what ends a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from osiris.connectors._shared.postgres.channel import SNAPSHOT
from osiris.connectors._shared.postgres.names import Name
from osiris.errors import ConfigError, InternalError, NetworkFailed, SourceError
from osiris.testing.faults import Fault, FaultProxy
from tests.connectors.patience import until
from tests.connectors.postgres.clients import Client, made, opened
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import Database, PostgreSQL

pytestmark = pytest.mark.server


@pytest.fixture
def client(database: Database) -> Iterator[Client]:
    with opened(database.fields()) as client:
        yield client


def test_values_come_back_as_they_were_given(client: Client) -> None:
    text = "50% of `it's` \"\\ \x1a ✓ 🐘"
    assert client.rows("SELECT %s::text, %s::bytea, %s::int, '100%%'", (text, b"\0\xff", None)) == [
        (text, b"\0\xff", None, "100%")
    ]
    assert client.rows("SELECT '100%'") == [("100%",)]


def test_execute_counts_the_rows(client: Client) -> None:
    client.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    assert client.execute("INSERT INTO t VALUES (1), (2)") == 2


def test_a_transaction_shows_values_the_same_on_every_server(client: Client, database: Database) -> None:
    settings = ["TimeZone = 'Asia/Kathmandu'", "DateStyle = 'German'", "IntervalStyle = 'sql_standard'"]
    settings += ("extra_float_digits = '-5'", "bytea_output = 'escape'", "statement_timeout = '7s'")
    settings += ("array_nulls = off", "xmloption = document", "default_transaction_isolation = serializable")
    database.sql(*(f"ALTER DATABASE {database.name} SET {setting}" for setting in settings))
    client.reopen()
    client.begin()
    asked = "SELECT '2026-02-01 10:00+00'::timestamptz::text, '1 day 2:03'::interval::text, (1/3::float8)::text"
    assert client.rows(asked) == [("2026-02-01 10:00:00+00", "1 day 02:03:00", "0.3333333333333333")]
    assert client.rows("SELECT '\\x00ff'::bytea::text, current_setting('statement_timeout')") == [("\\x00ff", "0")]
    assert client.rows("SELECT ('{NULL}'::text[])[1], 'a<b/>'::xml::text") == [(None, "a<b/>")]
    assert client.rows("SHOW transaction_isolation") == [("read committed",)]
    client.execute("COMMIT")
    assert client.rows("SELECT current_setting('statement_timeout')") == [("7s",)]


def test_the_limits_of_the_connection_hold_in_a_transaction(database: Database) -> None:
    with opened(database.fields(statement_timeout_s=0.2, lock_timeout_s=3)) as client:
        client.begin()
        assert client.rows("SELECT current_setting('lock_timeout')") == [("3s",)]
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.rows("SELECT pg_sleep(600)")
        client.rollback()
        assert client.rows("SELECT 7") == [(7,)]


def test_a_snapshot_is_shared_by_two_sessions_and_does_not_write(client: Client, database: Database) -> None:
    client.execute("CREATE TABLE t (x INT); INSERT INTO t VALUES (1)")
    client.begin(SNAPSHOT)
    ((snapshot,),) = client.rows("SELECT pg_export_snapshot()")
    database.sql("INSERT INTO t VALUES (2)")
    with opened(database.fields()) as other:
        other.begin(SNAPSHOT, snapshot)
        assert other.rows("SELECT x FROM t") == client.rows("SELECT x FROM t") == [(1,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            other.execute("INSERT INTO t VALUES (3)")


@pytest.mark.parametrize("sslmode", ["disable", "require"])
@pytest.mark.parametrize("chunk_bytes", [4096, 2**22])
def test_rows_are_copied_out_whole_and_in_order(database: Database, chunk_bytes: int, sslmode: str) -> None:
    sql = "COPY (SELECT g FROM generate_series(1, 20000) AS g) TO STDOUT"
    with opened(database.fields(sslmode=sslmode)) as client:
        found = [list(rows) for rows in client.copy_out(sql, chunk_bytes)]
        assert [row for rows in found for row in rows] == [b"%d\n" % number for number in range(1, 20001)]
        assert all(sum(map(len, rows)) <= chunk_bytes + 6 for rows in found)
        assert client.rows("SELECT 7") == [(7,)]


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_value_larger_than_what_is_copied_at_once_comes_whole(database: Database, sslmode: str) -> None:
    sql = "COPY (SELECT repeat('x', g) FROM unnest(ARRAY[1, 9000000, 2, 300, 70000, 0]) AS g) TO STDOUT"
    with opened(database.fields(sslmode=sslmode)) as client:
        found = [len(row) - 1 for rows in client.copy_out(sql, 4096) for row in rows]
        assert found == [1, 9_000_000, 2, 300, 70_000, 0]


def test_a_copy_without_rows_gives_nothing(client: Client) -> None:
    assert list(client.copy_out("COPY (SELECT 1 WHERE false) TO STDOUT")) == []
    assert client.rows("SELECT 7") == [(7,)]


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_copy_that_fails_after_rows_raises(database: Database, sslmode: str) -> None:
    failing = "COPY (SELECT 1 / (100000 - g) FROM generate_series(1, 100000) AS g) TO STDOUT"
    with opened(database.fields(sslmode=sslmode)) as client:
        pieces = client.copy_out(failing, 1000)
        assert next(pieces)
        with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero") as raised:
            list(pieces)
        assert raised.value.diag.severity == "ERROR"
        assert client.rows("SELECT 7") == [(7,)]


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_copy_that_cannot_begin_raises(database: Database, sslmode: str) -> None:
    with opened(database.fields(sslmode=sslmode)) as client:
        client.begin()
        with pytest.raises(psycopg.errors.UndefinedTable):
            list(client.copy_out("COPY nowhere TO STDOUT"))
        client.rollback()
        assert client.rows("SELECT 7") == [(7,)]


def test_an_error_of_a_state_that_has_no_class_is_the_same_with_and_without_tls(database: Database) -> None:
    database.sql(
        "CREATE FUNCTION f() RETURNS INT LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'ouch' USING ERRCODE = 'XY123', DETAIL = 'why', HINT = 'so'; END $$"
    )
    told = []
    for sslmode in ("disable", "require"):
        with opened(database.fields(sslmode=sslmode)) as client, pytest.raises(psycopg.Error) as raised:
            list(client.copy_out("COPY (SELECT f()) TO STDOUT"))
        found = raised.value.diag
        told.append((raised.value.sqlstate, found.message_primary, found.message_detail, found.message_hint))
    assert told == [("XY123", "ouch", "why", "so")] * 2


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_notices_and_settings_in_the_middle_of_a_copy_are_no_rows(database: Database, sslmode: str) -> None:
    database.sql(
        "CREATE FUNCTION f(n INT) RETURNS INT LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'at %', n; "
        "PERFORM set_config('application_name', 'at ' || n, false); RETURN n; END $$"
    )
    with opened(database.fields(sslmode=sslmode)) as client:
        found = client.copy_out("COPY (SELECT f(g) FROM generate_series(1, 3) AS g) TO STDOUT")
        assert [row for rows in found for row in rows] == [b"1\n", b"2\n", b"3\n"]
        assert client.rows("SELECT 7") == [(7,)]


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_session_that_the_server_ends_in_the_middle_of_a_copy_is_lost(database: Database, sslmode: str) -> None:
    ending = "CASE g WHEN 100000 THEN pg_terminate_backend(pg_backend_pid())::int ELSE g END"
    with opened(database.fields(sslmode=sslmode)) as client:
        with pytest.raises(psycopg.OperationalError) as raised:
            list(client.copy_out(f"COPY (SELECT {ending} FROM generate_series(1, 200000) AS g) TO STDOUT"))
        known = client.classify(raised.value)
        assert isinstance(known, NetworkFailed)
        assert known.retryable
        assert not client.is_open


def test_what_is_no_copy_is_an_error_and_ends_the_session(database: Database) -> None:
    with opened(database.fields(sslmode="disable")) as client:
        with pytest.raises(SourceError, match="cannot be read"):
            list(client.copy_out("SELECT 7"))
        assert not client.is_open


def test_rows_are_copied_in(client: Client) -> None:
    client.execute("CREATE TABLE t (x INT, word TEXT)")
    assert client.copy_in("COPY t FROM STDIN", [b"1\tx\n", b"", b"2\ty\n"]) == 2
    assert client.rows("SELECT * FROM t") == [(1, "x"), (2, "y")]


def test_a_copy_whose_rows_fail_copies_nothing_in(client: Client) -> None:
    def rows() -> Iterator[bytes]:
        yield b"1\n" * 1000
        raise ValueError("the rows failed")

    client.execute("CREATE TABLE t (x INT)")
    with pytest.raises(ValueError, match="the rows failed"):
        client.copy_in("COPY t FROM STDIN", rows())
    assert client.rows("SELECT * FROM t") == []


def test_nothing_can_be_asked_in_the_middle_of_a_read(client: Client) -> None:
    pieces = client.copy_out("COPY (SELECT generate_series(1, 300000)) TO STDOUT", 1000)
    assert next(pieces)
    for ask in (client.rows, client.execute):
        with pytest.raises(InternalError, match="in the middle of a result"):
            ask("SELECT 7")
    client.reopen()
    assert client.rows("SELECT 7") == [(7,)]


def test_a_read_that_is_left_early_is_ended_on_the_server_too(client: Client, database: Database) -> None:
    number = client.session.info.backend_pid
    next(client.copy_out("COPY (SELECT generate_series(1, 1000000000000)) TO STDOUT", 1000))
    client.close()
    until(lambda: not database.server.sql(f"SELECT 1 FROM pg_stat_activity WHERE pid = {number}"))


@pytest.mark.parametrize("kind", ["cut", "reset", "half_close"])
@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_connection_that_is_cut_in_the_middle_of_a_read_raises(database: Database, kind: str, sslmode: str) -> None:
    fault = Fault(kind, after_bytes=200_000)  # type: ignore[arg-type]  # one of the kinds above
    with (
        FaultProxy("127.0.0.1", database.server.port, fault) as proxy,
        opened(database.fields(port=proxy.port, sslmode=sslmode)) as client,
    ):
        with pytest.raises(psycopg.OperationalError) as raised:
            list(client.copy_out("COPY (SELECT generate_series(1, 1000000)) TO STDOUT", 1000))
        known = client.classify(raised.value)
        assert isinstance(known, NetworkFailed)
        assert known.retryable


def test_a_session_that_was_lost_is_not_silently_replaced(client: Client, database: Database) -> None:
    client.execute("BEGIN")
    database.server.sql(f"SELECT pg_terminate_backend({client.session.info.backend_pid})")
    with pytest.raises(psycopg.OperationalError) as raised:
        client.execute("COMMIT")
    assert isinstance(client.classify(raised.value), NetworkFailed)
    assert not client.is_open
    with pytest.raises(NetworkFailed, match="closed"):
        client.execute("COMMIT")
    client.reopen()
    assert client.rows("SELECT 7") == [(7,)]


def test_a_pooler_in_transaction_mode_is_served_without_settings_of_the_session(database: Database) -> None:
    """Each statement may reach another session of the server: one connection for two clients makes sure of it."""
    pooler = PgBouncer.start(database.server, connections=1)
    try:
        fields = pooler.fields(database=database.name)
        with opened(fields) as one, opened(fields) as two:
            for turn in range(8):
                client = (one, two)[turn % 2]
                client.begin()
                assert client.rows("SELECT %s::int, current_setting('TimeZone')", (turn,)) == [(turn, "UTC")]
                assert [list(rows) for rows in client.copy_out("COPY (SELECT 1) TO STDOUT")] == [[b"1\n"]]
                client.execute("COMMIT")
                assert client.rows("SELECT current_setting('TimeZone')") == [("Asia/Kathmandu",)]
    finally:
        pooler.stop()


def test_a_connection_string_says_the_same_as_fields(postgres: PostgreSQL, database: Database) -> None:
    dsn = f"postgresql://osiris:s3cret-osiris@localhost:{postgres.port}/{database.name}?application_name=mine"
    with opened({"dsn": dsn}) as client:
        asked = "SELECT current_database()::text, current_setting('application_name')"
        assert client.rows(asked) == [(database.name, "mine")]
    with opened({"dsn": dsn, "database": "postgres", "application_name": "other"}) as client:
        assert client.rows(asked) == [("postgres", "other")]


def test_a_socket_file_is_reached_through_its_folder(database: Database) -> None:
    with opened(database.fields(host=str(database.server.folder))) as client:
        assert client.rows("SELECT inet_client_addr()") == [(None,)]
        assert client.where.startswith(str(database.server.folder))


def test_the_first_of_several_hosts_that_answers_is_taken(database: Database) -> None:
    port = database.server.port
    with opened(database.fields(host="127.0.0.1,localhost", port=None, dsn=f"port=1,{port}")) as client:
        assert client.rows("SELECT 7") == [(7,)]


@pytest.mark.parametrize(("field", "code"), [("dsn", "connection.dsn"), ("user", "connection.field_missing")])
def test_what_cannot_be_a_connection_is_refused_unopened(field: str, code: str) -> None:
    given = {"dsn": "postgresql://u:pa@ss@h:x/d"} if field == "dsn" else {"host": "h"}
    with pytest.raises(ConfigError) as raised:
        made(given).open()
    assert raised.value.code == code
    assert "pa@ss" not in str(raised.value)


def test_a_service_is_refused_since_its_file_is_not_read() -> None:
    with pytest.raises(ConfigError, match="service"):
        made({"dsn": "service=shop user=u"}).open()


def test_texts_travel_as_utf_8_whatever_the_connection_string_says(database: Database) -> None:
    with opened(database.fields(dsn="client_encoding=latin1")) as client:
        assert client.rows("SELECT '€'") == [("€",)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file .*nope\.pem"):
        made({"user": "u", "sslrootcert": str(tmp_path / "nope.pem")}).open()


def test_a_dataset_is_named_without_asking() -> None:
    client = made({"host": "db.example", "user": "u", "database": "d"})
    assert str(client.dataset(Name("shop", "orders"))) == "postgres://db.example:5432/d.shop.orders"


def test_a_table_is_known_by_the_name_of_its_dataset_and_as_in_an_option() -> None:
    client = made({"host": "h", "user": "u", "database": "d.b"})
    for name in (Name("public", "t"), Name("d.b", "t"), Name("a.b", 'c"d')):
        assert client.name_of(client.dataset(name).name) == name
        assert client.name_of(str(name)) == name
    assert client.name_of("t") == Name("public", "t")
    assert made({"user": "u", "database": "d"}).name_of("d.t") == Name("d", "t")
