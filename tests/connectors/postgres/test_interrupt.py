"""An interrupt ends the client's calls in each phase, and what the server was still doing for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from osiris.errors import Cancelled, TimedOut
from osiris.testing.faults import Fault, FaultProxy
from osiris.testing.rig import raised
from tests.connectors.patience import Blocked, until
from tests.connectors.postgres.clients import Client, made, opened
from tests.servers.postgres import Database

pytestmark = pytest.mark.server
SSL_REQUEST_BYTES = 8
"""The first packet of a client that wants TLS; what follows is the handshake itself."""
STATEMENTS: dict[str, Callable[[Client], object]] = {
    "rows": lambda client: client.rows("SELECT pg_sleep(600)"),
    "execute": lambda client: client.execute("INSERT INTO locked VALUES (1)"),
    "begin": lambda client: client.execute("BEGIN; LOCK TABLE locked"),
    "copy_out": lambda client: list(client.copy_out("COPY (SELECT * FROM locked) TO STDOUT")),
    "copy_in": lambda client: client.copy_in("COPY locked FROM STDIN", [b"1\n"]),
    "copied": lambda client: list(client.copy_out("COPY (SELECT pg_sleep(600) FROM generate_series(1, 2)) TO STDOUT")),
}


def test_an_interrupt_ends_a_connect_that_hangs(silent_port: int) -> None:
    client = made({"host": "127.0.0.1", "port": silent_port, "user": "u"})
    assert isinstance(Blocked(client.open).interrupted_by(client.interrupt), Cancelled)


@pytest.mark.parametrize(
    ("fault", "mode"),
    [
        (Fault("blackhole"), "prefer"),
        (Fault("stall", "to_server", after_bytes=SSL_REQUEST_BYTES), "require"),
        (Fault("stall", "to_server", after_bytes=0), "disable"),
    ],
    ids=["greeting", "handshake", "authentication"],
)
def test_an_interrupt_ends_a_login_that_hangs(database: Database, fault: Fault, mode: str) -> None:
    with FaultProxy("127.0.0.1", database.server.port, fault) as proxy:
        client = made(database.fields(port=proxy.port, sslmode=mode))
        blocked = Blocked(client.open)
        until(lambda: proxy.hits[fault.kind])
        assert isinstance(blocked.interrupted_by(client.interrupt), Cancelled)
        assert not client.is_open


@pytest.mark.parametrize("mode", ["disable", "require"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_an_interrupt_ends_a_statement_here_and_on_the_server(database: Database, name: str, mode: str) -> None:
    database.sql("CREATE TABLE locked (id INT)")
    with database.connect() as holder, opened(database.fields(sslmode=mode)) as client:
        holder.execute("BEGIN; LOCK TABLE locked")
        number = client.session.info.backend_pid
        blocked = Blocked(lambda: STATEMENTS[name](client))
        until(lambda: database.sql(f"SELECT 1 FROM pg_stat_activity WHERE pid = {number} AND state = 'active'"))
        error = blocked.interrupted_by(client.interrupt)
        assert isinstance(error, Cancelled), repr(error)
        until(lambda: not database.sql(f"SELECT 1 FROM pg_stat_activity WHERE pid = {number}"))


def test_an_interrupt_ends_a_read_in_the_middle(database: Database) -> None:
    with (
        FaultProxy("127.0.0.1", database.server.port, Fault("stall", after_bytes=200_000)) as proxy,
        opened(database.fields(port=proxy.port)) as client,
    ):
        pieces = client.copy_out("COPY (SELECT generate_series(1, 1000000)) TO STDOUT")
        blocked = Blocked(lambda: list(pieces))
        until(lambda: proxy.hits["stall"])
        assert isinstance(blocked.interrupted_by(client.interrupt), Cancelled)


def test_an_interrupt_ends_a_copy_that_nobody_takes(database: Database) -> None:
    database.sql("CREATE TABLE t (word TEXT)")
    endless = iter(lambda: b"marked" * 10_000 + b"\n", None)
    fault = Fault("stall", "to_server", at=b"marked")
    with (
        FaultProxy("127.0.0.1", database.server.port, fault) as proxy,
        opened(database.fields(port=proxy.port, sslmode="disable")) as client,
    ):
        blocked = Blocked(lambda: client.copy_in("COPY t FROM STDIN", endless))
        until(lambda: proxy.hits["stall"])
        assert isinstance(blocked.interrupted_by(client.interrupt), Cancelled)
    assert database.sql("SELECT COUNT(*) FROM t") == [(0,)]


def test_an_interrupt_holds_for_every_later_call(database: Database) -> None:
    with opened(database.fields()) as client:
        client.interrupt()
        for call in (lambda: client.rows("SELECT 1"), client.begin, client.reopen, client.open):
            assert isinstance(raised(call), Cancelled)


def test_an_interrupt_of_an_idle_client_leaves_others_alone(database: Database) -> None:
    with opened(database.fields()) as idle, opened(database.fields()) as other:
        idle.interrupt()
        assert other.rows("SELECT 1") == [(1,)]


def test_a_server_that_is_silent_too_long_is_given_up_and_its_statement_ended(database: Database) -> None:
    with opened(database.fields(read_timeout_s=0.3)) as client:
        number = client.session.info.backend_pid
        assert isinstance(raised(lambda: client.rows("SELECT pg_sleep(600)")), TimedOut)
        until(lambda: not database.sql(f"SELECT 1 FROM pg_stat_activity WHERE pid = {number}"))


def test_a_login_that_takes_too_long_is_given_up(silent_port: int) -> None:
    client = made({"host": "127.0.0.1", "port": silent_port, "user": "u", "connect_timeout_s": 0.2})
    error = raised(client.open)
    assert isinstance(error, TimedOut)
    assert str(silent_port) in str(error)
