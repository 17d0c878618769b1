"""Reading a table, in ranges of a column when there is one to cut it by."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise

import pyarrow as pa

from osiris import sdk

from .client import Client

ARROW = {"int": pa.int64(), "real": pa.float64(), "text": pa.string()}


class Extractor(sdk.Extractor[Client]):
    """`split_by` names a column of whole numbers; without it the read is one split."""

    def dataset(self) -> sdk.Dataset:
        return self.client.dataset(self.options["table"])

    def schema(self) -> pa.Schema:
        columns = self.client.ask("describe", table=self.options["table"])
        return pa.schema([pa.field(name, ARROW[kind], metadata={"osiris.type": kind}) for name, kind in columns])

    def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
        schema, column = self.schema(), self.options.get("split_by")
        if not column:
            return sdk.ReadPlan(schema, (sdk.Split(0),), (self.dataset(),), why_one_split="split_by is not given")
        low, high = self.client.ask("bounds", table=self.options["table"], column=column)
        if low is None or wanted == 1:
            return sdk.ReadPlan(schema, (sdk.Split(0),), (self.dataset(),), why_one_split="there is one range")
        cuts = sorted({low + (high - low + 1) * number // wanted for number in range(1, wanted)} - {low})
        edges = [None, *cuts, None]  # open at both ends: rows without a key, and rows that come meanwhile
        ranges = enumerate(pairwise(edges))
        splits = tuple(sdk.Split(index, {"low": low, "high": high}) for index, (low, high) in ranges)
        return sdk.ReadPlan(schema, splits, (self.dataset(),))

    def read(self, split: sdk.Split) -> Generator[pa.RecordBatch, None, sdk.End]:
        schema, rows = self.schema(), 0
        where = {"column": self.options.get("split_by"), "low": split.data.get("low"), "high": split.data.get("high")}
        answers = self.client.stream(
            "read", table=self.options["table"], batch_rows=self.options["batch_rows"], **where
        )
        while True:
            try:
                found = next(answers)
            except StopIteration as stop:
                return sdk.End(stop.value)  # the server's own count, which the core compares with what came
            rows += len(found)
            yield self._batch(found, schema, rows - len(found))

    def _batch(self, rows: list[list[object]], schema: pa.Schema, before: int) -> pa.RecordBatch:
        try:
            arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(schema)]
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            place = f"{self.options['table']}, rows {before + 1} to {before + len(rows)}"
            raise sdk.DataError(f"{place}: {error}", row=before + 1) from error
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
