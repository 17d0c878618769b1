"""Faults of any kind at any place of a session: it ends in the right rows, or in an error of the connection."""

from __future__ import annotations

import pytest

from osiris.errors import ConnectionFailed, TlsFailed
from osiris.testing.faults import Fault, FaultProxy, chaos
from osiris.testing.rig import raised
from tests.connectors.mysql.clients import made
from tests.servers.mariadb import Database

pytestmark = [pytest.mark.server, pytest.mark.slow]
ROWS = [(n, "x" * n) for n in range(1, 41)]


@pytest.mark.parametrize("fault", chaos(4, 40, up_to_bytes=1800), ids=lambda fault: f"{fault.kind}-{fault.after_bytes}")
@pytest.mark.parametrize("mode", ["disabled", "required"])
def test_a_session_with_a_fault_gives_the_rows_or_says_why_not(database: Database, fault: Fault, mode: str) -> None:
    fault = Fault(fault.kind, fault.way, after_bytes=fault.after_bytes, wait_s=fault.wait_s / 10)
    database.sql("CREATE TABLE t (id INT, word TEXT)", "INSERT INTO t SELECT seq, REPEAT('x', seq) FROM seq_1_to_40")
    found: list[tuple[object, ...]] = []
    with FaultProxy("127.0.0.1", database.server.port, fault) as proxy:
        client = made(database.fields(port=proxy.port, ssl_mode=mode), connect_timeout_s=0.5, read_timeout_s=0.5)

        def talk() -> None:
            client.open()
            found.extend(client.rows("SELECT id, word FROM t ORDER BY id"))

        error = raised(talk)
        client.close()
    if error is None:
        assert found == ROWS
    else:
        known = client.classify(error)
        assert isinstance(known, ConnectionFailed), repr(known)
        assert known.retryable or isinstance(known, TlsFailed)
