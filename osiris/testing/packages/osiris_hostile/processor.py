"""Turning rows into rows, in good and bad ways."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from osiris import sdk


class Processor(sdk.Processor):
    """`chain` gives all inputs one after another, `head` the first `rows` of one and stops, `twice` iterates one again,
    `rescan` gives it twice, declared; `parquet` lets C++ pull it into a file first; `file` fails to open one."""

    def rescans(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
        return frozenset(schemas) if self.options["behaviour"] == "rescan" else frozenset()

    def run(self, inputs: Mapping[str, sdk.Batches]) -> sdk.Batches:
        schema = next(iter(inputs.values())).schema
        give = getattr(self, f"_{self.options['behaviour']}")
        return sdk.Batches(schema, give(inputs))

    def _chain(self, inputs: Mapping[str, sdk.Batches]) -> Generator[pa.RecordBatch, None, sdk.End]:
        rows = 0
        for stream in inputs.values():
            for batch in stream:
                rows += batch.num_rows
                yield batch
        return sdk.End(rows)

    def _head(self, inputs: Mapping[str, sdk.Batches]) -> Generator[pa.RecordBatch, None, sdk.End]:
        wanted = self.options["rows"]
        for stream in inputs.values():
            for batch in stream:
                piece = batch.slice(0, wanted)
                wanted -= piece.num_rows
                yield piece
                if not wanted:
                    break
        return sdk.End(self.options["rows"] - wanted, "limit")

    def _twice(self, inputs: Mapping[str, sdk.Batches]) -> Generator[pa.RecordBatch, None, sdk.End]:
        (stream,) = inputs.values()
        for _ in range(2):
            yield from stream
        return sdk.End(2 * stream.rows)

    def _rescan(self, inputs: Mapping[str, sdk.Batches]) -> Generator[pa.RecordBatch, None, sdk.End]:
        rows = 0
        for stream in inputs.values():
            data = stream.dataset()
            for _ in range(2):
                for batch in data.to_batches():
                    rows += batch.num_rows
                    yield batch
        return sdk.End(rows)

    def _parquet(self, inputs: Mapping[str, sdk.Batches]) -> Generator[pa.RecordBatch, None, sdk.End]:
        (stream,) = inputs.values()
        path = self.workspace.scratch / "all.parquet"
        reader = stream.reader()
        with pq.ParquetWriter(path, reader.schema) as file:
            for batch in reader:
                file.write_batch(batch)
        for batch in pq.ParquetFile(path).iter_batches():
            yield pa.RecordBatch.from_arrays(batch.columns, schema=stream.schema)
        return sdk.End(stream.rows)

    def _file(self, _inputs: Mapping[str, sdk.Batches]) -> Generator[pa.RecordBatch, None, sdk.End]:
        text = (self.workspace.scratch / "missing").read_text()
        yield from ()
        return sdk.End(len(text))
