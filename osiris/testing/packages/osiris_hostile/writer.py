"""Writing into a dict of the process, in good and bad ways."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import pyarrow as pa

from osiris import sdk

from .client import Client


class Writer(sdk.Writer[Client]):
    """Never durable, so at most one of a flow. `behaviour` names the call that fails, or how it cheats."""

    parts = "threads"
    staged: ClassVar[dict[str, list[Any]]] = {}
    commits: ClassVar[set[str]] = set()
    listening: ClassVar[threading.Event] = threading.Event()
    gate: ClassVar[threading.Event] = threading.Event()

    def __init__(self, client: Client, options: sdk.Options, workspace: sdk.Workspace) -> None:
        super().__init__(client, options, workspace)
        if options["behaviour"] == "dies" and threading.current_thread().name == "osiris-write-0":
            raise KeyError("no instance in this thread")

    def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
        data = {"columns": tuple(schema.names)} if self.options["behaviour"] == "tuple" else {}
        return sdk.Token(run.id, run.step, sdk.Dataset("hostile", self.options["table"]), durable=False, data=data)

    def begin(self, token: sdk.Token, schema: pa.Schema) -> None:
        self.staged[token.commit_id] = []

    def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
        behaviour, rows = self.options["behaviour"], 0
        if behaviour == "skips":
            return sdk.Part(0)
        if behaviour == "deaf":
            self.listening.set()
            self.gate.wait(30)
        try:
            for batch in batches:
                self.staged[token.commit_id].extend(batch.column("n").to_pylist())
                rows += batch.num_rows
        except Exception:
            if behaviour != "swallows":
                raise
        return sdk.Part(rows - (behaviour == "loses"))

    def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
        self.client.tables[self.options["table"]] = rows = self.staged.pop(token.commit_id)
        self.commits.add(token.commit_id)
        if self.options["behaviour"] == "stumbles":
            raise ConnectionResetError("the answer was lost")
        return sdk.Written(len(rows), ("committed by the hostile writer",))

    def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Literal["committed", "not_committed", "unknown"]:
        if self.options["behaviour"] == "stumbles":
            return "unknown"
        return "committed" if token.commit_id in self.commits else "not_committed"

    def abort(self, token: sdk.Token) -> None:
        self.staged.pop(token.commit_id, None)
