"""Values that travelled as texts, cast by the server on their way into their columns, and which of them it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from osiris.connectors._shared.postgres.names import listed, quoted
from osiris.connectors._shared.postgres.staging import ROW
from osiris.errors import DataError

if TYPE_CHECKING:
    from osiris.connectors._shared.postgres.channel import Channel
    from osiris.connectors._shared.postgres.layout import Landing


@dataclass(frozen=True, slots=True)
class Casting:
    """From the temporary table `raw`, whose rows are numbered from 0, into `table`; in the transaction that is open."""

    channel: Channel
    columns: tuple[Landing, ...]
    raw: str

    @property
    def is_needed(self) -> bool:
        return any(column.way.cast for column in self.columns)

    def make(self) -> None:
        """The table in which the values wait as they travel."""
        kinds = [f"{quoted(column.name)} {column.way.raw or column.type.text}" for column in self.columns]
        name = self.raw.removeprefix("pg_temp.")
        columns = ", ".join([*kinds, f"{quoted(ROW)} bigint"])
        self.channel.execute(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP")

    def move(self, table: str, rows: int, *, numbered: bool) -> int:
        """Returns how many rows the table took. Raises DataError, naming column and row, for what is no such value."""
        names = [column.name for column in self.columns] + ([ROW] if numbered else [])
        values = [_value(column) for column in self.columns] + ([quoted(ROW)] if numbered else [])
        insert = f"INSERT INTO {table} ({listed(names)}) OVERRIDING SYSTEM VALUE SELECT {', '.join(values)}"
        self.channel.execute("SAVEPOINT osiris")
        try:
            return self.channel.execute(f"{insert} FROM {self.raw} ORDER BY {quoted(ROW)}")
        except psycopg.Error as error:
            known = self.channel.classify(error)
            if isinstance(known, DataError):
                self._locate(known, rows)
            raise known from error

    def _locate(self, known: DataError, rows: int) -> None:
        """Say which value it was, where a cast alone is refused."""
        for column in self.columns:
            if column.way.cast and self._fails(column, 0, rows):
                low, high = 0, rows
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (low, middle) if self._fails(column, low, middle) else (middle, high)
                known.data_column, known.row = column.name, low + 1
                known.message = f"row {known.row}: {column.name!r}: {known.message}"
                known.args = (known.message,)
                return

    def _fails(self, column: Landing, low: int, high: int) -> bool:
        """Whether a value between these rows cannot be cast."""
        self.channel.execute("ROLLBACK TO SAVEPOINT osiris")
        sql = f"SELECT count({_value(column)}) FROM {self.raw} WHERE {quoted(ROW)} >= {low} AND {quoted(ROW)} < {high}"
        try:
            self.channel.rows(sql)
        except psycopg.Error as error:
            return isinstance(self.channel.classify(error), DataError)
        return False


def _value(column: Landing) -> str:
    name, way = quoted(column.name), column.way
    if way.cast is None:
        return name
    cast = f"CAST({name} AS {way.cast})"
    if not way.rounded:
        return cast
    # what is rounded is given to the server as a text that it refuses, for SQL has no other way to raise an error
    refused = f"CAST(CAST({name} AS text) || ', which has more digits than it keeps' AS {way.cast})"
    return f"CASE WHEN {name} = CAST({cast} AS {way.raw}) THEN {cast} ELSE {refused} END"
