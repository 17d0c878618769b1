"""Doctor over real servers: what each check says, which one fails, and that one login is all it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from osiris.connectors.base import Diagnosis, Finding
from osiris.connectors.mysql.checks import LoginChecks, SessionChecks
from osiris.diagnosis import Level
from osiris.testing.faults import Fault, FaultProxy
from osiris.testing.rig import SLACK_S
from tests.connectors.mysql.clients import made, opened
from tests.connectors.patience import until
from tests.servers.mariadb import PASSWORD, USER, Database, MariaDB
from tests.servers.talker import Talker, refusal

pytestmark = pytest.mark.server
QUICK = ["net.dns", "net.tcp", "tls.handshake", "tls.verify", "auth.login", "server.version"]
FULL = [*QUICK, "perm.read", "server.limits", "clock.skew", "compat.engines", "compat.replica"]


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
def reader(database: Database) -> Iterator[str]:
    """An account that may do nothing yet."""
    database.sql("CREATE USER reader IDENTIFIED BY 'x'")
    yield "reader"
    database.sql("DROP USER reader")


@pytest.mark.parametrize(("level", "wanted"), [("quick", QUICK), ("full", FULL), ("write", [*FULL, "perm.write"])])
def test_a_server_that_is_well_passes_every_check(database: Database, level: Level, wanted: list[str]) -> None:
    found = diagnosed(database.fields(), level)
    assert found.status == "success", found
    assert [check.id for check in found.checks] == wanted


def test_each_check_tells_what_it_saw(mariadb: MariaDB, database: Database) -> None:
    database.sql("CREATE TABLE a (x INT)", "CREATE VIEW b AS SELECT * FROM a")
    found = diagnosed(database.fields(ssl_mode="verify_identity", ssl_ca=mariadb.ca), "write")
    assert message(found, "net.tcp") == f"ok: 127.0.0.1:{mariadb.port}"
    assert message(found, "tls.handshake").startswith("ok: TLSv1.")
    assert message(found, "tls.verify") == "ok: the certificate is trusted, and 127.0.0.1 is among its names"
    assert message(found, "server.version").startswith("ok: MariaDB 1")
    assert message(found, "perm.read") == "ok: 2 tables and views can be seen"
    assert "max_allowed_packet 16 MB" in message(found, "server.limits")
    assert message(found, "perm.write") == f"ok: a table was made and dropped in {database.name}"
    assert database.sql("SHOW TABLES") == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("changes", "check", "category"),
    [
        ({"host": "no-such-host.invalid"}, "net.dns", "network"),
        ({"port": 1}, "net.tcp", "network"),
        ({"ssl_mode": "verify_ca"}, "tls.verify", "tls"),
        ({"password": "wrong"}, "auth.login", "auth"),
        ({"database": "no_such_database"}, "auth.login", "not_found"),
        ({"init_sql": "nonsense"}, "auth.login", "config"),
    ],
)
def test_what_is_wrong_fails_its_own_check(mariadb: MariaDB, changes: Any, check: str, category: str) -> None:
    assert failed(diagnosed(mariadb.fields(), **changes)) == (check, category)


def test_a_server_without_tls_fails_the_handshake(plain_mariadb: MariaDB) -> None:
    assert failed(diagnosed(plain_mariadb.fields(ssl_mode="required"))) == ("tls.handshake", "tls")
    assert "nothing is encrypted" in message(diagnosed(plain_mariadb.fields()), "tls.handshake")


def test_a_server_that_refuses_before_the_login_fails_the_login() -> None:
    with Talker(refusal(1040, "Too many connections")) as talker:
        found = diagnosed({"host": "127.0.0.1", "port": talker.port, "user": "u"})
    assert failed(found) == ("auth.login", "busy")
    assert "refused before" in message(found, "tls.handshake")


def test_a_wrong_password_costs_one_login(database: Database) -> None:
    """A host that fails too often is blocked by the server."""
    with FaultProxy("127.0.0.1", database.server.port) as proxy:
        assert failed(diagnosed(database.fields(port=proxy.port), "write", password="wrong"))[1] == "auth"
        assert proxy.connections == 1


def test_a_full_diagnosis_costs_one_login(database: Database) -> None:
    with FaultProxy("127.0.0.1", database.server.port) as proxy:
        assert diagnosed(database.fields(port=proxy.port), "write").ok
        assert proxy.connections == 1


def test_a_socket_file_has_no_name_and_needs_no_tls(mariadb: MariaDB) -> None:
    fields = mariadb.fields(unix_socket=str(mariadb.socket))
    quick = [check.id for check in diagnosed(fields, host=None, port=None).checks]
    assert quick == ["net.tcp", "auth.login", "server.version"]
    assert [check.id for check in diagnosed(fields, host=None, port=None, ssl_mode="required").checks] == QUICK[1:]


def test_plaintext_to_another_machine_is_a_warning(plain_mariadb: MariaDB) -> None:
    checks = LoginChecks(made(plain_mariadb.fields()), is_local=False)
    found = checks.encrypt()
    assert isinstance(found, Finding)
    assert found.status == "warning"
    assert "ssl_mode" in str(found.hint)
    checks.channel.close()


def test_an_unverified_server_elsewhere_gets_a_word_of_advice(mariadb: MariaDB) -> None:
    checks = LoginChecks(made(mariadb.fields()), is_local=False)
    checks.encrypt()
    found = checks.verify()
    assert isinstance(found, Finding)
    assert "verify_identity" in str(found.hint)
    checks.channel.close()


@contextmanager
def session(fields: dict[str, Any], **more: Any) -> Iterator[SessionChecks]:
    """The checks of an open session."""
    with opened(fields, **more) as client:
        yield SessionChecks(client, ())


def test_a_table_that_is_not_there_is_a_warning(database: Database) -> None:
    database.sql("CREATE TABLE a (x INT)")
    found = diagnosed(database.fields(), "full", "a", "missing", "no_such_database.b")
    assert found.status == "warning"
    assert message(found, "perm.read") == f"warning: there is no table {database.name}.missing, no_such_database.b"


def test_a_table_that_may_not_be_read_fails(database: Database, reader: str) -> None:
    database.sql("CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)", f"GRANT SELECT ON a TO {reader}")
    fields = database.fields(user=reader, password="x")
    assert diagnosed(fields, "full", "a").status == "success"
    assert failed(diagnosed(fields, "full", "a", "b")) == ("perm.read", "permission")


def test_a_database_that_may_not_be_written_fails(database: Database, reader: str) -> None:
    database.sql(f"GRANT SELECT ON * TO {reader}")
    assert failed(diagnosed(database.fields(user=reader, password="x"), "write")) == ("perm.write", "permission")


def test_without_a_database_writing_is_not_tried(mariadb: MariaDB) -> None:
    assert "names no database" in message(diagnosed(mariadb.fields(), "write"), "perm.write")


def test_a_table_without_transactions_is_a_warning(database: Database) -> None:
    database.sql("CREATE TABLE old (x INT) ENGINE = MyISAM", "CREATE TABLE new (x INT)")
    found = diagnosed(database.fields(), "full", "old", "new")
    assert message(found, "compat.engines") == f"warning: no transactions: {database.name}.old (MyISAM)"


def test_a_clock_that_is_wrong_is_a_warning(database: Database) -> None:
    with session(database.fields(), init_sql="SET timestamp = UNIX_TIMESTAMP() - 3600") as checks:
        found = checks.clock()
    assert isinstance(found, Finding)
    assert "behind" in found.message


def test_a_small_packet_and_few_free_connections_are_warnings(mariadb: MariaDB, database: Database) -> None:
    for setting, hint in (("max_allowed_packet = 1048576", "max_allowed_packet"), ("max_connections = 10", "left")):
        name = setting.partition(" ")[0]
        mariadb.sql(f"SET GLOBAL {setting}")
        others = [mariadb.connect() for _ in range(8)]
        try:
            with session(database.fields()) as checks:
                found = checks.limits()
            assert isinstance(found, Finding)
            assert hint in str(found.hint)
        finally:
            mariadb.sql(f"SET GLOBAL {name} = {mariadb.settings.get(name.replace('_', '-')) or 'DEFAULT'}")
            for other in others:
                other.close()


def test_whether_it_is_a_replica_may_be_hidden(mariadb: MariaDB, reader: str) -> None:
    with session(mariadb.fields()) as checks:
        assert "no replica" in str(checks.replica())
    with session(mariadb.fields(user=reader, password="x")) as checks:
        assert checks.replica() == "whether it is a replica is not shown to this user"


def test_a_replica_that_lags_is_a_warning() -> None:
    """It waits before it takes over what was written an hour ago, by the primary's clock."""
    with ExitStack() as stack:
        primary, replica = (MariaDB.start(log_bin="log", server_id=str(number)) for number in (1, 2))
        stack.callback(replica.stop)
        stack.callback(primary.stop)
        ((log, position, *_),) = primary.sql("SHOW MASTER STATUS")
        replica.sql(
            f"CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {primary.port}, MASTER_USER = '{USER}', "
            f"MASTER_PASSWORD = '{PASSWORD}', MASTER_LOG_FILE = '{log}', MASTER_LOG_POS = {position}, "
            "MASTER_DELAY = 86400",
            "START SLAVE",
        )
        primary.sql("SET timestamp = UNIX_TIMESTAMP() - 3600", "CREATE DATABASE late")
        checks = SessionChecks(stack.enter_context(opened(replica.fields())), ())
        until(lambda: isinstance(checks.replica(), Finding))
        assert "s behind" in str(checks.replica())


@pytest.mark.parametrize(
    "fault",
    [Fault("blackhole"), Fault("stall", "to_server", after_bytes=36), Fault("stall", "to_client", after_bytes=3000)],
    ids=["greeting", "handshake", "session"],
)
def test_a_server_that_falls_silent_cannot_hold_the_doctor(database: Database, fault: Fault) -> None:
    with FaultProxy("127.0.0.1", database.server.port, fault) as proxy:
        started = time.monotonic()
        found = made(database.fields(port=proxy.port)).doctor(0.5, "full")
        took_s = time.monotonic() - started
    assert found.category == "timeout"
    assert took_s < 0.5 + SLACK_S
