"""Rows and tables that are too large for the server: one clear error with a way out, and the target as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

import osiris
from tests.connectors.mysql.target import Target

pytestmark = pytest.mark.server
PACKET_BYTES = 2**16
MODES: list[dict[str, Any]] = [{}, {"write_mode": "replace"}, {"write_mode": "upsert", "primary_key": "id"}]


@pytest.fixture
def small(target: Target) -> Iterator[Target]:
    """A server that takes little at once, and a table t with a row."""
    server = target.database.server
    ((before,),) = server.sql("SELECT @@GLOBAL.max_allowed_packet")
    target.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, x LONGTEXT)", "INSERT INTO t VALUES (1, 'old')")
    server.sql(f"SET GLOBAL max_allowed_packet = {PACKET_BYTES}")
    yield target
    server.sql(f"SET GLOBAL max_allowed_packet = {before}")


def rows_of(*lengths: int) -> pa.Table:
    return pa.table({"id": pa.array(range(len(lengths)), pa.int64()), "x": ["x" * length for length in lengths]})


@pytest.mark.parametrize("options", MODES, ids=["append", "replace", "upsert"])
def test_a_row_that_no_packet_holds_is_an_error_that_names_row_and_limit(
    small: Target, options: dict[str, Any]
) -> None:
    rows = rows_of(1, 50_000, 2, PACKET_BYTES, 3)
    with pytest.raises(osiris.DataError) as caught:
        small.write(rows.slice(2), **options)
    assert (caught.value.code, caught.value.row) == ("mysql.packet", 2)
    assert f"row 2 takes {PACKET_BYTES + 7} bytes" in caught.value.message
    assert f"max_allowed_packet of {PACKET_BYTES} bytes" in caught.value.message
    for word in ("max_allowed_packet", "local_infile"):
        assert word in str(caught.value.hint)
    assert small.rows() == [(1, "old")]
    assert small.staging() == set()
    small.over(local_infile=True).write(rows.slice(2), **options)
    assert (3, PACKET_BYTES) in small.rows(columns="id, CHAR_LENGTH(x)")


def test_the_largest_row_that_is_let_through_is_taken(small: Target) -> None:
    with pytest.raises(osiris.DataError) as caught:
        small.write(rows_of(PACKET_BYTES))
    taken, limit = (int(number) for number in re.findall(r"(\d+) (?:bytes in|for a row)", caught.value.message))
    most = PACKET_BYTES - (taken - limit)
    small.sql("DELETE FROM t")
    small.write(rows_of(most, most, 1))
    assert small.rows(columns="id, CHAR_LENGTH(x)") == [(0, most), (1, most), (2, 1)]
    with pytest.raises(osiris.DataError, match="row 1 takes"):
        small.write(rows_of(most + 1))


def wide(columns: int, *lengths: int) -> pa.Table:
    return pa.table({f"c{n}": ["x" * length for length in lengths] for n in range(columns)})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (wide(400, 1), "Row size too large"),
        (pa.table({f"c{n}": [n] for n in range(1018)}), "Too many columns"),
        (wide(5000, 1), "Too many columns"),
    ],
    ids=["400 texts", "1018 numbers", "5000 texts"],
)
def test_a_table_that_is_too_wide_is_refused_before_a_row_is_sent(target: Target, rows: pa.Table, words: str) -> None:
    with pytest.raises(osiris.ConfigError, match=f"no table can have these columns: .*{words}") as caught:
        target.write(rows)
    assert caught.value.code == "table.invalid"
    assert "fewer columns" in str(caught.value.hint)
    assert (target.tables() - {"_osiris_commits", "_osiris_state"}, target.staging()) == (set(), set())


def test_a_server_that_takes_no_table_without_a_key_asks_for_one(target: Target) -> None:
    server = target.database.server
    server.sql("SET GLOBAL innodb_force_primary_key = ON")
    try:
        with pytest.raises(osiris.ConfigError, match="requires a primary key") as caught:
            target.write(rows_of(1, 2))
        target.write(rows_of(1, 2), primary_key="id")
    finally:
        server.sql("SET GLOBAL innodb_force_primary_key = OFF")
    assert (caught.value.code, "primary_key" in str(caught.value.hint)) == ("table.invalid", True)
    assert target.rows() == [(0, "x"), (1, "xx")]


@pytest.mark.parametrize("options", [{}, {"write_mode": "replace"}], ids=["append", "replace"])
@pytest.mark.parametrize("strict", ["ON", "OFF"])
def test_a_row_that_no_page_holds_is_an_error_that_names_it(
    target: Target, strict: str, options: dict[str, Any]
) -> None:
    """300 texts fit as pointers; as texts of 30 bytes, which InnoDB keeps in the row, they do not."""
    server = target.database.server
    target.write(wide(300, 1))
    before = target.rows(columns="c0, c299")
    server.sql(f"SET GLOBAL innodb_strict_mode = {strict}")
    try:
        with pytest.raises(osiris.DataError, match="row 3: Row size too large") as caught:
            target.write(wide(300, 1, 300, 30, 2), **options)
    finally:
        server.sql("SET GLOBAL innodb_strict_mode = ON")
    assert (caught.value.code, caught.value.row) == ("mysql.row_size", 3)
    assert "fewer columns" in str(caught.value.hint)
    assert target.rows(columns="c0, c299") == before
