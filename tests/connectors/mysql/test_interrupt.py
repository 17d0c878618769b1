"""An interrupt ends the client's calls in each phase, and what the server was still doing for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from osiris.connectors.mysql.client import Client
from osiris.errors import Cancelled, NetworkFailed, TimedOut
from osiris.testing.faults import Fault, FaultProxy
from osiris.testing.rig import raised
from tests.connectors.mysql.clients import made, opened
from tests.connectors.patience import Blocked, until
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server
SSL_REQUEST_BYTES = 36
"""The first packet of a client that wants TLS; what follows is the handshake itself."""


def test_an_interrupt_ends_a_connect_that_hangs(silent_port: int) -> None:
    client = made({"host": "127.0.0.1", "port": silent_port, "user": "u"})
    assert isinstance(Blocked(client.open).interrupted_by(client.interrupt), Cancelled)


@pytest.mark.parametrize(
    ("fault", "mode"),
    [
        (Fault("blackhole"), "preferred"),
        (Fault("stall", "to_server", after_bytes=SSL_REQUEST_BYTES), "required"),
        (Fault("stall", "to_server", after_bytes=0), "disabled"),
    ],
    ids=["greeting", "handshake", "authentication"],
)
def test_an_interrupt_ends_a_login_that_hangs(database: Database, fault: Fault, mode: str) -> None:
    with FaultProxy("127.0.0.1", database.server.port, fault) as proxy:
        client = made(database.fields(port=proxy.port, ssl_mode=mode))
        blocked = Blocked(client.open)
        until(lambda: proxy.hits[fault.kind])
        assert isinstance(blocked.interrupted_by(client.interrupt), Cancelled)
        assert not client.is_open


SLEEP = "SELECT SLEEP(600)"
LARGE = "SELECT seq FROM seq_1_to_1000000"
STATEMENTS: dict[str, Callable[[Client], object]] = {
    "rows": lambda client: client.rows(SLEEP),
    "execute": lambda client: client.execute(f"DO {SLEEP.removeprefix('SELECT ')}"),
    "query": lambda client: (client.query(SLEEP), drain(client)),
    "execute_prepared": lambda client: (client.execute_prepared(client.prepare(SLEEP)), drain(client)),
    "load_local": lambda client: client.load_local("LOAD DATA LOCAL INFILE 'x' INTO TABLE locked", [b"1\n"]),
}


def drain(client: Client) -> int:
    """Read until the server hangs up; returns how many bytes came."""
    view, total = memoryview(bytearray(2**16)), 0
    while count := client.receive_into(view):
        total += count
    return total


@contextmanager
def through(database: Database, fault: Fault, **fields: Any) -> Iterator[tuple[FaultProxy, Client]]:
    """A client that is connected through a proxy with a fault; without TLS unless the fields say so."""
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy("127.0.0.1", database.server.port, fault))
        client = stack.enter_context(opened({**database.fields(port=proxy.port, ssl_mode="disabled"), **fields}))
        yield proxy, client


def is_busy(database: Database, number: int) -> bool:
    """Whether the server still has that session."""
    return bool(database.sql(f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {number}"))


@pytest.mark.parametrize("mode", ["disabled", "required"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_an_interrupt_ends_a_statement_here_and_on_the_server(database: Database, name: str, mode: str) -> None:
    database.sql("CREATE TABLE locked (id INT)")
    holder = database.server.connect(database.name)
    with holder, opened(database.fields(ssl_mode=mode, local_infile=True)) as client, holder.cursor() as cursor:
        cursor.execute("LOCK TABLES locked WRITE")
        number = client.server.connection_id
        blocked = Blocked(lambda: STATEMENTS[name](client))
        busy = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {number} AND COMMAND IN ('Query', 'Execute')"
        until(lambda: database.server.sql(busy))
        error = blocked.interrupted_by(client.interrupt)
        assert isinstance(error, Cancelled), repr(error)
        client.close()
        until(lambda: not is_busy(database, number))


@pytest.mark.parametrize("mode", ["disabled", "required"])
def test_an_interrupt_ends_a_read_in_the_middle(database: Database, mode: str) -> None:
    with through(database, Fault("stall", after_bytes=200_000), ssl_mode=mode) as (proxy, client):
        client.query(LARGE)
        blocked = Blocked(lambda: drain(client))
        until(lambda: proxy.hits["stall"])
        assert isinstance(blocked.interrupted_by(client.interrupt), Cancelled)


def test_an_interrupt_ends_a_load_that_nobody_takes(database: Database) -> None:
    database.sql("CREATE TABLE t (word TEXT)")
    endless = iter(lambda: b"marked" * 10_000 + b"\n", None)
    with through(database, Fault("stall", "to_server", at=b"marked"), local_infile=True) as (proxy, client):
        blocked = Blocked(lambda: client.load_local("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", endless))
        until(lambda: proxy.hits["stall"])
        assert isinstance(blocked.interrupted_by(client.interrupt), Cancelled)
    assert database.sql("SELECT COUNT(*) FROM t") == [(0,)]


def test_an_interrupt_holds_for_every_later_call(database: Database) -> None:
    with opened(database.fields()) as client:
        client.interrupt()
        for call in (lambda: client.rows("SELECT 1"), lambda: client.query("SELECT 1"), client.reopen, client.open):
            assert isinstance(raised(call), Cancelled)


def test_an_interrupt_of_an_idle_client_leaves_others_alone(database: Database) -> None:
    with opened(database.fields()) as idle, opened(database.fields()) as other:
        idle.interrupt()
        assert other.rows("SELECT 1") == [(1,)]


def test_a_server_that_is_silent_too_long_is_given_up_and_its_statement_ended(database: Database) -> None:
    with opened(database.fields(read_timeout_s=0.3)) as client:
        number = client.server.connection_id
        error = raised(lambda: client.rows(SLEEP))
        assert error is not None
        assert isinstance(client.classify(error), TimedOut)
        client.close()
        until(lambda: not is_busy(database, number))


def test_a_read_that_is_silent_too_long_is_given_up(database: Database) -> None:
    with through(database, Fault("stall", after_bytes=200_000), read_timeout_s=0.3) as (_, client):
        client.query(LARGE)
        error = raised(lambda: drain(client))
        assert error is not None
        assert isinstance(client.classify(error), TimedOut)


@pytest.mark.parametrize("mode", ["disabled", "required"])
@pytest.mark.parametrize("kind", ["cut", "reset", "half_close"])
def test_a_connection_that_is_cut_in_the_middle_gives_nothing_or_raises(
    database: Database, kind: Any, mode: str
) -> None:
    """Nothing is what the decoder takes for a cut stream, since no end packet came before it."""
    with through(database, Fault(kind, after_bytes=200_000), ssl_mode=mode) as (_, client):
        client.query(LARGE)
        error = raised(lambda: drain(client))
        assert error is None or isinstance(client.classify(error), NetworkFailed)


def test_a_session_that_was_killed_is_a_lost_connection(database: Database) -> None:
    with opened(database.fields()) as client:
        database.sql(f"KILL {client.server.connection_id}")
        error = raised(lambda: client.rows("SELECT 1"))
        assert error is not None
        known = client.classify(error)
        assert isinstance(known, NetworkFailed)
        assert known.retryable


def test_a_statement_that_was_killed_says_so_and_the_session_goes_on(database: Database) -> None:
    with opened(database.fields()) as client:
        endless = "SELECT COUNT(*) FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b WHERE a.seq * b.seq = 3"
        error = raised(lambda: client.rows(f"SET STATEMENT max_statement_time = 0.1 FOR {endless}"))
        assert error is not None
        known = client.classify(error)
        assert (type(known), known.code, known.retryable) == (TimedOut, "query.timeout", False)
        assert client.rows("SELECT 1") == [(1,)]
