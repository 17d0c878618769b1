"""Rows into DuckDB: which Arrow types it takes as they are, which are converted first, and which are refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.names import check_columns
from osiris.connectors.duckdb.tables import RESERVED, Name, alike
from osiris.errors import DataError

ROW: Final = f"{RESERVED}row"
"""The column of a staging table that keeps the order in which rows came."""


def landing_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` in types that DuckDB takes without changing a value.

    Raises ConfigError for no column, names that are reserved or that DuckDB would take for one, DataError for a type
    that it cannot hold.
    """
    check_columns(schema.names, Name, "DuckDB")
    return pa.schema([field.with_type(landing_type(field.type, field.name)) for field in schema])


def landing_type(kind: pa.DataType, column: str) -> pa.DataType:
    """The type to convert to before DuckDB sees the values. Raises DataError, naming the column."""
    if pa.types.is_decimal(kind):
        return _decimal(kind, column)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return landing_type(kind.value_type, column)
    if pa.types.is_nested(kind):
        return _nested(kind, column)
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name not in _EXTENSIONS:
        raise _refused(kind, column)
    return _CONVERTED.get(kind, kind)


def landed(batch: pa.RecordBatch, schema: pa.Schema, rows_before: int) -> pa.RecordBatch:
    """The batch in the types of `landing_schema`. Raises DataError, naming column and row, for a value that is lost."""
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        if pa.types.is_interval(field.type):
            _whole_microseconds(field.name, column, rows_before)
        columns.append(column if column.type == field.type else _converted(field, column, rows_before))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def refuse_nulls(batch: pa.RecordBatch, places: Sequence[int], reason: str, rows_before: int) -> None:
    """Raises DataError, naming column and row, for a null in one of these columns. `reason` completes the sentence."""
    for place in places:
        column = batch.column(place)
        if column.null_count:
            row = pc.index(column.is_null(), True).as_py() + rows_before + 1
            name = batch.schema.names[place]
            raise DataError(f"row {row} has no {name!r}, {reason}", code="data.null", data_column=name, row=row)


def numbered(batch: pa.RecordBatch, rows_before: int) -> pa.RecordBatch:
    """The batch with its place in the stream as the first column."""
    numbers = pa.array(range(rows_before, rows_before + batch.num_rows), pa.int64())
    names = [ROW, *batch.schema.names]
    return pa.RecordBatch.from_arrays([numbers, *batch.columns], names=names)


def _decimal(kind: pa.DataType, column: str) -> pa.DataType:
    precision, scale = kind.precision, kind.scale
    if scale < 0:
        precision, scale = precision - scale, 0
    if max(precision, scale) > 38:
        raise _refused(kind, column)
    return pa.decimal128(max(precision, scale), scale)


def _nested(kind: pa.DataType, column: str) -> pa.DataType:
    if pa.types.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        if alike(field.name for field in fields):
            raise _refused(kind, column)
        return pa.struct([field.with_type(_part(field.type, column)) for field in fields])
    if pa.types.is_map(kind):
        return pa.map_(_part(kind.key_type, column), _part(kind.item_type, column))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_part(kind.value_type, column), kind.list_size)
    if pa.types.is_union(kind):
        raise _refused(kind, column)
    part = _part(kind.value_type, column)
    if part == kind.value_type:
        return kind
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(part) if pa.types.is_list(kind) else pa.large_list(part)
    raise _refused(kind, column)


def _part(kind: pa.DataType, column: str) -> pa.DataType:
    """As `landing_type`, inside a list or struct, where values that would lose a part cannot be found."""
    lossy = pa.types.is_interval(kind) or (pa.types.is_duration(kind) and kind.unit == "ns")
    if lossy or pa.types.is_run_end_encoded(kind):
        raise _refused(kind, column)
    return pa.string() if pa.types.is_null(kind) else landing_type(kind, column)


def _converted(field: pa.Field, column: pa.Array, rows_before: int) -> pa.Array:
    given = column
    if isinstance(column, pa.DictionaryArray):
        given = column.dictionary_decode()
    elif isinstance(column, pa.RunEndEncodedArray):
        given = pc.run_end_decode(column)
    try:
        return given.cast(field.type)
    except pa.ArrowInvalid as error:
        row = rows_before + next(_failing(field, given)) + 1
        raise DataError(
            f"row {row}: {field.name!r} does not fit: {error}", code="data.value", data_column=field.name, row=row
        ) from error


def _failing(field: pa.Field, column: pa.Array) -> Iterator[int]:
    """The rows whose value cannot be converted."""
    for place in range(len(column)):
        try:
            column.slice(place, 1).cast(field.type)
        except pa.ArrowInvalid:
            yield place


def _whole_microseconds(name: str, column: pa.Array, rows_before: int) -> None:
    """DuckDB keeps microseconds of an interval and would drop the rest."""
    values = column.buffers()[1]
    if values is None or not len(column):
        return
    words = pa.Array.from_buffers(pa.int64(), 2 * (column.offset + len(column)), [None, values])
    nanos = pc.list_element(pa.FixedSizeListArray.from_arrays(words, 2), 1).slice(column.offset)
    whole = pc.equal(pc.multiply(pc.divide(nanos, 1000), 1000), nanos)
    lost = pc.index(pc.and_(pc.invert(whole), column.is_valid()), True).as_py()
    if lost >= 0:
        row = rows_before + lost + 1
        raise DataError(
            f"row {row}: {name!r} has nanoseconds, of which DuckDB keeps microseconds",
            code="data.value",
            data_column=name,
            row=row,
        )


def _refused(kind: pa.DataType, column: str) -> DataError:
    return DataError(
        f"column {column!r} is of Arrow's type {kind}, which DuckDB cannot hold without changing values",
        code="data.type",
        data_column=column,
        hint="cast it before this step, or under columns of a write step",
    )


_CONVERTED: Final = {
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
    pa.duration("ns"): pa.duration("us"),
}
_EXTENSIONS: Final = ("arrow.uuid", "arrow.json", "arrow.bool8")
