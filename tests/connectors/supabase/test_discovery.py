"""Discovery of a Supabase project: by the database, by the interface's own description, and by a table's name."""

from __future__ import annotations

import pytest

from osiris.connectors.base import Field, Resource
from osiris.connectors.supabase.client import Client
from osiris.errors import PermissionDenied
from tests.connectors.supabase.projects import by_sql, over_rest
from tests.servers.postgrest.server import Rest

pytestmark = pytest.mark.server
TABLES = ("CREATE TABLE b (id INT PRIMARY KEY, name TEXT)", "CREATE TABLE a (n NUMERIC NOT NULL)")


@pytest.fixture(autouse=True)
def tables(rest: Rest) -> None:
    rest.database.sql(*TABLES)
    rest.reload()


def found(client: Client, like: str | None = None) -> list[Resource]:
    try:
        client.open()
        return list(client.discover(like))
    finally:
        client.close()


def test_a_secret_key_sees_tables_with_types_and_keys(rest: Rest) -> None:
    assert found(over_rest(rest)) == [
        Resource("a", "table", (Field("n", "numeric", False, False),)),
        Resource("b", "table", (Field("id", "integer", False, True), Field("name", "text", True, False))),
    ]
    assert [one.name for one in found(over_rest(rest), "public.b*")] == ["b"]
    assert [one.name for one in found(over_rest(rest, key=rest.service_key), "a")] == ["a"]


def test_a_key_for_browsers_finds_a_table_by_its_name(rest: Rest) -> None:
    client = over_rest(rest, key=rest.publishable_key)
    assert found(client, "b") == [Resource("b", "table")]
    assert found(client, "c") == []
    for like in (None, "b*"):
        with pytest.raises(PermissionDenied, match="may not read what tables there are"):
            found(client, like)


def test_a_dsn_needs_no_description(rest: Rest) -> None:
    client = by_sql(rest.database, schema="public")
    assert [(one.name, one.schema) for one in found(client)] == [("a", "public"), ("b", "public")]
    assert [path for path in (asked.path for asked in rest.asked) if path] == []
