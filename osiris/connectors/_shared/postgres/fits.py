"""How the values of an Arrow type get into a column of a PostgreSQL type unchanged, or that they cannot.

The server refuses what is out of a type's range. What it would round, cut or fill up without a word is found here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import pyarrow as pa

from osiris.connectors._shared import arrivals
from osiris.connectors._shared.arrivals import bare_type
from osiris.connectors._shared.documents import documents
from osiris.connectors._shared.postgres import encode
from osiris.connectors._shared.postgres.encode import Cells
from osiris.connectors._shared.postgres.encode_lists import lists
from osiris.connectors._shared.postgres.types import Type

SYSTEM: Final = "PostgreSQL"
Encode = Callable[[pa.Array], Cells]


@dataclass(frozen=True, slots=True)
class Way:
    """`encode` makes cells of a bare array, `fixed` ones or not; it raises Misfit for a value that the column cannot
    hold as it is. With `raw` the values travel as that SQL type, and the server casts them to `cast`; `rounded` if that
    may change some, which are refused then."""

    encode: Encode
    fixed: bool = False
    raw: str | None = None
    cast: str | None = None
    rounded: bool = False


def kind_of(kind: pa.DataType, column: str) -> str:
    """The kind of the values of an Arrow type. Raises DataError, naming the column, for what PostgreSQL cannot hold."""
    bare = bare_type(kind)
    if is_list(bare) and not pa.types.is_nested(bare_type(bare.value_type)):
        kind_of(bare.value_type, column)
        return "nested"
    return arrivals.kind_of(kind, column, SYSTEM)


def is_list(kind: pa.DataType) -> bool:
    """Whether its values may be an array's; those of other nested types are written as JSON."""
    others = (pa.types.is_struct, pa.types.is_map, pa.types.is_union)
    return bool(pa.types.is_nested(kind) and not any(test(kind) for test in others))


def way(kind: str, arrow: pa.DataType, column: Type, left_as: str = "") -> Way | None:
    """How values of `arrow`, which are of this kind, get into `column`; None when some would be bent or guessed at.
    `left_as` is what the type was called where they were read, such as `inet`, which left as text."""
    return _WAYS[kind](arrow, column, left_as)


def _null(_: pa.DataType, __: Type, ___: str) -> Way:
    return Way(encode.nulls, fixed=True)


def _bool(_: pa.DataType, column: Type, __: str) -> Way | None:
    return Way(encode.bools, fixed=True) if _is(column, "bool") else None


def _integer(_: pa.DataType, column: Type, __: str) -> Way | None:
    if _is(column, *INTEGERS):
        return Way(partial(encode.integers, size=INTEGERS[column.name]), fixed=True)
    if _is(column, *FLOATS):
        return Way(partial(encode.floats, size=FLOATS[column.name]), fixed=True)
    if _is(column, "oid"):
        return Way(encode.oids, fixed=True)
    return _number(column)


def _decimal(_: pa.DataType, column: Type, __: str) -> Way | None:
    if _is(column, *INTEGERS):
        return Way(partial(encode.integers, size=INTEGERS[column.name]), fixed=True)
    return _number(column)


def _number(column: Type) -> Way | None:
    if _is(column, "money"):  # how many digits it keeps is a setting of the database
        return Way(encode.numerics, fixed=True, raw="numeric", cast="money", rounded=True)
    return Way(partial(encode.numerics, scale=column.scale), fixed=True) if _is(column, "numeric") else None


def _float(_: pa.DataType, column: Type, __: str) -> Way | None:
    return Way(partial(encode.floats, size=FLOATS[column.name]), fixed=True) if _is(column, *FLOATS) else None


def _text(_: pa.DataType, column: Type, left_as: str) -> Way | None:
    if _is(column, "text", "json", "name", "char") or column.kind == "enum":
        return Way(encode.texts)
    if _is(column, "varchar", "bpchar"):
        return Way(partial(_short, limit=column.length, padded=column.name == "bpchar"))
    if _is(column, "jsonb"):
        return Way(encode.jsonb)
    if left_as != column.text and _is_bent_by_a_cast(column):
        return None
    if _is(column, "bit", "varbit"):  # cast to bit(5) itself, a text would be cut or filled up
        return Way(partial(_short, limit=column.length, padded=False), raw="text", cast="bit varying")
    return Way(encode.texts, raw="text", cast=column.text)


def _is_bent_by_a_cast(column: Type) -> bool:
    """Whether the server reads more than one text as the same value, or rounds what is inside of one."""
    inside = column.element is not None and column.element.modifier >= 0
    return _is(column, *GUESSED) or column.kind == "composite" or inside


def _json(_: pa.DataType, column: Type, __: str) -> Way | None:
    if _is(column, "jsonb"):
        return Way(encode.jsonb)
    return Way(encode.texts) if _is(column, "json", "text") else None


def _nested(arrow: pa.DataType, column: Type, _: str) -> Way | None:
    if column.element is not None:
        return _list(arrow, column.element)
    if _is(column, "jsonb"):
        return Way(lambda array: encode.jsonb(documents(array)))
    return Way(lambda array: encode.texts(documents(array))) if _is(column, "json", "text") else None


def _list(arrow: pa.DataType, element: Type) -> Way | None:
    if not is_list(arrow):
        return None
    inner = bare_type(arrow.value_type)
    kind = kind_of(inner, "")
    found = way(kind, inner, element) if kind != "nested" else None
    if found is None or found.raw is not None:
        return None
    return Way(partial(lists, element=found.encode, oid=element.oid))


def _binary(_: pa.DataType, column: Type, __: str) -> Way | None:
    return Way(encode.texts) if _is(column, "bytea") else None


def _uuid(_: pa.DataType, column: Type, __: str) -> Way | None:
    if _is(column, "text", "varchar"):
        return Way(encode.uuids, fixed=True, raw="uuid", cast="text")
    return Way(encode.uuids, fixed=True) if _is(column, "uuid") else None


def _date(_: pa.DataType, column: Type, __: str) -> Way | None:
    if _is(column, "timestamp"):
        return Way(encode.moments, fixed=True)
    return Way(encode.dates, fixed=True) if _is(column, "date") else None


def _clock(name: str, encoded: Encode) -> Callable[[pa.DataType, Type, str], Way | None]:
    """Of times that the server rounds to the digits of a second that the column keeps."""

    def found(_: pa.DataType, column: Type, __: str) -> Way | None:
        digits = column.modifier if column.modifier >= 0 else 6
        return Way(lambda array: encoded(encode.whole(array, digits)), fixed=True) if _is(column, name) else None

    return found


def _interval(_: pa.DataType, column: Type, __: str) -> Way | None:
    plain = _is(column, "interval") and column.modifier < 0  # others round, or drop all but their own fields
    return Way(encode.intervals, fixed=True) if plain else None


def _short(array: pa.Array, limit: int | None, padded: bool) -> Cells:
    return encode.texts(array if limit is None else encode.short(array, limit, padded=padded))


def _is(column: Type, *names: str) -> bool:
    return column.is_built_in and column.name in names


INTEGERS: Final = {"int2": 2, "int4": 4, "int8": 8}
FLOATS: Final = {"float4": 4, "float8": 8}
"""Their bytes."""
GUESSED: Final = (
    *INTEGERS,
    *FLOATS,
    *("numeric", "money", "bool", "bytea", "oid", "date", "time", "timetz", "timestamp", "timestamptz", "interval"),
)
"""The server reads texts as these in more than one spelling: that is for the user to ask for."""
_WAYS: Final[dict[str, Callable[[pa.DataType, Type, str], Way | None]]] = {
    "null": _null,
    "bool": _bool,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "text": _text,
    "binary": _binary,
    "date": _date,
    "datetime": _clock("timestamp", encode.moments),
    "moment": _clock("timestamptz", encode.moments),
    "time": _clock("time", encode.times),
    "duration": _interval,
    "interval": _interval,
    "json": _json,
    "uuid": _uuid,
    "nested": _nested,
}
