"""A DuckDB file in a test's folder: written and read through the connector, looked at with DuckDB itself."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from osiris.connectors.base import Batches, Connection, End, Options, Part, Run, Split, State, Token, Workspace, Written
from osiris.connectors.duckdb.client import Client
from osiris.connectors.duckdb.extractor import Extractor
from osiris.connectors.duckdb.processor import Processor
from osiris.connectors.duckdb.writer import Writer
from osiris.stream import FirstError, Spill

NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """The folder `root` with the file `x.duckdb` in it, which need not be there yet."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / "x.duckdb"

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root / "scratch", self.root / "out", memory_bytes=256 * 2**20)

    def new_client(self, **fields: object) -> Client:
        return Client(Connection("duckdb", "x", self.root, {"path": "x.duckdb", **fields}))

    @contextmanager
    def client(self, **fields: object) -> Generator[Client]:
        """An open client; what it raises is classified, as the drivers do."""
        client = self.new_client(**fields)
        try:
            client.open()
            yield client
        except Exception as error:
            raise Client.classify(error) from error
        finally:
            client.close()

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements with DuckDB alone; the rows of the last."""
        with duckdb.connect(str(self.file)) as con:
            for statement in statements:
                cursor = con.execute(statement)
            return cursor.fetchall()

    def read(self, **options: object) -> tuple[pa.Table, End]:
        with self.client() as client:
            return read(client, self.workspace, options)

    def write(
        self, rows: pa.Table, *, run: Run | None = None, state: State | None = None, **options: Any
    ) -> tuple[Part, Written]:
        """The whole of a write, in several batches; undone if it fails."""
        with self.client() as client:
            writer = Writer(client, Options({"table": "t", **options}), self.workspace)
            token = writer.token(rows.schema, run or new_run())
            try:
                writer.begin(token, rows.schema)
                part = writer.write(token, in_pieces(rows))
                return part, writer.commit(token, [part], state)
            except Exception:
                writer.abort(token)
                raise

    def settle(self, token: Token) -> str:
        with self.client() as client:
            return Writer(client, Options({"table": "t"}), self.workspace).settle(token, [])

    def transform(self, query: str, inputs: Mapping[str, pa.Table], **options: object) -> tuple[pa.Table, End]:
        """The processor's output; inputs that it reads again are spilled first, as `execute` does."""
        processor = Processor(Options({"query": query, **options}), self.workspace)
        output = None
        try:
            again = processor.rescans({name: rows.schema for name, rows in inputs.items()})
            output = processor.run({name: self._stream(name, rows, name in again) for name, rows in inputs.items()})
            rows = pa.Table.from_batches(output, output.schema)
            assert output.end is not None
            return rows, output.end
        except Exception as error:
            raise Processor.classify(error) from error
        finally:
            if output is not None:
                output.close()

    def _stream(self, name: str, rows: pa.Table, spilled: bool) -> Batches:
        stream = in_pieces(rows, name)
        if not spilled:
            return stream
        spill = Spill(self.root / f"{name}.arrow")
        spill.fill(stream)
        return spill.read(name, FirstError())


def read(client: Client, workspace: Workspace, options: Mapping[str, object]) -> tuple[pa.Table, End]:
    extractor = Extractor(client, Options(options), workspace)
    stream = Batches(extractor.schema(), extractor.read(Split(0)))
    rows = pa.Table.from_batches(stream, stream.schema)
    assert stream.end is not None
    return rows, stream.end


def new_run(*, sole: bool = True, key: str = "") -> Run:
    return Run(f"run{next(NUMBERS)}", "pipeline", "load", 1, key=key, sole=sole)


def in_pieces(rows: pa.Table, name: str = "rows") -> Batches:
    """A stream of several batches, whatever the number of rows."""
    return Batches.of(rows.schema, rows.to_batches(max_chunksize=max(3, rows.num_rows // 20)), name)


def endless(batch: pa.RecordBatch) -> Batches:
    def give() -> Iterable[pa.RecordBatch]:
        while True:
            yield batch

    return Batches.of(batch.schema, give(), "endless")
