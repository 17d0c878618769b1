"""Writes a table of the toy box: staged beside it, then renamed. `trouble` makes its commit fail on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa

from osiris import sdk

from .client import Client


class Writer(sdk.Writer[Client]):
    def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
        target = sdk.Dataset("toybox", self.options["table"])
        return sdk.Token(run.id, run.step, target, durable=True, data={"staging": f".{run.id}.staging"})

    def begin(self, token: sdk.Token, schema: pa.Schema) -> None:
        self._staging(token).touch()

    def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
        rows = 0
        with pa.OSFile(str(self._staging(token)), "wb") as file, pa.ipc.new_file(file, batches.schema) as sink:
            for batch in batches:
                sink.write_batch(batch)
                rows += batch.num_rows
        return sdk.Part(rows)

    def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
        if self.options.get("trouble") == "before":
            raise ConnectionResetError(104, "the box was shaken")
        self._staging(token).replace(self._table)
        if self.options.get("trouble") == "after":
            raise ConnectionResetError(104, "the answer was lost")
        return sdk.Written(sum(part.rows for part in parts))

    def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Literal["committed", "not_committed", "unknown"]:
        return "not_committed" if self._staging(token).exists() else "committed"

    def abort(self, token: sdk.Token) -> None:
        self._staging(token).unlink(missing_ok=True)

    @property
    def _table(self) -> Path:
        return self.client.folder / f"{self.options['table']}.arrow"

    def _staging(self, token: sdk.Token) -> Path:
        return self.client.folder / str(token.data["staging"])
