"""One Parquet file: read row group by row group, and written in row groups of bounded size."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.connectors.filesystem.paths import File
from osiris.errors import DataError

SUFFIXES = (".parquet", ".parq", ".pq")
READ_ROWS = 65_536
BATCH_BYTES = 16 << 20
BUFFER_BYTES = 1 << 20
_FOREIGN_METADATA = b"PARQUET:field_id"


class ParquetFile:
    """An open file. Raises DataError, naming it, for what is not Parquet, is cut off, or has a column name twice."""

    def __init__(self, file: File) -> None:
        file.verify()
        self.file = file
        self._raw = pa.OSFile(file.path, "r")
        try:
            self._opened = pq.ParquetFile(
                self._raw,
                pre_buffer=False,
                buffer_size=BUFFER_BYTES,
                coerce_int96_timestamp_unit="us",
                page_checksum_verification=True,
            )
        except (pa.ArrowInvalid, OSError) as error:
            self._raw.close()
            raise self._broken(error) from error
        self._read_as = self._opened.schema_arrow
        self.schema = pa.schema([_plain(field) for field in self._read_as])
        twice = sorted({name for name in self.schema.names if self.schema.names.count(name) > 1})
        if twice:
            self.close()
            raise DataError(f"it has two columns called {', '.join(twice)}", code="parquet.columns", file=file.name)

    def close(self) -> None:
        self._opened.close(force=True)
        self._raw.close()

    def rows_of_groups(self) -> list[int]:
        metadata = self._opened.metadata
        return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]

    def batches(self, groups: Sequence[int], names: Sequence[str]) -> Generator[pa.RecordBatch]:
        """The rows of those row groups, with the columns `names` in this order. Raises DataError for damaged data."""
        schema = pa.schema([self.schema.field(name) for name in names])
        decoded = [name for name in names if pa.types.is_dictionary(self._read_as.field(name).type)]
        read = self._opened.iter_batches(self._batch_rows(groups), row_groups=list(groups), columns=list(names))
        while True:
            try:
                batch = next(read, None)
            except (pa.ArrowInvalid, OSError) as error:
                raise self._broken(error) from error
            if batch is None:
                return
            columns = [batch.column(name) for name in names]
            columns = [c.dictionary_decode() if name in decoded else c for name, c in zip(names, columns, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _batch_rows(self, groups: Sequence[int]) -> int:
        """How many rows make a batch of at most about `BATCH_BYTES`, going by the footer."""
        sizes = [self._opened.metadata.row_group(group) for group in groups]
        row_bytes = max((size.total_byte_size // max(1, size.num_rows) for size in sizes), default=0)
        return max(1, min(READ_ROWS, BATCH_BYTES // max(1, row_bytes)))

    def _broken(self, error: Exception) -> DataError:
        text = f"it cannot be read as Parquet: {error}"
        hint = "it may be cut off, or no Parquet file: get it again"
        return DataError(text, code="parquet.broken", file=self.file.name, hint=hint)


class Grouped:
    """Writes batches into `writer` as row groups of at most `max_rows` rows and about `max_bytes` bytes in memory."""

    def __init__(self, writer: pq.ParquetWriter, max_rows: int, max_bytes: int) -> None:
        self._writer = writer
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._size_bytes = 0

    def write(self, batches: Iterable[pa.RecordBatch]) -> int:
        """All rows; their count."""
        rows = 0
        for batch in batches:
            rows += batch.num_rows
            for start in range(0, batch.num_rows, self._max_rows):
                self._add(batch.slice(start, self._max_rows))
        self._flush()
        return rows

    def _add(self, batch: pa.RecordBatch) -> None:
        full = self._rows + batch.num_rows > self._max_rows or self._size_bytes + batch.nbytes > self._max_bytes
        if self._rows and full:
            self._flush()
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._size_bytes += batch.nbytes

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting), row_group_size=self._max_rows)
        self._waiting, self._rows, self._size_bytes = [], 0, 0


def stored(schema: pa.Schema) -> pa.Schema:
    """`schema` as it is read back from a file: Parquet has no seconds, for example."""
    empty = pa.BufferOutputStream()
    pq.ParquetWriter(empty, schema).close()
    return pa.schema([_plain(field) for field in pq.read_schema(pa.BufferReader(empty.getvalue()))])


def _plain(field: pa.Field) -> pa.Field:
    """The field without what belongs to the file; a dictionary is its values, since batches may differ in theirs."""
    type_: Any = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    kept = {key: value for key, value in (field.metadata or {}).items() if key != _FOREIGN_METADATA}
    return pa.field(field.name, type_, field.nullable, kept or None)
