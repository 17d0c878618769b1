"""The MySQL type of a column that is made for an Arrow field: the one it had in MySQL, or one that holds all values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from osiris.connectors._shared.arrivals import Kind, bare_type
from osiris.connectors.mysql.arrivals import kind_of
from osiris.connectors.mysql.declared import BLOBS, BOOLEAN, GEOMETRIES, INTEGERS, TEXTS, Declared
from osiris.connectors.mysql.fits import way
from osiris.connectors.mysql.session import Server
from osiris.errors import ConfigError, DataError

KEY_CHARACTERS: Final = 255
"""How long a text or binary may be that is part of a key; an index takes no text of any length."""
INDEX_BYTES: Final = 3072
"""What the columns of an index may have together: https://mariadb.com/kb/en/innodb-limitations/"""
MOST_DIGITS, MOST_AFTER_POINT = 65, 30
LONGEST_VARCHAR = 4000
"""A row has 65,535 bytes at most, texts of the kind TEXT not counted."""


@dataclass(frozen=True, slots=True)
class Made:
    """The type of a new column, and that type in SQL with its character set."""

    type: Declared
    sql: str


def made(field: pa.Field, server: Server, key_share: int = 0) -> Made:
    """The type for `field`; `key_share` is how many columns its key has, 0 when it is in none.

    Raises DataError for a type that MySQL cannot hold, ConfigError for a key that no index can have.
    """
    kind, bare = kind_of(field.type, field.name), bare_type(field.type)
    declared = restored(field, kind, server) or _default(kind, bare, field.name)
    if kind == "uuid" and declared.word == "uuid" and not has_type("uuid", server):
        declared = Declared("char", (36,))
    if key_share:
        declared = _indexable(declared, key_share, field.name)
    return Made(declared, declared.sql + _characters(declared, server, bool(key_share)))


def restored(field: pa.Field, kind: Kind, server: Server) -> Declared | None:
    """The type that the column had in MySQL, by `osiris.type`, if its values still are what that type is read as."""
    text = (field.metadata or {}).get(b"osiris.type", b"").decode(errors="replace")
    declared = Declared.of(text)
    if (
        declared is None
        or not has_type(declared.word, server)
        or not _is_read_as(declared, kind, bare_type(field.type))
    ):
        return None
    if declared.word == "text":
        return Declared("longtext")  # PostgreSQL has a type of this name, without its limit
    if declared.word == "geomcollection":
        return Declared("geometrycollection")
    if declared.word in ("float", "double"):
        return Declared(declared.word, unsigned=declared.unsigned)
    if declared.word in ("varchar", "varbinary", "char") and not 0 < declared.length <= LONGEST_VARCHAR:
        return None
    return declared


def has_type(word: str, server: Server) -> bool:
    """Whether the server has a type that not all have."""
    return word not in _SINCE or (server.flavour == "mariadb" and server.version >= _SINCE[word])


def _is_read_as(declared: Declared, kind: Kind, arrow: pa.DataType) -> bool:
    """Whether a column of this type is read as values of `arrow`; a text or binary is one in any of Arrow's forms."""
    word = declared.word
    if word in INTEGERS:
        width = 32 if word == "mediumint" else INTEGERS[word]
        natural = arrow == getattr(pa, f"{'u' if declared.unsigned else ''}int{width}")()
        return natural or (declared == BOOLEAN and kind == "bool")
    if word == "decimal":
        return kind == "decimal" and (arrow.precision, arrow.scale) == (declared.length, declared.scale)
    if word == "bit":
        return kind == "bool" if declared.length == 1 else arrow == pa.uint64()
    return kind == _READ_AS[word] and (arrow == _EXACTLY.get(word, arrow)) and way(kind, arrow, declared) is not None


def _default(kind: Kind, arrow: pa.DataType, column: str) -> Declared:
    if kind == "integer":
        return Declared(_BY_BITS[arrow.bit_width], unsigned=pa.types.is_unsigned_integer(arrow))
    if kind == "decimal":
        return _decimal(arrow, column)
    if kind == "float":
        return Declared("double" if pa.types.is_float64(arrow) else "float")
    if kind == "binary" and pa.types.is_fixed_size_binary(arrow) and 0 < arrow.byte_width <= 255:
        return Declared("binary", (arrow.byte_width,))
    return _DEFAULTS[kind]


def _decimal(arrow: pa.DataType, column: str) -> Declared:
    scale = max(0, arrow.scale)
    precision = max(arrow.precision - min(0, arrow.scale), scale, 1)
    if precision > MOST_DIGITS or scale > MOST_AFTER_POINT:
        raise DataError(
            f"column {column!r} is of Arrow's type {arrow}: MySQL's DECIMAL has at most {MOST_DIGITS} digits, "
            f"{MOST_AFTER_POINT} of them after the point",
            code="data.type",
            data_column=column,
            hint="cast it under columns of the write step, to decimal(65,30) or less, or to string",
        )
    return Declared("decimal", (precision, scale))


def _indexable(declared: Declared, share: int, column: str) -> Declared:
    """The type for a part of a key of `share` columns."""
    length = min(KEY_CHARACTERS, INDEX_BYTES // 4 // share)
    if declared.word in ("varchar", "char", "binary", "varbinary") and declared.length <= INDEX_BYTES // 4 // share:
        return declared
    if declared.word in (*TEXTS, "varchar", "char"):
        return Declared("varchar", (length,))
    if declared.word in (*BLOBS, "varbinary", "binary"):
        return Declared("varbinary", (length,))
    if declared.word == "timestamp":
        return Declared("datetime", declared.numbers)  # where it takes no null, a server may change it on its own
    if declared.word in ("json", "vector", *GEOMETRIES):
        raise ConfigError(
            f"primary_key: {column!r} is {declared.word.upper()}, which cannot be part of a key", code="write.key"
        )
    return declared


def _characters(declared: Declared, server: Server, in_key: bool) -> str:
    """The character set of a text, and for keys the collation in which only equal texts are equal."""
    if declared.word in ("enum", "set"):
        distinct = {member.lower().rstrip() for member in declared.members}
        return "" if len(distinct) == len(declared.members) else f" COLLATE {_exact_collation(server)}"
    if declared.word not in ("varchar", "char") or not in_key:
        return ""
    return f" COLLATE {_exact_collation(server)}"


def _exact_collation(server: Server) -> str:
    if server.flavour == "mariadb":
        return "utf8mb4_nopad_bin"
    return "utf8mb4_0900_bin" if server.version >= (8, 0, 17) else "utf8mb4_bin"


_SINCE: Final = {"uuid": (10, 7), "inet6": (10, 5), "inet4": (10, 10)}
_BY_BITS: Final = {8: "tinyint", 16: "smallint", 32: "int", 64: "bigint"}
_DEFAULTS: Final[dict[Kind, Declared]] = {
    "null": Declared("longtext"),
    "bool": BOOLEAN,
    "text": Declared("longtext"),
    "binary": Declared("longblob"),
    "date": Declared("date"),
    "datetime": Declared("datetime", (6,)),
    "moment": Declared("timestamp", (6,)),
    "time": Declared("time", (6,)),
    "duration": Declared("time", (6,)),
    "interval": Declared("time", (6,)),
    "json": Declared("json"),
    "nested": Declared("json"),
    "uuid": Declared("uuid"),
}
_READ_AS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("char", "varchar", *TEXTS, "enum", "set", "inet4", "inet6"), "text"),
    **dict.fromkeys(("binary", "varbinary", *BLOBS, *GEOMETRIES, "vector"), "binary"),
    "float": "float",
    "double": "float",
    "date": "date",
    "datetime": "datetime",
    "timestamp": "moment",
    "time": "duration",
    "year": "integer",
    "json": "json",
    "uuid": "uuid",
}
_EXACTLY: Final = {"float": pa.float32(), "double": pa.float64(), "year": pa.int16()}
"""Which one of the kind."""
