"""`Rig`: a subject at work. Makes its clients, readers and writers, as a run would, and closes them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components import catalog
from osiris.components.catalog import Catalog
from osiris.components.component import Component, defaults
from osiris.connectors import registry
from osiris.connectors.base import Batches, Client, Connection, End, Options, Part, ReadPlan, Run, Token, Workspace
from osiris.connectors.pool import close_quietly
from osiris.secrets import redactor
from osiris.testing.subject import Subject

LIMIT_S = 1.0
"""How long a blocked call may take to end once it is interrupted: a promise of `Client.interrupt`."""
SLACK_S = 1.0
"""What a busy machine may add."""


@dataclass(slots=True)
class Read:
    """All that came of a read, whatever it did wrong: a test looks at its own part."""

    plan: ReadPlan | None = None
    batches: list[pa.RecordBatch] = field(default_factory=list)
    ends: list[object] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    error: Exception | None = None

    @property
    def schema(self) -> pa.Schema:
        assert self.plan is not None, f"the plan failed: {self.error!r}"
        return self.plan.schema

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for batch in self.batches for row in batch.to_pylist()]

    def fine(self) -> Read:
        """This read; an AssertionError when it raised."""
        if self.error is not None:
            raise AssertionError(f"a read that should succeed raised {self.error!r}") from self.error
        return self

    def seen(self) -> Any:
        """What a change of an option may alter."""
        said = [(end.rows, end.stop_reason, dict(end.counts)) for end in self.ends if isinstance(end, End)]
        plan = (str(self.plan.schema), len(self.plan.splits)) if self.plan else None
        return plan, [batch.num_rows for batch in self.batches], self.rows, said, repr(self.error)


class Rig:
    """One test's subject, clients and folders. What it hands out is closed with it."""

    def __init__(self, subject: Subject, folder: Path, known: Catalog | None = None) -> None:
        self.subject = subject
        self.folder = folder
        self.catalog = known or catalog.load(registry.load())
        self.changed: dict[str, Any] = {}
        """Fields of the connection that are other than the subject's."""
        self.reads: set[str] = set()
        """Which options were read by any instance."""
        self._clients: list[Client] = []
        self._numbers = itertools.count(1)
        for secret in self.secrets():
            redactor.add(secret)

    def component(self, name: str) -> Component:
        return self.catalog.get(name)

    @property
    def components(self) -> list[Component]:
        return self.catalog.of_family(self.subject.family)

    @property
    def client_class(self) -> type[Client]:
        return self.catalog.registry.client(self.subject.family)

    def secret_fields(self) -> list[str]:
        """The connection fields that the specs call secrets."""
        pointers = {
            pointer.strip("/").partition("/")[0] for component in self.components for pointer in component.secrets
        }
        return sorted(pointers & set(self.subject.fields))

    def secrets(self) -> list[str]:
        return [str(self.subject.fields[name]) for name in self.secret_fields()]

    def connection(self, changes: Mapping[str, Any] | None = None) -> Connection:
        """The subject's connection with its spec's defaults and these changes; the file's secrets are known as such."""
        fields: dict[str, Any] = {}
        for component in self.components:
            fields |= defaults(component.config_schema, component.connection_names)
        fields |= dict(self.subject.fields) | self.changed | dict(changes or {})
        for name in self.secret_fields():
            redactor.add(fields[name])
        return Connection(self.subject.family, "kit", self.subject.root, fields)

    def client(self, changes: Mapping[str, Any] | None = None, *, opened: bool = True) -> Client:
        client = self.client_class(self.connection(changes))
        self._clients.append(client)
        if opened:
            client.open()
        return client

    def options(self, name: str, given: Mapping[str, Any]) -> Options:
        made = Options({**self.component(name).option_defaults(), **given})
        made.reads = self.reads
        return made

    def implementation(self, name: str) -> type[Any]:
        return self.catalog.registry.implementation(name)

    def instance(self, name: str, given: Mapping[str, Any], client: Client | None = None) -> Any:
        """An extractor or writer over `client`, or a client of its own."""
        return self.implementation(name)(client or self.client(), self.options(name, given), self.workspace())

    def workspace(self) -> Workspace:
        """A scratch folder of its own; outputs of one test share theirs."""
        scratch, output = self.folder / f"scratch-{next(self._numbers)}", self.folder / "output"
        scratch.mkdir(parents=True)
        output.mkdir(exist_ok=True)
        return Workspace(scratch, output)

    def run(self, step: str = "step", *, attempt: int = 1, sole: bool = True, number: int | None = None) -> Run:
        """A run of its own, unless it is numbered."""
        return Run(f"run{number or next(self._numbers)}", "kit", step, attempt, "kit/read/step", sole)

    def read(self, name: str, given: Mapping[str, Any], wanted: int = 1, client: Client | None = None) -> Read:
        """Plan and read with one instance, keeping whatever comes; never raises for what the connector does."""
        found = Read()

        def plan_and_read() -> None:
            extractor = self.instance(name, given, client)
            found.plan = extractor.plan(wanted, None)
            for split in found.plan.splits:
                drain(extractor.read(split), found)

        found.error = raised(plan_and_read)
        return found

    def write(self, name: str, given: Mapping[str, Any], batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Part:
        """Write, commit and finish."""
        client = self.client()
        writer = self.instance(name, given, client)
        token, part = stage(writer, batches, schema, self.run())
        writer.commit(token, [part], None)
        writer.finish(token)
        close_quietly(client)
        return part

    def fresh(self, name: str, given: Mapping[str, Any], call: Callable[[Any], Any]) -> Any:
        """What `call` makes of a fresh instance on a client that is opened for it."""
        client = self.client()
        try:
            return call(self.instance(name, given, client))
        finally:
            client.close()

    def close(self) -> None:
        """Close every client that was handed out."""
        for client in self._clients:
            close_quietly(client)


Rigs = Callable[[str], Rig]
"""Makes a rig for a subject in a place of its own, by the place's name."""


def drain(generator: Any, found: Read) -> None:
    """Read to the end without the checks that `Batches` makes."""
    rows = 0
    while True:
        try:
            batch = next(generator)
        except StopIteration as stop:
            found.ends.append(stop.value)
            found.counts.append(rows)
            return
        rows += batch.num_rows
        found.batches.append(batch)


def stage(writer: Any, batches: Iterable[pa.RecordBatch], schema: pa.Schema, run: Run) -> tuple[Token, Part]:
    """Token and part of a write that is not committed."""
    token = writer.token(schema, run)
    writer.begin(token, schema)
    return token, writer.write(token, Batches.of(schema, batches))


def raised(call: Callable[[], Any]) -> Exception | None:
    """What a call raises, if anything: which error it is, a test says."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - a connector may raise its library's errors
        return error
    return None
