"""The columns of a result: what the server says of each, and the Arrow field that holds every value of it.

Sources: column definitions <https://mariadb.com/kb/en/result-set-packets/#column-definition-packet>; `declared` is
`COLUMN_TYPE` of information_schema.COLUMNS, since UUID, INET4, INET6 and MariaDB's JSON look like texts on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa
from pymysql.constants import FIELD_TYPE, FLAG

from osiris.errors import DataError

ZeroDates = Literal["null", "error", "string"]
BINARY_CHARSET: Final = 63
VECTOR: Final = 242
"""MySQL 9's type; PyMySQL has no name for it."""
NOT_FIXED: Final = 31
"""The `decimals` of a DOUBLE that has as many as it needs."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user chose. `tinyint1_as_bool`: TINYINT(1) is bool, and any value but 0 and 1 an error.

    `zero_dates`, for dates that no calendar has (`0000-00-00`, `2022-11-00`, `2007-02-31`): `null` counts them,
    `error` names column and row, `string` reads every DATE, DATETIME and TIMESTAMP as the text that the server shows.
    """

    tinyint1_as_bool: bool = False
    zero_dates: ZeroDates = "error"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result, as its definition packet tells it.

    `declared` is its `COLUMN_TYPE` in information_schema (`json` for MariaDB's LONGTEXT with a json_valid check), None
    when nobody looked it up: an expression, say. `primary_key` is None when not known: a query's flags are those of the
    tables below it, not of its rows.
    """

    name: str
    type_code: int
    flags: int = 0
    charset: int = BINARY_CHARSET
    length: int = 0
    decimals: int = 0
    org_schema: str = ""
    org_table: str = ""
    org_name: str = ""
    declared: str | None = None
    primary_key: bool | None = None

    @classmethod
    def of(cls, packet: Any, declared: str | None = None, primary_key: bool | None = None) -> Column:
        """From PyMySQL's FieldDescriptorPacket, whose attributes its stubs do not know."""
        return cls(
            packet.name,
            packet.type_code,
            packet.flags,
            packet.charsetnr,
            packet.length,
            packet.scale,
            packet.db.decode("utf-8", "replace"),
            packet.org_table,
            packet.org_name,
            declared,
            primary_key,
        )

    @property
    def unsigned(self) -> bool:
        return bool(self.flags & FLAG.UNSIGNED)

    @property
    def nullable(self) -> bool:
        return not self.flags & FLAG.NOT_NULL

    @property
    def precision(self) -> int:
        """The digits of a DECIMAL: its length in characters less the point and the sign."""
        return max(self.length - (self.decimals > 0) - (not self.unsigned), 1, self.decimals)

    @property
    def is_rounded(self) -> bool:
        """Whether the text protocol loses digits: of FLOAT, and of DOUBLE with a number of decimals."""
        code = self.type_code
        return code == FIELD_TYPE.FLOAT or (code == FIELD_TYPE.DOUBLE and self.decimals < NOT_FIXED)

    @property
    def text_length(self) -> int:
        """The characters of a DATE, DATETIME or TIMESTAMP."""
        if self.type_code == FIELD_TYPE.DATE:
            return 10
        return 19 + (self.decimals + 1 if 0 < self.decimals <= 6 else 0)

    @property
    def is_dated(self) -> bool:
        """Whether values are dates, and so may be ones that no calendar has."""
        return self.type_code in _DATED

    @property
    def declared_word(self) -> str:
        """The first word of the declared type: `float` of `float(10,2) unsigned`; empty when not known."""
        found = re.match(r"\w+", self.declared or "")
        return found[0].lower() if found else ""


def field_of(column: Column, policy: Policy) -> pa.Field:
    """The Arrow field of a column. Raises DataError, naming it, for a type that this reader does not know."""
    nullable = column.nullable or (column.is_dated and policy.zero_dates == "null" and not column.primary_key)
    metadata = {"osiris.type": column.declared or spelled(column), "osiris.nullable": _FLAGS[nullable]}
    if column.primary_key is not None:
        metadata["osiris.primary_key"] = _FLAGS[column.primary_key]
    return pa.field(column.name, arrow_type(column, policy), metadata=metadata)


def arrow_type(column: Column, policy: Policy) -> pa.DataType:
    if column.is_dated and policy.zero_dates == "string":
        return pa.string()
    found = _TYPES.get(column.type_code)
    if found is None:
        raise DataError(
            f"column {column.name!r} has the type code {column.type_code}, which this reader does not know",
            code="data.type",
            data_column=column.name,
            hint="read it in a query that casts it: CAST(… AS CHAR)",
        )
    return found(column, policy) if callable(found) else found


def spelled(column: Column) -> str:
    """MySQL's name of the type, from the wire alone: lengths of texts as the result has them."""
    code = column.type_code
    if code in _STRINGS:
        return _spelled_string(column)
    sign = " unsigned" if column.unsigned else ""
    if code == FIELD_TYPE.TINY and column.length == 1:
        return "tinyint(1)"
    if code == FIELD_TYPE.NEWDECIMAL:
        return f"decimal({column.precision},{column.decimals}){sign}"
    if code == FIELD_TYPE.BIT:
        return f"bit({column.length})"
    if code in (FIELD_TYPE.TIME, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP) and 0 < column.decimals <= 6:
        return f"{_NAMES[code]}({column.decimals})"
    return f"{_NAMES.get(code, str(code))}{sign if code in _SIGNED else ''}"


def _integer(column: Column, policy: Policy) -> pa.DataType:
    if column.type_code == FIELD_TYPE.TINY and column.length == 1 and policy.tinyint1_as_bool:
        return pa.bool_()
    return _INTEGERS[column.type_code][column.unsigned]


def _decimal(column: Column, _: Policy) -> pa.DataType:
    precision, scale = column.precision, column.decimals
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _double(column: Column, _: Policy) -> pa.DataType:
    return pa.float32() if column.declared_word == "float" else pa.float64()


def _bits(column: Column, _: Policy) -> pa.DataType:
    return pa.bool_() if column.length == 1 else pa.uint64()


def _string(column: Column, _: Policy) -> pa.DataType:
    word = column.declared_word
    if word == "json":
        return pa.json_()
    if word == "uuid":
        return pa.uuid()
    return pa.binary() if column.charset == BINARY_CHARSET else pa.string()


def _spelled_string(column: Column) -> str:
    if column.flags & FLAG.ENUM or column.type_code == FIELD_TYPE.ENUM:
        return "enum"
    if column.flags & FLAG.SET or column.type_code == FIELD_TYPE.SET:
        return "set"
    binary = column.charset == BINARY_CHARSET
    if column.type_code in (FIELD_TYPE.STRING, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR):
        name = ("binary" if binary else "char") if column.type_code == FIELD_TYPE.STRING else _VAR[binary]
        return f"{name}({column.length if binary else column.length // _UTF8MB4_BYTES})"
    sizes = ("tiny", 2**8), ("", 2**16), ("medium", 2**24), ("long", 2**32)
    # of a text the length is that in utf8mb4, up to 4 bytes a character; that of LONGTEXT stays what it is
    length = (
        column.length if binary else column.length // _UTF8MB4_BYTES if column.length < 2**32 - 1 else column.length
    )
    size = next(size for size, limit in sizes if length < limit)
    return size + ("blob" if binary else "text")


_FLAGS: Final = {False: "false", True: "true"}
_VAR: Final = {False: "varchar", True: "varbinary"}
_UTF8MB4_BYTES: Final = 4
_DATED: Final = (FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP)
_INTEGERS: Final[Mapping[int, tuple[pa.DataType, pa.DataType]]] = {
    FIELD_TYPE.TINY: (pa.int8(), pa.uint8()),
    FIELD_TYPE.SHORT: (pa.int16(), pa.uint16()),
    FIELD_TYPE.INT24: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONG: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONGLONG: (pa.int64(), pa.uint64()),
    FIELD_TYPE.YEAR: (pa.int16(), pa.int16()),
}
_STRINGS: Final = (
    FIELD_TYPE.VARCHAR,
    FIELD_TYPE.ENUM,
    FIELD_TYPE.SET,
    FIELD_TYPE.TINY_BLOB,
    FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB,
    FIELD_TYPE.BLOB,
    FIELD_TYPE.VAR_STRING,
    FIELD_TYPE.STRING,
)
_TYPES: Final[Mapping[int, pa.DataType | Callable[[Column, Policy], pa.DataType]]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(_STRINGS, _string),
    FIELD_TYPE.NEWDECIMAL: _decimal,
    FIELD_TYPE.DOUBLE: _double,
    FIELD_TYPE.BIT: _bits,
    FIELD_TYPE.FLOAT: pa.float32(),
    FIELD_TYPE.NULL: pa.null(),
    FIELD_TYPE.DATE: pa.date32(),
    FIELD_TYPE.DATETIME: pa.timestamp("us"),
    FIELD_TYPE.TIMESTAMP: pa.timestamp("us", "UTC"),
    FIELD_TYPE.TIME: pa.duration("us"),
    FIELD_TYPE.JSON: pa.json_(),
    FIELD_TYPE.GEOMETRY: pa.binary(),
    VECTOR: pa.binary(),
}
_NAMES: Final[Mapping[int, str]] = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.NULL: "null",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
    VECTOR: "vector",
}
_SIGNED: Final = (*list(_INTEGERS)[:-1], FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE)
