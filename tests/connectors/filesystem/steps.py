"""Reading and writing files in tests by the connector's classes, with options that the specs complete and check."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components import catalog
from osiris.connectors import registry
from osiris.connectors.base import Batches, Connection, End, Options, Run, Split, Workspace, Writer
from osiris.connectors.filesystem.client import Client

REGISTRY = registry.load()
CATALOG = catalog.load(REGISTRY)
RUN = Run("run-1", "pipeline", "step", 1)


def options(component: str, given: Mapping[str, Any]) -> Options:
    """The options with defaults; a config that the spec refuses fails the test."""
    spec = CATALOG.get(component)
    config = {**spec.option_defaults(), **given}
    assert spec.problems(config) == []
    return Options(config)


def client(folder: Path, **fields: Any) -> Client:
    """A client on the folder: of a connection when fields are given, else of none."""
    opened = Client(Connection("filesystem", "here" if fields else None, folder, fields))
    opened.open()
    return opened


def instance(component: str, owner: Client, given: Mapping[str, Any]) -> Any:
    folder = owner.connection.root
    workspace = Workspace(folder / ".scratch", folder / ".output")
    return REGISTRY.implementation(component)(owner, options(component, given), workspace)


class Read:
    """A whole read: plan, each split through JSON as another process would get it, by an instance of its own."""

    def __init__(self, component: str, owner: Client, given: Mapping[str, Any], wanted: int = 1) -> None:
        self.plan = instance(component, owner, given).plan(wanted, None)
        self.batches: list[pa.RecordBatch] = []
        self.ends: list[End] = []
        for split in self.plan.splits:
            travelled = Split(split.index, json.loads(json.dumps(dict(split.data))))
            stream = Batches(self.plan.schema, instance(component, owner, given).read(travelled))
            self.batches += list(stream)
            assert stream.end is not None
            self.ends.append(stream.end)

    @property
    def schema(self) -> pa.Schema:
        return self.plan.schema

    @property
    def table(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, self.plan.schema)

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows

    @property
    def end(self) -> End:
        (end,) = self.ends
        return end


def read_csv(folder: Path, path: str | Sequence[str] = "a.csv", **given: Any) -> Read:
    owner = client(folder)
    try:
        return Read("filesystem.csv_extractor", owner, {"path": path, **given})
    finally:
        owner.close()


def read_parquet(folder: Path, path: str | Sequence[str] = "a.parquet", **given: Any) -> Read:
    owner = client(folder)
    try:
        return Read("filesystem.parquet_extractor", owner, {"path": path, **given})
    finally:
        owner.close()


def csv(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def stage(writer: Writer[Client], batches: Batches, run: Run = RUN) -> tuple[Any, list[Any]]:
    """Token and parts of a write that is not committed."""
    token = writer.token(batches.schema, run)
    writer.begin(token, batches.schema)
    return token, [writer.write(token, batches)]


def write(component: str, folder: Path, table: pa.Table, **given: Any) -> Any:
    """Write and commit; what the commit returned."""
    owner = client(folder)
    writer = instance(component, owner, given)
    batches = Batches.of(table.schema, table.to_batches())
    token, parts = stage(writer, batches)
    assert parts[0].rows == table.num_rows
    written = writer.commit(token, parts, None)
    writer.finish(token)
    owner.close()
    return written


def write_csv(folder: Path, table: pa.Table, path: str = "a.csv", **given: Any) -> Any:
    return write("filesystem.csv_writer", folder, table, path=path, **given)


def write_parquet(folder: Path, table: pa.Table, path: str = "a.parquet", **given: Any) -> Any:
    return write("filesystem.parquet_writer", folder, table, path=path, **given)


def visible(folder: Path) -> list[str]:
    """Every file in the folder, hidden ones included, so that left-over staging shows."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())
