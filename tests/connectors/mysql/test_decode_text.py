"""Values of the text protocol: what each type gives, what is refused with column and row, and what policies do."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pymysql.constants import FIELD_TYPE, FLAG

from osiris.connectors.mysql.columns import NOT_FIXED, Column, Policy
from osiris.connectors.mysql.decode import Decoder
from osiris.errors import DataError, InternalError
from tests.connectors.mysql.packets import EOF, FIRST, decoded, received, stream, text_row

UNSIGNED = FLAG.UNSIGNED


def integer(code: int, flags: int = 0) -> Column:
    return Column("c", code, flags, length=20)


def decimal(precision: int, scale: int) -> Column:
    return Column("c", FIELD_TYPE.NEWDECIMAL, length=precision + (scale > 0) + 1, decimals=scale)


def text(name: str = "c", declared: str | None = None) -> Column:
    return Column(name, FIELD_TYPE.VAR_STRING, charset=45, length=400, declared=declared)


DATE = Column("c", FIELD_TYPE.DATE, length=10)
DATETIME = Column("c", FIELD_TYPE.DATETIME, length=19)
DATETIME3 = Column("c", FIELD_TYPE.DATETIME, length=23, decimals=3)
TIMESTAMP6 = Column("c", FIELD_TYPE.TIMESTAMP, length=26, decimals=6)
TIME = Column("c", FIELD_TYPE.TIME, length=10)
TIME2 = Column("c", FIELD_TYPE.TIME, length=13, decimals=2)
DOUBLE = Column("c", FIELD_TYPE.DOUBLE, length=22, decimals=NOT_FIXED)
FLOAT_AS_DOUBLE = Column("c", FIELD_TYPE.DOUBLE, length=22, decimals=NOT_FIXED, declared="float unsigned")
BOOL = Column("c", FIELD_TYPE.TINY, length=1)
BLOB = Column("c", FIELD_TYPE.BLOB, length=65535)
NULL = Column("c", FIELD_TYPE.NULL)


def bit(count: int) -> Column:
    return Column("c", FIELD_TYPE.BIT, UNSIGNED, length=count)


GOOD: list[tuple[Column, str | bytes, Any]] = [
    (integer(FIELD_TYPE.TINY), "-128", -128),
    (integer(FIELD_TYPE.TINY, UNSIGNED), "255", 255),
    (integer(FIELD_TYPE.INT24), "-8388608", -8388608),
    (integer(FIELD_TYPE.LONGLONG), "-9223372036854775808", -(2**63)),
    (integer(FIELD_TYPE.LONGLONG), "9223372036854775807", 2**63 - 1),
    (integer(FIELD_TYPE.LONGLONG, UNSIGNED), "18446744073709551615", 2**64 - 1),
    (integer(FIELD_TYPE.LONGLONG, UNSIGNED), "0" * 200 + "17", 17),
    (integer(FIELD_TYPE.YEAR, UNSIGNED), "0000", 0),
    (decimal(10, 2), "-0.01", Decimal("-0.01")),
    (decimal(10, 2), "99999999.99", Decimal("99999999.99")),
    (decimal(2, 2), "-0.99", Decimal("-0.99")),
    (decimal(18, 0), "-" + "9" * 18, Decimal("-" + "9" * 18)),
    (decimal(18, 7), "9" * 11 + "." + "9" * 7, Decimal("9" * 11 + "." + "9" * 7)),
    (decimal(18, 8), "9" * 10 + "." + "9" * 8, Decimal("9" * 10 + "." + "9" * 8)),
    (decimal(38, 38), "-0." + "9" * 38, Decimal("-0." + "9" * 38)),
    (decimal(65, 30), "-" + "9" * 35 + "." + "9" * 30, Decimal("-" + "9" * 35 + "." + "9" * 30)),
    (DOUBLE, "-1.7976931348623157e308", -1.7976931348623157e308),
    (DOUBLE, "5e-324", 5e-324),
    (DOUBLE, "16777217", 16777217.0),
    (FLOAT_AS_DOUBLE, "0.10000000149011612", 0.10000000149011612),
    (bit(1), b"\1", True),
    (bit(9), b"\1\xff", 511),
    (bit(64), b"\xff" * 8, 2**64 - 1),
    (DATE, "9999-12-31", date(9999, 12, 31)),
    (DATE, "0001-01-01", date(1, 1, 1)),
    (DATETIME, "2026-02-28 23:59:59", datetime(2026, 2, 28, 23, 59, 59)),  # noqa: DTZ001 - DATETIME has no zone
    (DATETIME3, "1969-12-31 23:59:59.999", datetime(1969, 12, 31, 23, 59, 59, 999000)),  # noqa: DTZ001 - the same
    (TIMESTAMP6, "2038-01-19 03:14:07.999999", datetime(2038, 1, 19, 3, 14, 7, 999999, UTC)),
    (TIME, "-838:59:59", -timedelta(hours=838, minutes=59, seconds=59)),
    (TIME, "-00:00:01", -timedelta(seconds=1)),
    (TIME2, "100:00:00.05", timedelta(hours=100, milliseconds=50)),
    (text(), "žluť 🐘\0", "žluť 🐘\0"),
    (text(declared="json"), '{"a": 1}', '{"a": 1}'),
    (text(declared="uuid"), "123E4567-e89b-12d3-a456-426655440000", uuid.UUID("123e4567-e89b-12d3-a456-426655440000")),
    (text(declared="inet6"), "::1", "::1"),
    (BLOB, b"\xff\0\xfe", b"\xff\0\xfe"),
]


@pytest.mark.parametrize(("column", "sent", "wanted"), GOOD)
def test_a_value_is_what_was_sent(column: Column, sent: str | bytes, wanted: Any) -> None:
    data = stream([text_row(sent), text_row(None), text_row(sent), EOF])
    assert decoded([column], data) == [(wanted,), (None,), (wanted,)]
    assert decoded([column], stream([text_row(sent), EOF])) == [(wanted,)]
    assert decoded([column], stream([text_row(None), text_row(None), EOF])) == [(None,), (None,)]


BAD: list[tuple[Column, str | bytes, str]] = [
    (integer(FIELD_TYPE.TINY), "128", "is no int8"),
    (integer(FIELD_TYPE.TINY), "-129", "is no int8"),
    (integer(FIELD_TYPE.TINY, UNSIGNED), "-1", "is no uint8"),
    (integer(FIELD_TYPE.LONGLONG), "9223372036854775808", "is no int64"),
    (integer(FIELD_TYPE.LONGLONG), "-9223372036854775809", "is no int64"),
    (integer(FIELD_TYPE.LONGLONG, UNSIGNED), "18446744073709551616", "is no uint64"),
    (integer(FIELD_TYPE.LONGLONG, UNSIGNED), "99999999999999999999", "is no uint64"),
    (integer(FIELD_TYPE.LONG), "", "'' is no int32"),
    (integer(FIELD_TYPE.LONG), "-", "is no int32"),
    (integer(FIELD_TYPE.LONG), "1.5", "is no int32"),
    (integer(FIELD_TYPE.LONG), "+5", "is no int32"),
    (integer(FIELD_TYPE.LONG), "1/", "is no int32"),
    (integer(FIELD_TYPE.LONG), "1:", "is no int32"),
    (integer(FIELD_TYPE.LONG), b"1\xb5", "is no int32"),
    (decimal(10, 2), "100000000.00", r"is no decimal128\(10, 2\)"),
    (decimal(10, 2), "1,50", "is no decimal"),
    (decimal(10, 2), ".50", "is no decimal"),
    (decimal(10, 2), "1.234", "is no decimal"),
    (decimal(10, 0), "1.", "is no decimal"),
    (decimal(20, 2), "1e5", "is no decimal"),
    (decimal(20, 2), "", "is no decimal"),
    (decimal(20, 2), "9" * 19 + ".00", "is no decimal"),
    (DOUBLE, "inf", "is no double"),
    (DOUBLE, "1e999", "is no double"),
    (DOUBLE, "nan", "is no double"),
    (DOUBLE, b"1\xff", "is no double"),
    (FLOAT_AS_DOUBLE, "0.1", "is no float"),
    (FLOAT_AS_DOUBLE, "1e300", "is no float"),
    (bit(1), b"\2", "is no bool"),
    (bit(9), b"\2\0", "is no uint64"),
    (bit(9), b"\1", "is no uint64"),
    (DATE, "2026-1-31", "is no date32"),
    (DATE, "2026-01-31 ", "is no date32"),
    (DATE, "2026-01-3:", "is no date32"),
    (DATETIME, "2026-01-31 24:00:00", "is no timestamp"),
    (DATETIME, "2026-01-31 10:60:00", "is no timestamp"),
    (DATETIME, "2026-01-31T10:00:00", "is no timestamp"),
    (DATETIME, "2026-01-31", "is no timestamp"),
    (TIME, "839:00:00", "is no duration"),
    (TIME, "0:00:00", "is no duration"),
    (TIME, "--1:00:00", "is no duration"),
    (TIME, "+01:00:00", "is no duration"),
    (TIME, "-1000:00:00", "is no duration"),
    (TIME, "00:61:00", "is no duration"),
    (TIME2, "00:00:00,05", "is no duration"),
    (text(), b"abc\xff", r"'abc\\xff' is no UTF-8"),
    (text(), b"\xed\xa0\x80", "is no UTF-8"),
    (text(), b"\xc3", "is no UTF-8"),
    (text(declared="json"), b"\xff", "is no UTF-8"),
    (text(declared="uuid"), "123e4567-e89b-12d3-a456-42665544000g", "is no UUID"),
    (text(declared="uuid"), "123e4567e89b-12d3-a456-4266554400000", "is no UUID"),
    (text(declared="uuid"), "{23e4567-e89b-12d3-a456-42665544000}", "is no UUID"),
    (text(declared="uuid"), "1", "is no UUID"),
    (NULL, "x", "is no NULL"),
]


@pytest.mark.parametrize(("column", "sent", "reason"), BAD)
def test_a_value_that_does_not_fit_is_named_with_column_and_row(column: Column, sent: str | bytes, reason: str) -> None:
    with pytest.raises(DataError, match=f"column 'c', row 2: .*{reason}") as caught:
        decoded([column], stream([text_row(None), text_row(sent), EOF]))
    assert (caught.value.data_column, caught.value.row) == ("c", 2)


def test_the_row_of_an_error_counts_those_of_the_batches_before() -> None:
    rows = [text_row(str(number) * 20) for number in range(1000)]
    with pytest.raises(DataError, match="row 1001") as caught:
        decoded([text()], stream([*rows, text_row(b"\xff"), EOF]))
    assert caught.value.row == 1001


def test_each_value_is_valid_by_itself() -> None:
    """Two halves of a letter are none, though together they would be one."""
    with pytest.raises(DataError, match="row 1"):
        decoded([text()], stream([text_row(b"a\xc5"), text_row(b"\xbe"), EOF]))


@pytest.mark.parametrize("shown", ["0000-00-00", "2022-11-00", "2022-00-11", "2007-02-31", "1900-02-29", "0000-05-05"])
@pytest.mark.parametrize("column", [DATE, DATETIME, TIMESTAMP6])
def test_dates_of_no_calendar_go_by_policy(column: Column, shown: str) -> None:
    clock = {DATE: "", DATETIME: " 10:00:00", TIMESTAMP6: " 10:00:00.500000"}[column]
    good = "2026-01-31" + clock
    data = stream([text_row(good), text_row(None), text_row(shown + clock), EOF])
    with pytest.raises(DataError, match=f"column 'c', row 3: '{shown}.*' is a date that no calendar has") as caught:
        decoded([column], data, Policy(zero_dates="error"))
    assert "zero_dates: null" in (caught.value.hint or "")
    decoder = Decoder([column], Policy(zero_dates="null"), 4096, sequence=FIRST)
    (batch,) = received(decoder, data)
    assert [value is None for value in batch["c"].to_pylist()] == [False, True, True]
    assert (batch["c"].null_count, decoder.counts) == (2, {"zero_dates": 1})
    rows = decoded([column], data, Policy(zero_dates="string"))
    assert rows == [(good,), (None,), (shown + clock,)]


def test_tinyint_1_is_bool_when_the_user_says_so() -> None:
    policy = Policy(tinyint1_as_bool=True)
    assert decoded([BOOL], stream([text_row("1"), text_row(None), text_row("0"), EOF]), policy) == [
        (True,),
        (None,),
        (False,),
    ]
    for wrong in ("2", "127", "-1"):
        with pytest.raises(DataError, match=f"column 'c', row 1: '{wrong}' is no bool") as caught:
            decoded([BOOL], stream([text_row(wrong), EOF]), policy)
        assert caught.value.hint == "set tinyint1_as_bool: false to read the numbers"


def test_float_as_text_is_refused_since_it_has_lost_digits() -> None:
    for column in (Column("c", FIELD_TYPE.FLOAT, length=12), Column("c", FIELD_TYPE.DOUBLE, length=20, decimals=3)):
        with pytest.raises(InternalError, match="has lost digits"):
            Decoder([column], Policy(), 4096)


def test_names_may_be_empty_or_the_same() -> None:
    columns = [text(""), text("a"), text("a"), text("")]
    decoder = Decoder(columns, Policy(), 4096, sequence=FIRST)
    (batch,) = received(decoder, stream([text_row("1", "2", "3", "4"), EOF]))
    assert batch.schema.names == ["", "a", "a", ""]
    assert [column.to_pylist() for column in batch.columns] == [["1"], ["2"], ["3"], ["4"]]


def test_four_thousand_columns() -> None:
    columns = [text(f"c{number}") if number % 2 else integer(FIELD_TYPE.LONG) for number in range(4096)]
    values = [None if number % 7 == 0 else str(number) for number in range(4096)]
    decoder = Decoder(columns, Policy(), 2**20, sequence=FIRST)
    (batch,) = received(decoder, stream([text_row(*values)] * 3 + [EOF]))
    found = [column.to_pylist()[2] for column in batch.columns]
    assert found == [value if value is None or number % 2 else int(value) for number, value in enumerate(values)]


def test_rows_that_take_more_in_arrow_than_on_the_wire_come_in_smaller_batches() -> None:
    """A NULL is one byte there and 32 here: a chunk of them must not become 32 chunks."""
    columns = [decimal(65, 30)] * 50
    decoder = Decoder(columns, Policy(), 65536, sequence=FIRST)
    batches = received(decoder, stream([text_row(*[None] * 50)] * 2000 + [EOF]))
    assert sum(batch.num_rows for batch in batches) == 2000
    assert max(batch.nbytes for batch in batches) < 6 * 65536


def test_no_value_is_wrong_beside_longer_ones() -> None:
    """Numbers of all lengths in one batch: each is cut out of words that hold its neighbours, too."""
    numbers = [sign * (10**digits - step) for digits in range(1, 19) for step in (0, 1) for sign in (1, -1)]
    data = stream([text_row(str(number), f"{Decimal(number) / 100:.2f}") for number in numbers] + [EOF])
    rows = decoded([integer(FIELD_TYPE.LONGLONG), decimal(20, 2)], data)
    assert rows == [(number, Decimal(number) / 100) for number in numbers]
    short = [number for number in numbers if abs(number) < 10**8]
    data = stream([text_row(f"{Decimal(number) / 100:.2f}") for number in short] + [EOF])
    assert decoded([decimal(10, 2)], data) == [(Decimal(number) / 100,) for number in short]
