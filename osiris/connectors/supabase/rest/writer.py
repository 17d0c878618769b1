"""`RestWriter`: appends to or upserts a table over REST; rows wait on the disk until the commit sends them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors._shared.postgres import layout
from osiris.connectors._shared.postgres.layout import Wanted
from osiris.connectors._shared.postgres.names import Name
from osiris.connectors._shared.writing import Problem, place_of
from osiris.connectors.base import AtLeastOnce, Batches, Dataset, Part, Run, State, Token, Written
from osiris.connectors.supabase.rest import quoting, rows
from osiris.connectors.supabase.rest.api import Asks
from osiris.connectors.supabase.rest.bodies import Kinds, bodies
from osiris.connectors.supabase.rest.description import Table, table_of
from osiris.connectors.supabase.rest.sending import Sending
from osiris.connectors.supabase.rest.staged import Frame, Staged
from osiris.errors import ConfigError, NotFound

log = logging.getLogger(__name__)
BATCH_ROWS: Final = 5000
NO_ROWS: Final = ("limit", "0")
LABEL: Final = "at-least-once: over rest each request is a transaction of its own; a run that fails may leave rows"
TWICE: Final = f"{LABEL}, and one that is repeated may add them twice"
UNKNOWN: Final = "this key may not read the types of the table's columns: what the server would round is not refused"
DSN: Final = "give the connection a dsn: the string of the session pooler, which the dashboard shows under Connect"


class RestWriter(AtLeastOnce, base.Writer[Asks]):
    """Nothing is sent before the commit, which sends request after request and keeps a journal of them: one that is
    interrupted goes on where it was."""

    def token(self, schema: pa.Schema, run: Run) -> Token:
        wanted = self._wanted()
        layout.check_arriving(schema, wanted)
        target = Dataset(self.client.api.url, wanted.name.table)
        return Token(run.id, run.step, target, durable=True, data={"staged": place_of(run)})

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        kinds = self._kinds(schema)
        rows.check(schema, kinds)
        if _is_known(kinds):
            return (self._label,)
        self.client.api.get(self._wanted().name.table, [("select", quoting.names(tuple(schema.names))), NO_ROWS], {})
        return (self._label, UNKNOWN)

    def begin(self, token: Token, schema: pa.Schema) -> None:
        rows.check(schema, self._kinds(schema))
        self._sending(schema.names).check()
        self._staged(token).create().close()

    def write(self, token: Token, batches: Batches) -> Part:
        wanted, staged, kinds = self._wanted(), self._staged(token), self._kinds(batches.schema)
        if not _is_known(kinds):
            log.warning("%s: %s", wanted.name, UNKNOWN)
        count = superseded = size_bytes = 0
        with staged.create() as file:
            for body in bodies(iter(batches), kinds, self._keys, self.options.get("batch_rows", BATCH_ROWS)):
                size_bytes += staged.add(file, Frame(count + 1, list(body.rows.values())))
                count += len(body.rows)
                superseded += body.taken - len(body.rows)
            staged.finish(file)
        data = {"columns": batches.schema.names}
        return Part(count, superseded=superseded, size_bytes=size_bytes, data=data)

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        staged, count = self._staged(token), sum(part.rows for part in parts)
        if not staged.is_all_sent:
            staged.check(count)
            self._sending(parts[0].data["columns"] if parts else []).send(staged)
        return Written(count, (self._label,))

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        return "committed" if self._staged(token).is_all_sent else "not_committed"

    def abort(self, token: Token) -> None:
        self._staged(token).remove()

    def finish(self, token: Token) -> None:
        self._staged(token).remove()

    @property
    def _keys(self) -> tuple[str, ...]:
        """Those of an upsert."""
        wanted = self._wanted()
        return wanted.keys if wanted.mode == "upsert" else ()

    @property
    def _label(self) -> str:
        return LABEL if self._keys else TWICE

    def _wanted(self) -> Wanted:
        """Raises ConfigError for what needs the other transport."""
        options, schema = self.options, self.client.api.schema or "public"
        wanted = Wanted.of(options, Name.of(options["table"], None, schema))
        reference = self.client.connection.reference
        asked = {
            "write_mode: replace": wanted.mode == "replace",
            "create_if_missing": bool(options.get("create_if_missing")),
            "on_schema_change: add_columns": wanted.add_columns,
        }
        for name, is_asked in asked.items():
            if is_asked:
                text = f"{reference}: {name} cannot be done over rest"
                raise ConfigError(text, code="option.transport", hint=DSN)
        if wanted.name.schema != schema:
            raise ConfigError(
                f"{reference}: over rest a table is in the schema of the connection, {schema}: {wanted.name} is not",
                code="option.transport",
                hint=f"set schema: {wanted.name.schema} on the connection, or on the step",
            )
        return wanted

    def _kinds(self, schema: pa.Schema) -> Kinds:
        """The types of the target's columns, None where this key may not read them. Raises DataError, naming each
        column, for what the target lacks or needs and is not given."""
        wanted, document = self._wanted(), self.client.api.description()
        if document is None:
            return dict.fromkeys(schema.names)
        try:
            table = table_of(document, wanted.name.table)
        except NotFound as error:
            error.hint = f"{error.hint}; over rest no table is made: {DSN}"
            raise
        theirs = {column.name: column.type for column in table.columns}
        unknown = [Problem.unknown(name) for name in schema.names if name not in theirs]
        wanted.refuse(
            [*unknown, *(Problem.missing(name) for name in _needed(document, table) if name not in schema.names)]
        )
        return {name: theirs[name] for name in schema.names}

    def _sending(self, columns: Sequence[str]) -> Sending:
        return Sending(self.client.api, self._wanted().name.table, tuple(columns), self._keys)

    def _staged(self, token: Token) -> Staged:
        return Staged(self.workspace.output_dir, token.data["staged"])


def _is_known(kinds: Kinds) -> bool:
    return None not in kinds.values()


def _needed(document: Mapping[str, Any], table: Table) -> Iterator[str]:
    """Columns that are not null and have no default. A key may be an identity column, which is not told."""
    facts = document["definitions"][table.name].get("properties") or {}
    for column in table.columns:
        if not column.nullable and not column.primary_key and "default" not in facts[column.name]:
            yield column.name
