"""Rows out of DuckDB: which Arrow type stands for each of its types, and a SELECT as a stream of batches."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.sqltypes import DuckDBPyType

from osiris.connectors.duckdb import sandbox
from osiris.connectors.duckdb.failures import known as known_error
from osiris.connectors.duckdb.tables import alike, folded, quoted
from osiris.errors import Cancelled, ConfigError, DataError, did_you_mean

FETCH_ROWS: Final = 2048
"""What DuckDB makes at a time anyway: a batch of huge texts cannot be cut smaller than this."""
BATCH_ROWS: Final = 65536
BATCH_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """A SELECT that is known to bind and to write nothing; messages call it `name`. `facts` is metadata of columns."""

    sql: str
    name: str
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT whose rows fit `schema`."""

    sql: str
    schema: pa.Schema

    @property
    def cast_columns(self) -> list[str]:
        """The columns that are cast on the way out, and so may hold a value that does not fit."""
        return [column.name for column in self.schema if (column.metadata or {}).get(b"osiris.type") in _CAST_NAMES]


def selection(
    con: duckdb.DuckDBPyConnection, source: Source, columns: Sequence[str] | None = None, tail: str = ""
) -> Selection:
    """The rows of `source`, or `columns` of them, with `tail` (WHERE, ORDER BY, LIMIT over `q`) around it.

    Binds and runs nothing. Raises ConfigError for two columns of one name, for one that is not there and for a tail
    that does not bind, DataError for a type that Arrow cannot hold.
    """
    relation = con.sql(source.sql)
    names, types = list(relation.columns), list(relation.types)
    _distinct(names, source.name)
    kinds = dict(zip(names, types, strict=True))
    fields, expressions = [], []
    for name in names if columns is None else _chosen(columns, names, source.name):
        metadata = {"osiris.type": _spelled(kinds[name]), **source.facts.get(name, {})}
        fields.append(pa.field(name, arrow_type(kinds[name], name), metadata=metadata))
        expressions.append(f"{_expression(kinds[name], name)} AS {quoted(name)}")
    sql = f"SELECT {', '.join(expressions)} FROM (\n{source.sql}\n) AS q{tail}"
    if tail:
        sandbox.check(con, sql, "where or order_by", len(sql))
    return Selection(sql, pa.schema(fields))


def started(con: duckdb.DuckDBPyConnection, chosen: Selection) -> pa.RecordBatchReader:
    """The running query. Whoever owns the handle closes this first: while it is open, so is the database's file."""
    reader = con.sql(chosen.sql).to_arrow_reader(FETCH_ROWS)
    if reader is None:
        raise ConfigError("the SQL gives no rows", code="query.not_select")
    return reader


def stream(reader: pa.RecordBatchReader, chosen: Selection) -> Generator[pa.RecordBatch]:
    """Its batches, of at most 65536 rows and about 8 MiB, as DuckDB makes them: never the whole result."""
    waiting: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for batch in reader:
        if waiting and (rows + batch.num_rows > BATCH_ROWS or size_bytes + batch.nbytes > BATCH_BYTES):
            yield _settled(waiting, chosen)
            waiting, rows, size_bytes = [], 0, 0
        waiting.append(batch)
        rows += batch.num_rows
        size_bytes += batch.nbytes
    if rows:
        yield _settled(waiting, chosen)


def failed(error: Exception, chosen: Selection, name: str) -> Exception:
    """What went wrong while the rows were read: in which line of the SQL `name`, or in which column."""
    mapped = known_error(error)
    if mapped is None:
        return error
    columns = chosen.cast_columns
    if isinstance(mapped, DataError) and len(columns) == 1 and "source column" in mapped.message:
        text = f"column {columns[0]!r}: {mapped.message}"
        return DataError(text, code=mapped.code, data_column=columns[0], hint=mapped.hint)
    return mapped if isinstance(mapped, Cancelled) else sandbox.explained(error, name, lines_before=1)


def arrow_type(kind: DuckDBPyType, column: str) -> pa.DataType:
    """The Arrow type that holds every value of a DuckDB type. Raises DataError, naming the column, when none does."""
    if str(kind) == "JSON":
        return pa.json_()
    if (plain := _PLAIN.get(kind.id)) is not None:
        return plain
    if kind.id == "decimal":
        return pa.decimal128(number(kind, "precision"), number(kind, "scale"))
    if kind.id in ("list", "array", "struct", "tuple", "map"):
        return _nested(kind, column)
    raise DataError(
        f"column {column!r} is of DuckDB's type {_spelled(kind)}, which no Arrow type holds",
        code="data.type",
        data_column=column,
        hint=f"give a query that casts it, such as CAST({quoted(column)} AS VARCHAR)",
    )


def _nested(kind: DuckDBPyType, column: str) -> pa.DataType:
    parts = kind.children
    if kind.id == "list":
        return pa.list_(arrow_type(_type_at(parts, 0), column))
    if kind.id == "array":
        return pa.list_(arrow_type(_type_at(parts, 0), column), number(kind, "size"))
    if kind.id == "map":
        return pa.map_(arrow_type(_type_at(parts, 0), column), arrow_type(_type_at(parts, 1), column))
    names = [name or f"element{place}" for place, (name, _) in enumerate(parts, 1)]
    return pa.struct([(name, arrow_type(_type_at(parts, place), column)) for place, name in enumerate(names)])


def number(kind: DuckDBPyType, name: str) -> int:
    """A number that is part of a type: `precision` and `scale` of a decimal, `size` of an array."""
    found = dict(kind.children)[name]
    assert isinstance(found, int), f"{kind} has no {name}"
    return found


def _type_at(children: Sequence[tuple[str, object]], place: int) -> DuckDBPyType:
    found = children[place][1]
    assert isinstance(found, DuckDBPyType), f"{found!r} is no type"
    return found


def _chosen(columns: Sequence[str], names: list[str], source: str) -> list[str]:
    """`columns` in the spelling of the source."""
    known = {folded(name): name for name in names}
    for column in columns:
        if folded(column) not in known:
            hint = did_you_mean(column, names) or f"columns: {', '.join(names)}"
            raise ConfigError(f"{source} has no column {column!r}", code="column.missing", hint=hint)
    chosen = [known[folded(column)] for column in columns]
    _distinct(chosen, f"columns of {source}")
    return chosen


def _distinct(names: list[str], source: str) -> None:
    if (pair := alike(names)) is not None:
        raise ConfigError(
            f"{source} gives two columns that are one name to DuckDB: {pair}",
            code="query.duplicate_column",
            hint="name them apart: SELECT a.id AS a_id, b.id AS b_id",
        )


def _expression(kind: DuckDBPyType, name: str) -> str:
    """How the column is read: as it is, or cast where Arrow would get less than what is there."""
    column = f"q.{quoted(name)}"
    if kind.id == "interval":
        # Arrow counts nanoseconds in 64 bits, DuckDB microseconds: 300 years in hours would come out as garbage.
        text = f"column {name!r}: an interval of more than {_INTERVAL_HOURS} hours".replace("'", "''")
        return f"CASE WHEN abs(date_part('hour', {column})) > {_INTERVAL_HOURS} THEN error('{text}') ELSE {column} END"
    target = _target(kind)
    return column if target is None else f"CAST({column} AS {target})"


def _target(kind: DuckDBPyType) -> str | None:
    """The DuckDB type to cast to before leaving, None when the type can leave as it is."""
    if kind.id not in ("list", "array", "struct", "map"):
        return _CASTS.get(kind.id)
    inner = [(name, part, _target(part) if isinstance(part, DuckDBPyType) else None) for name, part in kind.children]
    if not any(target for _, _, target in inner):
        return None
    spelled = [target or str(part) for _, part, target in inner]
    if kind.id == "struct":
        spelled = [f"{quoted(name)} {text}" for (name, _, _), text in zip(inner, spelled, strict=True)]
        return f"STRUCT({', '.join(spelled)})"
    if kind.id == "map":
        return f"MAP({', '.join(spelled)})"
    return f"{spelled[0]}[{spelled[1] if kind.id == 'array' else ''}]"


def _spelled(kind: DuckDBPyType) -> str:
    """DuckDB's name of the type; the values of an ENUM are left out."""
    return "ENUM" if kind.id == "enum" else str(kind)


def _settled(batches: list[pa.RecordBatch], chosen: Selection) -> pa.RecordBatch:
    batch = batches[0] if len(batches) == 1 else pa.concat_batches(batches)
    columns = []
    for wanted, column in zip(chosen.schema, batch.columns, strict=True):
        given = column if column.type == wanted.type else column.cast(wanted.type)
        _finite(wanted, given)
        columns.append(given)
    return pa.RecordBatch.from_arrays(columns, schema=chosen.schema)


def _finite(column: pa.Field, values: pa.Array) -> None:
    """DuckDB's infinite dates come out as days far off, which other systems would take for dates."""
    if not (pa.types.is_date32(column.type) or pa.types.is_timestamp(column.type)):
        return
    days = pa.types.is_date32(column.type)
    limit = 2**31 - 1 if days else 2**63 - 1
    bounds = pc.min_max(values.view(pa.int32() if days else pa.int64()))
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is not None and (high == limit or low <= -limit):
        name = quoted(column.name)
        raise DataError(
            f"column {column.name!r} holds an infinite date, which Arrow cannot hold",
            code="data.value",
            data_column=column.name,
            hint=f"give a query with CASE WHEN isfinite({name}) THEN {name} END",
        )


_INTERVAL_HOURS: Final = 2562046
_CASTS: Final = {
    "hugeint": "DECIMAL(38,0)",
    "uhugeint": "DECIMAL(38,0)",
    "bignum": "VARCHAR",
    "bit": "VARCHAR",
    "enum": "VARCHAR",
    "time with time zone": "VARCHAR",
}
_CAST_NAMES: Final = (b"HUGEINT", b"UHUGEINT", b"BIGNUM", b"BIT", b"ENUM", b"TIME WITH TIME ZONE")
_PLAIN: Final[Mapping[str, pa.DataType]] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "utinyint": pa.uint8(),
    "usmallint": pa.uint16(),
    "uinteger": pa.uint32(),
    "ubigint": pa.uint64(),
    "hugeint": pa.decimal128(38, 0),
    "uhugeint": pa.decimal128(38, 0),
    "float": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "bignum": pa.string(),
    "bit": pa.string(),
    "enum": pa.string(),
    "time with time zone": pa.string(),
    "blob": pa.binary(),
    "uuid": pa.uuid(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "time_ns": pa.time64("ns"),
    "timestamp": pa.timestamp("us"),
    "timestamp_s": pa.timestamp("s"),
    "timestamp_ms": pa.timestamp("ms"),
    "timestamp_ns": pa.timestamp("ns"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "timestamptz_ns": pa.timestamp("ns", "UTC"),
    "interval": pa.month_day_nano_interval(),
    "null": pa.null(),
}
