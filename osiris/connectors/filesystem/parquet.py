"""The Parquet connector: `Extractor` reads Parquet files, `Writer` writes one."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.connectors.base import Batches, End, ReadPlan, Split, State
from osiris.connectors.filesystem.parquet_file import SUFFIXES, Grouped, ParquetFile, stored
from osiris.connectors.filesystem.paths import File
from osiris.connectors.filesystem.publish import FileWriter
from osiris.connectors.filesystem.selection import Counter, FileExtractor, datasets, spread
from osiris.connectors.filesystem.staging import StagedFile
from osiris.errors import ConfigError, DataError, did_you_mean
from osiris.stream.batches import difference


class Extractor(FileExtractor):
    """Reads one Parquet file, or several of the same schema one after the other."""

    def plan(self, wanted: int, since: State | None) -> ReadPlan:
        """A split is a run of whole row groups, over files if need be."""
        files = self.client.place.find(self.options["path"], SUFFIXES)
        first: pa.Schema | None = None
        groups: list[tuple[int, int, int]] = []
        for place, file in enumerate(files):
            with closing(ParquetFile(file)) as opened:
                first = opened.schema if first is None else first
                self._check_same(first, opened, files[0])
                groups += [(place, group, rows) for group, rows in enumerate(opened.rows_of_groups())]
        assert first is not None, "find() gives a file or raises"
        why = "limit counts over all rows" if self.options.get("limit") is not None else None
        why = why or ("there is one row group" if len(groups) <= 1 else None)
        runs = spread([rows for _, _, rows in groups], 1 if why else wanted) or [range(0)]
        return ReadPlan(
            self._stamp.schema(self._selected(first)),
            tuple(self._split(index, [groups[place] for place in run], files) for index, run in enumerate(runs)),
            datasets=datasets(files, self.dataset()),
            ordered=True,
            why_one_split=why or ("one was wanted" if len(runs) == 1 else None),
            estimated_rows=min(sum(rows for _, _, rows in groups), self.options.get("limit", sys.maxsize)),
        )

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        counter = Counter(self.options.get("limit"), self.options.get("batch_rows"))
        for part in split.data["parts"]:
            file = File.from_json(part["file"])
            opened = self.client.keep(ParquetFile(file))
            schema = self._selected(opened.schema)
            stamped = self._stamp.schema(schema)
            for batch in opened.batches(part["groups"], schema.names):
                self.client.check_stop()
                yield from counter.pieces(self._stamp.apply(batch, file, stamped))
                if counter.done:
                    return counter.end({})
            opened.close()
            file.verify()
        return counter.end({})

    def _selected(self, schema: pa.Schema) -> pa.Schema:
        names: list[str] = self.options.get("columns") or schema.names
        for name in names:
            if name not in schema.names:
                hint = did_you_mean(name, schema.names) or f"columns of the file: {', '.join(schema.names[:30])}"
                raise ConfigError(f"columns: the file has no column {name!r}", code="columns.unknown", hint=hint)
        return pa.schema([schema.field(name) for name in names])

    def _check_same(self, first: pa.Schema, opened: ParquetFile, example: File) -> None:
        same = opened.schema.equals(first) or (
            self.options.get("columns") and self._selected(opened.schema).equals(self._selected(first))
        )
        if not same:
            raise DataError(
                f"its columns differ from those of {example.name}: {difference(first, opened.schema)}",
                code="parquet.columns_differ",
                file=opened.file.name,
                hint="read files of different shape in steps of their own, or name the common ones in columns",
            )

    def _split(self, index: int, groups: Sequence[tuple[int, int, int]], files: Sequence[File]) -> Split:
        """The row groups of a split, those of one file together; a file without any comes with the first split."""
        chosen: dict[int, list[int]] = {}
        for place, group, _ in groups:
            chosen.setdefault(place, []).append(group)
        parts = [{"file": files[place].to_json(), "groups": numbers} for place, numbers in (chosen or {0: []}).items()]
        return Split(index, {"parts": parts})


class Writer(FileWriter):
    """Writes one Parquet file."""

    def check(self, schema: pa.Schema) -> None:
        """Write an empty file of the schema into memory: whether Parquet can hold it is known by nobody else."""
        if not schema.names or len(set(schema.names)) < len(schema.names):
            raise ConfigError("a Parquet file needs columns of different names", code="parquet.columns")
        try:
            self._open(pa.BufferOutputStream(), schema).close()
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            text = f"a Parquet file cannot hold these columns: {error}"
            raise ConfigError(text, code="parquet.type", hint="cast the column in the step's columns") from error

    def check_appending(self, old: File, schema: pa.Schema) -> None:
        with closing(ParquetFile(old)) as opened:
            if not opened.schema.equals(stored(schema)):
                raise ConfigError(
                    f"the rows to append do not fit {old.name}: {difference(opened.schema, schema)}",
                    code="parquet.append",
                    hint="choose, order and cast the columns in the step's columns, or use write_mode: replace",
                )

    def encode(self, sink: StagedFile, batches: Batches, old: File | None) -> int:
        if old is None:
            return self._grouped(sink, batches.schema, [self.watched(batches)])
        with closing(ParquetFile(old)) as opened:
            schema = opened.schema
            groups = range(len(opened.rows_of_groups()))
            copied = (opened.batches([group], schema.names) for group in groups)
            added = (batch.cast(schema) for batch in self.watched(batches))
            self._grouped(sink, schema, [*copied, added])
        return batches.rows

    def _grouped(self, sink: StagedFile, schema: pa.Schema, streams: Sequence[Iterable[pa.RecordBatch]]) -> int:
        """Each stream begins a row group of its own; the count of all rows."""
        with self._open(pa.PythonFile(sink, "w"), schema) as writer:
            grouped = Grouped(writer, self.options["row_group_rows"], self.options["row_group_mb"] << 20)
            return sum(grouped.write(stream) for stream in streams)

    def _open(self, sink: Any, schema: pa.Schema) -> pq.ParquetWriter:
        return pq.ParquetWriter(sink, schema, compression=self.options["compression"], write_page_checksum=True)
