"""Reading rows 0, 1, 2, ... in good and bad ways."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator

import pyarrow as pa

from osiris import sdk
from osiris.testing.shapes import SHAPES, Shape, schema_of

from .client import Client

SCHEMA = pa.schema([pa.field("n", pa.int64()), pa.field("word", pa.string())])


class Extractor(sdk.Extractor[Client]):
    """`rows` in batches of `batch_rows`, in `splits` parts; `behaviour` strikes after the first batch."""

    def dataset(self) -> sdk.Dataset:
        return sdk.Dataset("hostile", "numbers")

    def schema(self) -> pa.Schema:
        return schema_of(self._shape()) if self.options.get("shape") else SCHEMA

    def _shape(self) -> Shape:
        return SHAPES[self.options["shape"]]()

    def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
        if self.options["behaviour"] == "bad_plan":
            raise ValueError("the plan failed")
        splits = tuple(sdk.Split(index, {"part": index}) for index in range(self.options["splits"]))
        return sdk.ReadPlan(self.schema(), splits, (self.dataset(),), ordered=self.options["ordered"])

    def read(self, split: sdk.Split) -> Generator[pa.RecordBatch, None, sdk.End]:
        behaviour = self.options["behaviour"]
        if behaviour == "late_first" and split.index == 0:
            self.client.stopped.wait(0.2)
        given = 0
        for batch in self._batches(split):
            given += batch.num_rows
            yield batch
            self._misbehave(behaviour)
            if behaviour == "wrong_type":
                yield pa.record_batch({"n": pa.array([1.5]), "word": pa.array(["x"])})
        if behaviour == "no_end":
            return None  # type: ignore[return-value]
        return sdk.End(
            given + (behaviour == "miscount"), "limit" if behaviour == "limit" else "exhausted", {"seen": given}
        )

    def _misbehave(self, behaviour: str) -> None:
        if behaviour == "endless":
            while not self.client.stopped.wait(0.01):
                pass
            raise OSError("interrupted")
        if behaviour == "hang":
            self.client.hang()
        if behaviour == "leak":
            next(iter(()))
        if behaviour == "exit":
            sys.exit("the connector wants to leave")
        if behaviour == "fail":
            raise ConnectionResetError("the source hung up")

    def _batches(self, split: sdk.Split) -> Iterator[pa.RecordBatch]:
        if self.options.get("shape"):
            yield from self._shape()
            return
        rows, size = self.options["rows"], self.options["batch_rows"]
        for start in range(0, rows, size):
            numbers = [split.index * rows + n for n in range(start, min(rows, start + size))]
            words: list[str | None] = [f"w{n % rows if self.options['same_words'] else n}" for n in numbers]
            if self.options["behaviour"] == "null_first" and start == 0:
                words = [None] * len(numbers)
            yield pa.record_batch([pa.array(numbers, pa.int64()), pa.array(words, pa.string())], schema=SCHEMA)
