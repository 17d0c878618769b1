"""Reads a table, in ranges of its rows."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from typing import Any

import pyarrow as pa

from osiris import sdk
from tests.kit.reference.osiris_reference.client import Client

TYPES = {"int64": pa.int64(), "double": pa.float64(), "string": pa.string()}


class Extractor(sdk.Extractor[Client]):
    """`columns` chooses, `limit` cuts, `batch_rows` is how many rows come at a time."""

    def dataset(self) -> sdk.Dataset:
        return sdk.Dataset(f"reference://{self.client.folder}", self.options["table"])

    def schema(self) -> pa.Schema:
        return self.selected(self.client.table(self.options["table"]).header().columns)

    def selected(self, columns: list[tuple[str, str]]) -> pa.Schema:
        chosen = self.options.get("columns") or [name for name, _ in columns]
        return pa.schema([(name, TYPES[kind]) for name, kind in columns if name in chosen])

    def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
        rows = len(self.client.table(self.options["table"]).all_rows()) if wanted > 1 else 0
        if rows < 2 or self.options.get("limit") is not None:
            splits: tuple[sdk.Split, ...] = (sdk.Split(0, {"first": 0, "count": None}),)
        else:
            size = -(-rows // wanted)
            starts = range(0, rows, size)
            splits = tuple(sdk.Split(n, {"first": first, "count": size}) for n, first in enumerate(starts))
        why = None if len(splits) > 1 else "one was wanted, or there is a limit"
        return sdk.ReadPlan(self.schema(), splits, (self.dataset(),), ordered=True, why_one_split=why)

    def read(self, split: sdk.Split) -> Generator[pa.RecordBatch, None, sdk.End]:
        table = self.client.table(self.options["table"])
        file = table.open()
        self.client.opened.append(file)
        header, given, limit = table.read_header(file), 0, self.options.get("limit")
        schema = self.selected(header.columns)
        for rows in chunks(table.rows(file, split.data["first"], split.data["count"]), self.options["batch_rows"]):
            self.client.check_stop()
            kept = rows if limit is None else rows[: limit - given]
            given += len(kept)
            yield self.batch(kept, header.columns, schema)
            if limit is not None and given >= limit:
                return sdk.End(given, "limit")
        self.client.check_stop()
        return sdk.End(given)

    def batch(self, rows: list[list[Any]], columns: list[tuple[str, str]], schema: pa.Schema) -> pa.RecordBatch:
        places = {name: place for place, (name, _) in enumerate(columns)}
        arrays = [pa.array([row[places[field.name]] for row in rows], field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def chunks(rows: Any, size: int) -> Any:
    while chunk := list(islice(rows, size)):
        yield chunk
