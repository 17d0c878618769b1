"""Bad rows of a CSV file: finding them in a block that did not convert, and saying what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from osiris.connectors.filesystem.csv_columns import Column, Columns
from osiris.connectors.filesystem.csv_dialect import Cell
from osiris.connectors.filesystem.csv_records import Block
from osiris.errors import DataError
from osiris.stream.types import spell

SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that cannot be read: its place in its block, its line in the file, and why."""

    number: int
    line: int
    reason: str
    hint: str
    column: str | None = None

    def error(self, file: str, row: int) -> DataError:
        return DataError(
            self.reason,
            code="csv.ragged" if self.column is None else "csv.value",
            file=file,
            line=self.line,
            hint=self.hint,
            data_column=self.column,
            row=row,
        )


def bad_rows(block: Block, columns: Columns, numbers: range) -> Iterator[BadRow]:
    """Those of the records that do not convert, in order, by halving: pyarrow's reader itself is the judge."""
    waiting = [numbers]
    while waiting:
        part = waiting.pop()
        if _converts(columns, block.text(part)):
            continue
        if len(part) == 1:
            yield _describe(block, columns, part[0])
        else:
            middle = part.start + len(part) // 2
            waiting += [range(middle, part.stop), range(part.start, middle)]


def _converts(columns: Columns, text: bytes) -> bool:
    try:
        columns.parse(text)
    except pa.ArrowInvalid:
        return False
    return True


def _describe(block: Block, columns: Columns, number: int) -> BadRow:
    line, record = block.line_of(number), block.record(number)
    try:
        cells = list(columns.dialect.cells(record))
    except UnicodeDecodeError as error:
        reason = f"the byte 0x{error.object[error.start]:02x} is not utf-8 text"
        return BadRow(number, line, reason, "set encoding to that of the file, for example windows-1252")
    if len(cells) != len(columns.names):
        reason = f"the row has {_count(len(cells), 'field')}, the file has {_count(len(columns.names), 'column')}"
        hint = "quote the fields that contain the delimiter, or set on_bad_rows: skip to set such rows aside"
        return BadRow(number, line, reason, hint)
    for column in columns.columns:
        if not _converts(columns.only(column), record):
            return _describe_value(number, line, column, cells[columns.names.index(column.name)])
    return BadRow(number, line, "the row cannot be read", "set on_bad_rows: skip to set such rows aside")


def _describe_value(number: int, line: int, column: Column, cell: Cell) -> BadRow:
    shown = cell.text if len(cell.text) <= SHOWN_CHARACTERS else cell.text[:SHOWN_CHARACTERS] + "…"
    reason = f"column {column.name!r}: {shown!r} is no {spell(column.type)}"
    if column.guessed:
        reason += ", which is what the rows before it looked like"
        hint = f"set dtypes: {{{column.name}: string}} (or the type that fits), or infer: full"
    elif cell.quoted and not cell.text:
        hint = "set quoted_nulls: true if an empty quoted field means that there is no value"
    else:
        hint = f"correct the value, set dtypes: {{{column.name}: string}}, or add it to null_values"
    return BadRow(number, line, reason, hint, column.name)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
