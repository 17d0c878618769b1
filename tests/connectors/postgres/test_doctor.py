"""Doctor over real servers: what each check says, which one fails, and that one login is all it costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from osiris.connectors._shared.postgres.checks import LoginChecks, SessionChecks
from osiris.connectors.base import Diagnosis, Finding
from osiris.diagnosis import Level
from osiris.testing.faults import Fault, FaultProxy
from tests.connectors.postgres.clients import made, opened
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import Database, PostgreSQL

pytestmark = pytest.mark.server
QUICK = ["net.dns", "net.tcp", "tls.handshake", "tls.verify", "auth.login", "server.version", "compat.pooler"]
FULL = [*QUICK, "perm.read", "server.limits", "clock.skew", "compat.replica"]


def diagnosed(fields: dict[str, Any], level: Level = "quick", *resources: str, **more: Any) -> Diagnosis:
    return made(fields, **more).doctor(30.0, level, resources)


def message(found: Diagnosis, check: str) -> str:
    (result,) = [result for result in found.checks if result.id == check]
    return f"{result.status}: {result.message}"


def failed(found: Diagnosis) -> tuple[str, str]:
    """The last check, which ended the diagnosis, and its category."""
    assert found.checks[-1].status == "failure", found
    return found.checks[-1].id, found.category


@pytest.fixture
def reader(database: Database) -> Iterator[dict[str, Any]]:
    """The fields of an account that may do nothing yet."""
    database.sql("CREATE USER peeper PASSWORD 'x'")
    yield database.fields(user="peeper", password="x")
    database.sql("DROP OWNED BY peeper", "DROP USER peeper")


@pytest.mark.parametrize(("level", "wanted"), [("quick", QUICK), ("full", FULL), ("write", [*FULL, "perm.write"])])
def test_a_server_that_is_well_passes_every_check(database: Database, level: Level, wanted: list[str]) -> None:
    found = diagnosed(database.fields(), level)
    assert found.status == "success", found
    assert [check.id for check in found.checks] == wanted


def test_each_check_tells_what_it_saw(postgres: PostgreSQL, database: Database) -> None:
    database.sql("CREATE TABLE a (x INT)", "CREATE VIEW b AS SELECT * FROM a")
    found = diagnosed(database.fields(sslmode="verify-full", sslrootcert=postgres.ca), "write")
    told = {check.id: check.message for check in found.checks}
    assert told["net.tcp"] == f"127.0.0.1:{postgres.port}"
    assert told["tls.handshake"] == "the connection is encrypted"
    assert told["tls.verify"] == "the certificate is trusted, and host is among its names"
    assert told["auth.login"] == f"logged in as osiris to the database {database.name}"
    assert told["server.version"].startswith("PostgreSQL 1")
    assert told["compat.pooler"] == "the server itself answers"
    assert told["perm.read"] == "2 tables and views can be read"
    assert "of 60 connections in use" in told["server.limits"]
    assert told["perm.write"] == "a table was made in public, and taken back"
    assert database.sql(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    ) == [
        ("a",),
        ("b",),
    ]


@pytest.mark.parametrize(
    ("changes", "check", "category"),
    [
        ({"host": "no-such-host.invalid"}, "net.dns", "network"),
        ({"port": 1}, "net.tcp", "network"),
        ({"sslmode": "verify-full", "sslrootcert": "system"}, "tls.verify", "tls"),
        ({"password": "wrong"}, "auth.login", "auth"),
        ({"database": "no_such_database"}, "auth.login", "not_found"),
        ({"dsn": "nonsense"}, "auth.login", "config"),
    ],
)
def test_what_is_wrong_fails_its_own_check(postgres: PostgreSQL, changes: Any, check: str, category: str) -> None:
    assert failed(diagnosed(postgres.fields(), **changes)) == (check, category)


def test_a_server_without_tls_fails_the_handshake(plain_postgres: PostgreSQL) -> None:
    assert failed(diagnosed(plain_postgres.fields(sslmode="require"))) == ("tls.handshake", "tls")
    assert "nothing is encrypted" in message(diagnosed(plain_postgres.fields()), "tls.handshake")


def test_a_wrong_password_costs_one_login(database: Database) -> None:
    """A host that fails too often may be blocked. The first connection only shows that the port answers."""
    with FaultProxy("127.0.0.1", database.server.port) as proxy:
        given = database.fields(port=proxy.port, sslmode="disable")
        assert failed(diagnosed(given, "write", password="wrong"))[1] == "auth"
        assert proxy.connections == 2


def test_a_full_diagnosis_costs_one_login(database: Database) -> None:
    with FaultProxy("127.0.0.1", database.server.port) as proxy:
        assert diagnosed(database.fields(port=proxy.port), "write").ok
        assert proxy.connections == 2


def test_a_socket_file_has_no_name_and_no_tls(postgres: PostgreSQL) -> None:
    quick = [check.id for check in diagnosed(postgres.fields(host=str(postgres.folder))).checks]
    assert quick == QUICK[4:]


def test_plaintext_to_another_machine_is_a_warning_and_no_proof_gets_advice(plain_postgres: PostgreSQL) -> None:
    elsewhere = {"hostaddr": "192.0.2.1"}
    with opened(plain_postgres.fields()) as client:
        checks = LoginChecks(client, elsewhere, tried=True)
        for found, hint in ((checks.encrypt(), "sslmode: verify-full"), (checks.verify(), "sslrootcert")):
            assert isinstance(found, Finding)
            assert hint in str(found.hint)


def test_a_table_that_is_not_there_is_a_warning(database: Database) -> None:
    database.sql("CREATE TABLE a (x INT)")
    found = diagnosed(database.fields(), "full", "a", "missing", "no_schema.b")
    assert found.status == "warning"
    assert message(found, "perm.read") == "warning: there is no table public.missing, no_schema.b"


def test_a_table_that_may_not_be_read_fails(database: Database, reader: dict[str, Any]) -> None:
    database.sql("CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)", "GRANT SELECT ON a TO peeper")
    assert diagnosed(reader, "full", "a").status == "success"
    assert failed(diagnosed(reader, "full", "a", "b")) == ("perm.read", "permission")


def test_rows_that_policies_hide_are_a_warning(database: Database, reader: dict[str, Any]) -> None:
    database.sql("CREATE TABLE a (x INT)", "GRANT SELECT ON a TO peeper", "ALTER TABLE a ENABLE ROW LEVEL SECURITY")
    found = diagnosed(reader, "full", "a")
    assert message(found, "perm.read").startswith("warning: row level security hides rows of public.a")


def test_a_schema_that_may_not_be_written_fails(reader: dict[str, Any]) -> None:
    assert failed(diagnosed(reader, "write")) == ("perm.write", "permission")


def test_a_pooler_is_told(database: Database) -> None:
    pooler = PgBouncer.start(database.server)
    try:
        found = diagnosed(pooler.fields(database=database.name), "write")
        assert found.ok, found
        assert "a pooler is in between" in message(found, "compat.pooler")
    finally:
        pooler.stop()


def test_few_free_connections_are_a_warning() -> None:
    server = PostgreSQL.start(tls=False, max_connections="10", superuser_reserved_connections="0")
    try:
        with ExitStack() as stack:
            for _ in range(8):
                stack.enter_context(server.connect())
            found = SessionChecks(stack.enter_context(opened(server.fields())), ()).limits()
        assert isinstance(found, Finding)
        assert "of 10 connections" in found.message
    finally:
        server.stop()


@pytest.mark.parametrize(
    "fault",
    [Fault("blackhole"), Fault("stall", "to_server", after_bytes=8), Fault("stall", "to_client", after_bytes=1500)],
    ids=["greeting", "handshake", "session"],
)
def test_a_server_that_falls_silent_cannot_hold_the_doctor(database: Database, fault: Fault) -> None:
    with FaultProxy("127.0.0.1", database.server.port, fault) as proxy:
        found = made(database.fields(port=proxy.port)).doctor(0.5, "full")
    assert found.category == "timeout"
