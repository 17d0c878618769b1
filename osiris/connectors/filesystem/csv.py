"""The CSV connector: `Extractor` reads CSV files, `Writer` writes one."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import PurePath

import pyarrow as pa

from osiris import canonical
from osiris.connectors.base import Batches, End, ReadPlan, Split, State
from osiris.connectors.filesystem import csv_text
from osiris.connectors.filesystem.compression import all_suffixes
from osiris.connectors.filesystem.csv_columns import Column
from osiris.connectors.filesystem.csv_format import CsvFormat
from osiris.connectors.filesystem.csv_output import CsvOutput, old_header
from osiris.connectors.filesystem.csv_plan import SUFFIXES, CsvFiles, Layout, delimiter_of
from osiris.connectors.filesystem.csv_rejects import Rejects
from osiris.connectors.filesystem.paths import File
from osiris.connectors.filesystem.publish import FileWriter
from osiris.connectors.filesystem.selection import (
    Counter,
    FileExtractor,
    datasets,
    pack_schema,
    spread,
    unpack_schema,
)
from osiris.connectors.filesystem.sources import Source
from osiris.connectors.filesystem.staging import StagedFile
from osiris.errors import ConfigError


class Extractor(FileExtractor):
    """Reads one CSV file, or several of the same columns one after the other."""

    def plan(self, wanted: int, since: State | None) -> ReadPlan:
        """A split is a run of whole files. What was seen of them goes with it, so that a changed file is noticed."""
        files = self.client.place.find(self.options["path"], all_suffixes(SUFFIXES))
        columns = self._files(files).columns()
        schema = pa.schema([pa.field(column.name, column.type) for column in columns])
        shared = {"schema": pack_schema(schema), "guessed": [column.name for column in columns if column.guessed]}
        why = None
        if len(files) == 1:
            why = "there is one file"
        elif self.options.get("limit") is not None:
            why = "limit counts over all files"
        runs = spread([file.size_bytes for file in files], 1 if why else wanted)
        splits = [
            Split(index, {**shared, "files": [file.to_json() for file in files[run.start : run.stop]]})
            for index, run in enumerate(runs)
        ]
        return ReadPlan(
            self._stamp.schema(schema),
            tuple(splits),
            datasets=datasets(files, self.dataset()),
            ordered=True,
            why_one_split=why or ("one was wanted" if len(splits) == 1 else None),
        )

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        files = [File.from_json(file) for file in split.data["files"]]
        schema = unpack_schema(split.data["schema"])
        stamped = self._stamp.schema(schema)
        source = self._files(files)
        columns = [self._column(source.layout, field, split.data["guessed"]) for field in schema]
        rejects = self._rejects(split)
        counter = Counter(self.options.get("limit"), self.options.get("batch_rows"))
        for file in files:
            for batch in source.read(file, columns, rejects):
                self.client.check_stop()
                yield from counter.pieces(self._stamp.apply(batch, file, stamped))
                if counter.done:
                    return counter.end({"rejected": rejects.rows} if rejects else {})
        return counter.end({"rejected": rejects.rows} if rejects else {})

    def _column(self, layout: Layout, field: pa.Field, guessed: list[str]) -> Column:
        return layout.column(field.name, field.type if field.name in guessed else None)

    def _files(self, files: tuple[File, ...] | list[File]) -> CsvFiles:
        layout = Layout.of(self.options, files[0].name)

        def open_source(file: File) -> Source:
            return self.client.keep(Source(file, layout.reading, self.client.stop))

        return CsvFiles(layout, files, open_source)

    def _rejects(self, split: Split) -> Rejects | None:
        if self.options["on_bad_rows"] == "fail":
            return None
        told = canonical.digest([self.options.to_json(), split.index]).removeprefix("sha256:")[:8]
        given = self.options["path"]
        stem = PurePath(given if isinstance(given, str) else given[0]).name.partition(".")[0].strip("*?[]") or "rows"
        return Rejects(self.workspace.output_dir / f"{stem}-{told}.rejects.csv")


class Writer(FileWriter):
    """Writes one CSV file."""

    def check(self, schema: pa.Schema) -> None:
        csv_text.check(schema)
        self._format()

    def check_appending(self, old: File, schema: pa.Schema) -> None:
        found = old_header(old, self._output(), self.options["header"])
        same = found == schema.names if self.options["header"] else len(found) == len(schema.names)
        if not same:
            raise ConfigError(
                f"{old.name} has the columns {', '.join(found)}, the rows to append have {', '.join(schema.names)}",
                code="csv.append",
                hint="choose and order the columns in the step's columns, or use write_mode: replace",
            )

    def encode(self, sink: StagedFile, batches: Batches, old: File | None) -> int:
        output = self._output()
        return output.write(sink, batches.schema, self.watched(batches), old)

    def _format(self) -> CsvFormat:
        return CsvFormat.of(self.options, delimiter_of(self.options.get("delimiter"), self.options["path"]))

    def _output(self) -> CsvOutput:
        return CsvOutput(self._format(), self.options)
