"""Tables with more than columns and rows, and accounts that are not alone, as the PostgreSQL writer meets them."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Run
from tests.connectors.postgres.clients import made
from tests.connectors.postgres.target import Target, new_run

pytestmark = pytest.mark.server
ROWS = pa.table({"id": [1, 2, 3], "name": ["a", "A", "b"]})
Runs = Callable[[], Run]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sole", "durable"])
def run(request: pytest.FixtureRequest) -> Runs:
    """Makes runs in which the writer is alone in its flow, or stages durably."""
    return lambda: new_run(sole=request.param)


@pytest.mark.parametrize("index", ["", "PRIMARY KEY"], ids=["no index", "an index"])
def test_keys_are_equal_if_the_table_says_so(target: Target, run: Runs, index: str) -> None:
    target.sql(
        "CREATE COLLATION IF NOT EXISTS either (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        f"CREATE TABLE t (id bigint, name text COLLATE either {index})",
        "INSERT INTO t VALUES (0, 'A')",
    )
    part, written = target.write(ROWS, run=run(), write_mode="upsert", primary_key="name")
    assert (written.rows, part.superseded) == (2, 1)
    assert target.rows(columns="id, lower(name)") == [(2, "a"), (3, "b")]


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_rules_hold_in_every_mode(target: Target, run: Runs, mode: str) -> None:
    target.sql(
        "CREATE TABLE t (id bigint, name text)",
        "CREATE TABLE seen (id bigint)",
        "CREATE RULE also AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES (NEW.id)",
    )
    if mode == "upsert":
        target.sql("DROP RULE also ON t", "CREATE RULE less AS ON INSERT TO t WHERE NEW.id > 2 DO INSTEAD NOTHING")
    target.write(ROWS.slice(0, 2), run=run(), write_mode=mode, primary_key="id")
    assert target.rows() == [(1, "a"), (2, "A")]
    assert target.rows("seen") == ([] if mode == "upsert" else [(1,), (2,)])


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("CREATE SEQUENCE x", "a sequence"),
        ("CREATE TABLE other (id int); CREATE INDEX x ON other (id)", "an index"),
        ("CREATE TYPE x AS ENUM ('a')", "a type"),
        ("CREATE TYPE x AS (a int)", "a type"),
        ("CREATE DOMAIN x AS int", "a type"),
    ],
)
def test_a_name_that_something_else_has_is_told_and_may_not_pass(target: Target, statement: str, kind: str) -> None:
    target.sql(statement)
    with pytest.raises(osiris.ConfigError, match=f"public.x is {kind}, not a table"):
        target.write(ROWS, table="x")
    assert target.tables() <= {"other", "_osiris_commits", "_osiris_state"}


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_who_may_not_note_a_commit_is_told_before_any_row_is_sent(target: Target, run: Runs, mode: str) -> None:
    """Later it could not be asked what was committed."""
    name = f"second_{target.database.name}"
    target.write(ROWS)
    target.sql(
        f"CREATE ROLE {name} LOGIN PASSWORD 'x'",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {name}",
        f"GRANT ALL ON t TO {name}",
    )
    second = target.over(user=name, password="x")
    with pytest.raises(osiris.PermissionDenied, match=r"may not read and fill public\._osiris_commits") as caught:
        second.write(ROWS, run=run(), write_mode=mode, primary_key="id")
    with second.client() as client:
        writer = second.writer(client)
        token = writer.token(ROWS.schema, run())
        with pytest.raises(osiris.PermissionDenied, match="may not read and fill"):
            writer.foresee(token, ROWS.schema)
    diagnosis = made(target.database.fields(user=name, password="x")).doctor(30.0, "write")
    assert (diagnosis.checks[-1].id, diagnosis.category) == ("perm.write", "permission")
    target.sql(str(caught.value.hint).removeprefix("let the table's owner "))
    second.write(ROWS, run=run(), write_mode=mode, primary_key="id")
    target.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_the_widest_table_has_no_room_for_the_order_of_an_upsert(target: Target) -> None:
    wide = pa.table({f"c{number}": pa.array([number], pa.int32()) for number in range(1600)})
    target.write(wide)
    target.write(wide, write_mode="replace")
    with pytest.raises(osiris.ConfigError, match="at most 1600 columns") as caught:
        target.write(wide, write_mode="upsert", primary_key="c0")
    assert "order of the rows" in str(caught.value.hint)
    assert target.sql("SELECT count(*) FROM t") == [(1,)]
