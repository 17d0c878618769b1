"""`Columns`: which columns of a CSV file are read, as what, and the conversion of its records to Arrow."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.csv_values import Reading
from osiris.errors import ConfigError

_INFINITIES = pa.array(["inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"])


@dataclass(frozen=True, slots=True)
class Column:
    """One column to read. `reading` turns its text into `type`; None: pyarrow's reader does. `guessed`: nobody declared
    the type."""

    name: str
    type: pa.DataType
    reading: Reading | None = None
    guessed: bool = False


class Columns:
    """The columns to give, in order, out of the file's `names`."""

    def __init__(self, names: Sequence[str], columns: Sequence[Column], dialect: Dialect) -> None:
        self.names = tuple(names)
        self.columns = tuple(columns)
        self.dialect = dialect
        self.schema = pa.schema([pa.field(column.name, column.type) for column in columns])
        self.types = {c.name: pa.string() if c.reading else c.type for c in columns}

    def only(self, column: Column) -> Columns:
        """A single one of them, to see whether it is this that fails."""
        return Columns(self.names, [column], self.dialect)

    def parse(self, text: bytes) -> pa.RecordBatch:
        """Whole records, converted. Raises ArrowInvalid for another count of fields or a value that does not fit."""
        table = self._read(text, self.types)
        if not table.num_rows:
            return pa.RecordBatch.from_pylist([], self.schema)
        (batch,) = table.combine_chunks().to_batches()
        suspects = self.infinite(batch)
        if suspects:
            table = self._read(text, dict.fromkeys(suspects, pa.string()))
            for name in suspects:
                written = table.column(name).combine_chunks().filter(pc.is_inf(batch.column(name)))
                if not pc.all(pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(written)), _INFINITIES)).as_py():
                    raise pa.ArrowInvalid(f"a number in {name!r} is too large for {self.types[name]}")
        return self.finish(batch)

    def finish(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        """Apply the columns' own readings to a batch as pyarrow read it. Raises ArrowInvalid.

        Decimals are looked at again: pyarrow lets 123.4 pass as decimal(4,2), which 123.40 does not fit.
        """
        for name, type_ in self.types.items():
            if pa.types.is_decimal(type_):
                raw.column(name).validate(full=True)
        if not any(column.reading for column in self.columns):
            return raw
        arrays = [c.reading(raw.column(c.name)) if c.reading else raw.column(c.name) for c in self.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def infinite(self, raw: pa.RecordBatch) -> list[str]:
        """The float columns in which pyarrow made an infinity: of the word, or of a number that is too large."""
        floats = [name for name, type_ in self.types.items() if pa.types.is_floating(type_)]
        return [name for name in floats if pc.any(pc.is_inf(raw.column(name))).as_py()]

    def _read(self, text: bytes, types: dict[str, pa.DataType]) -> pa.Table:
        text = keep_mark(text)
        try:
            return pacsv.read_csv(
                pa.BufferReader(text),
                pacsv.ReadOptions(column_names=self.names, use_threads=False, block_size=len(text) + 1),
                self.dialect.parse_options(len(self.names), None),
                self.dialect.convert_options(types),
            )
        except pa.ArrowNotImplementedError as error:
            raise ConfigError(f"dtypes: {error}", code="csv.dtype") from error


def keep_mark(text: bytes) -> bytes:
    """`text` so that pyarrow, which drops a byte order mark at the start, leaves one that is part of the data."""
    return codecs.BOM_UTF8 + text if text.startswith(codecs.BOM_UTF8) else text
