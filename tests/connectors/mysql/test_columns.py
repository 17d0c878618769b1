"""Column definitions: the Arrow field of each, with what is known of it as metadata."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pymysql.constants import FIELD_TYPE, FLAG

from osiris.connectors.mysql.columns import Column, Policy, field_of
from osiris.errors import DataError

CASES = {
    "tinyint": (Column("c", FIELD_TYPE.TINY, length=4), pa.int8()),
    "tinyint unsigned": (Column("c", FIELD_TYPE.TINY, FLAG.UNSIGNED, length=3), pa.uint8()),
    "mediumint": (Column("c", FIELD_TYPE.INT24, length=9), pa.int32()),
    "bigint unsigned": (Column("c", FIELD_TYPE.LONGLONG, FLAG.UNSIGNED, length=20), pa.uint64()),
    "decimal(10,2)": (Column("c", FIELD_TYPE.NEWDECIMAL, length=12, decimals=2), pa.decimal128(10, 2)),
    "decimal(10,2) unsigned": (
        Column("c", FIELD_TYPE.NEWDECIMAL, FLAG.UNSIGNED, length=11, decimals=2),
        pa.decimal128(10, 2),
    ),
    "decimal(65,38)": (Column("c", FIELD_TYPE.NEWDECIMAL, length=67, decimals=38), pa.decimal256(65, 38)),
    "bit(1)": (Column("c", FIELD_TYPE.BIT, FLAG.UNSIGNED, length=1), pa.bool_()),
    "bit(9)": (Column("c", FIELD_TYPE.BIT, FLAG.UNSIGNED, length=9), pa.uint64()),
    "time(6)": (Column("c", FIELD_TYPE.TIME, length=17, decimals=6), pa.duration("us")),
    "timestamp": (Column("c", FIELD_TYPE.TIMESTAMP, length=19), pa.timestamp("us", "UTC")),
    "varchar(20)": (Column("c", FIELD_TYPE.VAR_STRING, charset=45, length=80), pa.string()),
    "varbinary(9)": (Column("c", FIELD_TYPE.VAR_STRING, length=9), pa.binary()),
    "tinytext": (Column("c", FIELD_TYPE.BLOB, charset=45, length=1020), pa.string()),
    "longtext": (Column("c", FIELD_TYPE.BLOB, charset=45, length=2**32 - 1), pa.string()),
    "mediumblob": (Column("c", FIELD_TYPE.BLOB, length=2**24 - 1), pa.binary()),
    "enum": (Column("c", FIELD_TYPE.STRING, FLAG.ENUM, charset=45, length=4), pa.string()),
    "json": (Column("c", FIELD_TYPE.JSON, length=2**32 - 1), pa.json_()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_type_of_the_wire_has_its_arrow_type_and_its_name(name: str) -> None:
    column, wanted = CASES[name]
    field = field_of(column, Policy())
    assert field.type == wanted
    assert field.metadata == {b"osiris.type": name.encode(), b"osiris.nullable": b"true"}


def test_what_was_declared_goes_before_what_the_wire_says() -> None:
    column = Column("c", FIELD_TYPE.STRING, FLAG.NOT_NULL, 45, 144, declared="uuid", primary_key=True)
    field = field_of(column, Policy())
    assert field.type == pa.uuid()
    assert field.metadata == {
        b"osiris.type": b"uuid",
        b"osiris.nullable": b"false",
        b"osiris.primary_key": b"true",
    }


def test_a_float_that_was_cast_to_double_is_a_float_again() -> None:
    assert field_of(Column("c", FIELD_TYPE.DOUBLE, declared="float(7,3) unsigned"), Policy()).type == pa.float32()


def test_policies_change_types() -> None:
    policy = Policy(tinyint1_as_bool=True, zero_dates="string")
    assert field_of(Column("c", FIELD_TYPE.TINY, length=1), policy).type == pa.bool_()
    assert field_of(Column("c", FIELD_TYPE.TINY, length=4), policy).type == pa.int8()
    assert field_of(Column("c", FIELD_TYPE.DATE, length=10), policy).type == pa.string()
    assert field_of(Column("c", FIELD_TYPE.TIME, length=10), policy).type == pa.duration("us")


def test_a_date_that_may_become_null_is_nullable() -> None:
    date = Column("c", FIELD_TYPE.DATE, FLAG.NOT_NULL, length=10)
    assert field_of(date, Policy(zero_dates="null")).metadata[b"osiris.nullable"] == b"true"
    assert field_of(date, Policy(zero_dates="error")).metadata[b"osiris.nullable"] == b"false"


def test_an_unknown_type_is_an_error_that_names_the_column() -> None:
    with pytest.raises(DataError, match="'odd' has the type code 200") as caught:
        field_of(Column("odd", 200), Policy())
    assert caught.value.data_column == "odd"
