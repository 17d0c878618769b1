"""What fails at a real server, as users are told of it: class, code and a way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from osiris.connectors._shared.postgres import failures
from osiris.errors import (
    AuthFailed,
    Busy,
    ConfigError,
    ConnectionFailed,
    DataError,
    NetworkFailed,
    NotFound,
    OsirisError,
    PermissionDenied,
    TimedOut,
    TlsFailed,
)
from osiris.testing.rig import raised
from tests.connectors.postgres.clients import failure, made, opened
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PASSWORD, Database, PostgreSQL
from tests.servers.talker import Talker

pytestmark = pytest.mark.server


def told(client: Any, sql: str) -> OsirisError:
    """The classified error of a statement."""
    error = raised(lambda: client.rows(sql))
    assert error is not None, "the statement succeeds"
    known: OsirisError = client.classify(error)
    return known


WEAK = {"sslmode": "verify-ca", "sslrootcert": "system"}
LOGINS: dict[str, tuple[dict[str, Any], type[OsirisError], str, str]] = {
    "wrong password": ({"password": "wr0ng-s3cret"}, AuthFailed, "connection.auth", "password"),
    "no password": ({"password": None}, AuthFailed, "connection.auth", "password"),
    "unknown user": ({"user": "nobody-here"}, AuthFailed, "connection.auth", "user"),
    "unknown database": ({"database": "nope"}, NotFound, "database.missing", "case"),
    "nobody listens": ({"port": 1}, NetworkFailed, "connection.network", "port"),
    "unknown host": ({"host": "no-such-host.invalid"}, NetworkFailed, "connection.dns", "host"),
    "no socket file": ({"host": "/no/such/folder"}, NetworkFailed, "connection.network", "host"),
    "untrusted": ({"sslmode": "verify-full", "sslrootcert": "system"}, TlsFailed, failures.CERTIFICATE, "sslrootcert"),
    "a weak mode": (
        {"sslmode": "verify-ca", "sslrootcert": "system"},
        ConfigError,
        "connection.parameter",
        "verify-full",
    ),
    "no certificate": (
        {"sslmode": "verify-ca", "sslrootcert": __file__},
        ConfigError,
        "connection.tls_fields",
        "sslrootcert",
    ),
    "no such host among them": (
        {"dsn": "target_session_attrs=standby"},
        NetworkFailed,
        "connection.attributes",
        "target_session_attrs",
    ),
    "no mode": ({"sslmode": "sometimes"}, ConfigError, "connection.parameter", ""),
}


@pytest.mark.parametrize("name", LOGINS)
def test_a_login_that_fails_says_why(postgres: PostgreSQL, name: str) -> None:
    fields, made, code, hint = LOGINS[name]
    error = failure(postgres.fields(**fields))
    assert (type(error), error.code) == (made, code), str(error)
    assert hint in str(error.hint)
    assert str(error).count("failed") < 2, "libpq tells of each address, with TLS and without"
    assert PASSWORD not in str(error)
    assert "wr0ng-s3cret" not in str(error)


def test_a_certificate_proves_the_host_it_names(postgres: PostgreSQL) -> None:
    verified = {"sslmode": "verify-full", "sslrootcert": postgres.ca}
    for host in ("127.0.0.1", "localhost"):
        with opened(postgres.fields(host=host, **verified)) as client:
            assert client.session.pgconn.ssl_in_use
    error = failure(postgres.fields(host="127.0.0.2", **verified, sslcert=None))
    assert isinstance(error, ConnectionFailed)


def test_a_server_without_tls_is_told(plain_postgres: PostgreSQL) -> None:
    error = failure(plain_postgres.fields(sslmode="require"))
    assert (type(error), "sslmode" in str(error.hint)) == (TlsFailed, True), str(error)
    with opened(plain_postgres.fields()) as client:
        assert not client.session.pgconn.ssl_in_use


def test_a_server_that_wants_tls_is_told(secure_postgres: PostgreSQL) -> None:
    error = failure(secure_postgres.fields(sslmode="disable"))
    assert (type(error), error.code) == (AuthFailed, "connection.host_refused")
    assert "sslmode: require" in str(error.hint)


def test_a_server_may_ask_for_a_certificate_of_the_client() -> None:
    asks = ("local all all scram-sha-256", "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca")
    server = PostgreSQL.start(hba=asks)
    try:
        assert server.authority is not None
        cert, key = server.authority.sign("client")
        key.chmod(0o600)
        with opened(server.fields(sslcert=str(cert), sslkey=str(key))) as client:
            assert client.rows("SELECT 7") == [(7,)]
        error = failure(server.fields())
        assert isinstance(error, ConnectionFailed)
        assert "certificate" in str(error)
        key.chmod(0o644)
        assert failure(server.fields(sslcert=str(cert), sslkey=str(key))).code == "connection.tls_fields"
    finally:
        server.stop()


def test_what_answers_may_be_no_postgresql() -> None:
    with Talker(b"HTTP/1.1 400 Bad Request\r\n\r\n") as talker:
        error = failure({"host": "127.0.0.1", "port": talker.port, "user": "u", "sslmode": "disable"})
    assert error.code == "postgres.protocol", str(error)


def test_an_unknown_user_of_a_pooler_is_told(postgres: PostgreSQL) -> None:
    pooler = PgBouncer.start(postgres)
    try:
        error = failure(pooler.fields(user="nobody-here"))
        assert isinstance(error, AuthFailed), str(error)
        error = failure(pooler.fields(database="nope"))
        assert isinstance(error, NotFound), str(error)
    finally:
        pooler.stop()


def test_a_server_that_is_full_is_busy() -> None:
    server = PostgreSQL.start(tls=False, max_connections="4", superuser_reserved_connections="3")
    try:
        server.sql("CREATE USER small PASSWORD 'small'", "GRANT ALL ON DATABASE postgres TO small")
        small = server.fields(user="small", password="small")
        with ExitStack() as stack:
            error: OsirisError | None = None
            while error is None:  # a session of the superuser may still be ending
                client = made(small)
                stack.callback(client.close)
                failed = raised(client.open)
                error = client.classify(failed) if failed else None
        assert (type(error), error.code, error.retryable) == (Busy, "connection.too_many", True)
    finally:
        server.stop()


STATEMENTS: dict[str, tuple[str, type[OsirisError], str]] = {
    "syntax": ("SELEC 1", ConfigError, "query.invalid"),
    "no table": ("SELECT * FROM nope", NotFound, "table.missing"),
    "no schema": ("SELECT * FROM nope.t", NotFound, "table.missing"),
    "no column": ("SELECT nope FROM t", ConfigError, "column.missing"),
    "no function": ("SELECT nope(1)", ConfigError, "query.invalid"),
    "division": ("SELECT 1/0", DataError, "data.value"),
    "too long": ("INSERT INTO t VALUES (1, 'abcdef')", DataError, "data.value"),
    "null": ("INSERT INTO t VALUES (NULL, 'a')", DataError, "data.constraint"),
    "twice": ("INSERT INTO t VALUES (7, 'a'), (7, 'b')", DataError, "data.constraint"),
    "no right": ("SET ROLE small; SELECT * FROM t", PermissionDenied, "permission.denied"),
    "timeout": ("SET statement_timeout = 50; SELECT pg_sleep(600)", TimedOut, "query.timeout"),
    "killed": ("SELECT pg_terminate_backend(pg_backend_pid())", NetworkFailed, "connection.lost"),
    "lone half of a character": ("SELECT '\ud800'", ConfigError, "query.invalid"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_that_fails_says_why(database: Database, name: str) -> None:
    database.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, word VARCHAR(3))",
        "DO $$ BEGIN CREATE ROLE small; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    sql, made, code = STATEMENTS[name]
    with opened(database.fields()) as client:
        error = told(client, sql)
    assert (type(error), error.code) == (made, code), str(error)


def test_a_value_that_a_copy_refuses_is_named_with_column_and_row(database: Database) -> None:
    database.sql("CREATE TABLE t (id INT, word TEXT)")
    with opened(database.fields()) as client, pytest.raises(psycopg.Error) as failed:
        client.copy_in("COPY t FROM STDIN", [b"1\tx\n2\ty\nzz\tz\n"])
    known = client.classify(failed.value)
    assert isinstance(known, DataError)
    assert (known.data_column, known.row) == ("id", 3)


def test_a_session_that_is_ended_while_it_takes_rows_is_a_lost_connection(database: Database) -> None:
    """With TLS, libpq says nothing but that. A step with `retry` is tried again for it."""
    database.sql("CREATE TABLE t (word TEXT)")
    with opened(database.fields(sslmode="require")) as client:
        number = client.session.info.backend_pid

        def endless() -> Iterator[bytes]:
            yield b"x\n"
            database.sql(f"SELECT pg_terminate_backend({number})")
            while True:
                yield b"x\n" * 2**16

        failed = raised(lambda: client.copy_in("COPY t FROM STDIN", endless()))
        assert failed is not None
        error = client.classify(failed)
    assert (type(error), error.code, error.retryable) == (NetworkFailed, "connection.lost", True), str(error)


def test_rows_that_wait_for_others_are_busy(database: Database) -> None:
    database.sql("CREATE TABLE t (id INT)")
    with database.connect() as holder, opened(database.fields(lock_timeout_s=0.1)) as client:
        holder.execute("BEGIN; LOCK TABLE t")
        client.begin()
        error = told(client, "SELECT * FROM t")
    assert (type(error), error.code, error.retryable) == (Busy, "postgres.locked", True)
