"""What only MySQL 8 does, over a stand-in: its name, variables that are not there, and what PyMySQL is made of."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from osiris.connectors.mysql.link import Link
from osiris.connectors.mysql.session import version_of
from osiris.errors import AuthFailed, TlsFailed
from tests.connectors.mysql.clients import failure, opened
from tests.servers.mimic import Mimic
from tests.servers.talker import Talker, refusal


@pytest.fixture(scope="module")
def server() -> Iterator[Mimic]:
    with Mimic("8.0.36-28") as server:
        yield server


def test_mysql_is_told_by_its_version(server: Mimic) -> None:
    with opened(server.fields()) as client:
        assert (client.flavour, client.version) == ("mysql", (8, 0, 36))


def test_a_variable_that_the_server_lacks_is_left_out(server: Mimic) -> None:
    """The stand-in has no lock_wait_timeout; the others are set all the same."""
    with opened(server.fields()) as client:
        found = client.rows("SELECT @@time_zone, @@sql_mode, @@net_write_timeout")
    assert found == [("+00:00", "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES", 3600)]


def test_doctor_names_mysql(server: Mimic) -> None:
    with opened(server.fields()) as client:
        (check,) = [check for check in client.checks() if check.id == "server.version"]
        assert check.probe() == "MySQL 8.0.36-28"


def test_a_wrong_password_is_told_as_such(server: Mimic) -> None:
    assert isinstance(failure(server.fields(), password="wrong"), AuthFailed)


@pytest.mark.parametrize(("number", "kind"), [(3159, TlsFailed), (3118, AuthFailed)])
def test_refusals_of_mysql_alone_have_their_class(number: int, kind: type[Exception]) -> None:
    with Talker(refusal(number, "no")) as talker:
        assert isinstance(failure({"host": "127.0.0.1", "port": talker.port, "user": "u"}), kind)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("10.11.6-MariaDB-log", (10, 11, 6)),
        ("5.5.5-10.11.6-MariaDB-0+deb12u1", (10, 11, 6)),
        ("8.0.36", (8, 0, 36)),
        ("8.4.3-3", (8, 4, 3)),
        ("5.7.mysql_aurora.2.11.2", (5, 7)),
        ("unknown", ()),
    ],
)
def test_a_version_is_read_from_any_spelling(text: str, numbers: tuple[int, ...]) -> None:
    assert version_of(text) == numbers


def test_pymysql_still_has_the_inner_parts_that_are_used(server: Mimic) -> None:
    """`Link` relies on them: an update of PyMySQL that renames one must not be found out by a user."""
    connection = pymysql.connect(**server.fields())
    try:
        parts = [*Link.__annotations__, "_process_auth", "_read_packet", "client_flag"]
        assert [name for name in parts if not hasattr(connection, name)] == []
    finally:
        connection.close()
