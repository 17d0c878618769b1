"""The PostgreSQL type of a column that is made for an Arrow field: the one it had, or one that holds all its values."""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa
from psycopg import postgres

from osiris.connectors._shared.arrivals import bare_type
from osiris.connectors._shared.postgres.fits import is_list, kind_of, way
from osiris.connectors._shared.postgres.types import BUILT_IN, HEADER, Type
from osiris.errors import DataError

MOST_DIGITS: Final = 76
"""As many as Arrow can count; PostgreSQL has more."""


def made(field: pa.Field) -> Type:
    """The type for `field`. Raises DataError for a type that PostgreSQL cannot hold."""
    kind, bare = kind_of(field.type, field.name), bare_type(field.type)
    usual = _usual(kind, bare, field.name)
    return restored(left_as(field), kind, bare, usual) or usual


def left_as(field: pa.Field) -> str:
    """What the column's type was called where it was read."""
    return str((field.metadata or {}).get(b"osiris.type", b"").decode(errors="replace"))


def restored(text: str, kind: str, arrow: pa.DataType, usual: Type) -> Type | None:
    """The type that the column had in PostgreSQL, if its values still are what that type is read as."""
    found = built_in(text)
    if found is None or way(kind, arrow, found, text) is None:
        return None
    if kind == "text":
        return found
    if kind == "decimal":
        same = (found.precision, found.scale) in ((None, None), (arrow.precision, arrow.scale))
        return found if found.name == "numeric" and same else None
    if found.element is not None and usual.element is not None:
        return found if usual.element.name in (found.element.name, "text") else None
    is_same = found.name == usual.name or {found.name, usual.name} <= {"json", "jsonb"}
    return found if is_same or (found.name == "oid" and pa.types.is_uint32(arrow)) else None


def built_in(text: str) -> Type | None:
    """A type of the server's own by the name that it shows (`character varying(50)`), an array's too.

    None for what is not understood, so that nothing of `text` gets into SQL that is not known to be a type.
    """
    found = _TYPE.fullmatch(text)
    if found is None:
        return None
    word = f"{found['word']}{found['zone'] or ''}"
    if word not in _WORDS:
        return None
    numbers = tuple(map(int, found["numbers"].split(","))) if found["numbers"] else ()
    name = _WORDS[word]
    if (numbers and name not in _WITH_NUMBERS) or (not numbers and word in _ONE_WITHOUT):
        return None
    made = _type(name, _modifier(name, *numbers) if numbers else -1)
    return _array_of(made) if found["array"] else made


def _usual(kind: str, arrow: pa.DataType, column: str) -> Type:
    if kind == "integer":
        return _numeric(20, 0) if pa.types.is_uint64(arrow) else _type(_BY_TYPE[arrow])
    if kind == "decimal":
        return _decimal(arrow, column)
    if kind == "float":
        return _type("float8" if pa.types.is_float64(arrow) else "float4")
    if kind == "nested" and is_list(arrow):
        inner = bare_type(arrow.value_type)
        inner_kind = kind_of(inner, column)
        if inner_kind not in ("nested", "null"):
            return _array_of(_usual(inner_kind, inner, column))
    return _type(_USUAL[kind])


def _decimal(arrow: pa.DataType, column: str) -> Type:
    scale = max(0, arrow.scale)
    precision = max(arrow.precision - min(0, arrow.scale), scale, 1)
    if precision > MOST_DIGITS:
        raise DataError(
            f"column {column!r} is of Arrow's type {arrow}, with more than {MOST_DIGITS} digits",
            code="data.type",
            data_column=column,
            hint="cast it under columns of the write step",
        )
    return _numeric(precision, scale)


def _numeric(precision: int, scale: int) -> Type:
    return _type("numeric", _modifier("numeric", precision, scale))


def _modifier(name: str, number: int, scale: int = 0) -> int:
    """https://github.com/postgres/postgres: numerictypmodin, anychar_typmodin"""
    if name == "numeric":
        return (number << 16 | scale) + HEADER
    return number + HEADER if name in ("varchar", "bpchar") else number


def _type(name: str, modifier: int = -1) -> Type:
    return Type(postgres.types[name].oid, _text(name, modifier), name, BUILT_IN, "base", modifier)


def _array_of(element: Type) -> Type:
    known = postgres.types[element.name]
    return Type(known.array_oid, f"{element.text}[]", f"_{element.name}", BUILT_IN, "base", element.modifier, element)


def _text(name: str, modifier: int) -> str:
    """As the server shows it."""
    word = next(word for word, other in _WORDS.items() if other == name)
    if modifier < 0:
        return "bpchar" if name == "bpchar" else word
    if name == "numeric":
        numbers = f"({(modifier - HEADER) >> 16},{(modifier - HEADER) & 0x7FF})"
    else:
        numbers = f"({modifier - HEADER if name in ('varchar', 'bpchar') else modifier})"
    first, space, zone = word.partition(" with")
    return f"{first}{numbers}{space}{zone}"


_TYPE: Final = re.compile(
    r"(?P<word>[a-z][a-z0-9_]*(?: (?:varying|precision))?)(?:\((?P<numbers>\d{1,7}(?:,\d{1,4})?)\))?"
    r"(?P<zone> with(?:out)? time zone)?(?P<array>\[\])?"
)
_WORDS: Final = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    "character varying": "varchar",
    "character": "bpchar",
    "bpchar": "bpchar",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "bit varying": "varbit",
    **{
        name: name
        for name in (
            *("numeric", "text", "bytea", "date", "interval", "uuid", "json", "jsonb", "money", "xml", "bit"),
            *("inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle"),
            *("tsvector", "tsquery", "pg_lsn", "jsonpath", "name", "oid"),
            *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
            *("int4multirange", "int8multirange", "nummultirange"),
            *("datemultirange", "tsmultirange", "tstzmultirange"),
        )
    },
}
"""What format_type calls the types, and what pg_type does."""
_WITH_NUMBERS: Final = (
    *("numeric", "varchar", "bpchar", "time", "timetz", "timestamp", "timestamptz", "bit", "varbit"),
)
_ONE_WITHOUT: Final = ("bit", "character")
"""Without a number they mean 1, and are not shown so."""
_BY_TYPE: Final = {
    pa.int8(): "int2",
    pa.int16(): "int2",
    pa.int32(): "int4",
    pa.int64(): "int8",
    pa.uint8(): "int2",
    pa.uint16(): "int4",
    pa.uint32(): "int8",
}
_USUAL: Final = {
    "null": "text",
    "bool": "bool",
    "text": "text",
    "binary": "bytea",
    "date": "date",
    "datetime": "timestamp",
    "moment": "timestamptz",
    "time": "time",
    "duration": "interval",
    "interval": "interval",
    "json": "json",
    "nested": "jsonb",
    "uuid": "uuid",
}
