"""Writes a table of a Supabase project, by the connection's transport."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import AtLeastOnce, Batches, Part, Run, State, Token, Written
from osiris.connectors.supabase.client import Client


class Writer(AtLeastOnce, base.Writer[Client]):
    """Hands each call on to the writer of the transport. By `postgres` a write is atomic; over `rest` it is not, and
    the class promises only what holds for both."""

    @cached_property
    def _own(self) -> base.Writer[Any]:
        return self.client.transport.writer(self.options, self.workspace)

    def last(self, key: str) -> State | None:
        return self._own.last(key)

    def token(self, schema: pa.Schema, run: Run) -> Token:
        return self._own.token(schema, run)

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        return self._own.foresee(token, schema)

    def begin(self, token: Token, schema: pa.Schema) -> None:
        self._own.begin(token, schema)

    def write(self, token: Token, batches: Batches) -> Part:
        return self._own.write(token, batches)

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        return self._own.commit(token, parts, state)

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        return self._own.settle(token, parts)

    def abort(self, token: Token) -> None:
        self._own.abort(token)

    def finish(self, token: Token) -> None:
        self._own.finish(token)
