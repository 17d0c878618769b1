"""How the columns of a stream meet those of the target: what is made, added, cast, left out or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osiris.connectors._shared import writing
from osiris.connectors._shared.writing import Problem
from osiris.connectors.duckdb.fits import fits, restored
from osiris.connectors.duckdb.landing import ROW
from osiris.connectors.duckdb.tables import Name, Table, folded, listed, quoted
from osiris.errors import ConfigError

if TYPE_CHECKING:
    import duckdb
    from duckdb.sqltypes import DuckDBPyType


Wanted = writing.Wanted[Name]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A column of the stream: `type` as it lands, `left_as` the DuckDB type it had, if it can have it again."""

    name: str
    type: DuckDBPyType
    left_as: str | None = None

    @property
    def made_as(self) -> str:
        """The type of the column where it is made anew."""
        return self.left_as or ("VARCHAR" if self.type.id == "null" else str(self.type))


@dataclass(frozen=True, slots=True)
class Layout:
    """What to do to the target, and how to fill it. `columns` pairs each column of the stream with the target's
    (name, type). `not_null` are the stream's columns in which the target takes no null."""

    wanted: Wanted
    drop: bool
    make: tuple[str, ...]
    add: tuple[str, ...]
    columns: tuple[tuple[Incoming, str, str], ...]
    not_null: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """For the report: what is lost."""
        text = "was made anew, without the keys and indexes that it had: its columns or types were others"
        return (f"{self.wanted.name} {text}",) if self.drop else ()

    def insert(self, source: str) -> str:
        """All rows of `source`, a relation under the alias s, into the target."""
        names = listed(name for _, name, _ in self.columns)
        return f"INSERT INTO {self.wanted.name.sql} ({names}) SELECT {', '.join(self._values())} FROM {source}"

    def upsert(self, stage: str) -> str:
        """Of the rows of `stage` with one key the last one, over the target's row of that key or as a new row."""
        pairs = [(name, value) for (_, name, _), value in zip(self.columns, self._values(), strict=True)]
        same = " AND ".join(f"t.{quoted(name)} = {value}" for name, value in pairs if self.wanted.is_key(name))
        changes = ", ".join(f"{quoted(name)} = {value}" for name, value in pairs if not self.wanted.is_key(name))
        last = f"SELECT max({quoted(ROW)}) FROM {stage} GROUP BY {listed(self.wanted.keys)}"
        return (
            f"MERGE INTO {self.wanted.name.sql} AS t "
            f"USING (SELECT * FROM {stage} WHERE {quoted(ROW)} IN ({last})) AS s ON ({same}) "
            f"WHEN MATCHED THEN {f'UPDATE SET {changes}' if changes else 'DO NOTHING'} "
            f"WHEN NOT MATCHED THEN INSERT ({listed(name for name, _ in pairs)}) "
            f"VALUES ({', '.join(value for _, value in pairs)})"
        )

    def prepare(self) -> list[str]:
        """The statements that make the target ready, inside the transaction of the data."""
        target = self.wanted.name.sql
        statements = [f"DROP TABLE {target}"] if self.drop else []
        if self.make:
            statements.append(f"CREATE TABLE {target} ({', '.join(self.make)})")
        elif self.wanted.mode == "replace":
            statements.append(f"DELETE FROM {target}")
        return statements + [f"ALTER TABLE {target} ADD COLUMN {column}" for column in self.add]

    def _values(self) -> list[str]:
        """An expression for each target column over the columns of s."""
        found = []
        for column, _, kind in self.columns:
            source = f"s.{quoted(column.name)}"
            found.append(source if str(column.type) == kind else f"CAST({source} AS {kind})")
        return found


def plan(con: duckdb.DuckDBPyConnection, incoming: Sequence[Incoming], target: Table | None, wanted: Wanted) -> Layout:
    """Raises before anything is written: NotFound for a missing table that may not be made, ConfigError for a view,
    DataError, naming each column, for what the target cannot hold or needs and is not given."""
    if target is None:
        wanted.check_may_make()
        return _made(incoming, wanted)
    if target.is_view:
        raise ConfigError(f"{wanted.name} is a view: only a table can be written to", code="write.view")
    if wanted.mode == "replace" and not _agrees(con, incoming, target):
        layout = _made(incoming, wanted)
        return Layout(wanted, True, layout.make, (), layout.columns, layout.not_null)
    return _joined(con, incoming, target, wanted)


def _made(incoming: Sequence[Incoming], wanted: Wanted) -> Layout:
    not_null = tuple(column.name for column in incoming if wanted.is_key(column.name))
    make = tuple(
        f"{quoted(column.name)} {column.made_as}{' NOT NULL' if column.name in not_null else ''}" for column in incoming
    )
    return Layout(wanted, False, make, (), tuple((c, c.name, c.made_as) for c in incoming), not_null)


def _agrees(con: duckdb.DuckDBPyConnection, incoming: Sequence[Incoming], target: Table) -> bool:
    """Whether the table can take the rows with the columns that it has, no more and no less."""
    if {folded(column.name) for column in incoming} != {folded(column.name) for column in target.columns}:
        return False
    types = {folded(column.name): column.type for column in target.columns}
    return all(_holds(con, column, types[folded(column.name)]) for column in incoming)


def _joined(con: duckdb.DuckDBPyConnection, incoming: Sequence[Incoming], target: Table, wanted: Wanted) -> Layout:
    theirs = {folded(column.name): column for column in target.columns}
    ours = {folded(column.name) for column in incoming}
    problems = []
    columns = []
    added = []
    for column in incoming:
        there = theirs.get(folded(column.name))
        if there is None:
            added.append(column)
            columns.append((column, column.name, column.made_as))
        else:
            columns.append((column, there.name, there.type))
            if not _holds(con, column, there.type):
                text = f"{column.name!r} is {column.type}, which {there.type} cannot always hold"
                problems.append(Problem(column.name, text))
    problems += [
        Problem.missing(there.name, "the table takes no null there")
        for there in target.columns
        if folded(there.name) not in ours and not there.nullable and not there.has_default
    ]
    unknown = [] if wanted.add_columns else [Problem.unknown(column.name) for column in added]
    wanted.refuse([*problems, *unknown])
    required = {folded(column.name) for column in target.columns if not column.nullable}
    required |= {folded(key) for key in wanted.keys} if wanted.mode == "upsert" else set()
    not_null = tuple(column.name for column in incoming if folded(column.name) in required)
    add = tuple(f"{quoted(column.name)} {column.made_as}" for column in added)
    notes = (f"added_columns: {', '.join(column.name for column in added)}",) if added else ()
    return Layout(wanted, False, (), add, tuple(columns), not_null, notes)


def _holds(con: duckdb.DuckDBPyConnection, column: Incoming, kind: str) -> bool:
    target = con.sqltype(kind)
    return fits(column.type, target) or (column.left_as is not None and column.left_as == str(target))


def incoming_columns(names: Sequence[str], types: Sequence[DuckDBPyType], left_as: Mapping[str, str]) -> list[Incoming]:
    """The stream's columns; `left_as` gives the `osiris.type` of those that have one."""
    return [
        Incoming(name, kind, restored(left_as.get(name, ""), kind)) for name, kind in zip(names, types, strict=True)
    ]
