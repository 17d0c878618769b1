"""Reading the rows of one CSV file: a fast road by pyarrow's streaming reader, and an exact one that takes over.

The exact road cuts the text into whole records itself. It knows where each stands, so it can name the line of a bad
one, set it aside, skip comments and hold records of any length. Both convert by pyarrow: they agree on every value.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from osiris.connectors.filesystem.csv_body import Body
from osiris.connectors.filesystem.csv_columns import Columns, keep_mark
from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.csv_faults import bad_rows
from osiris.connectors.filesystem.csv_records import Block
from osiris.connectors.filesystem.csv_rejects import Rejects
from osiris.connectors.filesystem.sources import CHUNK_BYTES, Source
from osiris.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Rows:
    """How to read a file: `open_body` opens it anew. Bad rows go to `rejects`; without it the first ends the read."""

    open_body: Callable[[], Body]
    columns_for: Callable[[Body], Columns]
    rejects: Rejects | None = None

    def read(self) -> Generator[pa.RecordBatch]:
        """All rows in order. Raises DataError for the first bad row, once all before it were given."""
        body = self.open_body()
        columns = self.columns_for(body)
        given = 0
        if columns.dialect.comment is None:
            try:
                for batch in _fast(body, columns):
                    yield batch
                    given += batch.num_rows
                body.source.close()
                return
            except pa.ArrowInvalid:
                body.source.close()
                body = self.open_body()
        yield from _exact(body, columns, given, self.rejects)
        body.source.close()


def _fast(body: Body, columns: Columns) -> Generator[pa.RecordBatch]:
    """Raises ArrowInvalid where it cannot go on: a bad row, a record longer than a block, a quote that stays open."""
    text = _Terminated(body, columns.dialect)

    def judge(row: Any) -> str:
        if row.text.rstrip("\r\n") != text.last_record:
            return "error"
        text.arrived = True
        return "skip"

    try:
        reader = pacsv.open_csv(
            pa.PythonFile(text, "r"),
            pacsv.ReadOptions(column_names=columns.names, block_size=CHUNK_BYTES),
            columns.dialect.parse_options(len(columns.names), judge),
            columns.dialect.convert_options(columns.types),
        )
    except pa.ArrowNotImplementedError as error:
        raise ConfigError(f"dtypes: {error}", code="csv.dtype") from error
    for raw in reader:
        if columns.infinite(raw):
            raise pa.ArrowInvalid("an infinity, of which only the text can say whether it was meant")
        if raw.num_rows:
            yield columns.finish(raw)
    if not text.arrived:
        raise pa.ArrowInvalid("a quote was never closed and took all that follows into one field")


def _exact(body: Body, columns: Columns, skip: int, rejects: Rejects | None) -> Generator[pa.RecordBatch]:
    """The rows after the first `skip`, which were given before."""
    row = 0
    for block in body.records.blocks(columns.dialect.skips_blank(len(columns.names))):
        count = len(block.spans)
        first = min(max(skip - row, 0), count)
        if first < count:
            yield from _convert(block, columns, range(first, count), _Judgement(body.source.file.name, row, rejects))
        row += count


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What to do with a bad row of a block: `rows_before` the block, and where to put it, None: end the read."""

    file: str
    rows_before: int
    rejects: Rejects | None


def _convert(block: Block, columns: Columns, numbers: range, judgement: _Judgement) -> Generator[pa.RecordBatch]:
    try:
        batch = columns.parse(block.text(numbers))
    except pa.ArrowInvalid:
        pass
    else:
        yield batch
        return
    found = bad_rows(block, columns, numbers)
    if judgement.rejects is None:
        bad = next(found, None)
        assert bad is not None, "halving ends at a record that does not convert"
        if bad.number > numbers.start:
            yield columns.parse(block.text(range(numbers.start, bad.number)))
        raise bad.error(judgement.file, judgement.rows_before + bad.number + 1)
    rows = list(found)
    judgement.rejects.add(judgement.file, block, rows)
    wrong = {bad.number for bad in rows}
    good = [number for number in numbers if number not in wrong]
    if good:
        yield columns.parse(block.text(good))


class _Terminated:
    """A body's text, made safe for pyarrow's streaming reader, which would otherwise lose or swallow some of it.

    One record more at its end has a field too many: if pyarrow reports it, every quote before it was closed; if not, an
    open one has silently swallowed the rest of the file. No block ends in a carriage return: pyarrow drops a line feed
    that begins the next one, also inside quotes. A byte order mark that is data gets one more before it to be dropped.
    """

    closed = False

    def __init__(self, body: Body, dialect: Dialect) -> None:
        special = f"{dialect.delimiter}{dialect.quotechar}{dialect.escapechar}"
        cell = "".join(letter for letter in "OSIRIS-end-of-file" if letter not in special)
        self.last_record = dialect.delimiter.join([cell] * (len(body.names) + 1))
        self.arrived = False
        self._source: Source = body.source
        self._waiting = body.records.take_rest()
        self._started = False
        self._last_byte = b"\n"
        self._ended = False

    def read(self, size: int = CHUNK_BYTES, /) -> bytes:
        if len(self._waiting) < size and not self._ended:
            self._fill(size - len(self._waiting))
        data, self._waiting = self._waiting if self._started else keep_mark(self._waiting), b""
        self._started = True
        end = size - 1 if data[size - 1 : size] == b"\r" and size > 1 else size
        if len(data) > end:
            data, self._waiting = data[:end], data[end:]
        return data

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def _fill(self, size: int) -> None:
        data = self._source.read(size)
        self._waiting = self._waiting + data if self._waiting else data
        self._last_byte = self._waiting[-1:] or self._last_byte
        if len(data) < size:
            self._ended = True
            end = "" if self._last_byte == b"\n" else "\n"
            self._waiting += f"{end}{self.last_record}\n".encode()
