"""Doctor of a Supabase project: each set-up that is broken is told by a check, a category and a hint of its own."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from osiris.connectors.base import Check, CheckResult, Diagnosis
from osiris.connectors.supabase import addresses
from osiris.connectors.supabase.by_sql import BySql
from osiris.diagnosis import Level
from tests.connectors.supabase.projects import by_sql, made, over_rest
from tests.servers.certificates import Authority
from tests.servers.postgres import Database
from tests.servers.postgrest import roles
from tests.servers.postgrest.faults import Fault, page
from tests.servers.postgrest.server import Rest
from tests.servers.talker import Talker
from tests.servers.web import Reply

pytestmark = pytest.mark.server
PROJECT = "abcdefghijklmnopqrst"
REST = [
    "compat.url",
    "compat.key",
    "net.dns",
    "net.tcp",
    "tls.handshake",
    "auth.login",
    "compat.schema",
    "compat.role",
    "perm.read",
]


def told(found: Diagnosis) -> tuple[str, str, str]:
    """The check that ended a diagnosis, its category and its hint."""
    last = found.checks[-1]
    assert last.status == "failure", found
    return last.id, last.category, last.hint or ""


def check(found: Diagnosis, name: str) -> CheckResult:
    (result,) = [result for result in found.checks if result.id == name]
    return result


def jwt(**claims: Any) -> str:
    """A legacy key of a project that nobody here knows."""
    return roles.token({"role": "service_role", **claims}, "a secret of at least 32 characters")


@pytest.mark.parametrize(
    ("level", "more"), [("quick", []), ("full", ["compat.rls", "server.limits", "clock.skew"])], ids=["quick", "full"]
)
def test_a_project_that_is_well_passes_every_check(rest: Rest, level: Level, more: list[str]) -> None:
    found = over_rest(rest).doctor(30.0, level)
    assert found.status == "success", found
    assert [one.id for one in found.checks] == [*REST, *more]


def test_a_dsn_that_is_well_passes_the_checks_of_the_database(database: Database) -> None:
    found = by_sql(database).doctor(30.0, "full")
    assert found.status == "success", found
    assert check(found, "compat.pooler").message == "the server itself answers"


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"key": "sbp_0123456789"}, ("compat.key", "auth", "secret key (sb_secret_…)")),
        ({"key": "hunter2"}, ("compat.key", "auth", "secret key (sb_secret_…)")),
        ({"key": jwt(ref="zyxwvutsrqponmlkjihg")}, ("compat.key", "auth", "take the key from the settings of")),
        ({"key": jwt(exp=0)}, ("compat.key", "auth", "take a new one")),
        ({"project_id": None}, ("compat.url", "config", "give url, as in https://")),
        (
            {"project_id": None, "url": f"https://supabase.com/dashboard/project/{PROJECT}"},
            ("compat.url", "config", f"https://{PROJECT}.supabase.co"),
        ),
        ({"project_id": None, "url": "https://x?y=1"}, ("compat.url", "config", "scheme, host, port and path")),
        ({"project_id": None, "url": "https://no-such-host.invalid"}, ("net.dns", "network", "check host")),
        ({"project_id": None, "url": "http://127.0.0.1:1"}, ("net.tcp", "network", "check url")),
        ({"dsn": "postgresql://u:p@[::1]:1/x"}, ("net.tcp", "network", "session pooler")),
        ({"pg_host": f"db.{PROJECT}.supabase.co", "pg_user": "u"}, ("net.dns", "network", "session pooler")),
        ({"transport": "postgres"}, ("auth.login", "config", "string of the session pooler")),
    ],
)
def test_a_fault_on_this_side_is_told_by_its_check(fields: dict[str, Any], wanted: tuple[str, str, str]) -> None:
    found = made(**{"project_id": PROJECT, "key": "sb_secret_0123456789", **fields}).doctor(30.0)
    name, category, hint = told(found)
    assert (name, category) == wanted[:2], found
    assert wanted[2] in hint


def test_a_wrong_key_and_a_revoked_one_are_no_network_faults(rest: Rest) -> None:
    assert told(over_rest(rest, key=jwt()).doctor(30.0))[:2] == ("auth.login", "auth")
    rest.gateway.revoked.add(rest.secret_key)
    name, category, hint = told(over_rest(rest).doctor(30.0))
    assert (name, category) == ("auth.login", "auth")
    assert "revoked" in hint


def test_a_schema_that_is_not_exposed(rest: Rest) -> None:
    name, category, hint = told(over_rest(rest, schema="hidden").doctor(30.0))
    assert (name, category) == ("compat.schema", "config")
    assert "Data API" in hint


def test_a_table_that_is_not_there(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE here (id INT PRIMARY KEY)")
    assert over_rest(rest).doctor(30.0, "quick", ("here",)).ok
    name, category, hint = told(over_rest(rest).doctor(30.0, "quick", ("here", "nothing")))
    assert (name, category) == ("perm.read", "not_found")
    assert "Over rest no table is made" in hint


def test_row_level_security_that_hides_all_rows_is_made_visible(rest: Rest) -> None:
    rest.database.sql(
        "CREATE TABLE secret (id INT PRIMARY KEY)",
        "INSERT INTO secret VALUES (1)",
        "ALTER TABLE secret ENABLE ROW LEVEL SECURITY",
    )
    found = over_rest(rest, key=rest.publishable_key).doctor(30.0, "full", ("secret",))
    hidden = check(found, "compat.rls")
    assert (hidden.status, hidden.message) == ("warning", "this key sees 0 rows of secret")
    assert check(found, "compat.role").status == "warning"
    assert check(over_rest(rest).doctor(30.0, "full", ("secret",)), "compat.rls").status == "ok"


def test_a_legacy_key_is_told_to_be_retired() -> None:
    found = made(project_id=PROJECT, key=jwt(ref=PROJECT)).doctor(30.0)
    assert "retires" in (check(found, "compat.key").hint or "")


def test_a_page_of_a_proxy_is_no_success(rest: Rest) -> None:
    rest.faults.append(page())
    name, category, hint = told(over_rest(rest).doctor(30.0))
    assert (name, category) == ("auth.login", "server")
    assert "proxy" in hint


def test_no_encryption_where_the_url_promises_it(rest: Rest) -> None:
    found = over_rest(rest, url=rest.url.replace("http:", "https:")).doctor(30.0)
    assert told(found)[:2] == ("tls.handshake", "tls")


def test_a_silent_host_keeps_nobody_waiting(silent_port: int) -> None:
    found = made(url=f"http://127.0.0.1:{silent_port}", key="sb_secret_0123456789").doctor(0.5)
    assert told(found)[:2] == ("net.tcp", "timeout")


def test_a_wrong_password_of_the_database(database: Database) -> None:
    assert told(by_sql(database, pg_password="closed").doctor(30.0))[:2] == ("auth.login", "auth")


def test_a_pooler_that_knows_no_such_project() -> None:
    fields = b"SFATAL\0VFATAL\0CXX000\0MTenant or user not found\0\0"
    with Talker(b"E" + struct.pack("!I", len(fields) + 4) + fields) as pooler:
        dsn = f"postgresql://postgres:x@127.0.0.1:{pooler.port}/postgres?sslmode=disable"
        name, category, hint = told(made(dsn=dsn).doctor(30.0))
    assert (name, category) == ("auth.login", "auth")
    assert "postgres.abcdef" in hint


def test_how_many_rows_an_answer_has_is_found_out(rest: Rest) -> None:
    rest.settings.max_rows = 10
    rest.database.sql("CREATE TABLE many AS SELECT generate_series(1, 25) AS n")
    found = over_rest(rest).doctor(30.0, "full", ("many",))
    assert check(found, "server.limits").message == "an answer has 10 rows at most"


def test_limits_that_cannot_be_found_out_are_no_fault(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE t AS SELECT 1 AS n")
    rest.faults.append(Fault(Reply(400, b'{"code": "PGRST100", "message": "no"}'), part="select="))
    found = over_rest(rest).doctor(30.0, "full", ("t",))
    assert found.ok
    assert "not known" in check(found, "server.limits").message


def test_the_port_of_the_transaction_pooler_is_told() -> None:
    """There is nobody at the port: a check that has passed is told in Supabase's words."""
    passed = Check("compat.pooler", lambda: "a pooler is in between")
    for port, words in ((6543, "session for a transaction"), (5432, "in between")):
        channel = made(dsn=f"postgresql://u:p@127.0.0.1:{port}/x").transport
        assert isinstance(channel, BySql)
        (one,) = addresses.told(channel, [passed])
        assert words in str(one.probe())


def test_a_certificate_is_believed_if_its_authority_is_named(database: Database, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "tls")
    rest = Rest.start(database, certificate=authority.sign("server", "DNS:localhost", "IP:127.0.0.1"))
    try:
        assert over_rest(rest, ca_file=str(authority.ca)).doctor(30.0).status == "success"
        name, category, hint = told(over_rest(rest).doctor(30.0))
        assert (name, category) == ("tls.handshake", "tls")
        assert "authority" in hint
    finally:
        rest.stop()
