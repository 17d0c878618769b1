"""Discovery: tables and views with their columns, of the schemas that are meant, and nothing of the server's own."""

from __future__ import annotations

import pytest

from osiris.connectors.base import Field, Resource
from tests.connectors.postgres.clients import opened
from tests.servers.postgres import Database

pytestmark = pytest.mark.server


def discovered(database: Database, like: str | None = None, **changes: object) -> list[Resource]:
    with opened(database.fields(), **changes) as client:
        return list(client.discover(like))


def test_columns_come_with_type_nullability_and_key(database: Database) -> None:
    database.sql(
        "CREATE TYPE mood AS ENUM ('a')",
        "CREATE TABLE t (b NUMERIC(10,2), a VARCHAR(10) NOT NULL, gone INT, m mood[], PRIMARY KEY (a))",
        "ALTER TABLE t DROP gone",
    )
    (found,) = discovered(database)
    assert (found.name, found.type, found.schema) == ("t", "table", "public")
    assert found.fields == (
        Field("b", "numeric(10,2)", True),
        Field("a", "character varying(10)", False, True),
        Field("m", "mood[]", True),
    )


def test_resources_are_sorted_and_have_their_kind(database: Database) -> None:
    database.sql(
        "CREATE TABLE b (x INT)",
        "CREATE VIEW a AS SELECT * FROM b",
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM b",
        "CREATE TABLE p (x INT) PARTITION BY RANGE (x)",
        "CREATE TABLE part PARTITION OF p DEFAULT",
        "CREATE SEQUENCE s",
        "CREATE TABLE _osiris_commits (x INT)",
        'CREATE TABLE "Z ""\'`" ("c ""d" INT)',
        "CREATE TABLE bare ()",
    )
    found = discovered(database)
    assert [(each.name, each.type) for each in found] == [
        ("Z \"'`", "table"),
        ("a", "view"),
        ("b", "table"),
        ("bare", "table"),
        ("m", "materialized view"),
        ("p", "partitioned table"),
    ]
    assert found[0].fields == (Field('c "d', "integer", True),)


def test_rows_are_estimated_not_counted(database: Database) -> None:
    database.sql("CREATE TABLE t (x INT)", "INSERT INTO t SELECT generate_series(1, 1000)", "ANALYZE t")
    database.sql("CREATE VIEW v AS SELECT * FROM t")
    assert [each.estimated_rows for each in discovered(database)] == [1000, None]


def test_a_connection_with_a_schema_shows_that_alone(database: Database) -> None:
    database.sql("CREATE SCHEMA other", "CREATE TABLE other.t (x INT)", "CREATE TABLE t (x INT)")
    assert [(each.schema, each.name) for each in discovered(database)] == [("other", "t"), ("public", "t")]
    assert [(each.schema, each.name) for each in discovered(database, schema="other")] == [("other", "t")]


@pytest.mark.parametrize(
    ("like", "wanted"),
    [("or*", ["orders"]), ("ORDERS", ["orders"]), ("x", []), ("public.p*", ["people"]), (None, ["orders", "people"])],
)
def test_a_glob_chooses_by_name(database: Database, like: str | None, wanted: list[str]) -> None:
    database.sql("CREATE TABLE orders (x INT)", "CREATE TABLE people (x INT)")
    assert [each.name for each in discovered(database, like)] == wanted


def test_what_the_user_may_not_read_is_not_listed(database: Database) -> None:
    database.sql("CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)", "CREATE SCHEMA hidden", "CREATE TABLE hidden.c ()")
    database.sql("CREATE USER looker PASSWORD 'x'", "GRANT SELECT ON a TO looker")
    try:
        assert [each.name for each in discovered(database, user="looker", password="x")] == ["a"]
    finally:
        database.sql("DROP OWNED BY looker", "DROP USER looker")
