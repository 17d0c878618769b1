"""The schema cache: tables, their columns and keys, and functions, as they were when it was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.servers.postgrest.errors import Failure
from tests.servers.postgrest.sql import array

TABLES = """
SELECT n.nspname, c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
  (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}') FROM pg_index i
   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
   WHERE i.indrelid = c.oid AND i.indisprimary),
  (SELECT coalesce(json_agg(json_build_object(
     'name', a.attname, 'type', format_type(a.atttypid, -1), 'format', format_type(a.atttypid, a.atttypmod),
     'required', a.attnotnull AND d.adbin IS NULL AND a.attidentity = '', 'default', CASE
       WHEN a.attidentity = 'd' THEN format('nextval(%L)', pg_get_serial_sequence(
         format('%I.%I', n.nspname, c.relname), a.attname))
       WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END) ORDER BY a.attnum), '[]')
   FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ANY ($schemas) AND NOT c.relispartition
ORDER BY 1, 2
"""
FUNCTIONS = """
SELECT n.nspname, p.proname, p.proretset, t.typtype = 'c' OR t.typname = 'record', t.typname = 'void',
  p.pronargs - p.pronargdefaults, p.proargnames, p.proargmodes::text[],
  (SELECT array_agg(format_type(u.oid, -1) ORDER BY u.place)
   FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS u (oid, place))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_type t ON t.oid = p.prorettype
WHERE p.prokind = 'f' AND t.typname NOT IN ('trigger', 'event_trigger') AND n.nspname = ANY ($schemas)
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` by name: their `type`, `format`, `required` and `default`."""

    schema: str
    name: str
    comment: str
    key: tuple[str, ...]
    columns: Mapping[str, Mapping[str, Any]]

    def types(self, wanted: tuple[str, ...]) -> dict[str, str]:
        """The types of columns, of which one may be unknown."""
        for name in wanted:
            if name not in self.columns:
                text = f"Could not find the '{name}' column of '{self.name}' in the schema cache"
                raise Failure(400, "PGRST204", text)
        return {name: self.columns[name]["type"] for name in wanted}


@dataclass(frozen=True, slots=True)
class Function:
    """`rows`: it returns a set; `composite`: rows of columns; `void`: nothing."""

    schema: str
    name: str
    rows: bool
    composite: bool
    void: bool
    arguments: Mapping[str, Mapping[str, Any]]

    def takes(self, given: frozenset[str]) -> bool:
        needed = {name for name, argument in self.arguments.items() if argument["required"]}
        return needed <= given <= self.arguments.keys()


@dataclass(slots=True)
class Catalog:
    """Empty until it is loaded."""

    schemas: tuple[str, ...]
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    functions: dict[tuple[str, str], list[Function]] = field(default_factory=dict)

    def load(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        tables, functions = {}, dict[tuple[str, str], list[Function]]()
        schemas = array(self.schemas)
        for schema, name, comment, key, columns in connection.execute(TABLES.replace("$schemas", schemas).encode()):
            described = {column["name"]: column for column in columns}
            tables[schema, name] = Table(schema, name, comment, tuple(key), described)
        for row in connection.execute(FUNCTIONS.replace("$schemas", schemas).encode()):
            schema, name, rows, composite, void, *arguments = row
            made = Function(schema, name, rows, composite, void, _arguments(*arguments))
            functions.setdefault((schema, name), []).append(made)
        self.tables, self.functions = tables, functions

    def table(self, schema: str, name: str) -> Table:
        found = self.tables.get((schema, name))
        if found is None:
            raise Failure(404, "PGRST205", f"Could not find the table '{schema}.{name}' in the schema cache")
        return found

    def function(self, schema: str, name: str, given: frozenset[str], *, filtered: bool) -> Function:
        """The one that takes these arguments; with `filtered`, what no argument is named after is a filter."""
        overloads = self.functions.get((schema, name), [])
        fitting = [one for one in overloads if one.takes(given & one.arguments.keys() if filtered else given)]
        if len(fitting) == 1:
            return fitting[0]
        asked = ", ".join(sorted(given))
        if not fitting:
            told = f"({asked})" if given else " without parameters"
            text = f"Could not find the function {schema}.{name}{told} in the schema cache"
            details = f"Searched for the function {schema}.{name} with {asked or 'no parameters'}"
            raise Failure(404, "PGRST202", text, f"{details}, but no matches were found in the schema cache.")
        choice = f"{schema}.{name}({asked})"
        raise Failure(300, "PGRST203", f"Could not choose the best candidate function between: {choice}")


def _arguments(
    needed: int, names: list[str] | None, modes: list[str] | None, types: list[str] | None
) -> dict[str, Any]:
    """Those that go in. One without a name cannot be given by this road."""
    kinds = types or []
    given = zip(names or [""] * len(kinds), modes or ["i"] * len(kinds), kinds, strict=True)
    going_in = [(name, kind) for name, mode, kind in given if mode in "ibv"]
    return {name: {"type": kind, "required": place < needed} for place, (name, kind) in enumerate(going_in)}
