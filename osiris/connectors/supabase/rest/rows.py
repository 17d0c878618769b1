"""`encode`: rows as JSON objects for PostgREST, each value one that its column holds as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.arrivals import bare, bare_type
from osiris.connectors._shared.misfits import Misfit
from osiris.connectors._shared.postgres.ddl import left_as
from osiris.connectors._shared.postgres.failures import FITS
from osiris.connectors._shared.postgres.fits import Way, kind_of, way
from osiris.connectors._shared.postgres.types import Type
from osiris.connectors.supabase.rest import texts
from osiris.errors import DataError

Types = Mapping[str, Type | None]
"""Of the columns; None where the API does not tell. Then PostgreSQL alone judges what comes, and it may round."""


def check(schema: pa.Schema, types: Types) -> None:
    """Raises DataError for the first column whose values the table's cannot hold, or only changed."""
    for field in schema:
        _way(field, types.get(field.name))


def encode(batch: pa.RecordBatch, types: Types, first_row: int = 0) -> pa.LargeStringArray:
    """The JSON object of each row. Raises DataError, naming column and row, for a value that would be changed; rows are
    counted on from `first_row`."""
    if not batch.num_columns:
        return pa.array(["{}"] * batch.num_rows, texts.TEXT)
    parts: list[pa.Array | pa.Scalar] = []
    for place, field in enumerate(batch.schema):
        mark = f"{',' if place else '{'}{json.dumps(field.name, ensure_ascii=False)}:"
        parts += [pa.scalar(mark, texts.TEXT), _column(field, batch.column(place), types.get(field.name), first_row)]
    return pc.binary_join_element_wise(*parts, pa.scalar("}", texts.TEXT), pa.scalar("", texts.TEXT))


def _column(field: pa.Field, array: pa.Array, column: Type | None, first_row: int) -> pa.Array:
    """Its values as JSON, without nulls of Arrow's."""
    found = _way(field, column)
    plain = bare(array)
    try:
        if found is not None:
            found.encode(plain)  # refuses what the column would cut, round or fill up
        return pc.fill_null(_texts(kind_of(field.type, field.name), plain, column), "null")
    except Misfit as misfit:
        row = first_row + misfit.place + 1
        text = f"row {row}: {field.name!r} {misfit.reason}"
        raise DataError(text, code="data.value", data_column=field.name, row=row, hint=FITS) from misfit


def _texts(kind: str, array: pa.Array, column: Type | None) -> pa.Array:
    name = column.name if column is not None and column.is_built_in else None
    if kind == "text" and name in ("json", "jsonb"):
        return texts.raw(array)
    if kind == "json" and name == "text":
        return texts.strings(array)
    if kind == "nested" and name == "text":
        return texts.strings(texts.texts(kind, array))
    if kind == "decimal" and name in ("int2", "int4", "int8"):
        return texts.whole_numbers(array)
    return texts.texts(kind, array)


def _way(field: pa.Field, column: Type | None) -> Way | None:
    """How the values would travel by PostgreSQL's own protocol: it knows what fits. None when the type is not known."""
    kind = kind_of(field.type, field.name)
    if column is None:
        return None
    found = way(kind, bare_type(field.type), column, left_as(field))
    if found is None or found.rounded:
        raise DataError(
            f"{field.name!r}: the column's type {column.text} does not hold {field.type} as it is",
            code="data.type",
            data_column=field.name,
            hint="cast it before this step, or under columns of the write step",
        )
    return found
