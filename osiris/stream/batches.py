"""`Batches`: one stream of Arrow record batches that checks itself while it is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osiris.errors import DataError, InternalError, OsirisError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class End:
    """The proof that a read came to its end: how many rows it gave, and why it stopped.

    `stop_reason` is `exhausted` when the source had no more, else the option that cut it (`limit`). `counts` adds what
    the reader counted on the way (`rejected`, `zero_dates`); it goes into the report.
    """

    rows: int
    stop_reason: str = EXHAUSTED
    counts: Mapping[str, int] = field(default_factory=dict)


class FirstError:
    """The first failure of a flow, kept with its class: C code that pulls a stream turns each one into its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self.happened = threading.Event()

    def note(self, error: BaseException) -> BaseException:
        """Keep `error` unless there is one already; returns the one that is kept."""
        with self._lock:
            if self._error is None:
                self._error = error
                self.happened.set()
            return self._error

    @property
    def error(self) -> BaseException | None:
        return self._error

    def raise_if_any(self) -> None:
        if self._error is not None:
            raise self._error


class Batches:
    """A stream of record batches of one `schema`; iterated once, closed by whoever opened it.

    `source` is a generator whose return value is its `End`. While it is read each batch is compared with the schema
    and counted. After the last batch `end` is set; a source without an `End`, or whose `End` counts other rows than
    came, is an InternalError. An error is kept in `error` and noted in the flow's `first_error` before it is raised.
    """

    def __init__(  # noqa: PLR0913 - all but two are rarely given, by name, and none belongs to another
        self,
        schema: pa.Schema,
        source: Generator[pa.RecordBatch, None, End],
        *,
        name: str = "stream",
        first_error: FirstError | None = None,
        on_close: Callable[[], None] | None = None,
        classify: Callable[[Exception], OsirisError] | None = None,
    ) -> None:
        self.schema = schema
        self.name = name
        self.rows = 0
        self.size_bytes = 0
        self.end: End | None = None
        self.error: BaseException | None = None
        self.first_error = first_error or FirstError()
        self._source = source
        self._on_close = on_close
        self._classify = classify
        self._started = False
        self._closed = False

    @classmethod
    def of(cls, schema: pa.Schema, batches: Iterable[pa.RecordBatch], name: str = "stream") -> Batches:
        """A stream over batches that are at hand, for library users and tests."""

        def give() -> Generator[pa.RecordBatch, None, End]:
            rows = 0
            for batch in batches:
                rows += batch.num_rows
                yield batch
            return End(rows)

        return cls(schema, give(), name=name)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._started:
            raise InternalError(f"the stream {self.name!r} was read twice", hint="declare the input in rescans()")
        self._started = True
        return self._watch()

    def reader(self) -> pa.RecordBatchReader:
        """The same stream for C consumers. They lose the class of an error: re-raise `first_error` after them."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def dataset(self) -> ds.Dataset:
        """The stream as a dataset that can be scanned again; only inputs named by `rescans()` have one."""
        raise InternalError(f"the stream {self.name!r} can be read once", hint="declare the input in rescans()")

    def close(self) -> None:
        """Stop reading; idempotent. What was not read stays unread and `end` stays None; an error that comes of it, in
        a thread that is still pulling, is no error of the flow."""
        self._closed = True
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def guard(self, first_error: FirstError, classify: Callable[[Exception], OsirisError]) -> None:
        """Note errors in the flow's `first_error`, classified; for whoever passes on a stream that another made."""
        self.first_error, self._classify = first_error, classify

    def _watch(self) -> Iterator[pa.RecordBatch]:
        try:
            while (batch := self._next()) is not None:
                batch = self._check(batch)
                self.rows += batch.num_rows
                self.size_bytes += batch.nbytes
                yield batch
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = self._note(error)
            if self.error is error:
                raise
            raise self.error from self.error.__cause__

    def _next(self) -> pa.RecordBatch | None:
        self.first_error.raise_if_any()
        try:
            return next(self._source)
        except StopIteration as stop:
            self._finish(stop.value)
            return None
        except RuntimeError as error:
            if isinstance(error.__cause__, StopIteration):
                raise _leaked(self.name) from error
            raise

    def _note(self, error: BaseException) -> BaseException:
        """The error to raise: one that is noted already, with its class, before what C code has made of it since."""
        known = self.first_error.error
        if known is None:
            known = self._classify(error) if self._classify and isinstance(error, Exception) else error
        return known if self._closed else self.first_error.note(known)

    def _check(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.schema.equals(self.schema, check_metadata=True):
            return batch
        if not batch.schema.equals(self.schema):
            raise DataError(
                f"{self.name}: a batch after row {self.rows} {difference(self.schema, batch.schema)}",
                code="data.schema_changed",
                row=self.rows + 1,
            )
        import pyarrow as pa

        return pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)

    def _finish(self, end: object) -> None:
        if not isinstance(end, End):
            text = f"{self.name}: the read ended without an End, so it may not be whole"
            raise InternalError(text, code="stream.no_end")
        if end.rows != self.rows:
            raise InternalError(
                f"{self.name}: the read says it gave {end.rows} rows, but {self.rows} came", code="stream.count"
            )
        self.end = end


def _leaked(name: str) -> InternalError:
    """For a StopIteration that escapes from a generator's body: Python wraps it, and no source has failed."""
    return InternalError(f"{name}: a StopIteration escaped from the read, so it may not be whole", code="stream.leak")


def difference(declared: pa.Schema, got: pa.Schema) -> str:
    """In words, the first way in which `got` departs from `declared`."""
    if declared.names != got.names:
        return f"has the columns {got.names}, declared were {declared.names}"
    for want, have in zip(declared, got, strict=True):
        if not want.equals(have):
            return f"has {have.name!r} as {_spell(have)}, declared was {_spell(want)}"
    return "has another schema"


def _spell(field: pa.Field) -> str:
    return f"{field.type}{'' if field.nullable else ' not null'}"


def share(batches: Batches, count: int) -> Sequence[Batches]:
    """`count` streams for as many threads, each batch going to the one that asks first."""
    lock = threading.Lock()
    source = iter(batches)

    def give() -> Generator[pa.RecordBatch, None, End]:
        rows = 0
        while True:
            with lock:
                batch = next(source, None)
            if batch is None:
                return End(rows)
            rows += batch.num_rows
            yield batch

    names = [f"{batches.name}[{number}]" for number in range(count)]
    return [Batches(batches.schema, give(), name=name, first_error=batches.first_error) for name in names]
