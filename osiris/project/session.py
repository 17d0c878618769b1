"""`Session`: one connection in use without a pipeline: doctor, discover, read, write."""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from osiris.components.catalog import Catalog, Component
from osiris.connections import Connections
from osiris.connectors.base import Batches, Discovers, End, Options, Part, Resource, Run, Token, Written
from osiris.connectors.pool import Group, Pool
from osiris.connectors.registry import Registry
from osiris.diagnosis import Diagnosis, Level
from osiris.drivers.bound import Bound
from osiris.drivers.extract import ExtractDriver, SplitSource
from osiris.drivers.write import WriteDriver
from osiris.errors import ConfigError, OsirisError
from osiris.execute.lease import Leases
from osiris.project.effective import check_effective
from osiris.step import Context, Workspace

if TYPE_CHECKING:
    from osiris.connectors.base import Connection

log = logging.getLogger(__name__)
Rows: TypeAlias = "Batches | pa.Table | pa.RecordBatch | pa.RecordBatchReader | Iterable[pa.RecordBatch]"
FOLDER = Path(".osiris") / "sessions"


@dataclass(slots=True)
class Session:
    """A connection in use; made by `Project.connect`, which closes it. One thread at a time.

    `reference` is `@family.alias`, None for a family that is used without a configured connection.
    """

    root: Path
    registry: Registry
    catalog: Catalog
    connections: Connections
    family: str
    reference: str | None
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    _streams: list[Batches] = field(default_factory=list)
    _clients: Group | None = None

    def doctor(self, timeout_s: float = 5.0, level: Level = "quick") -> Diagnosis:
        """Test the connection; never raises for what is wrong with it."""
        return self.registry.client(self.family)(self._connection({})).doctor(timeout_s, level)

    def discover(self, like: str | None = None) -> tuple[Resource, ...]:
        """What can be read whose name matches the glob `like`. Raises an OsirisError."""
        with self._group().lease(self._connection({})) as client:
            if not isinstance(client, Discovers):
                raise ConfigError(f"the family {self.family} cannot list what it holds", code="discover.unsupported")
            try:
                return tuple(client.discover(like))
            except Exception as error:
                raise client.classify(error) from error

    def read(self, component: str | None = None, **options: Any) -> Batches:
        """Start a read. The stream ends with the session at the latest; close it to end it before.

        `component` may be left out where the family has one that reads. Options are those of its spec, former names
        included, and the connection fields that a step may replace. Raises ConfigError for what is wrong with them.
        """
        driver = ExtractDriver(self._bind("extract", component, options))
        try:
            plan = driver.plan()
        except BaseException:
            driver.close()
            raise
        (source,) = driver.sources(plan)
        stream = Batches(
            plan.schema,
            _pulled(driver, source),
            name=driver.bound.context.step,
            first_error=driver.bound.context.first_error,
            on_close=lambda: _close(driver, source),
            classify=source.classify,
        )
        self._streams.append(stream)
        return stream

    def write(self, rows: Rows, component: str | None = None, **options: Any) -> Written:
        """Write all of `rows`, visible at once when this returns; nothing is visible when it raises.

        Raises an OsirisError; `run.busy` when a run writes to the same target.
        """
        batches = as_batches(rows)
        bound = self._bind("write", component, options)
        driver = WriteDriver(bound)
        leases = Leases(self.root, {"run": self.id})
        try:
            run = Run(secrets.token_hex(6), "session", bound.context.step, attempt=1)
            token = driver.token(batches.schema, run)
            leases.take(str(token.target), wait=False)
            return _written(driver, token, batches, lambda: leases.check(str(token.target)))
        finally:
            driver.close()
            leases.close()

    def close(self) -> None:
        """End what is still being read, and remove what the session kept on disk; idempotent."""
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.close()
        clients, self._clients = self._clients, None
        if clients is not None:
            clients.close()
            clients.pool.close()
        shutil.rmtree(self._folder / "scratch", ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self.root / FOLDER / self.id

    def _group(self) -> Group:
        self._clients = self._clients or Pool(self.registry).group()
        return self._clients

    def _connection(self, overrides: dict[str, Any]) -> Connection:
        return self.connections.resolve(self.family, self.reference, overrides)

    def _bind(self, mode: str, name: str | None, given: dict[str, Any]) -> Bound:
        component = self._component(mode, name)
        given = component.fold_aliases(given)[0]
        overrides = {name: value for name, value in given.items() if name in component.connection_names}
        self._check_overrides(component, overrides)
        connection = self._connection(overrides)
        options = component.option_defaults() | {n: value for n, value in given.items() if n not in overrides}
        check_effective(component, options, connection)
        scratch = self._folder / "scratch" / secrets.token_hex(4)
        scratch.mkdir(parents=True)
        workspace = Workspace(scratch, self._folder / "output")
        context = Context(component.name, workspace)
        implementation = self.registry.implementation(component.name)
        return Bound(implementation, connection, Options(options), context, self._group())

    def _component(self, mode: str, name: str | None) -> Component:
        if name is not None:
            component = self.catalog.get(name if "." in name else f"{self.family}.{name}")
            if component.family == self.family and mode in component.modes:
                return component
            text = f"{component.name} does not {mode} through a connection of {self.family}"
            raise ConfigError(text, code="component.mode")
        able = [component for component in self.catalog.of_family(self.family) if mode in component.modes]
        if len(able) == 1:
            return able[0]
        names = ", ".join(component.name for component in able)
        if not able:
            raise ConfigError(f"the family {self.family} has no component for {mode}", code="component.mode")
        raise ConfigError(
            f"the family {self.family} has {len(able)} components for {mode}",
            code="component.ambiguous",
            hint=f"say which, as component=...: {names}",
        )

    def _check_overrides(self, component: Component, overrides: dict[str, Any]) -> None:
        forbidden = [name for name in overrides if component.override(name) == "forbidden"]
        if forbidden and self.reference is not None:
            raise ConfigError(
                f'"{forbidden[0]}" comes from the connection {self.reference} and cannot be replaced',
                code="connection.override",
            )


def as_batches(rows: Rows) -> Batches:
    """Any kind of rows as a stream. Raises ConfigError for what carries no schema."""
    if isinstance(rows, Batches):
        return rows
    if isinstance(rows, pa.RecordBatch):
        return Batches.of(rows.schema, [rows])
    if isinstance(rows, pa.Table):
        return Batches.of(rows.schema, rows.to_batches())
    if isinstance(rows, pa.RecordBatchReader):
        return Batches.of(rows.schema, rows)
    batches = iter(rows)
    first = next(batches, None)
    if not isinstance(first, pa.RecordBatch):
        got = "nothing" if first is None else type(first).__name__
        hint = "give a pyarrow Table, a RecordBatchReader, batches, or what read() returned"
        raise ConfigError(f"rows must be record batches, not {got}", code="session.rows", hint=hint)
    return Batches.of(first.schema, _chained(first, batches))


def _chained(first: pa.RecordBatch, rest: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
    yield first
    yield from rest


def _pulled(driver: ExtractDriver, source: SplitSource) -> Generator[pa.RecordBatch, None, End]:
    """The read; its client goes back when the last batch was taken. If that never comes, closing the stream does it."""
    end = yield from source.open()
    _close(driver, source)
    return end


def _close(driver: ExtractDriver, source: SplitSource) -> None:
    source.close()
    driver.close()


def _written(driver: WriteDriver, token: Token, batches: Batches, still_ours: Callable[[], None]) -> Written:
    try:
        driver.begin(token, batches.schema)
        parts = driver.write(token, batches)
        still_ours()
    except BaseException as error:
        _abort(driver, token, error)
        raise
    written = _committed(driver, token, parts)
    driver.close()
    try:
        driver.finish(token)
    except OsirisError as error:
        log.warning("the rows are written, but what was staged for them could not be removed: %s", error)
    return written


def _committed(driver: WriteDriver, token: Token, parts: list[Part]) -> Written:
    """Commit; when that fails, ask the target whether it took the rows before anything is undone."""
    try:
        return driver.commit(token, parts, None)
    except BaseException as error:
        driver.close()
        outcome = driver.settle(token, parts)
        if outcome == "committed" and isinstance(error, OsirisError):
            return Written(sum(part.rows for part in parts))
        if outcome == "not_committed":
            _abort(driver, token, error)
        if outcome == "unknown" and isinstance(error, OsirisError):
            error.hint = "nobody can say whether the rows were taken: look at the target before you write again"
        raise


def _abort(driver: WriteDriver, token: Token, error: BaseException) -> None:
    """Undo; a failure to do so is added to `error`, which stays the one that is told."""
    try:
        driver.abort(token)
    except OsirisError as undoing:
        error.add_note(f"and what was staged could not be removed: {undoing}")
