"""Rows of awkward shapes: what a connector meets sooner or later, as lists of batches of one schema."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa

SCHEMA = pa.schema([pa.field("id", pa.int64()), pa.field("name", pa.string())])
NAMES = (
    "plain",
    "",
    None,
    'quo"te',
    "com,ma",
    "new\nline",
    " blanks ",
    "příliš žluťoučký",
    "漢字",
    "'; DROP TABLE t; --",
)
ODD_NAMES = (
    *("id", "with space", "select", "UPPER", "číslo", "a.b", "semi;colon", "pa%cent", "$1", "-"),
    *('quo"te', "apo'strophe", "back`tick", "x); DROP TABLE t; --"),
)
HUGE_CHARACTERS = 1_000_000
Shape = list[pa.RecordBatch]


def rows(first: int, count: int) -> pa.RecordBatch:
    """Rows of `SCHEMA`, ids from `first` on, names that need quoting among them."""
    ids = range(first, first + count)
    return pa.record_batch([pa.array(ids, pa.int64()), pa.array([NAMES[n % len(NAMES)] for n in ids])], schema=SCHEMA)


def null_first() -> Shape:
    """A first batch in which a column is all null: nothing may be concluded from it."""
    nothing = pa.record_batch([pa.array([1, 2], pa.int64()), pa.nulls(2, pa.string())], schema=SCHEMA)
    return [nothing, rows(3, 3), rows(6, 1)]


def uneven() -> Shape:
    """Batches of many sizes, an empty one among them, and a last one of a single row."""
    sizes, batches, first = (3, 1, 0, 70, 2, 900, 1), [], 0
    for size in sizes:
        batches.append(rows(first, size))
        first += size
    return batches


def zero_rows() -> Shape:
    """A schema, and no batch at all."""
    return []


def columns(names: tuple[str, ...] | list[str]) -> Shape:
    """Two rows of text columns of these names."""
    arrays = [pa.array([f"{place}a", f"{place}b"]) for place in range(len(names))]
    return [pa.RecordBatch.from_arrays(arrays, schema=pa.schema([(name, pa.string()) for name in names]))]


def odd_names() -> Shape:
    return columns(ODD_NAMES)


def long_names() -> Shape:
    """Names over 63 bytes, the limit of PostgreSQL, that differ only after it."""
    return columns(("id", "n" * 70 + "1", "n" * 70 + "2"))


def folding_names() -> Shape:
    """Two names that are one where case does not count."""
    return columns(("id", "Name", "name"))


def duplicate_names() -> Shape:
    """Two columns of one name."""
    return columns(("id", "twice", "twice"))


def wide() -> Shape:
    return columns(("id", *(f"c{number}" for number in range(1, 1000))))


def large_numbers() -> Shape:
    """A null beside whole numbers that a float cannot hold."""
    ids = pa.array([2**53 + 1, None, -(2**53) - 1], pa.int64())
    return [pa.record_batch([ids, pa.array(["a", "b", "c"])], schema=SCHEMA)]


def decimals() -> Shape:
    """More digits than a float has, and a null."""
    amounts = [Decimal("12345678901234567890.0123456789"), None, Decimal("-0.0000000001")]
    table = {"id": pa.array([1, 2, 3], pa.int64()), "amount": pa.array(amounts, pa.decimal128(38, 10))}
    return [pa.record_batch(table)]


def huge_cells() -> Shape:
    """Cells of a million characters."""
    texts = pa.array(["x" * HUGE_CHARACTERS, "y" * HUGE_CHARACTERS])
    return [pa.record_batch([pa.array([1, 2], pa.int64()), texts], schema=SCHEMA)]


SHAPES: dict[str, Callable[[], Shape]] = {
    "null_first": null_first,
    "uneven": uneven,
    "zero_rows": zero_rows,
    "odd_names": odd_names,
    "long_names": long_names,
    "folding_names": folding_names,
    "duplicate_names": duplicate_names,
    "wide": wide,
    "large_numbers": large_numbers,
    "decimals": decimals,
    "huge_cells": huge_cells,
}


def schema_of(shape: Shape) -> pa.Schema:
    return shape[0].schema if shape else SCHEMA
