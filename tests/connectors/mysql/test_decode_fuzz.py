"""Any bytes at all: the decoder gives the rows that PyMySQL gives for them, or an error; never other rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymysql import err
from pymysql.constants import FIELD_TYPE, FLAG

from osiris.connectors.mysql.columns import NOT_FIXED, Column
from osiris.errors import OsirisError
from tests.connectors.mysql.generated import plain
from tests.connectors.mysql.packets import EOF, decoded, read_by_pymysql, stream, text_row

COLUMNS = (
    Column("int", FIELD_TYPE.LONG, length=11),
    Column("tiny", FIELD_TYPE.TINY, FLAG.UNSIGNED, length=3),
    Column("big", FIELD_TYPE.LONGLONG, FLAG.UNSIGNED, length=20),
    Column("short", FIELD_TYPE.NEWDECIMAL, length=12, decimals=2),
    Column("whole", FIELD_TYPE.NEWDECIMAL, length=16),
    Column("long", FIELD_TYPE.NEWDECIMAL, length=67, decimals=30),
    Column("double", FIELD_TYPE.DOUBLE, length=22, decimals=NOT_FIXED),
    Column("bit", FIELD_TYPE.BIT, FLAG.UNSIGNED, length=12),
    Column("date", FIELD_TYPE.DATE, length=10),
    Column("datetime", FIELD_TYPE.DATETIME, length=26, decimals=6),
    Column("second", FIELD_TYPE.DATETIME, length=19),
    Column("time", FIELD_TYPE.TIME, length=10),
    Column("time3", FIELD_TYPE.TIME, length=14, decimals=3),
    Column("text", FIELD_TYPE.VAR_STRING, charset=45, length=400),
    Column("bytes", FIELD_TYPE.BLOB, length=65535),
)
TYPES = {"bit": "BIT(12)", "date": "DATE", "datetime": "DATETIME(6)", "second": "DATETIME"}
VALUES: dict[str, Sequence[str | bytes]] = {
    "int": ["0", "-1", "2147483647", "-2147483648"],
    "tiny": ["0", "255"],
    "big": ["18446744073709551615", "1000000000000"],
    "short": ["0.00", "-0.01", "12345678.90"],
    "whole": ["0", "-7", "999999999999999"],
    "long": ["0." + "0" * 30, "-" + "9" * 35 + "." + "1" * 30],
    "double": ["0", "-0", "1e300", "0.1", "-1.5e-7"],
    "bit": [b"\0\0", b"\x0f\xff"],
    "date": ["2026-01-31", "0000-00-00", "2007-02-31"],
    "datetime": ["2026-01-31 23:59:59.999999", "0001-01-01 00:00:00.000000"],
    "second": ["1970-01-01 00:00:00", "2022-11-00 10:10:10"],
    "time": ["00:00:00", "-838:59:59", "100:00:00", "-01:02:03"],
    "time3": ["00:00:00.001", "-837:59:59.999"],
    "text": ["", "abc", "žluť 🐘", "x" * 260],
    "bytes": [b"", b"\0\xff\xfe", b"\xfb" * 260],
}
pytestmark = pytest.mark.slow
rows = st.tuples(*(st.none() | st.sampled_from(VALUES[column.name]) for column in COLUMNS))


def result(given_rows: list[tuple[Any, ...]]) -> bytes:
    return stream([*(text_row(*row) for row in given_rows), EOF])


def check(data: bytes, piece: int | None = None, columns: Sequence[Column] = COLUMNS) -> None:
    try:
        found = decoded(columns, data, piece=piece)
    except (OsirisError, err.Error):
        return
    expected = read_by_pymysql(columns, data)
    names = [column.name for column in columns]
    assert found == [
        tuple(plain(value, TYPES.get(name, "")) for name, value in zip(names, row, strict=True)) for row in expected
    ]


@settings(max_examples=50)
@given(st.lists(rows, max_size=6), st.sampled_from([1, 50, 333, None]))
def test_rows_are_read_as_they_were_sent(given_rows: list[tuple[Any, ...]], piece: int | None) -> None:
    data = result(given_rows)
    assert len(decoded(COLUMNS, data, piece=piece)) == len(given_rows)
    check(data, piece)


@settings(max_examples=150)
@given(st.lists(rows, min_size=1, max_size=3), st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3))
def test_bits_that_are_turned_around(given_rows: list[tuple[Any, ...]], places: list[float]) -> None:
    data = bytearray(result(given_rows))
    for place in places:
        bit = int(place * len(data) * 8)
        data[bit // 8] ^= 1 << bit % 8
    check(bytes(data))


@settings(max_examples=100)
@given(st.lists(rows, min_size=1, max_size=3), st.floats(0, 1), st.floats(0, 1), st.binary(max_size=20))
def test_bytes_that_are_replaced(given_rows: list[tuple[Any, ...]], begin: float, end: float, middle: bytes) -> None:
    data = result(given_rows)
    first, last = sorted((int(begin * len(data)), int(end * len(data))))
    check(data[:first] + middle + data[last:])


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=60), max_size=5))
@example([b"\xfe"])
def test_packets_of_any_bytes(payloads: list[bytes]) -> None:
    check(stream([*payloads, EOF]))


LETTERS = "0123456789-+.: eEinfaT\0xž"


@settings(max_examples=400)
@given(st.sampled_from(COLUMNS), st.text(LETTERS, max_size=30), st.data())
def test_values_of_any_letters(column: Column, text: str, data: st.DataObject) -> None:
    known = data.draw(st.sampled_from(VALUES[column.name]))
    value = text if isinstance(known, bytes) else known[: data.draw(st.integers(0, 30))] + text
    check(stream([text_row(value), EOF]), columns=[column])


def test_every_bit_of_a_result() -> None:
    """All that one turned bit can do to a row of two columns and to the end: nothing of it is left to chance."""
    columns = [column for column in COLUMNS if column.name in ("short", "text")]
    data = stream([text_row("-12.50", "ž"), text_row(None, ""), EOF])
    for bit in range(len(data) * 8):
        turned = bytearray(data)
        turned[bit // 8] ^= 1 << bit % 8
        check(bytes(turned), columns=columns)
    assert decoded(columns, data) == [(Decimal("-12.50"), "ž"), (None, "")]
