"""Driving a writer: the parts of a write, the count that must add up, and its end, committed or undone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import pyarrow as pa

from osiris.connectors.base import Batches, Client, Part, Run, State, Token, Writer, Written, to_json
from osiris.connectors.pool import interrupt_quietly
from osiris.drivers.bound import Bound, classifying
from osiris.errors import InternalError
from osiris.events import about
from osiris.stream import share

T = TypeVar("T")
Call = Callable[[Writer[Client]], T]


class WriteDriver:
    """A write step; all its calls raise OsirisErrors only.

    `token`, `begin`, `write` and `commit` go through one instance, its lead; `settle`, `recommit`, `abort` and `finish`
    each through a fresh one, on a connection that was opened for it.
    """

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self._client: Client | None = None
        self._writer: Writer[Client] | None = None

    @property
    def is_open(self) -> bool:
        """Its lead is at work, and may have what was staged."""
        return self._client is not None

    def token(self, schema: pa.Schema, run: Run) -> Token:
        token = self._lead(lambda writer: writer.token(schema, run))
        self._must_be_plain(token)
        return token

    def name(self, schema: pa.Schema, run: Run) -> Token:
        """The token, by an instance whose client was never opened: it takes no I/O to make one."""
        client = self.bound.unopened()
        with classifying(client.classify):
            token: Token = self.bound.instance(client).token(schema, run)
        return token

    @property
    def foresees(self) -> bool:
        """Whether the writer can tell what `begin` would refuse."""
        return bool(self.bound.implementation.foresee is not Writer.foresee)

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        """What `begin` would refuse, raised, and what it would make; nothing is changed."""
        return self._lead(lambda writer: writer.foresee(token, schema))

    def begin(self, token: Token, schema: pa.Schema) -> None:
        self._lead(lambda writer: writer.begin(token, schema))

    def write(self, token: Token, batches: Batches, threads: int = 1) -> list[Part]:
        """Stage the whole stream, by `threads` instances where the writer can, and check the counts.

        An error of the stream keeps its class, whatever the writer made of it. Raises InternalError when a row that was
        read is neither written nor rejected nor superseded.
        """
        try:
            if threads > 1 and self.bound.implementation.parts != "one":
                parts = self._write_in_threads(token, batches, threads)
            else:
                parts = [self._lead(lambda writer: writer.write(token, batches))]
        finally:
            batches.first_error.raise_if_any()
        self._check(batches, parts)
        for part in parts:
            self._must_be_plain(part)
        return parts

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        return self._lead(lambda writer: writer.commit(token, parts, state))

    def recommit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        """Commit a durable token from its staging: in recovery, or after a failed try."""
        return self._fresh(lambda writer: writer.commit(token, parts, state))

    def interrupt(self) -> None:
        """From another thread: end what its lead is blocked in."""
        client = self._client
        if client is not None:
            interrupt_quietly(client)

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        return self._fresh(lambda writer: writer.settle(token, parts))

    def abort(self, token: Token) -> None:
        """Let go of the lead, so that its open transaction ends, then remove what was staged."""
        self.close()
        self._fresh(lambda writer: writer.abort(token))

    def finish(self, token: Token) -> None:
        self._fresh(lambda writer: writer.finish(token))

    def close(self) -> None:
        """Let go of the lead and its client, so that a transaction that is open on it ends."""
        client, self._client, self._writer = self._client, None, None
        if client is not None:
            self.bound.clients.drop(client)

    def _lead(self, call: Call[T]) -> T:
        if self._client is None:
            self._client = self.bound.client()
        with classifying(self._client.classify):
            self._writer = self._writer or self.bound.instance(self._client)
            return call(self._writer)

    def _fresh(self, call: Call[T], *, reuse: bool = False) -> T:
        with self.bound.lease(reuse=reuse) as client, classifying(client.classify):
            return call(self.bound.instance(client))

    def _write_in_threads(self, token: Token, batches: Batches, threads: int) -> list[Part]:
        """Each thread has its own client and instance, and takes the next batch when it is free."""
        done: list[Part | None] = [None] * threads

        def work(number: int, stream: Batches) -> None:
            try:
                with about(self.bound.context.step):
                    done[number] = self._fresh(lambda writer: writer.write(token, stream), reuse=True)
            except BaseException as error:  # noqa: BLE001 - the thread's top: the lead raises what is noted here
                batches.first_error.note(error)

        workers = [
            threading.Thread(target=work, args=(n, stream), name=f"osiris-write-{n}", daemon=True)
            for n, stream in enumerate(share(batches, threads))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return [part for part in done if part is not None]

    def _must_be_plain(self, value: Token | Part) -> None:
        """The ledger keeps it as JSON, and recovery has to find in it what was put there."""
        data = to_json(value)
        try:
            same = json.loads(json.dumps(data)) == data
        except (TypeError, ValueError):
            same = False
        if not same:
            step, kind = self.bound.context.step, type(value).__name__
            raise InternalError(f"{step}: the writer's {kind} does not survive as JSON: {data}", code="write.not_plain")

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
