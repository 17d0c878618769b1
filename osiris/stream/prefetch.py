"""Reading ahead on threads: splits are driven side by side, bounded by bytes, and merged into one stream."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from osiris.errors import Cancelled, InternalError, OsirisError
from osiris.events import about
from osiris.stream.batches import EXHAUSTED, Batches, End, FirstError

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)
POLL_S = 0.2
GIVE_UP_S = 15.0


class Source(Protocol):
    """One split's read. `open`, the reading and `close` all happen in one thread; `interrupt` comes from another."""

    name: str

    def open(self) -> Generator[pa.RecordBatch, None, End]: ...
    def close(self) -> None: ...
    def interrupt(self) -> None: ...
    def classify(self, error: Exception) -> OsirisError: ...


class Budget:
    """How many bytes of batches may wait in queues at one time, over all the streams that share it, and how many
    threads may read one stream."""

    def __init__(self, limit_bytes: int, threads: int = 1) -> None:
        self.limit_bytes = limit_bytes
        self.threads = threads
        self.used_bytes = 0
        self.changed = threading.Condition()


@dataclass(slots=True)
class _Lane:
    """The queue between one split's thread and the consumer."""

    source: Source
    waiting: deque[tuple[pa.RecordBatch, int]] = field(default_factory=deque)
    end: End | None = None


def prefetch(
    schema: pa.Schema,
    sources: Sequence[Source],
    *,
    budget: Budget,
    first_error: FirstError,
    ordered: bool = False,
) -> Batches:
    """One stream over all `sources`, read by threads that start with the first pull.

    `ordered` gives the splits' rows in split order, else in the order of arrival. A batch waits while the budget is
    used up, but each split may always hold one, so that no split can starve another. Closing the stream interrupts and
    joins the threads.
    """
    merger = _Merger(schema, sources, budget, first_error, ordered)
    name = sources[0].name if sources else "stream"
    return Batches(schema, merger.read(), name=name, first_error=first_error, on_close=merger.close)


class _Merger:
    def __init__(
        self, schema: pa.Schema, sources: Sequence[Source], budget: Budget, first_error: FirstError, ordered: bool
    ) -> None:
        self._schema = schema
        self._lanes = [_Lane(source) for source in sources]
        self._todo = deque(self._lanes)
        self._budget = budget
        self._first_error = first_error
        self._ordered = ordered
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def read(self) -> Generator[pa.RecordBatch, None, End]:
        for number in range(min(self._budget.threads, len(self._lanes))):
            thread = threading.Thread(target=self._work, name=f"osiris-read-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        open_lanes = list(self._lanes)
        while open_lanes:
            batch = self._take(open_lanes)
            if batch is not None:
                yield batch
        self.close()
        return self._merged_end()

    def _take(self, open_lanes: list[_Lane]) -> pa.RecordBatch | None:
        """The next batch of the lanes that are still open, or None after a lane has ended."""
        with self._budget.changed:
            while True:
                self._first_error.raise_if_any()
                if self._stop.is_set():
                    raise Cancelled(f"the stream of {self._lanes[0].source.name} was closed while it was read")
                for lane in open_lanes[:1] if self._ordered else open_lanes:
                    if lane.waiting:
                        batch, size_bytes = lane.waiting.popleft()
                        self._budget.used_bytes -= size_bytes
                        self._budget.changed.notify_all()
                        if not self._ordered:  # the others' turn: a server hangs up on a reader that is left waiting
                            open_lanes.append(open_lanes.pop(open_lanes.index(lane)))
                        return batch
                    if lane.end is not None:
                        open_lanes.remove(lane)
                        return None
                self._budget.changed.wait(POLL_S)

    def _work(self) -> None:
        while not self._halted():
            try:
                lane = self._todo.popleft()
            except IndexError:
                return
            with about(lane.source.name):
                self._drive(lane)

    def _drive(self, lane: _Lane) -> None:
        """Open, read and close one split in this thread."""
        source = lane.source
        own = FirstError()
        try:
            try:
                generator = source.open()
                stream = Batches(self._schema, generator, name=source.name, first_error=own, classify=source.classify)
                try:
                    for batch in stream:
                        if batch.num_rows and not self._put(lane, batch):
                            return
                finally:
                    generator.close()
            finally:
                source.close()
        except BaseException as error:  # noqa: BLE001 - the thread's top: whatever failed must reach the consumer
            if not self._stop.is_set():
                self._first_error.note(_known(source, own.error or error))
            else:
                log.debug("%s ended after it was stopped: %s", source.name, error)
        else:
            with self._budget.changed:
                lane.end = stream.end
        finally:
            with self._budget.changed:
                self._budget.changed.notify_all()

    def _put(self, lane: _Lane, batch: pa.RecordBatch) -> bool:
        size_bytes = batch.nbytes
        budget = self._budget
        with budget.changed:
            while lane.waiting and budget.used_bytes + size_bytes > budget.limit_bytes:
                if self._halted():
                    return False
                budget.changed.wait(POLL_S)
            if self._halted():
                return False
            budget.used_bytes += size_bytes
            lane.waiting.append((batch, size_bytes))
            budget.changed.notify_all()
        return True

    def _halted(self) -> bool:
        return self._stop.is_set() or self._first_error.happened.is_set()

    def close(self) -> None:
        """Stop the threads, interrupting what blocks them, and give back what they had buffered."""
        self._stop.set()
        with self._budget.changed:
            self._budget.changed.notify_all()
        deadline = time.monotonic() + GIVE_UP_S
        wait_s = 0.5 if all(lane.end for lane in self._lanes) else 0.05
        for thread in self._threads:
            while thread.is_alive() and thread is not threading.current_thread() and time.monotonic() < deadline:
                thread.join(wait_s)
                if thread.is_alive() and not all(lane.end for lane in self._lanes):
                    for lane in self._lanes:
                        lane.source.interrupt()
        if any(thread.is_alive() for thread in self._threads):
            log.warning("a reading thread of %s did not end within %g s", self._lanes[0].source.name, GIVE_UP_S)
        with self._budget.changed:
            for lane in self._lanes:
                self._budget.used_bytes -= sum(size for _, size in lane.waiting)
                lane.waiting.clear()
            self._budget.changed.notify_all()

    def _merged_end(self) -> End:
        ends = [lane.end for lane in self._lanes if lane.end is not None]
        counts: Counter[str] = Counter()
        for end in ends:
            counts.update(end.counts)
        reasons = [end.stop_reason for end in ends if end.stop_reason != EXHAUSTED]
        return End(sum(end.rows for end in ends), reasons[0] if reasons else EXHAUSTED, dict(counts))


def _known(source: Source, error: BaseException) -> OsirisError:
    if not isinstance(error, Exception):
        error = InternalError(f"{source.name}: the read raised {type(error).__name__}")
    return source.classify(error)
