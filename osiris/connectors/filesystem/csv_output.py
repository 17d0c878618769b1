"""`CsvOutput`: a whole CSV file, encoded and compressed; when appending, the old file's text before the new rows."""

from __future__ import annotations

import codecs
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Batches, Options
from osiris.connectors.filesystem import csv_text
from osiris.connectors.filesystem.compression import codec_for, open_raw, open_reader, open_writer, stream_faults
from osiris.connectors.filesystem.csv_body import Heading, open_body
from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.csv_format import CsvFormat
from osiris.connectors.filesystem.encodings import UTF8, UTF8_MARKED, UTF16, codec_of, encoder
from osiris.connectors.filesystem.paths import File
from osiris.connectors.filesystem.sources import CHUNK_BYTES, Reading, Source
from osiris.connectors.filesystem.staging import StagedFile
from osiris.errors import DataError
from osiris.stream import rebatch

FORMATTING_THREADS = 2
MAX_HEADER_BYTES = 16 << 20
PIECE_BYTES = 8 << 20


class CsvOutput:
    """Writes one file by the step's options."""

    def __init__(self, format_: CsvFormat, options: Options) -> None:
        self.format = format_
        self.encoding = options["encoding"]
        self.compression = codec_for(options["path"], options["compression"])
        self._name = options["path"]
        self._header = options["header"]
        self._batch_rows = options["batch_rows"]

    def write(self, sink: StagedFile, schema: pa.Schema, batches: Iterable[pa.RecordBatch], old: File | None) -> int:
        """Everything, into `sink`; the count of new rows. Raises DataError for a character that the encoding lacks."""
        rows = 0
        out = open_writer(sink, self.compression, self._name)
        text = _Encoded(self.encoding, self.format)
        if old is not None:
            self._copy(old, out, text)
        elif self._header:
            out.write(text.header(schema.names))
        pieces = rebatch(Batches.of(schema, batches), max_rows=self._batch_rows, max_bytes=PIECE_BYTES)
        with closing(_formatted(pieces, self.format)) as formatted:
            for piece in formatted:
                out.write(text.lines(piece))
                rows += piece.batch.num_rows
        out.write(text.end())
        out.close()
        return rows

    def _copy(self, old: File, out: Any, text: _Encoded) -> None:
        """The old file's bytes as they are, and a line end if the last line has none."""
        head = tail = b""
        with closing(open_raw(old.path, self.compression)) as raw, stream_faults(self.compression, old.name):
            plain = open_reader(raw, self.compression, old.name)
            while data := plain.read(CHUNK_BYTES):
                out.write(data)
                head = head or data[:4]
                tail = (tail + data)[-8:]
        out.write(text.follow(head, tail))


def old_header(old: File, output: CsvOutput, header: bool) -> list[str]:
    """The names in an existing file's header; without one, as many made-up names as it has columns."""
    dialect = Dialect(delimiter=output.format.delimiter, quotechar=output.format.quotechar)
    reading = Reading(output.compression, output.encoding, allow_nul=True)
    with closing(Source(old, reading, threading.Event())) as source:
        return list(open_body(source, dialect, Heading(header=header), MAX_HEADER_BYTES).names)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some rows, and the lines they make. `first_row` counts the rows before."""

    batch: pa.RecordBatch
    first_row: int
    lines: bytes


def _formatted(batches: Iterable[pa.RecordBatch], format_: CsvFormat) -> Generator[_Piece]:
    """The pieces in order. Making text is most of the work of a CSV file, and each piece stands alone, so that
    `FORMATTING_THREADS` of them are made side by side, mostly in Arrow, without Python's lock."""
    with ThreadPoolExecutor(FORMATTING_THREADS, "osiris-csv") as pool:
        waiting: deque[tuple[pa.RecordBatch, int, Future[bytes]]] = deque()
        rows = 0
        for batch in batches:
            waiting.append((batch, rows, pool.submit(format_.lines, batch, rows)))
            rows += batch.num_rows
            if len(waiting) > FORMATTING_THREADS:
                first, before, lines = waiting.popleft()
                yield _Piece(first, before, lines.result())
        for first, before, lines in waiting:
            yield _Piece(first, before, lines.result())


class _Encoded:
    """CSV text in an encoding, with a byte order mark where the encoding wants one at the start."""

    def __init__(self, encoding: str, format_: CsvFormat) -> None:
        self._codec = codec_of(encoding)
        self._label = encoding
        self._format = format_
        self._encoder = None if self._codec == UTF8 else encoder(self._codec)

    def header(self, names: list[str]) -> bytes:
        try:
            return self._encode(self._format.header(names))
        except UnicodeEncodeError as error:
            raise self._missing(error, None, None) from error

    def lines(self, piece: _Piece) -> bytes:
        try:
            return self._encode(piece.lines)
        except UnicodeEncodeError as error:
            raise self._missing(error, *self._place(piece.batch, piece.first_row)) from error

    def follow(self, head: bytes, tail: bytes) -> bytes:
        """What to put behind an old text before new rows: a line end where it lacks one, and from now on no mark."""
        if self._codec == UTF16:
            self._codec = "utf-16-be" if head.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
        if self._codec == UTF8_MARKED:
            self._codec = UTF8
        self._encoder = None if self._codec == UTF8 else encoder(self._codec)
        last = "\n".encode(self._codec)
        return b"" if tail.endswith(last) else self._format.newline.encode(self._codec)

    def end(self) -> bytes:
        return b"" if self._encoder is None else self._encoder.encode("", final=True)

    def _encode(self, text: bytes) -> bytes:
        return text if self._encoder is None else self._encoder.encode(text.decode())

    def _place(self, batch: pa.RecordBatch, first_row: int) -> tuple[str | None, int | None]:
        """The column and row of the first value that cannot be encoded."""
        found: list[tuple[int, str]] = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for place, value in enumerate(csv_text.text_of(column, name, first_row).to_pylist()):
                if value is not None and not self._has(value):
                    found.append((first_row + place + 1, name))
                    break
        row, name = min(found, default=(None, None))
        return name, row

    def _has(self, text: str) -> bool:
        try:
            encoder(self._codec).encode(text)
        except UnicodeEncodeError:
            return False
        return True

    def _missing(self, error: UnicodeEncodeError, column: str | None, row: int | None) -> DataError:
        where = f"column {column!r}, row {row}" if column else "a column name"
        character = error.object[error.start]
        return DataError(
            f"{where}: the encoding {self._label} has no {character!r}",
            code="csv.encoding",
            data_column=column,
            row=row,
            hint="set encoding: utf-8, or replace such characters before the writer",
        )
