"""`type_of`: a column's PostgreSQL type, from its name in the API's description or in the option `dtypes`."""

from __future__ import annotations

import re
from typing import Final

from osiris.connectors._shared.postgres.types import BUILT_IN, HEADER, Kind, Type

_NAMES: Final = {
    "smallint": "int2",
    "integer": "int4",
    "int": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    "character varying": "varchar",
    "character": "bpchar",
    "char": "bpchar",
    "decimal": "numeric",
    "bit varying": "varbit",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}
"""The catalog's own names for what people, and PostgREST, call otherwise."""
_PLAIN: Final = frozenset(
    {
        *("int2", "int4", "int8", "oid", "float4", "float8", "bool", "numeric", "money", "text", "varchar", "bpchar"),
        *("name", "json", "jsonb", "bytea", "uuid", "date", "time", "timestamp", "timestamptz", "timetz", "interval"),
        *("inet", "cidr", "macaddr", "macaddr8", "bit", "varbit", "xml", "tsvector", "tsquery"),
    }
)
"""Types whose values are told from a type of the user's own that has no schema before its name."""


def type_of(text: str, *, length: int | None = None, is_enum: bool = False) -> Type:
    """The type that is called so. An unknown one is somebody's own, and read as text; its `oid` is never known."""
    if text.endswith("[]"):
        element = type_of(text[:-2])
        return Type(0, text, f"_{element.name}", element.schema, "base", element=element)
    found = re.fullmatch(r"([^(]+?) ?(?:\(([\d, ]+)\))?((?: with| without) time zone)?", text.strip().lower())
    if found is None or is_enum:
        return Type(0, text, text, "", _ENUM if is_enum else _BASE)
    name = _NAMES.get(found[1] + (found[3] or ""), found[1] + (found[3] or ""))
    numbers = [int(number) for number in re.findall(r"\d+", found[2] or "")] or ([length] if length else [])
    modifier = _modifier(name, numbers)
    shown = f"{text}({length})" if length and not found[2] else text
    return Type(0, shown, name, BUILT_IN if name in _PLAIN else "", _BASE, modifier)


def _modifier(name: str, numbers: list[int]) -> int:
    """As the catalog keeps it; -1 for none."""
    if not numbers:
        return -1
    if name == "numeric":
        return ((numbers[0] << 16) | ((numbers[1] if len(numbers) > 1 else 0) & 0x7FF)) + HEADER
    return numbers[0] + HEADER if name in ("varchar", "bpchar") else numbers[0]


_BASE: Final[Kind] = "base"
_ENUM: Final[Kind] = "enum"
