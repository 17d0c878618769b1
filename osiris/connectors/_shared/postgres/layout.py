"""How the columns of a stream meet those of the target: what is made, added, written as what, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from osiris.connectors._shared import names, writing
from osiris.connectors._shared.arrivals import bare_type
from osiris.connectors._shared.postgres import ddl
from osiris.connectors._shared.postgres.fits import INTEGERS, SYSTEM, Way, kind_of, way
from osiris.connectors._shared.postgres.names import Name, listed, quoted, valid
from osiris.connectors._shared.postgres.types import Type
from osiris.connectors._shared.writing import Problem
from osiris.errors import ConfigError, InternalError

if TYPE_CHECKING:
    from osiris.connectors._shared.postgres.tables import Table, TableColumn

Wanted = writing.Wanted[Name]


@dataclass(frozen=True, slots=True)
class Landing:
    """One column of the stream, as it is written: its values by `way`, into a column of this type. `required`: the
    target takes no null there. `collation` as in `TableColumn`. `counted`: the target may count for itself where no
    value comes."""

    name: str
    type: Type
    way: Way
    required: bool = False
    collation: str | None = None
    counted: bool = False

    @property
    def definition(self) -> str:
        return f"{quoted(self.name)} {self.type.text}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What to do to the target. `made`: it is made from `columns`; `added` names those that it has yet to get.

    `notes` are for the report.
    """

    wanted: Wanted
    made: bool
    columns: tuple[Landing, ...]
    added: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def staged(self) -> dict[str, str]:
        """The same for staging, in which two keys have to be equal if they are so in the target."""
        collations = {column.name: f" COLLATE {column.collation}" for column in self.columns if column.collation}
        return {name: kind + collations.get(name, "") for name, kind in self.definitions.items()}

    @property
    def definitions(self) -> dict[str, str]:
        """The type of each column, in SQL."""
        return {column.name: column.type.text for column in self.columns}


def create(wanted: Wanted, definitions: dict[str, str]) -> str:
    """The statement that makes the target of columns of these types."""
    columns = [
        f"{quoted(name)} {kind}{' NOT NULL' if wanted.is_key(name) else ''}" for name, kind in definitions.items()
    ]
    key = [f"PRIMARY KEY ({listed(wanted.keys)})"] if wanted.keys else []
    return f"CREATE TABLE {wanted.name.sql} ({', '.join([*columns, *key])})"


def check_arriving(schema: pa.Schema, wanted: Wanted) -> None:
    """Raises for columns that no table can have: ConfigError for names and keys, DataError for types."""
    for field in schema:
        try:
            valid(field.name)
        except ConfigError as error:
            error.code = "column.name"
            error.hint = "rename the column, under columns of the write step"
            raise
        kind_of(field.type, field.name)
    names.check_columns(schema.names, Name, SYSTEM)
    wanted.check_keys(schema.names)


def plan(schema: pa.Schema, target: Table | None, wanted: Wanted) -> Layout:
    """Raises before anything is written: NotFound for a missing table that may not be made, ConfigError for a view,
    DataError, naming each column, for what the target cannot hold or needs and is not given."""
    if target is None:
        wanted.check_may_make()
        return Layout(wanted, True, tuple(_new(field, required=wanted.is_key(field.name)) for field in schema))
    if target.kind not in ("table", "partitioned table"):
        raise ConfigError(f"{wanted.name} is a {target.kind}: only a table can be written to", code="write.view")
    return _Meeting(schema, target, wanted).layout()


def _new(field: pa.Field, *, required: bool = False) -> Landing:
    """A column that the table has yet to get."""
    made = ddl.made(field)
    found = way(kind_of(field.type, field.name), bare_type(field.type), made, ddl.left_as(field))
    if found is None:
        raise InternalError(f"a column of type {made.text} was made for {field.type}, which does not fit")
    return Landing(field.name, made, found, required)


class _Meeting:
    """The columns of a stream beside those of a table; `unknown` are those that the table lacks."""

    def __init__(self, schema: pa.Schema, target: Table, wanted: Wanted) -> None:
        self._wanted = wanted
        self._theirs = {column.name: column for column in target.columns}
        self.problems: list[Problem] = []
        self.unknown: list[Problem] = []
        self._columns: list[Landing] = []
        for field in schema:
            self._meet(field, self._theirs.get(field.name))
        self._look_for_missing(target.columns, schema.names)

    def layout(self) -> Layout:
        """Raises DataError for all that is wrong at once."""
        self._wanted.refuse([*self.problems, *([] if self._wanted.add_columns else self.unknown)])
        added = tuple(problem.column for problem in self.unknown)
        notes = (f"added_columns: {', '.join(added)}",) if added else ()
        return Layout(self._wanted, False, tuple(self._columns), added, notes)

    def _meet(self, field: pa.Field, there: TableColumn | None) -> None:
        if there is None:
            self.unknown.append(Problem.unknown(field.name))
            self._columns.append(_new(field, required=self._is_upserted_by(field.name)))
        elif there.generated:
            self.problems.append(Problem.generated(field.name))
        elif there.identity == "always" and self._wanted.mode == "upsert" and not self._wanted.is_key(field.name):
            text = f"{there.name!r} is GENERATED ALWAYS, so no update can set it"
            self.problems.append(Problem(field.name, text, Problem.generated(field.name).hint))
        else:
            self._fit(field, there)

    def _fit(self, field: pa.Field, there: TableColumn) -> None:
        bare = bare_type(field.type)
        found = way(kind_of(field.type, field.name), bare, there.type, ddl.left_as(field))
        if found is None:
            text = f"{field.name!r} is {bare}, which {there.type.text} cannot always hold"
            self.problems.append(Problem(field.name, text))
        else:
            required = not there.nullable or self._is_upserted_by(field.name)
            counted = bool(there.identity or there.has_default) and there.type.name in INTEGERS
            self._columns.append(Landing(field.name, there.type, found, required, there.collation, counted))

    def _is_upserted_by(self, name: str) -> bool:
        return self._wanted.mode == "upsert" and self._wanted.is_key(name)

    def _look_for_missing(self, columns: Iterable[TableColumn], ours: Sequence[str]) -> None:
        self.problems += [
            Problem.missing(there.name) for there in columns if there.name not in ours and not there.is_optional
        ]
