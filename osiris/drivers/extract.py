"""Driving an extractor: plan once, then read each split with an instance and a client of its own."""

from __future__ import annotations

from collections.abc import Generator

import pyarrow as pa

from osiris.connectors.base import Client, Dataset, End, Extractor, ReadPlan, Split, State
from osiris.connectors.pool import interrupt_quietly
from osiris.drivers.bound import Bound, classifying
from osiris.errors import InternalError, OsirisError


class ExtractDriver:
    """A read step. `plan` keeps its client until `close`: what it fixed (a snapshot) lives while splits are read."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self._client: Client | None = None

    def plan(self, wanted: int = 1, since: State | None = None) -> ReadPlan:
        """Ask the extractor for at most `wanted` splits. Raises an OsirisError."""
        client = self._client = self.bound.client()
        with classifying(client.classify):
            extractor: Extractor[Client] = self.bound.instance(client)
            plan = extractor.plan(wanted, since)
        if not plan.splits:
            raise InternalError(f"{self.bound.context.step}: the plan has no split", code="plan.empty")
        return plan

    def dataset(self) -> Dataset:
        """What it reads, by an instance whose client was never opened: it takes no I/O to name it."""
        client = self.bound.unopened()
        with classifying(client.classify):
            found: Dataset = self.bound.instance(client).dataset()
        return found

    def sources(self, plan: ReadPlan) -> list[SplitSource]:
        return [SplitSource(self.bound, split) for split in plan.splits]

    def close(self) -> None:
        """Give up the plan's client; after the last split was read."""
        client, self._client = self._client, None
        if client is not None:
            self.bound.clients.drop(client)


class SplitSource:
    """One split's read, as `stream.prefetch` drives it in a thread."""

    def __init__(self, bound: Bound, split: Split) -> None:
        self.name = bound.context.step
        self._bound = bound
        self._split = split
        self._client: Client | None = None
        self._family: type[Client] | None = None

    def open(self) -> Generator[pa.RecordBatch, None, End]:
        client = self._bound.client(self._watch)
        extractor: Extractor[Client] = self._bound.instance(client)
        return extractor.read(self._split)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._bound.clients.drop(client)

    def interrupt(self) -> None:
        """Reaches the client while it is opened, too."""
        client = self._client
        if client is not None:
            interrupt_quietly(client)

    def classify(self, error: Exception) -> OsirisError:
        """As the client sees it, and naming this step, not the one that pulls its rows."""
        if self._family is not None:
            known = self._family.classify(error)
        else:
            known = error if isinstance(error, OsirisError) else InternalError(f"{type(error).__name__}: {error}")
        known.step = known.step or self.name
        return known

    def _watch(self, client: Client) -> None:
        self._client, self._family = client, type(client)
