"""Values of the binary protocol: what each type gives, what is refused, and nulls, which have no bytes."""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymysql import err
from pymysql.constants import FIELD_TYPE, FLAG

from osiris.connectors.mysql.columns import Column, Policy
from osiris.errors import DataError, OsirisError, SourceError
from tests.connectors.mysql.packets import EOF, binary_row, counted, decoded, stream

DATE = Column("c", FIELD_TYPE.DATE, length=10)
DATETIME = Column("c", FIELD_TYPE.DATETIME, length=26, decimals=6)
SECOND = Column("c", FIELD_TYPE.DATETIME, length=19)
TIME = Column("c", FIELD_TYPE.TIME, length=17, decimals=6)
FLOAT = Column("c", FIELD_TYPE.FLOAT, length=12, decimals=31)
BOOL = Column("c", FIELD_TYPE.TINY, length=1)
TEXT = Column("c", FIELD_TYPE.VAR_STRING, charset=45, length=400)
BIG = Column("c", FIELD_TYPE.LONGLONG, FLAG.UNSIGNED, length=20)


def day(year: int, month: int, of_month: int) -> bytes:
    return struct.pack("<HBB", year, month, of_month)


def integer(code: int, flags: int = 0) -> Column:
    return Column("c", code, flags, length=20)


GOOD: list[tuple[Column, bytes, Any]] = [
    (integer(FIELD_TYPE.TINY), b"\x80", -128),
    (integer(FIELD_TYPE.TINY, FLAG.UNSIGNED), b"\xff", 255),
    (integer(FIELD_TYPE.SHORT), b"\xff\xff", -1),
    (integer(FIELD_TYPE.YEAR, FLAG.UNSIGNED), b"\xd0\x07", 2000),
    (integer(FIELD_TYPE.INT24), struct.pack("<i", -(2**23)), -(2**23)),
    (integer(FIELD_TYPE.LONG, FLAG.UNSIGNED), b"\xff" * 4, 2**32 - 1),
    (integer(FIELD_TYPE.LONGLONG), struct.pack("<q", -(2**63)), -(2**63)),
    (BIG, b"\xff" * 8, 2**64 - 1),
    (FLOAT, struct.pack("<f", 16777215), 16777215.0),
    (FLOAT, struct.pack("<f", 0.1), struct.unpack("<f", struct.pack("<f", 0.1))[0]),
    (Column("c", FIELD_TYPE.DOUBLE, length=20, decimals=3), struct.pack("<d", 1 / 3), 1 / 3),
    (Column("c", FIELD_TYPE.DOUBLE, length=22, decimals=31, declared="float"), struct.pack("<d", 1.5), 1.5),
    (Column("c", FIELD_TYPE.NEWDECIMAL, length=12, decimals=2), counted(b"-1.50"), Decimal("-1.50")),
    (Column("c", FIELD_TYPE.BIT, FLAG.UNSIGNED, length=9), counted(b"\1\xff"), 511),
    (DATE, counted(day(2026, 1, 31)), date(2026, 1, 31)),
    (DATETIME, counted(day(2026, 1, 31)), datetime(2026, 1, 31)),  # noqa: DTZ001 - DATETIME has no zone
    (DATETIME, counted(day(1, 1, 1) + b"\x17\x3b\x3b"), datetime(1, 1, 1, 23, 59, 59)),  # noqa: DTZ001 - the same
    (
        DATETIME,
        counted(day(9999, 12, 31) + b"\x17\x3b\x3b" + struct.pack("<I", 999_999)),
        datetime(9999, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001 - the same
    ),
    (TIME, counted(b""), timedelta(0)),
    (TIME, counted(b"\1\x22\0\0\0\x16\x3b\x3b"), -timedelta(hours=838, minutes=59, seconds=59)),
    (TIME, counted(b"\0\0\0\0\0\0\0\1" + struct.pack("<I", 5)), timedelta(seconds=1, microseconds=5)),
    (TEXT, counted("ž".encode() * 300), "ž" * 300),
]


@pytest.mark.parametrize(("column", "sent", "wanted"), GOOD)
def test_a_value_is_what_was_sent(column: Column, sent: bytes, wanted: Any) -> None:
    data = stream([binary_row(sent), binary_row(None), binary_row(sent), EOF])
    assert decoded([column], data, binary=True) == [(wanted,), (None,), (wanted,)]
    assert decoded([column], stream([binary_row(sent), EOF]), binary=True) == [(wanted,)]


BAD: list[tuple[Column, bytes, str]] = [
    (BOOL, b"\x7f", "'127' is no bool"),
    (BOOL, b"\xff", "'-1' is no bool"),
    (Column("c", FIELD_TYPE.DOUBLE, decimals=31, declared="float"), struct.pack("<d", 0.1), "'0.1' is no float"),
    (DATE, counted(b"\1\2\3"), "is no date32"),
    (DATE, counted(day(10000, 1, 1)), "is no date32"),
    (DATETIME, counted(day(2026, 1, 1) + b"\x18\0\0"), "is no timestamp"),
    (DATETIME, counted(day(2026, 1, 1) + b"\0\0\0" + struct.pack("<I", 1_000_000)), "is no timestamp"),
    (TIME, counted(b"\2\0\0\0\0\0\0\0"), "is no duration"),
    (TIME, counted(b"\0\x22\0\0\0\x17\0\0"), "is no duration"),
    (TIME, counted(b"\0\0"), "is no duration"),
    (TEXT, counted(b"\xff"), "is no UTF-8"),
]


@pytest.mark.parametrize(("column", "sent", "reason"), BAD)
def test_a_value_that_does_not_fit_is_named_with_column_and_row(column: Column, sent: bytes, reason: str) -> None:
    data = stream([binary_row(None), binary_row(sent), EOF])
    with pytest.raises(DataError, match=f"column 'c', row 2: .*{reason}"):
        decoded([column], data, Policy(tinyint1_as_bool=True), binary=True)


@pytest.mark.parametrize(
    ("column", "sent", "shown"),
    [
        (DATE, b"", "0000-00-00"),
        (DATE, day(2022, 11, 0), "2022-11-00"),
        (SECOND, b"", "0000-00-00 00:00:00"),
        (SECOND, day(2007, 2, 31) + b"\x0a\x01\x02", "2007-02-31 10:01:02"),
        (DATETIME, day(0, 5, 5) + b"\x0a\x01\x02" + struct.pack("<I", 70), "0000-05-05 10:01:02.000070"),
    ],
)
def test_dates_of_no_calendar_go_by_policy(column: Column, sent: bytes, shown: str) -> None:
    data = stream([binary_row(None), binary_row(counted(sent)), EOF])
    with pytest.raises(DataError, match=f"row 2: '{shown[:10]}' is a date that no calendar has"):
        decoded([column], data, Policy(zero_dates="error"), binary=True)
    assert decoded([column], data, Policy(zero_dates="null"), binary=True) == [(None,), (None,)]
    assert decoded([column], data, Policy(zero_dates="string"), binary=True) == [(None,), (shown,)]


def test_booleans() -> None:
    data = stream([binary_row(b"\1"), binary_row(None), binary_row(b"\0"), EOF])
    assert decoded([BOOL], data, Policy(tinyint1_as_bool=True), binary=True) == [(True,), (None,), (False,)]


columns = st.sampled_from([BIG, FLOAT, TEXT, DATETIME, TIME, integer(FIELD_TYPE.TINY)])
SENT = {BIG: b"\1" * 8, FLOAT: b"\0\0\x80\x3f", TEXT: counted(b"abc"), DATETIME: counted(day(2026, 1, 1)), TIME: b"\0"}


@settings(max_examples=80)
@given(st.lists(columns, min_size=1, max_size=20), st.data())
def test_nulls_among_columns_of_all_sizes(chosen: list[Column], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=len(chosen), max_size=len(chosen)), max_size=8))
    sent = [
        [None if null else SENT.get(column, b"\x05") for null, column in zip(row, chosen, strict=True)] for row in rows
    ]
    found = decoded(chosen, stream([*(binary_row(*row) for row in sent), EOF]), binary=True)
    assert [[value is None for value in row] for row in found] == rows
    present = {BIG: 0x0101010101010101, FLOAT: 1.0, TEXT: "abc", TIME: timedelta(0), DATETIME: datetime(2026, 1, 1)}  # noqa: DTZ001 - the same
    for row in found:
        assert all(value in (None, present.get(column, 5)) for value, column in zip(row, chosen, strict=True))


WIDE = [BIG, FLOAT, TEXT, DATETIME, TIME, integer(FIELD_TYPE.TINY), DATE, TEXT, TEXT]
ROW = binary_row(
    b"\1" * 8, None, counted(b"abc"), counted(day(2026, 1, 1)), b"\0", b"\5", counted(day(1, 1, 1)), None, b"\0"
)


@pytest.mark.parametrize(
    "row",
    [
        b"\1" + ROW[1:],
        b"\0",
        ROW[:-1],
        ROW + b"\0",
        ROW[:-1] + b"\xfb",
        ROW[:-1] + b"\xff",
        b"\0\xff\xff" + ROW[3:],
    ],
)
def test_a_row_that_is_none_is_an_error(row: bytes) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        decoded(WIDE, stream([ROW, row, EOF]), binary=True)


def test_every_bit_of_a_row() -> None:
    """An error, or as many rows as there are: a turned bit may change a value, which nothing can see."""
    data = stream([ROW, EOF])
    outcomes = set()
    for bit in range(len(data) * 8):
        turned = bytearray(data)
        turned[bit // 8] ^= 1 << bit % 8
        try:
            outcomes.add(len(decoded(WIDE, bytes(turned), binary=True)))
        except (OsirisError, err.Error):
            outcomes.add(-1)
    assert outcomes == {1, -1}
