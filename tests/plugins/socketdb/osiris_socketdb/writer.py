"""Writing a table: rows are staged, by any number of threads, and one commit makes them visible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa

from osiris import sdk

from .client import Client

KINDS = {pa.int64(): "int", pa.float64(): "real", pa.string(): "text"}


class Writer(sdk.Writer[Client]):
    """Staging is a table of the server, or, with `staging: session` and no other writer beside this one, lives in the
    memory of the session that began it: quicker, and gone with it, so such a token is not durable."""

    parts = "threads"

    def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
        columns = [[field.name, self._kind(field)] for field in schema]
        folded = [name.lower() for name in schema.names]
        if len(set(folded)) < len(folded):
            raise sdk.ConfigError("two columns have one name: the server does not tell upper from lower case")
        durable = self.options["staging"] == "table" or not run.sole
        data = {"stage": f"{run.id}_{run.step}_{run.attempt}", "columns": columns}
        return sdk.Token(run.id, run.step, self.client.dataset(self.options["table"]), durable, data)

    def begin(self, token: sdk.Token, schema: pa.Schema) -> None:
        if not self.options["create_if_missing"]:
            self.client.ask("describe", table=self.options["table"])
        staging = "table" if token.durable else "session"
        self.client.ask("begin", table=self.options["table"], staging=staging, **token.data)

    def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
        table, rows, superseded = self.options["table"], 0, 0
        for batch in sdk.rebatch(batches, max_rows=self.options["batch_rows"], max_bytes=1 << 20):
            columns = [column.to_pylist() for column in batch.columns]
            values = list(zip(*columns, strict=True))
            rows += self.client.ask("stage", table=table, stage=token.data["stage"], rows=values)
        if self.options["write_mode"] == "upsert":
            superseded = self.client.ask("fold", table=table, key=self.options["primary_key"], **token.data)
        return sdk.Part(rows - superseded, superseded=superseded)

    def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
        mode, key = self.options["write_mode"], self.options.get("primary_key")
        names = {"table": self.options["table"], "mode": mode, "key": key, "commit": token.commit_id}
        return sdk.Written(self.client.ask("commit", **names, **token.data))

    def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Literal["committed", "not_committed", "unknown"]:
        """The server waits for a commit that is still under way, and lets none come true once it has said no."""
        stage = token.data["stage"]
        known = self.client.ask("settle", table=self.options["table"], stage=stage, commit=token.commit_id)
        return "committed" if known == "committed" else "not_committed"

    def abort(self, token: sdk.Token) -> None:
        self._drop(token)

    def finish(self, token: sdk.Token) -> None:
        self._drop(token)

    def _drop(self, token: sdk.Token) -> None:
        names = {"table": self.options["table"], "stage": token.data["stage"], "commit": token.commit_id}
        self.client.ask("drop", **names)

    def _kind(self, field: pa.Field) -> str:
        if field.type not in KINDS:
            hint = "cast it: columns takes int64, float64 or string as its type"
            raise sdk.ConfigError(f"column {field.name!r}: the server has no {field.type}", hint=hint)
        return KINDS[field.type]
