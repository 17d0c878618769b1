"""Reads a table of the toy box."""

from __future__ import annotations

from collections.abc import Generator

import pyarrow as pa

from osiris import sdk

from .client import Client


class Extractor(sdk.Extractor[Client]):
    def dataset(self) -> sdk.Dataset:
        return sdk.Dataset("toybox", self.options["table"])

    def schema(self) -> pa.Schema:
        with pa.OSFile(self._path) as file:
            return pa.ipc.open_file(file).schema

    def read(self, split: sdk.Split) -> Generator[pa.RecordBatch, None, sdk.End]:
        rows = 0
        with pa.OSFile(self._path) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                if number == self.options.get("fail_at"):
                    raise ConnectionResetError(104, "the box was shaken")
                batch = reader.get_batch(number)
                rows += batch.num_rows
                yield batch
        return sdk.End(rows)

    @property
    def _path(self) -> str:
        return str(self.client.folder / f"{self.options['table']}.arrow")
