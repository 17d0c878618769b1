"""Driving a writer: the step's columns, the parts, and the count that must add up before anything is committed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import pyarrow as pa

from osiris.connectors.base import Batches, Client, Part, Run, State, Token, Writer, Written
from osiris.drivers.bound import Bound
from osiris.errors import InternalError, OsirisError
from osiris.stream import share

T = TypeVar("T")


class WriteDriver:
    """A write step. `begin`, `write` and `commit` go through one instance; `settle`, `abort` and `recommit` through fresh ones."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self._client: Client | None = None
        self._writer: Writer[Client] | None = None

    def token(self, schema: pa.Schema, run: Run) -> Token:
        return self._lead(lambda writer: writer.token(schema, run))

    def begin(self, token: Token, schema: pa.Schema) -> None:
        self._lead(lambda writer: writer.begin(token, schema))

    def write(self, token: Token, batches: Batches, threads: int = 1) -> list[Part]:
        """Stage the whole stream, by `threads` instances where the writer can, and check the counts.

        Raises InternalError when a row that was read is neither written nor rejected nor superseded.
        """
        if threads > 1 and self.bound.implementation.parts != "one":
            parts = self._write_in_threads(token, batches, threads)
        else:
            parts = [self._lead(lambda writer: writer.write(token, batches), batches)]
        batches.first_error.raise_if_any()
        self._check(batches, parts)
        return parts

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        return self._lead(lambda writer: writer.commit(token, parts, state))

    def recommit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        """Commit a durable token from its staging, on a fresh instance: in recovery, or after a failed try."""
        return self._fresh(lambda writer: writer.commit(token, parts, state))

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        return self._fresh(lambda writer: writer.settle(token, parts))

    def abort(self, token: Token) -> None:
        """Let go of the writing client, so that its open transaction ends, then remove what was staged."""
        self.close()
        self._fresh(lambda writer: writer.abort(token))

    def finish(self, token: Token) -> None:
        self._fresh(lambda writer: writer.finish(token))

    def close(self) -> None:
        client, self._client, self._writer = self._client, None, None
        if client is not None:
            self.bound.clients.drop(client)

    def _lead(self, call: Callable[[Writer[Client]], T], batches: Batches | None = None) -> T:
        if self._writer is None or self._client is None:
            self._client = self.bound.client()
            self._writer = self._instance(self._client)
        return self._call(self._client, self._writer, call, batches)

    def _fresh(self, call: Callable[[Writer[Client]], T]) -> T:
        with self.bound.clients.lease(self._connection()) as client:
            return self._call(client, self._instance(client), call)

    def _call(self, client: Client, writer: Writer[Client], call: Callable[[Writer[Client]], T], batches: Batches | None = None) -> T:
        try:
            return call(writer)
        except Exception as error:
            if batches is not None:
                batches.first_error.raise_if_any()
            known = client.classify(error)
            self.bound.context.first_error.note(known)
            raise known from error

    def _connection(self) -> Any:
        return self.bound.connection

    def _instance(self, client: Client) -> Writer[Client]:
        writer: Writer[Client] = self.bound.instance(client)
        return writer

    def _write_in_threads(self, token: Token, batches: Batches, threads: int) -> list[Part]:
        """Each thread has its own client and instance, and takes the next batch when it is free."""
        done: list[Part | None] = [None] * threads
        first_error = batches.first_error

        def work(number: int, stream: Batches) -> None:
            try:
                with self.bound.clients.lease(self._connection()) as client:
                    writer = self._instance(client)
                    done[number] = self._call(client, writer, lambda w: w.write(token, stream), stream)
            except OsirisError as error:
                first_error.note(error)

        streams = share(batches, threads)
        workers = [
            threading.Thread(target=work, args=(n, stream), name=f"osiris-write-{n}", daemon=True)
            for n, stream in enumerate(streams)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        first_error.raise_if_any()
        return [part for part in done if part is not None]

    def _check(self, batches: Batches, parts: Sequence[Part]) -> None:
        step = self.bound.context.step
        if batches.end is None:
            raise InternalError(f"{step}: the writer stopped before its input ended", code="write.not_drained")
        taken = sum(part.rows + part.rejected + part.superseded for part in parts)
        if taken != batches.rows:
            raise InternalError(
                f"{step}: {batches.rows} rows were read, but the writer accounts for {taken}; nothing was committed",
                code="write.count",
            )
