"""`FileExtractor`: what all readers of files share. Which files, cut into splits, and how their rows leave as one."""

from __future__ import annotations

import base64
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Dataset, End, Extractor, Options, Workspace
from osiris.connectors.filesystem.client import Client
from osiris.connectors.filesystem.paths import File
from osiris.errors import ConfigError
from osiris.stream import EXHAUSTED

MAX_DATASETS = 100


class FileExtractor(Extractor[Client]):
    """Reads one file, or several one after the other; `plan` finds them."""

    def __init__(self, client: Client, options: Options, workspace: Workspace) -> None:
        super().__init__(client, options, workspace)
        self._stamp = Stamp(options.get("filename_column"))

    def schema(self) -> pa.Schema:
        return self.plan(1, None).schema

    def dataset(self) -> Dataset:
        """The path as it was given, made absolute."""
        given = self.options["path"]
        paths = [given] if isinstance(given, str) else given
        return Dataset("file", ", ".join(str(self.client.place.base / path) for path in paths))


@dataclass(frozen=True, slots=True)
class Stamp:
    """Puts each row's file into the column that `filename_column` names; without one it changes nothing."""

    column: str | None

    def schema(self, schema: pa.Schema) -> pa.Schema:
        if self.column is None:
            return schema
        if self.column in schema.names:
            raise ConfigError(f"filename_column: the files already have a column {self.column!r}", code="columns.twice")
        return schema.append(pa.field(self.column, pa.string(), nullable=False))

    def apply(self, batch: pa.RecordBatch, file: File, schema: pa.Schema) -> pa.RecordBatch:
        if self.column is None:
            return batch
        names = pa.repeat(file.name, batch.num_rows)
        return pa.RecordBatch.from_arrays([*batch.columns, names], schema=schema)


class Counter:
    """Cuts a stream at `limit` rows and into batches of at most `batch_rows`; None: no bound. Keeps the count."""

    def __init__(self, limit: int | None, batch_rows: int | None) -> None:
        self.rows = 0
        self._limit = limit
        self._batch_rows = batch_rows

    @property
    def done(self) -> bool:
        return self._limit is not None and self.rows >= self._limit

    def pieces(self, batch: pa.RecordBatch) -> Generator[pa.RecordBatch]:
        """The rows of `batch` that may still be given."""
        if self._limit is not None:
            batch = batch.slice(0, self._limit - self.rows)
        step = self._batch_rows or max(1, batch.num_rows)
        for start in range(0, batch.num_rows, step):
            piece = batch.slice(start, step)
            self.rows += piece.num_rows
            yield piece

    def end(self, counts: Mapping[str, int]) -> End:
        return End(self.rows, "limit" if self.done else EXHAUSTED, counts)


def datasets(files: Sequence[File], whole: Dataset) -> tuple[Dataset, ...]:
    """One for each file; `whole` for very many."""
    return tuple(Dataset("file", file.path) for file in files) if len(files) <= MAX_DATASETS else (whole,)


def spread(weights: Sequence[int], wanted: int) -> list[range]:
    """At most `wanted` runs of neighbouring items, of about the same weight each."""
    total, runs, start, sum_ = sum(weights) or 1, list[range](), 0, 0
    for place, weight in enumerate(weights):
        sum_ += weight
        last = place == len(weights) - 1
        if last or (len(runs) < wanted - 1 and sum_ * wanted >= total * (len(runs) + 1)):
            runs.append(range(start, place + 1))
            start = place + 1
    return runs


def pack_schema(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def unpack_schema(packed: Any) -> pa.Schema:
    return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(packed)))
