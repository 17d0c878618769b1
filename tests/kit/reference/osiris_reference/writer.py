"""Writes a table: each part stages a file, and the commit puts a new table in the old one's place."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from osiris import sdk
from tests.kit.reference.osiris_reference.client import Client
from tests.kit.reference.osiris_reference.table import Header, Table

KINDS = {pa.int64(): "int64", pa.float64(): "double", pa.string(): "string"}


class Writer(sdk.Writer[Client]):
    """Always durable: what is staged lies in files that are found by the token."""

    parts = "threads"

    @property
    def table(self) -> Table:
        return self.client.table(self.options["table"])

    def last(self, key: str) -> sdk.State | None:
        found = self.table.header().states.get(key) if self.table.exists() else None
        return sdk.State(found["version"], found["data"]) if found else None

    def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
        unknown = [field.name for field in schema if field.type not in KINDS]
        if unknown:
            raise sdk.ConfigError(f"columns of types that a table cannot hold: {unknown}")
        columns = [[field.name, KINDS[field.type]] for field in schema]
        target = sdk.Dataset(f"reference://{self.client.folder}", self.options["table"])
        data = {
            "stage": f".{self.options['table']}.{run.id}-{run.step}-{run.attempt}",
            "columns": columns,
            "key": run.key,
        }
        return sdk.Token(run.id, run.step, target, durable=True, data=data)

    def begin(self, token: sdk.Token, schema: pa.Schema) -> None:
        if self.options["write_mode"] == "append" and self.table.exists():
            there = self.table.header().columns
            if there and sorted(there) != sorted(self.columns(token)):
                raise sdk.ConfigError(f"the table has the columns {there}")

    def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
        place = self.client.folder / f"{token.data['stage']}.{uuid.uuid4().hex}"
        rows = 0
        with place.open("w", encoding="utf-8") as file:
            for batch in batches:
                self.client.check_stop()
                rows += batch.num_rows
                file.writelines(json.dumps(row) + "\n" for row in self.values(batch))
        superseded = self.superseded([place], token)
        return sdk.Part(rows - superseded, superseded=superseded, data={"file": place.name})

    def values(self, batch: pa.RecordBatch) -> Iterator[list[Any]]:
        return (list(row) for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))

    def superseded(self, places: Sequence[Path], token: sdk.Token) -> int:
        if self.options["write_mode"] != "upsert":
            return 0
        staged = list(self.staged(places))
        return len(staged) - len(self.by_key(staged, token))

    def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
        old = self.table.header() if self.table.exists() else Header([])
        if self.is_committed(token):
            return sdk.Written(old.commits[token.commit_id])
        header, rows = Header(self.columns(token), dict(old.commits), dict(old.states)), self.merged(token, parts)
        count = sum(part.rows for part in parts)
        header.commits[token.commit_id] = count
        if state is not None:
            header.states[token.data["key"]] = {"version": state.version, "data": dict(state.data)}
        self.table.replace(header, rows)
        return sdk.Written(count)

    def merged(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> list[list[Any]]:
        """The table's rows after the commit, in the order of the token's columns."""
        rows = list(self.staged([self.client.folder / part.data["file"] for part in parts]))
        if self.options["write_mode"] == "replace" or not self.table.exists():
            return list(self.by_key(rows, token).values()) if self.options["write_mode"] == "upsert" else rows
        there = [name for name, _ in self.table.header().columns]
        places = [there.index(name) for name, _ in self.columns(token)]
        old = [[row[place] for place in places] for row in self.table.all_rows()]
        if self.options["write_mode"] == "append":
            return old + rows
        return list((self.by_key(old, token) | self.by_key(rows, token)).values())

    def by_key(self, rows: list[list[Any]], token: sdk.Token) -> dict[tuple[Any, ...], list[Any]]:
        """The last row of each key."""
        names = [name for name, _ in self.columns(token)]
        places = [names.index(name) for name in self.options["primary_key"]]
        return {tuple(row[place] for place in places): row for row in rows}

    def staged(self, places: Sequence[Path]) -> Iterator[list[Any]]:
        for place in places:
            with place.open(encoding="utf-8") as file:
                yield from map(json.loads, file)

    def columns(self, token: sdk.Token) -> list[tuple[str, str]]:
        return [(name, kind) for name, kind in token.data["columns"]]

    def is_committed(self, token: sdk.Token) -> bool:
        return self.table.exists() and token.commit_id in self.table.header().commits

    def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Literal["committed", "not_committed", "unknown"]:
        return "committed" if self.is_committed(token) else "not_committed"

    def abort(self, token: sdk.Token) -> None:
        for place in self.client.folder.glob(f"{token.data['stage']}.*"):
            place.unlink(missing_ok=True)

    def finish(self, token: sdk.Token) -> None:
        self.abort(token)
