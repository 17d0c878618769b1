"""A stream checks itself while it is read: schema, count, proof of its end, and the first error's class."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from osiris.errors import DataError, InternalError, NetworkFailed, OsirisError, SourceError
from osiris.stream import Batches, End, FirstError, share
from tests.stream.sources import SCHEMA, batch, numbers

Source = Generator[pa.RecordBatch, None, End]


def good() -> Source:
    yield batch(1, 2)
    yield batch()
    yield batch(3)
    return End(3, "limit", {"seen": 3})


def test_a_stream_counts_and_keeps_the_proof_of_its_end() -> None:
    stream = Batches(SCHEMA, good())
    assert numbers(stream) == [1, 2, 3]
    assert (stream.rows, stream.size_bytes) == (3, 24)
    assert stream.end == End(3, "limit", {"seen": 3})


def test_a_stream_is_read_once() -> None:
    stream = Batches.of(SCHEMA, [batch(1)])
    assert numbers(stream) == [1]
    with pytest.raises(InternalError, match="read twice"):
        iter(stream)
    with pytest.raises(InternalError, match="can be read once"):
        stream.dataset()


def no_end() -> Source:
    yield batch(1)
    return None  # type: ignore[return-value]


def miscounted() -> Source:
    yield batch(1)
    return End(2)


def other_type() -> Source:
    yield batch(1)
    yield pa.record_batch({"n": ["x"]})
    return End(2)


def other_names() -> Source:
    yield pa.record_batch({"m": pa.array([1], pa.int64())})
    return End(1)


def null_first() -> Source:
    yield pa.record_batch({"n": pa.nulls(1)})
    return End(1)


def not_nullable() -> Source:
    yield pa.record_batch([pa.array([1], pa.int64())], schema=pa.schema([pa.field("n", pa.int64(), nullable=False)]))
    return End(1)


def leaking() -> Source:
    yield batch(1)
    nothing: list[int] = []
    next(iter(nothing))
    return End(1)


BREACHES = [
    (no_end, InternalError, "stream.no_end", "without an End"),
    (miscounted, InternalError, "stream.count", "says it gave 2 rows, but 1 came"),
    (other_type, DataError, "data.schema_changed", "after row 1 has 'n' as string, declared was int64"),
    (other_names, DataError, "data.schema_changed", r"has the columns \['m'\], declared were \['n'\]"),
    (null_first, DataError, "data.schema_changed", "has 'n' as null, declared was int64"),
    (not_nullable, DataError, "data.schema_changed", "as int64 not null, declared was int64"),
    (leaking, InternalError, "stream.leak", "StopIteration escaped"),
]


@pytest.mark.parametrize(("source", "kind", "code", "text"), BREACHES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_breach_is_named_and_noted_before_it_is_raised(
    source: Callable[[], Source], kind: type[OsirisError], code: str, text: str
) -> None:
    first_error = FirstError()
    stream = Batches(SCHEMA, source(), first_error=first_error)
    with pytest.raises(kind, match=text) as caught:
        numbers(stream)
    assert caught.value.code == code
    assert stream.error is first_error.error is caught.value
    assert stream.end is None


def test_an_iterator_that_is_no_generator_has_no_end() -> None:
    """A class that gives batches and stops is cut off silently by every `for` loop: here it is an error."""
    stream = Batches(SCHEMA, iter([batch(1)]))  # type: ignore[arg-type]
    with pytest.raises(InternalError, match="without an End"):
        numbers(stream)


def test_metadata_that_a_batch_lacks_is_put_back() -> None:
    bare = pa.record_batch({"n": pa.array([1], pa.int64())})
    (found,) = Batches.of(SCHEMA, [bare])
    assert found.schema.equals(SCHEMA, check_metadata=True)


def failing(error: BaseException) -> Source:
    yield batch(1)
    raise error


def test_an_error_is_classified_once_and_keeps_its_cause() -> None:
    first_error = FirstError()
    stream = Batches(SCHEMA, failing(ValueError("odd")), classify=lambda error: SourceError(f"ours: {error}"))
    stream.guard(first_error, lambda error: NetworkFailed(f"ours: {error}"))
    with pytest.raises(NetworkFailed, match="ours: odd"):
        numbers(stream)
    above = Batches(SCHEMA, failing(ValueError("an echo")), first_error=first_error)
    with pytest.raises(NetworkFailed, match="ours: odd"):
        numbers(above)


def test_no_error_is_its_own_cause() -> None:
    """Whoever walks along the causes would never come to an end."""
    stream = Batches(SCHEMA, failing(SourceError("ours")), classify=lambda error: error)  # type: ignore[arg-type,return-value]
    with pytest.raises(SourceError) as caught:
        numbers(stream)
    assert caught.value.__cause__ is None


def through_duckdb(stream: Batches) -> Any:
    reader = stream.reader()
    with duckdb.connect() as con:
        con.register("input", reader)
        return con.sql("SELECT sum(n) FROM input").fetchall()


@pytest.mark.parametrize("error", [SourceError("the source broke"), KeyboardInterrupt()])
def test_an_error_that_c_code_swallows_is_still_the_flow_s_first(error: BaseException) -> None:
    """DESIGN section 3, trap 3."""
    stream = Batches(SCHEMA, failing(error))
    with pytest.raises(duckdb.Error):
        through_duckdb(stream)
    assert stream.first_error.error is error
    with pytest.raises(type(error)):
        stream.first_error.raise_if_any()


def test_a_stream_goes_through_duckdb_whole() -> None:
    stream = Batches(SCHEMA, good())
    assert through_duckdb(stream) == [(6,)]
    assert stream.end == End(3, "limit", {"seen": 3})


def test_the_first_error_stays_whoever_comes_later() -> None:
    first_error = FirstError()
    errors: list[BaseException] = [SourceError(str(number)) for number in range(50)]
    threads = [threading.Thread(target=first_error.note, args=(error,)) for error in errors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = first_error.error
    assert first_error.note(SourceError("late")) is kept
    assert kept in errors


def test_an_error_that_comes_of_closing_is_none_of_the_flow_s() -> None:
    closed = threading.Event()

    def held() -> Source:
        yield batch(1)
        assert closed.wait(20)
        raise SourceError("the connection was closed")

    first_error = FirstError()
    stream = Batches(SCHEMA, held(), first_error=first_error, on_close=closed.set)
    batches = iter(stream)
    next(batches)
    stream.close()
    stream.close()
    with pytest.raises(SourceError):
        next(batches)
    assert first_error.error is None


def test_shared_batches_go_to_one_of_the_sharers_each() -> None:
    stream = Batches.of(SCHEMA, [batch(n) for n in range(100)])
    found: list[list[int]] = [[], [], []]
    streams = share(stream, 3)
    threads = [
        threading.Thread(target=lambda n=n, part=part: found[n].extend(numbers(part))) for n, part in enumerate(streams)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(n for part in found for n in part) == list(range(100))
    assert sum(part.rows for part in streams) == stream.rows == 100
    assert stream.end == End(100)
    assert all(part.end == End(part.rows) for part in streams)


def test_a_shared_stream_that_fails_fails_for_all() -> None:
    streams = share(Batches(SCHEMA, failing(SourceError("gone"))), 2)
    pulled = iter(streams[0])
    next(pulled)
    with pytest.raises(SourceError):
        next(pulled)
    with pytest.raises(SourceError):
        numbers(streams[1])
