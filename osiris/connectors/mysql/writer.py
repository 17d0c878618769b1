"""Writes a table of MySQL or MariaDB: append, replace or upsert, all rows visible at once."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Literal

import pyarrow as pa
import pymysql

from osiris.connectors import base
from osiris.connectors._shared.tables import existing
from osiris.connectors._shared.writing import place_of
from osiris.connectors.base import Batches, Part, Run, State, Token, Written
from osiris.connectors.mysql import foresight, layout, swap
from osiris.connectors.mysql.arrivals import check_names, kind_of
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.layout import Layout, Wanted
from osiris.connectors.mysql.ledger import Ledger
from osiris.connectors.mysql.loading import Loading
from osiris.connectors.mysql.names import Name
from osiris.connectors.mysql.publishing import Publishing, create_new, create_rows
from osiris.connectors.mysql.staging import Staging, exists, sweep
from osiris.connectors.mysql.tables import Table, find
from osiris.errors import Busy, ConfigError, InternalError, OsirisError


class Writer(base.Writer[Client]):
    """The flow's only writer appends to a table straight in the transaction that commits it. In all other cases rows
    wait in a table beside the target, which outlives the process: they move by INSERT … SELECT in one transaction, or
    the table becomes the target by RENAME, where that is replaced or made.
    """

    _layout: Layout | None = None
    _direct = False
    _shape: str | None = None

    def last(self, key: str) -> State | None:
        return self._ledger().last(key)

    def token(self, schema: pa.Schema, run: Run) -> Token:
        wanted = self._wanted()
        check_names(schema.names)
        for field in schema:
            kind_of(field.type, field.name)
        wanted.check_keys(schema.names)
        place = place_of(run)
        durable = not run.sole or wanted.mode != "append"
        data = {"place": place, "key": run.key}
        return Token(run.id, run.step, self.client.dataset(wanted.name), durable=durable, data=data)

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        wanted, ledger = self._wanted(), self._ledger()
        target = existing(find, self.client, wanted.name)
        plan = layout.plan(schema, target, wanted, self.client.server)
        self._check_target(target, wanted)
        made = [] if self._goes_direct(token, plan, target) else [self._staging(token).rows]
        made += ledger.tables if ledger.missing() else ()
        foresight.refuse_missing_rights(self.client, plan, target, made)
        return foresight.notes(plan, target)

    def begin(self, token: Token, schema: pa.Schema) -> None:
        wanted, staging, ledger = self._wanted(), self._staging(token), self._ledger()
        target = existing(find, self.client, wanted.name)
        plan = layout.plan(schema, target, wanted, self.client.server)
        self._check_target(target, wanted)
        ledger.make()
        staging.own(self.client)
        sweep(self.client, wanted.name.schema, ledger)
        self._direct = self._goes_direct(token, plan, target)
        if self._direct:
            plan = self._begin_direct(schema, wanted)
        elif target is None or wanted.mode == "replace":
            self._shape = None if target is None else swap.shape(self.client, target.name)
            create_new(self.client, staging, plan, target)
        else:
            create_rows(self.client, staging, plan)
        self._layout = plan

    def write(self, token: Token, batches: Batches) -> Part:
        wanted, staging, plan = self._wanted(), self._staging(token), self._begun()
        upsert = wanted.mode == "upsert"
        into = wanted.name
        if not self._direct:
            into = next(name for name in (staging.new, staging.rows) if exists(self.client, name))
        atomic = wanted.mode != "replace" or plan.made or self._has_transactions(wanted.name)
        loading = Loading(self.client, into.sql, plan, "REPLACE" if upsert else "INSERT", divisible=atomic)
        rows = loading.load(batches)
        superseded = rows - int(self.client.rows(f"SELECT COUNT(*) FROM {into.sql}")[0][0]) if upsert else 0
        data: dict[str, Any] = {"shape": self._shape, "notes": list(plan.notes), "warnings": list(plan.warnings)}
        return Part(rows - superseded, superseded=superseded, size_bytes=batches.size_bytes, data=data)

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        if self._layout is None:
            self._staging(token).own(self.client)
        done = self._committed_rows(token)
        if done is not None:
            self.abort(token)
            return Written(done)
        rows = sum(part.rows for part in parts)
        notes, warnings = (
            tuple(text for part in parts for text in part.data.get(name, ())) for name in ("notes", "warnings")
        )
        try:
            self._commit(token, rows, parts, state)
        except (pymysql.err.MySQLError, OsirisError):
            if (done := self._committed_after_all(token)) is None:
                raise
            return Written(done)
        return Written(rows, notes, warnings)

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        try:
            self._staging(token).own(self.client)
        except Busy:
            return "unknown"
        return "not_committed" if self._committed_rows(token) is None else "committed"

    def abort(self, token: Token) -> None:
        self._layout, self._direct = None, False
        self._rollback()
        self._remove_staging(token)

    def finish(self, token: Token) -> None:
        self._remove_staging(token)

    def _wanted(self) -> Wanted:
        options = self.options
        return Wanted.of(options, Name.of(options["table"], options.get("schema"), self.client.database))

    def _ledger(self) -> Ledger:
        return Ledger(self.client, self._wanted().name.schema)

    def _staging(self, token: Token) -> Staging:
        return Staging(self._wanted().name.schema, token.data["place"])

    def _check_target(self, target: Table | None, wanted: Wanted) -> None:
        """Raises ConfigError for a table that cannot be written all at once."""
        if target is None:
            return
        if wanted.mode == "replace":
            swap.refuse_loss(self.client, target)
        elif not self._has_transactions(target.name):
            raise ConfigError(
                f"{target.name} is a table of {target.engine}, which has no transactions: a write that fails half-way "
                "could not be undone",
                code="write.engine",
                hint=f"run ALTER TABLE {target.name} ENGINE = InnoDB, or use write_mode: replace",
            )

    @staticmethod
    def _goes_direct(token: Token, plan: Layout, target: Table | None) -> bool:
        """Whether rows go straight into the target, in the transaction that commits them."""
        return target is not None and not token.durable and not plan.added

    def _has_transactions(self, name: Name) -> bool:
        sql = (
            "SELECT TRANSACTIONS FROM information_schema.TABLES JOIN information_schema.ENGINES USING (ENGINE) "
            "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        )
        return self.client.rows(sql, (name.schema, name.table)) == [("YES",)]

    def _begin_direct(self, schema: pa.Schema, wanted: Wanted) -> Layout:
        """Open the transaction. Once it has touched the table, nobody can alter that until it ends."""
        self.client.execute("START TRANSACTION")
        self.client.rows(f"SELECT 1 FROM {wanted.name.sql} LIMIT 0")
        plan = layout.plan(schema, existing(find, self.client, wanted.name), wanted, self.client.server)
        if plan.made or plan.added:
            raise swap.changed(wanted.name)
        return plan

    def _begun(self) -> Layout:
        if self._layout is None:
            raise InternalError("nothing was begun, and rows inside an open transaction do not outlive their client")
        return self._layout

    def _commit(self, token: Token, rows: int, parts: Sequence[Part], state: State | None) -> None:
        if self._direct:
            self._ledger().note(token, rows, token.data["key"], state)
            self.client.execute("COMMIT")
            return
        shape = next((part.data["shape"] for part in parts if part.data.get("shape")), None)
        publishing = Publishing(self.client, self._wanted(), self._staging(token), self._ledger())
        publishing.publish(token, rows, shape, state)

    def _committed_rows(self, token: Token) -> int | None:
        """How many rows the token's commit made visible; None when it is not committed. Of a staging that became the
        target, but was not noted as such, that is noted now."""
        ledger, schema = self._ledger(), self._wanted().name.schema
        entry = ledger.find(token)
        if entry is None:
            return None
        if entry.pending is not None:
            staging = Staging.of(Name(schema, entry.pending))
            staging.own(self.client)
            if exists(self.client, staging.new):
                return None
            ledger.keep_promise(token)
        return entry.rows

    def _committed_after_all(self, token: Token) -> int | None:
        """As `_committed_rows`, after a commit that failed; None too when the server cannot be asked."""
        try:
            self._rollback()
            return self._committed_rows(token)
        except (pymysql.err.MySQLError, OsirisError):
            return None

    def _remove_staging(self, token: Token) -> None:
        if not self.client.is_open:
            return
        staging = self._staging(token)
        staging.own(self.client)
        if self._committed_rows(token) is None:
            swap.restore(self.client, staging, self._wanted().name)
        staging.drop(self.client, self._ledger())
        staging.disown(self.client)

    def _rollback(self) -> None:
        """End an open transaction without its effects."""
        if self.client.is_open:
            with contextlib.suppress(pymysql.err.MySQLError):
                self.client.execute("ROLLBACK")
