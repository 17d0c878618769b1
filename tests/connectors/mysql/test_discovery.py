"""Discovery: tables and views with their columns, of the databases that are meant, and nothing of the server's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from osiris.connectors.base import Field, Resource
from tests.connectors.mysql.clients import opened
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server


def discovered(database: Database, like: str | None = None, **changes: object) -> list[Resource]:
    return found_by(database.fields(), like, **changes)


def found_by(fields: dict[str, Any], like: str | None = None, **changes: object) -> list[Resource]:
    with opened(fields, **changes) as client:
        return list(client.discover(like))


@pytest.fixture
def second(database: Database) -> Iterator[Database]:
    made = database.server.database()
    yield made
    made.drop()


def test_columns_come_with_type_nullability_and_key(database: Database) -> None:
    database.sql(
        "CREATE TABLE t (b INT UNSIGNED, a VARCHAR(10) NOT NULL, j JSON, u UUID, i4 INET4, i6 INET6, "
        "e ENUM('x','y'), t LONGTEXT, PRIMARY KEY (a))"
    )
    (found,) = discovered(database)
    assert (found.name, found.type, found.schema) == ("t", "table", database.name)
    assert found.fields == (
        Field("b", "int(10) unsigned", True),
        Field("a", "varchar(10)", False, True),
        Field("j", "json", True),
        Field("u", "uuid", True),
        Field("i4", "inet4", True),
        Field("i6", "inet6", True),
        Field("e", "enum('x','y')", True),
        Field("t", "longtext", True),
    )


def test_resources_are_sorted_and_have_their_kind(database: Database) -> None:
    database.sql(
        "CREATE TABLE b (x INT)",
        "CREATE TABLE B2 (x INT) WITH SYSTEM VERSIONING",
        "CREATE VIEW a AS SELECT * FROM b",
        "CREATE SEQUENCE s",
        "CREATE TABLE _osiris_commits (x INT)",
        "CREATE TABLE `z ``'\"` (`c ``d` INT)",
    )
    found = discovered(database)
    assert [(each.name, each.type) for each in found] == [
        ("B2", "table"),
        ("a", "view"),
        ("b", "table"),
        ("z `'\"", "table"),
    ]
    assert found[3].fields == (Field("c `d", "int(11)", True),)


def test_rows_are_estimated_not_counted(database: Database) -> None:
    database.sql("CREATE TABLE t (x INT)", "INSERT INTO t SELECT seq FROM seq_1_to_1000", "ANALYZE TABLE t")
    database.sql("CREATE VIEW v AS SELECT * FROM t")
    table, view = discovered(database)
    assert table.estimated_rows is not None
    assert 500 < table.estimated_rows < 2000
    assert view.estimated_rows is None


def test_a_view_whose_table_is_gone_does_not_end_the_discovery(database: Database) -> None:
    database.sql("CREATE TABLE t (x INT)", "CREATE VIEW v AS SELECT * FROM t", "DROP TABLE t", "CREATE TABLE z (x INT)")
    assert [each.name for each in discovered(database)] == ["v", "z"]


def test_a_connection_without_a_database_shows_all_but_the_servers_own(database: Database, second: Database) -> None:
    for each in (database, second):
        each.sql("CREATE TABLE t (x INT)")
    found = [(each.schema, each.name) for each in found_by(database.server.fields())]
    assert {(database.name, "t"), (second.name, "t")} <= set(found)
    assert found == sorted(found)
    assert not {"mysql", "sys", "information_schema", "performance_schema"} & {str(schema) for schema, _ in found}


def test_a_connection_with_a_database_shows_that_alone(database: Database, second: Database) -> None:
    second.sql("CREATE TABLE t (x INT)")
    assert discovered(database) == []


@pytest.mark.parametrize(("like", "wanted"), [("or*", ["orders"]), ("ORDERS", ["orders"]), ("x", []), (None, None)])
def test_a_glob_chooses_by_name(database: Database, like: str | None, wanted: list[str] | None) -> None:
    database.sql("CREATE TABLE orders (x INT)", "CREATE TABLE people (x INT)")
    assert [each.name for each in discovered(database, like)] == (wanted or ([] if like else ["orders", "people"]))


def test_a_glob_with_a_dot_chooses_by_database_too(database: Database, second: Database) -> None:
    for each in (database, second):
        each.sql("CREATE TABLE t (x INT)")
    found = found_by(database.server.fields(), f"{second.name}.*")
    assert [(each.schema, each.name) for each in found] == [(second.name, "t")]


def test_what_the_user_may_not_see_is_not_listed(database: Database) -> None:
    database.sql("CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)")
    database.sql("CREATE USER peeper IDENTIFIED BY 'x'", "GRANT SELECT ON a TO peeper")
    try:
        assert [each.name for each in discovered(database, user="peeper", password="x")] == ["a"]
    finally:
        database.sql("DROP USER peeper")
