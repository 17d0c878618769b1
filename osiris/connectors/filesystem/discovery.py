"""What a file holds, as `discover` shows it: a CSV's header and guessed types, a Parquet file's footer."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack, closing

import pyarrow as pa

from osiris.connectors.base import Field, Resource
from osiris.connectors.filesystem import csv_plan, parquet_file
from osiris.connectors.filesystem.compression import all_suffixes
from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.csv_plan import CsvFiles, Layout, delimiter_of
from osiris.connectors.filesystem.paths import File
from osiris.connectors.filesystem.sources import Source
from osiris.errors import DataError
from osiris.stream.types import spell

SUFFIXES = (*parquet_file.SUFFIXES, *all_suffixes(csv_plan.SUFFIXES))
SAMPLE_ROWS = 1_000
log = logging.getLogger(__name__)


def describe(file: File, stop: threading.Event) -> Resource:
    """The file as a resource; without fields, and a line in the log, when it cannot be read as what its name says."""
    try:
        if file.name.lower().endswith(parquet_file.SUFFIXES):
            return _parquet(file)
        return _csv(file, stop)
    except (DataError, PermissionError) as error:
        log.warning("%s cannot be described: %s", file.name, error)
        return Resource(file.name, "file")


def _parquet(file: File) -> Resource:
    with closing(parquet_file.ParquetFile(file)) as opened:
        rows = sum(opened.rows_of_groups())
        return Resource(file.name, "file", _fields(opened.schema, known=True), estimated_rows=rows)


def _csv(file: File, stop: threading.Event) -> Resource:
    layout = Layout(dialect=Dialect(delimiter=delimiter_of(None, file.name)), sample_rows=SAMPLE_ROWS)
    with ExitStack() as opened:

        def open_source(wanted: File) -> Source:
            return opened.enter_context(closing(Source(wanted, layout.reading, stop)))

        columns = CsvFiles(layout, [file], open_source).columns()
    return Resource(file.name, "file", _fields(pa.schema([pa.field(c.name, c.type) for c in columns]), known=False))


def _fields(schema: pa.Schema, known: bool) -> tuple[Field, ...]:
    """`known`: the file itself says whether a value may be missing."""
    return tuple(Field(field.name, spell(field.type), field.nullable if known else None) for field in schema)
