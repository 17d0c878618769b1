"""Gives the rows of one input whose id is at least `minimum`."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from osiris import sdk


class Processor(sdk.Processor):
    """With `twice` all that is kept comes two times; `limit` stops early. A file stays while it works."""

    def __init__(self, options: sdk.Options, workspace: sdk.Workspace) -> None:
        super().__init__(options, workspace)
        self.stop = threading.Event()

    def rescans(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
        return frozenset(schemas) if self.options["twice"] else frozenset()

    def run(self, inputs: Mapping[str, sdk.Batches]) -> sdk.Batches:
        (stream,) = inputs.values()
        self.workspace.scratch.joinpath("work").touch()
        return sdk.Batches(stream.schema, self.give(stream), on_close=self.clean)

    def clean(self) -> None:
        self.workspace.scratch.joinpath("work").unlink(missing_ok=True)

    def interrupt(self) -> None:
        self.stop.set()

    def give(self, stream: sdk.Batches) -> Generator[pa.RecordBatch, None, sdk.End]:
        rows, limit = 0, self.options.get("limit")
        for batch in self.taken(stream):
            if self.stop.is_set():
                raise sdk.Cancelled("interrupted")
            kept = batch.filter(pc.greater_equal(batch["id"], self.options["minimum"]))
            kept = kept if limit is None else kept.slice(0, limit - rows)
            rows += kept.num_rows
            yield kept
            if limit is not None and rows >= limit:
                return self.end(rows, "limit")
        return self.end(rows, sdk.EXHAUSTED)

    def end(self, rows: int, reason: str) -> sdk.End:
        return sdk.End(rows, reason)

    def taken(self, stream: sdk.Batches) -> Iterator[pa.RecordBatch]:
        if not self.options["twice"]:
            yield from stream
            return
        data = stream.dataset()
        for _ in range(2):
            yield from data.to_batches()
