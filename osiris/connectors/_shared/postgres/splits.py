"""Conditions that cut a table into parts of about as many rows: by its pages, or by the values of a column."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors._shared.postgres.names import literal, quoted
from osiris.connectors._shared.postgres.tables import Table, TableColumn

LEAST_BYTES: Final = 8 * 1024 * 1024
"""A smaller part is not worth a connection of its own."""
RANGES_SINCE: Final = 140000
"""Before, a server reads the whole table for a range of its pages."""


def by_pages(channel: Channel, table: Table, wanted: int) -> tuple[str, ...] | str:
    """Ranges of pages, the last one without an end; or why there are none."""
    if channel.version < RANGES_SINCE:
        return "ranges of pages need PostgreSQL 14; split_by cuts by a column"
    if table.kind not in ("table", "materialized view"):
        return f"a {table.kind} has no pages of its own; split_by cuts it by a column"
    ((size, page, method),) = channel.rows(_SIZE, (table.oid,))
    parts = min(wanted, size // LEAST_BYTES)
    if method != "heap" or parts < 2:
        return (
            "the table is small" if method == "heap" else f"its pages are kept by {method}; split_by cuts by a column"
        )
    borders = [size // page * part // parts for part in range(1, parts)]
    first, last = f"ctid < '({borders[0]},0)'", f"ctid >= '({borders[-1]},0)'"
    return (first, *(f"ctid >= '({low},0)' AND ctid < '({high},0)'" for low, high in pairwise(borders)), last)


def by_column(channel: Channel, source: str, column: TableColumn, wanted: int) -> tuple[str, ...] | str:
    """Ranges of the values of a column, in the server's order; or why there are none. The server sorts the column
    once to find them. NULL goes with the first range."""
    name, fractions = quoted(column.name), ", ".join(str(part / wanted) for part in range(1, wanted))
    if not fractions:
        return "one was wanted"
    found = f"percentile_disc(ARRAY[{fractions}]) WITHIN GROUP (ORDER BY {name})"
    ((values,),) = channel.rows(f"SELECT ({found})::pg_catalog.text[] FROM {source}")
    borders = [f"{literal(value)}::{column.type.text}" for value in dict.fromkeys(values or ()) if value is not None]
    if not borders:
        return f"column {column.name!r} has no values to cut by"
    first = f"({name} IS NULL OR {name} < {borders[0]})"
    between = (f"({name} >= {low} AND {name} < {high})" for low, high in pairwise(borders))
    return (first, *between, f"{name} >= {borders[-1]}")


_SIZE: Final = """
SELECT pg_catalog.pg_relation_size(c.oid), current_setting('block_size')::int, a.amname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.oid = %s
"""
