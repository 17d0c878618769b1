"""Whether every value of one DuckDB type can be held by another, unchanged: decided from the types alone."""

from __future__ import annotations

from typing import Final

from duckdb.sqltypes import DuckDBPyType

from osiris.connectors.duckdb.reading import number
from osiris.connectors.duckdb.tables import folded


def fits(source: DuckDBPyType, target: DuckDBPyType) -> bool:
    """True when a cast from `source` to `target` changes no value: it keeps each, or DuckDB refuses it."""
    if str(source) == str(target) or source.id == "null":
        return True
    if source.id in _NESTED or target.id in _NESTED:
        return _nested_fits(source, target)
    if source.id in _INTEGERS:
        return _integer_fits(source.id, target)
    if source.id == "decimal":
        return _decimal_fits(source, target)
    if str(target) == "JSON" and source.id != "varchar":
        return False
    return target.id in _WIDER.get(source.id, ())


def restorable(text: str) -> bool:
    """Whether a column that was of the DuckDB type `text` left DuckDB as another one."""
    return text in _LEFT_AS


def restored(text: str, source: DuckDBPyType) -> str | None:
    """The DuckDB type `text` that a column left as `source`, when it can come back as it was; else None."""
    return text if _LEFT_AS.get(text) == str(source) else None


def _integer_fits(source: str, target: DuckDBPyType) -> bool:
    low, high = _INTEGERS[source]
    if target.id in _INTEGERS:
        return _INTEGERS[target.id][0] <= low and high <= _INTEGERS[target.id][1]
    if target.id == "decimal":
        whole_digits = number(target, "precision") - number(target, "scale")
        return bool(max(-low, high) < 10**whole_digits)
    return target.id in _EXACT_FLOATS and max(-low, high) <= _EXACT_FLOATS[target.id]


def _decimal_fits(source: DuckDBPyType, target: DuckDBPyType) -> bool:
    whole, scale = number(source, "precision") - number(source, "scale"), number(source, "scale")
    if target.id == "decimal":
        return number(target, "precision") - number(target, "scale") >= whole and number(target, "scale") >= scale
    if target.id in _INTEGERS:
        low, high = _INTEGERS[target.id]
        return scale == 0 and low <= 1 - 10**whole and 10**whole - 1 <= high
    return False


def _nested_fits(source: DuckDBPyType, target: DuckDBPyType) -> bool:
    if not {source.id, target.id} <= set(_NESTED) or len(source.children) != len(target.children):
        return False
    if (source.id, target.id) == ("struct", "tuple"):
        # The parts of a tuple have no names in DuckDB, and these in Arrow.
        named = [(f"element{place}", part) for place, (_, part) in enumerate(target.children, 1)]
        return all(map(_part_fits, source.children, named))
    return source.id == target.id and all(map(_part_fits, source.children, target.children))


def _part_fits(source: tuple[str, object], target: tuple[str, object]) -> bool:
    (name, mine), (its_name, its) = source, target
    if isinstance(mine, DuckDBPyType) and isinstance(its, DuckDBPyType):
        return folded(name) == folded(its_name) and fits(mine, its)
    return mine == its


def _signed(bits: int) -> tuple[int, int]:
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


_NESTED: Final = ("list", "array", "struct", "tuple", "map", "union", "variant")
_INTEGERS: Final = {
    "tinyint": _signed(8),
    "smallint": _signed(16),
    "integer": _signed(32),
    "bigint": _signed(64),
    "hugeint": _signed(128),
    "utinyint": (0, 2**8 - 1),
    "usmallint": (0, 2**16 - 1),
    "uinteger": (0, 2**32 - 1),
    "ubigint": (0, 2**64 - 1),
    "uhugeint": (0, 2**128 - 1),
}
_EXACT_FLOATS: Final = {"float": 2**24, "double": 2**53}
_WIDER: Final[dict[str, tuple[str, ...]]] = {
    "float": ("double",),
    # text: JSON is text that DuckDB checks, ENUM text that it looks up
    "varchar": ("varchar", "enum"),
    "uuid": ("varchar",),
    "date": ("timestamp", "timestamp_s", "timestamp_ms"),
    "timestamp_s": ("timestamp_ms", "timestamp", "timestamp_ns"),
    "timestamp_ms": ("timestamp", "timestamp_ns"),
    "timestamp": ("timestamp_ns",),
    "timestamp with time zone": ("timestamptz_ns",),
    "time": ("time_ns",),
}
_LEFT_AS: Final = {
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "BIGNUM": "VARCHAR",
    "BIT": "VARCHAR",
    "TIME WITH TIME ZONE": "VARCHAR",
}
