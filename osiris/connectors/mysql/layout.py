"""How the columns of a stream meet those of the target: what is made, added, written as what, or refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from osiris.connectors._shared import writing
from osiris.connectors._shared.arrivals import bare_type
from osiris.connectors._shared.writing import Problem
from osiris.connectors.mysql import ddl
from osiris.connectors.mysql.arrivals import kind_of
from osiris.connectors.mysql.declared import Declared
from osiris.connectors.mysql.fits import Way, way
from osiris.connectors.mysql.names import Name, folded, quoted
from osiris.errors import ConfigError, InternalError

if TYPE_CHECKING:
    from osiris.connectors.mysql.session import Server
    from osiris.connectors.mysql.tables import Table, TableColumn


Wanted = writing.Wanted[Name]


@dataclass(frozen=True, slots=True)
class Landing:
    """One column of the stream, as it is written: under `name`, its values by `way`. `sql` is the column's type."""

    source: str
    name: str
    sql: str
    way: Way

    @property
    def definition(self) -> str:
        return f"{quoted(self.name)} {self.sql}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What to do to the target. `made`: it is made (anew) from `columns`; `added` are those that it has yet to get.

    `not_null` are the columns of the stream in which the target takes no null. `why_anew` is what does not fit of a
    table that is there, so that it is made anew.
    """

    wanted: Wanted
    made: bool
    columns: tuple[Landing, ...]
    added: tuple[Landing, ...] = ()
    not_null: tuple[str, ...] = ()
    why_anew: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """For the report: what is lost."""
        text = f"{self.wanted.name} was made anew, without the indexes and defaults that it had: {self.why_anew}"
        return (text,) if self.why_anew else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """For the report."""
        return (f"added_columns: {', '.join(column.name for column in self.added)}",) if self.added else ()


def plan(schema: pa.Schema, target: Table | None, wanted: Wanted, server: Server) -> Layout:
    """Raises before anything is written: NotFound for a missing table that may not be made, ConfigError for a view,
    DataError, naming each column, for what the target cannot hold or needs and is not given."""
    if target is None:
        wanted.check_may_make()
        return _made(schema, wanted, server)
    if target.kind not in ("BASE TABLE", "SYSTEM VERSIONED"):
        raise ConfigError(
            f"{wanted.name} is a {target.kind.lower()}: only a table can be written to", code="write.view"
        )
    meeting = _Meeting(schema, target, wanted, server)
    if wanted.mode != "replace":
        return meeting.layout()
    if meeting.problems or (meeting.unknown and not wanted.add_columns):
        why = "; ".join(problem.text for problem in [*meeting.problems, *meeting.unknown])
        return replace(_made(schema, wanted, server), why_anew=why)
    return meeting.layout()


def _made(schema: pa.Schema, wanted: Wanted, server: Server) -> Layout:
    """The layout of a table that is made for these columns."""
    share = len(wanted.keys)
    columns = tuple(_new(field, server, share if wanted.is_key(field.name) else 0) for field in schema)
    not_null = tuple(field.name for field in schema if wanted.is_key(field.name))
    return Layout(wanted, True, columns, (), not_null)


def _new(field: pa.Field, server: Server, key_share: int = 0) -> Landing:
    """A column that the table has yet to get."""
    made = ddl.made(field, server, key_share)
    found = way(kind_of(field.type, field.name), bare_type(field.type), made.type)
    if found is None:
        raise InternalError(f"a column of type {made.type.word} was made for {field.type}, which does not fit")
    return Landing(field.name, field.name, f"{made.sql} {'NOT NULL' if key_share else 'NULL'}", found)


class _Meeting:
    """The columns of a stream beside those of a table; `unknown` are those that the table lacks."""

    def __init__(self, schema: pa.Schema, target: Table, wanted: Wanted, server: Server) -> None:
        self._schema, self._target, self._wanted, self._server = schema, target, wanted, server
        self._theirs = {folded(column.name): column for column in target.columns}
        self.problems: list[Problem] = []
        self.unknown: list[Problem] = []
        self._columns: list[Landing] = []
        self._added: list[Landing] = []
        for field in schema:
            self._meet(field, self._theirs.get(folded(field.name)))
        ours = {folded(field.name) for field in schema}
        self.problems += [
            Problem.missing(there.name)
            for there in target.columns
            if folded(there.name) not in ours and not there.is_optional
        ]

    def layout(self) -> Layout:
        """Raises DataError for all that is wrong at once."""
        self._wanted.refuse([*self.problems, *([] if self._wanted.add_columns else self.unknown)])
        required = {folded(column.name) for column in self._target.columns if not column.nullable}
        upsert = self._wanted.mode == "upsert"
        not_null = tuple(
            field.name
            for field in self._schema
            if folded(field.name) in required or (upsert and self._wanted.is_key(field.name))
        )
        return Layout(self._wanted, False, tuple(self._columns), tuple(self._added), not_null)

    def _meet(self, field: pa.Field, there: TableColumn | None) -> None:
        if there is None:
            self.unknown.append(Problem.unknown(field.name))
            self._added.append(_new(field, self._server))
            self._columns.append(self._added[-1])
        elif there.is_generated:
            self.problems.append(Problem.generated(field.name))
        else:
            declared = Declared.of(there.type)
            found = way(kind_of(field.type, field.name), bare_type(field.type), declared) if declared else None
            if found is None:
                text = f"{field.name!r} is {bare_type(field.type)}, which {there.type} cannot always hold"
                self.problems.append(Problem(field.name, text))
            else:
                self._columns.append(Landing(field.name, there.name, staged_type(there, self._wanted), found))


def staged_type(column: TableColumn, wanted: Wanted) -> str:
    """The type of a column of staging whose values go to `column`: the same, so that the server refuses now what it
    would refuse then, and takes for equal what it would take for equal."""
    if not (wanted.mode == "upsert" and wanted.is_key(column.name)):
        return f"{characters(column)} NULL"
    declared = Declared.of(column.type)
    if declared is not None and declared.word == "timestamp":
        return f"{Declared('datetime', declared.numbers).sql} NOT NULL"  # see ddl
    return f"{characters(column)} NOT NULL"


def characters(column: TableColumn) -> str:
    """Its type with its character set, for a column like it."""
    bare = re.sub(r" /\*.*?\*/", "", column.type)  # how it is stored
    if column.charset is None or column.word == "json":
        return bare
    return f"{bare} CHARACTER SET {column.charset} COLLATE {column.collation}"
