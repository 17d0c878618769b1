"""A write step's `columns`: choose, rename and strictly cast before the writer sees the rows."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol

import pyarrow as pa

from osiris.connectors.base import Batches, End
from osiris.drivers.casts import shown, strictly
from osiris.errors import ConfigError, DataError, did_you_mean
from osiris.stream.types import parse


class Column(Protocol):
    """`{from, to, type}` of a pipeline's `columns`."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def type(self) -> str | None: ...


def apply(batches: Batches, columns: Sequence[Column]) -> Batches:
    """The stream with just these columns, in this order; unchanged when there are none.

    Raises ConfigError for a column that does not come, DataError naming column and row for a value that does not fit.
    """
    if not columns:
        return batches
    names = batches.schema.names
    for column in columns:
        if column.source not in names:
            hint = did_you_mean(column.source, names) or f"columns that come: {', '.join(names)}"
            raise ConfigError(f"columns: there is no column {column.source!r}", code="columns.unknown", hint=hint)
    fields = [_field(batches.schema.field(column.source), column) for column in columns]
    schema = pa.schema(fields, metadata=batches.schema.metadata)

    def give() -> Generator[pa.RecordBatch, None, End]:
        row = 0
        for batch in batches:
            arrays = [
                _cast(batch.column(column.source), field, row) for column, field in zip(columns, fields, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            row += batch.num_rows
        assert batches.end is not None, "a stream that was read to its end has one"
        return batches.end

    return Batches(schema, give(), name=batches.name, first_error=batches.first_error, on_close=batches.close)


def _field(field: pa.Field, column: Column) -> pa.Field:
    renamed = field.with_name(column.target)
    if column.type is None:
        return renamed
    wanted = parse(column.type)
    return renamed if wanted == field.type else pa.field(column.target, wanted, field.nullable)


def _cast(array: pa.Array, field: pa.Field, first_row: int) -> pa.Array:
    if array.type == field.type:
        return array
    try:
        return strictly(array, field.type)
    except pa.ArrowInvalid as error:
        position = _first_bad(array, field.type)
        row = first_row + position + 1
        raise DataError(
            f"column {field.name!r}, row {row}: {shown(array.slice(position, 1))} is no {field.type}",
            code="data.cast",
            data_column=field.name,
            row=row,
            hint="correct the value at the source, or declare a type that can hold it",
        ) from error
    except pa.ArrowNotImplementedError as error:
        text = f"columns: {field.name!r} cannot be cast from {array.type} to {field.type}"
        hint = "cast it in SQL, in a transform step before the writer"
        raise ConfigError(text, code="columns.cast", hint=hint) from error


def _first_bad(array: pa.Array, wanted: pa.DataType) -> int:
    """The place of the first value that does not cast, by halving; there is one."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            strictly(array.slice(low, middle - low), wanted)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low
