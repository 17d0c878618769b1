"""Cutting and joining batches keeps every row, in order, within the sizes that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.errors import SourceError
from osiris.stream import Batches, End, rebatch
from tests.stream.sources import SCHEMA, batch, numbers

if TYPE_CHECKING:
    from collections.abc import Generator

    import pyarrow as pa


@given(
    sizes=st.lists(st.integers(0, 30), max_size=12),
    max_rows=st.integers(1, 40),
    max_bytes=st.integers(1, 400),
)
def test_every_row_comes_once_in_order_and_no_batch_is_too_large(
    sizes: list[int], max_rows: int, max_bytes: int
) -> None:
    wanted = list(range(sum(sizes)))
    parts, start = [], 0
    for size in sizes:
        parts.append(batch(*wanted[start : start + size]))
        start += size
    stream = rebatch(Batches.of(SCHEMA, parts), max_rows=max_rows, max_bytes=max_bytes)
    found = list(stream)
    assert numbers(found) == wanted
    assert stream.end == End(len(wanted))
    for one in found:
        assert 0 < one.num_rows <= max_rows
        assert one.nbytes <= max_bytes or one.num_rows == 1


def test_small_batches_are_joined() -> None:
    stream = rebatch(Batches.of(SCHEMA, [batch(n) for n in range(10)]), max_rows=4, max_bytes=10**6)
    assert [one.num_rows for one in stream] == [4, 4, 2]


def test_the_end_and_the_errors_are_those_of_the_stream_below() -> None:
    def source() -> Generator[pa.RecordBatch, None, End]:
        yield batch(1, 2)
        return End(2, "limit", {"seen": 5})

    stream = rebatch(Batches(SCHEMA, source()), max_rows=1, max_bytes=10**6)
    assert numbers(stream) == [1, 2]
    assert stream.end == End(2, "limit", {"seen": 5})

    def broken() -> Generator[pa.RecordBatch, None, End]:
        yield batch(1)
        raise SourceError("gone")

    below = Batches(SCHEMA, broken())
    with pytest.raises(SourceError, match="gone"):
        numbers(rebatch(below, max_rows=5, max_bytes=10**6))
    assert isinstance(below.first_error.error, SourceError)


def test_closing_it_closes_the_stream_below() -> None:
    closed: list[bool] = []

    def source() -> Generator[pa.RecordBatch, None, End]:
        yield batch(1)
        return End(1)

    below = Batches(SCHEMA, source(), on_close=lambda: closed.append(True))
    rebatch(below, max_rows=1, max_bytes=1).close()
    assert closed == [True]
