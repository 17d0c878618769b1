"""`TableWriter`: writes a table of PostgreSQL: append, replace or upsert, all rows visible at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Literal, TypeVar

import psycopg
import pyarrow as pa

from osiris.connectors import base
from osiris.connectors._shared.postgres import layout, publishing, sequences
from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors._shared.postgres.layout import Layout, Wanted
from osiris.connectors._shared.postgres.ledger import Ledger, exists
from osiris.connectors._shared.postgres.loading import Loading
from osiris.connectors._shared.postgres.names import Name, listed, quoted
from osiris.connectors._shared.postgres.publishing import Publication
from osiris.connectors._shared.postgres.staging import ROW, Staging, sweep
from osiris.connectors._shared.postgres.tables import Table, find
from osiris.connectors._shared.tables import existing
from osiris.connectors._shared.writing import place_of
from osiris.connectors.base import Batches, Part, Run, State, Token, Written
from osiris.errors import Busy, InternalError, OsirisError, WriteFailed

C = TypeVar("C", bound=Channel)


class TableWriter(base.Writer[C], Generic[C]):
    """The flow's only writer works in one transaction from begin to commit: an append, and any write to a table that it
    makes, goes straight into the table; else rows wait in a temporary table, so that the target is locked for a moment
    only. Beside other writers rows wait in a table that outlives the process.
    """

    _layout: Layout | None = None
    _direct = False

    def last(self, key: str) -> State | None:
        return self._ledger().last(key)

    def token(self, schema: pa.Schema, run: Run) -> Token:
        wanted = self._wanted()
        layout.check_arriving(schema, wanted)
        data = {"place": place_of(run), "key": run.key}
        return Token(run.id, run.step, self.client.dataset(wanted.name), durable=not run.sole, data=data)

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        wanted = self._wanted()
        target, plan = self._planned(schema)
        self._ledger().check()
        if target is None:
            return (f"there is no table {wanted.name} yet: it is made",)
        return (f"{wanted.name} gets new columns: {', '.join(plan.added)}",) if plan.added else ()

    def begin(self, token: Token, schema: pa.Schema) -> None:
        wanted, staging = self._wanted(), self._staging(token)
        target, plan = self._planned(schema)
        self._ledger().make()
        sweep(self.client, wanted.name.schema)
        self._begin(token)
        upsert = wanted.mode == "upsert"
        by_copy = target is None or not (target.security or target.rules)
        simple = plan.made or (wanted.mode == "append" and not plan.added and by_copy)
        self._direct = simple and not upsert and not token.durable
        if not self._direct:
            staging.make(self.client, plan.staged, numbered=upsert)
        elif plan.made:
            publishing.make(self.client, wanted, plan.definitions)
        else:
            publishing.lock(self.client, wanted.name, "ROW EXCLUSIVE")
            _, plan = self._planned(schema)
            if plan.made or plan.added:
                raise publishing.changed(wanted.name)
        if token.durable:
            self.client.execute("COMMIT")
        self._layout = plan

    def write(self, token: Token, batches: Batches) -> Part:
        wanted, staging, plan = self._wanted(), self._staging(token), self._begun()
        if token.durable:
            self._begin(token)
        upsert = wanted.mode == "upsert"
        loading = Loading(self.client, plan.columns, numbered=upsert)
        rows = loading.load(batches, wanted.name.sql if self._direct else staging.sql, staging)
        superseded = self._supersede(staging) if upsert else 0
        if token.durable:
            self.client.execute("COMMIT")
        data = {**Publication.of(plan).data, "notes": list(plan.notes), "spans": loading.spans}
        return Part(rows - superseded, superseded=superseded, size_bytes=batches.size_bytes, data=data)

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        if not self._in_transaction:
            self._begin(token)
        done = self._ledger().committed_rows(token)
        if done is not None:
            self.abort(token)
            return Written(done)
        rows = sum(part.rows for part in parts)
        notes = tuple(note for part in parts for note in part.data.get("notes", ()))
        try:
            if not self._direct:
                self._publish(token, parts, rows)
            spans = sequences.together(part.data.get("spans", {}) for part in parts)
            notes += sequences.advance(self.client, self._wanted().name, spans)
            self._ledger().note(token, rows, state)
            self.client.execute("COMMIT")
        except (psycopg.Error, OsirisError):
            if (done := self._committed_after_all(token)) is None:
                raise
            return Written(done)
        return Written(rows, notes)

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        if self._in_transaction:
            return "not_committed"
        try:
            self._begin(token)
            return "not_committed" if self._ledger().committed_rows(token) is None else "committed"
        except Busy:
            return "unknown"
        finally:
            self.client.rollback()

    def abort(self, token: Token) -> None:
        self._layout, self._direct = None, False
        self.client.rollback()
        if self.client.is_open:
            self._begin(token)  # what another session still does for it is ended, and its locks with it
            self._staging(token).drop(self.client)
            self.client.execute("COMMIT")

    def finish(self, token: Token) -> None:
        if token.durable:
            self.abort(token)

    @property
    def _in_transaction(self) -> bool:
        return self.client.session.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE

    def _begin(self, token: Token) -> None:
        """A transaction in which nobody else does anything for the token."""
        self.client.begin()
        self._staging(token).own(self.client)

    def _wanted(self) -> Wanted:
        return Wanted.of(self.options, Name.of(self.options["table"], None, self.client.schema))

    def _ledger(self) -> Ledger:
        return Ledger(self.client, self._wanted().name.schema)

    def _staging(self, token: Token) -> Staging:
        return Staging(self._wanted().name.schema, token.data["place"], token.durable)

    def _planned(self, schema: pa.Schema) -> tuple[Table | None, Layout]:
        """The target as it is now, and what to do to it. Raises what prevents it."""
        wanted = self._wanted()
        target = existing(find, self.client, wanted.name)
        plan = layout.plan(schema, target, wanted)
        if target is not None and wanted.mode == "replace":
            publishing.refuse_loss(self.client, target)
        return target, plan

    def _begun(self) -> Layout:
        if self._layout is None:
            raise InternalError("nothing was begun, and rows inside an open transaction do not outlive their client")
        return self._layout

    def _supersede(self, staging: Staging) -> int:
        """Remove all rows but the last one of each key; returns how many."""
        keys, row = listed(self._wanted().keys), quoted(ROW)
        groups = f"SELECT count(*) AS n FROM {staging.sql} GROUP BY {keys}"
        if self.client.rows(f"SELECT max(n) FROM ({groups}) AS k") in ([(1,)], [(None,)]):
            return 0
        same = " AND ".join(f"s.{quoted(key)} = k.{quoted(key)}" for key in self._wanted().keys)
        last = f"SELECT {keys}, max({row}) AS {row} FROM {staging.sql} GROUP BY {keys} HAVING count(*) > 1"
        return self.client.execute(
            f"DELETE FROM {staging.sql} AS s USING ({last}) AS k WHERE {same} AND s.{row} < k.{row}"
        )

    def _publish(self, token: Token, parts: Sequence[Part], rows: int) -> None:
        staging = self._staging(token)
        if not exists(self.client, staging.name) if token.durable else self._layout is None:
            raise WriteFailed(f"the staging of {token.commit_id} is gone", code="write.no_staging")
        Publication.from_data(self._wanted(), parts[0].data).publish(self.client, staging.sql, rows)
        staging.drop(self.client)

    def _committed_after_all(self, token: Token) -> int | None:
        """How many rows a commit that failed made visible all the same; None too when the server cannot be asked."""
        try:
            self.client.rollback()
            return self._ledger().committed_rows(token)
        except (psycopg.Error, OsirisError):
            return None
