"""Logging in: TLS in all its modes, passwords of any characters, and every way to be refused."""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from osiris.errors import (
    AuthFailed,
    Busy,
    ConfigError,
    ConnectionFailed,
    NetworkFailed,
    NotFound,
    PermissionDenied,
    SourceError,
    TimedOut,
    TlsFailed,
)
from tests.connectors.mysql.clients import failure, opened
from tests.servers.certificates import Authority
from tests.servers.mariadb import Database, MariaDB
from tests.servers.mimic import Mimic
from tests.servers.talker import Talker, refusal

pytestmark = pytest.mark.server
ASCII = "".join(char for char in string.printable if char.isprintable())


@pytest.fixture
def account(database: Database) -> Iterator[Any]:
    """Makes an account by the end of its CREATE USER statement."""
    names: list[str] = []

    def make(rest: str, name: str = "guest") -> str:
        names.append(name)
        database.sql(f"CREATE USER `{name.replace('`', '``')}`@'%' {rest}")
        return name

    yield make
    for name in names:
        database.sql(f"DROP USER `{name.replace('`', '``')}`@'%'")


def cipher(server: MariaDB, **fields: Any) -> str:
    """What the server says of the encryption of a connection; empty when there is none."""
    with opened(server.fields(**fields)) as client:
        (found,) = client.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        assert bool(found[1]) == bool(client.encryption)
        return str(found[1])


@pytest.mark.parametrize("mode", ["preferred", "required", "verify_ca", "verify_identity"])
def test_a_server_with_tls_encrypts_in_every_mode_but_one(mariadb: MariaDB, mode: str) -> None:
    ca = {"ssl_ca": mariadb.ca} if mode.startswith("verify") else {}
    assert cipher(mariadb, ssl_mode=mode, **ca)


def test_disabled_encrypts_nothing(mariadb: MariaDB) -> None:
    assert not cipher(mariadb, ssl_mode="disabled")


@pytest.mark.parametrize("mode", ["disabled", "preferred"])
def test_a_server_without_tls_does_for_those_that_do_not_insist(plain_mariadb: MariaDB, mode: str) -> None:
    assert not cipher(plain_mariadb, ssl_mode=mode)


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
def test_a_server_without_tls_is_refused_before_the_password_is_sent(plain_mariadb: MariaDB, mode: str) -> None:
    found = failure(plain_mariadb.fields(ssl_mode=mode))
    assert isinstance(found, TlsFailed)
    assert "turn it on" in str(found.hint)


def test_a_server_that_insists_on_tls_gets_it(secure_mariadb: MariaDB) -> None:
    """MariaDB 10 says no more than that access is denied; later ones and MySQL name the reason."""
    assert cipher(secure_mariadb)
    found = failure(secure_mariadb.fields(ssl_mode="disabled"))
    assert isinstance(found, AuthFailed | TlsFailed), (
        "MariaDB 10 says access denied, later ones and MySQL name the reason"
    )
    assert "ssl_mode: required" in str(found.hint)


@pytest.mark.parametrize("mode", ["verify_ca", "verify_identity"])
def test_a_certificate_of_a_stranger_is_refused(mariadb: MariaDB, tmp_path: Path, mode: str) -> None:
    for ca in (None, Authority.make(tmp_path / mode).ca):
        found = failure(mariadb.fields(ssl_mode=mode), ssl_ca=ca)
        assert isinstance(found, TlsFailed)
        assert found.code == "connection.certificate"
        assert "ssl_ca" in str(found.hint)


def test_a_certificate_for_another_host_is_refused_by_verify_identity_alone(mariadb: MariaDB) -> None:
    fields = mariadb.fields(host="127.1", ssl_ca=mariadb.ca)
    found = failure(fields, ssl_mode="verify_identity")
    assert isinstance(found, TlsFailed)
    assert "verify_ca" in str(found.hint)
    with opened(fields, ssl_mode="verify_ca") as client:
        assert client.encryption


def test_a_client_shows_its_certificate(mariadb: MariaDB, account: Any) -> None:
    assert mariadb.authority is not None
    fields = mariadb.fields(user=account("IDENTIFIED BY 'x' REQUIRE X509"), password="x")
    cert, key = mariadb.authority.sign("client")
    with opened(fields, ssl_cert=str(cert), ssl_key=str(key)) as client:
        assert client.rows("SELECT 1") == [(1,)]
    assert isinstance(failure(fields), AuthFailed)


@pytest.mark.parametrize(
    ("field", "content"), [("ssl_ca", None), ("ssl_ca", "no PEM"), ("ssl_cert", "no PEM"), ("ssl_key", "no PEM")]
)
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, field: str, content: str | None) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with Talker(b"") as talker:
        found = failure(
            {"host": "127.0.0.1", "port": talker.port, "user": "u"}, ssl_mode="verify_ca", **{field: str(path)}
        )
    assert isinstance(found, ConfigError)
    assert field in found.message + str(found.hint)


def test_an_encrypted_key_is_refused_without_asking_at_the_terminal(mariadb: MariaDB, tmp_path: Path) -> None:
    cert, key = Authority.make(tmp_path / "own").sign("client", password="secret")
    found = failure(mariadb.fields(ssl_cert=str(cert), ssl_key=str(key)))
    assert isinstance(found, ConfigError)
    assert "not encrypted" in str(found.hint)


@pytest.mark.parametrize("password", [ASCII, *string.punctuation, "Příliš žluťoučký 🐘", "x" * 200, ""])
def test_a_password_of_any_characters_logs_in(database: Database, account: Any, password: str) -> None:
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    with opened(database.server.fields(user=account(f"IDENTIFIED BY '{escaped}'"), password=password)) as client:
        assert client.rows("SELECT 1") == [(1,)]


def test_a_user_of_any_characters_logs_in(database: Database, account: Any) -> None:
    name = account("IDENTIFIED BY 'x'", "a'b`c\"d\\ žluť")
    with opened(database.server.fields(user=name, password="x")) as client:
        assert client.rows("SELECT CURRENT_USER()") == [(f"{name}@%",)]


def test_a_socket_file_is_logged_in_to(mariadb: MariaDB) -> None:
    fields = mariadb.fields(host=None, port=None, unix_socket=str(mariadb.socket))
    with opened(fields) as client:
        assert client.encryption is None
        assert client.where == str(mariadb.socket)
    with opened(fields, ssl_mode="required") as client:
        assert client.encryption


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"password": None}, {"user": "nobody"}])
def test_wrong_credentials_are_told_as_such(mariadb: MariaDB, changes: dict[str, Any]) -> None:
    found = failure(mariadb.fields(), **changes)
    assert type(found) is AuthFailed
    assert "1045" in found.message


def test_an_account_that_is_locked_or_expired_is_told_as_such(mariadb: MariaDB, account: Any) -> None:
    fields = mariadb.fields(password="x")
    assert failure(fields, user=account("IDENTIFIED BY 'x' ACCOUNT LOCK")).code == "connection.account_locked"
    expired = account("IDENTIFIED BY 'x' PASSWORD EXPIRE", "late")
    assert failure(fields, user=expired).code == "connection.password_expired"


def test_a_missing_database_and_one_without_rights_differ(database: Database, account: Any) -> None:
    missing = failure(database.server.fields(database="no_such_database"))
    assert (type(missing), missing.code) == (NotFound, "database.missing")
    fields = database.server.fields(user=account("IDENTIFIED BY 'x'"), password="x")
    assert isinstance(failure(fields, database=database.name), PermissionDenied)


def test_a_login_method_that_pymysql_lacks_is_told(mariadb: MariaDB, account: Any) -> None:
    found = failure(mariadb.fields(user=account("IDENTIFIED VIA unix_socket"), password="x"))
    assert isinstance(found, AuthFailed | ConfigError)


def test_a_limit_of_connections_is_worth_waiting_for(mariadb: MariaDB, account: Any) -> None:
    fields = mariadb.fields(user=account("IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1"), password="x")
    with opened(fields):
        found = failure(fields)
    assert isinstance(found, Busy)
    assert found.retryable


def test_a_full_server_is_worth_waiting_for(mariadb: MariaDB, account: Any) -> None:
    fields = mariadb.fields(user=account("IDENTIFIED BY 'x'"), password="x")
    mariadb.sql("SET GLOBAL max_connections = 10")
    with ExitStack() as others:
        others.callback(mariadb.sql, "SET GLOBAL max_connections = 60")
        for _ in range(10):
            others.enter_context(opened(fields))
        found = failure(fields)
    assert (type(found), found.code) == (Busy, "connection.too_many")


def test_a_port_where_nobody_listens_is_named() -> None:
    found = failure({"host": "127.0.0.1", "port": 1, "user": "u"})
    assert type(found) is NetworkFailed
    assert "127.0.0.1:1" in found.message


def test_a_host_that_does_not_exist_is_named() -> None:
    found = failure({"host": "no-such-host.invalid", "user": "u"})
    assert (type(found), found.code) == (NetworkFailed, "connection.dns")
    assert "no-such-host.invalid" in found.message


def test_a_host_that_does_not_answer_is_given_up(silent_port: int) -> None:
    found = failure({"host": "127.0.0.1", "port": silent_port, "user": "u"}, connect_timeout_s=0.3)
    assert type(found) is TimedOut
    assert f"127.0.0.1:{silent_port}" in found.message


def test_a_server_that_never_greets_is_given_up() -> None:
    with Talker(b"") as talker:
        found = failure({"host": "127.0.0.1", "port": talker.port, "user": "u"}, connect_timeout_s=0.3)
    assert type(found) is TimedOut
    assert f"127.0.0.1:{talker.port} takes the connection, but then says nothing for 0.3 s" in found.message
    assert "connect_timeout_s" in str(found.hint)


@pytest.mark.parametrize(
    "words", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x01\x00\x00\x00\x0a"]
)
def test_what_is_no_mysql_server_is_told_as_such(words: bytes) -> None:
    with Talker(words) as talker:
        found = failure({"host": "127.0.0.1", "port": talker.port, "user": "u"}, connect_timeout_s=1)
    assert (type(found), found.code) == (SourceError, "mysql.protocol")
    assert "check host and port" in str(found.hint)


@pytest.mark.parametrize(
    ("number", "kind", "advice"),
    [(1129, ConnectionFailed, "stop trying"), (1130, AuthFailed, "the server has no account for this machine")],
)
def test_a_server_that_refuses_this_host_says_what_to_do(number: int, kind: type[Exception], advice: str) -> None:
    with Talker(refusal(number, "Host '10.0.0.1' is not welcome")) as talker:
        found = failure({"host": "127.0.0.1", "port": talker.port, "user": "u"})
    assert type(found) is kind
    assert not found.retryable
    assert str(found.hint).startswith(advice)


def test_a_password_is_not_sent_in_clear_text_over_the_network() -> None:
    with Mimic("8.0.36", clear_text=True) as server:
        found = failure(server.fields())
    assert (type(found), found.code) == (ConfigError, "connection.login_method")
    assert server.passwords == []


def test_init_sql_that_fails_is_named(mariadb: MariaDB) -> None:
    found = failure(mariadb.fields(), init_sql=["SET @a = 1", "SELECT nonsense FROM nowhere.x"])
    assert found.message.startswith("init_sql: ")
