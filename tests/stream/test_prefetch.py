"""Reading ahead: order, memory, failures and early ends, with no thread left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pyarrow as pa
import pytest

from osiris.errors import Cancelled, InternalError, NetworkFailed, SourceError
from osiris.stream import Batches, Budget, End, FirstError, prefetch
from tests.stream.sources import LIMIT_S, SCHEMA, Numbers, numbers


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())  # a doctor's thread that was abandoned may still be there
    yield
    deadline = time.monotonic() + LIMIT_S
    while left := [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("osiris-")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.005)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("limit_bytes", [1, 40, 10**6])
def test_all_splits_are_read_whole_whatever_the_budget(threads: int, ordered: bool, limit_bytes: int) -> None:
    budget = Budget(limit_bytes, threads)
    sources = [Numbers(100 * index, batches=10) for index in range(5)]
    stream = prefetch(SCHEMA, sources, budget=budget, first_error=FirstError(), ordered=ordered)
    found = numbers(stream)
    wanted = [100 * index + n for index in range(5) for n in range(20)]
    assert (found if ordered else sorted(found)) == wanted
    assert stream.end == End(100, counts={"batches": 50})
    assert budget.used_bytes == 0
    assert all(source.closed.is_set() for source in sources)


def test_split_order_is_kept_though_the_first_split_is_the_slowest() -> None:
    gate = threading.Event()
    sources = [Numbers(0, gate=gate), Numbers(100), Numbers(200)]
    stream = prefetch(SCHEMA, sources, budget=Budget(10**6, 3), first_error=FirstError(), ordered=True)
    found: list[int] = []
    reader = threading.Thread(target=lambda: found.extend(numbers(stream)))
    reader.start()
    until(lambda: sources[1].closed.is_set() and sources[2].closed.is_set(), "the others are read")
    assert found == []
    gate.set()
    reader.join(LIMIT_S)
    assert found == [*range(6), *range(100, 106), *range(200, 206)]


def test_a_slow_consumer_holds_the_readers_within_the_budget() -> None:
    """4 splits of 16-byte batches in 64 bytes: each split may hold one more than the budget lets it."""
    budget = Budget(64, 4)
    stream = prefetch(
        SCHEMA, [Numbers(100 * index, batches=50) for index in range(4)], budget=budget, first_error=FirstError()
    )
    peak = 0
    for _ in stream:
        time.sleep(0.001)
        peak = max(peak, budget.used_bytes)
    assert 0 < peak <= 64 + 3 * 16


def test_a_batch_larger_than_the_budget_passes() -> None:
    budget = Budget(1, 1)
    stream = prefetch(SCHEMA, [Numbers(0, batches=3, size=10000)], budget=budget, first_error=FirstError())
    assert len(numbers(stream)) == 30000


def test_two_streams_share_a_budget_and_one_that_waits_does_not_starve_the_other() -> None:
    budget = Budget(1, 2)
    left = prefetch(SCHEMA, [Numbers(0, batches=20)], budget=budget, first_error=FirstError())
    right = prefetch(SCHEMA, [Numbers(100, batches=20)], budget=budget, first_error=FirstError())
    one, two = iter(left), iter(right)
    next(one)
    assert len(numbers(two)) == 40
    assert len(numbers(one)) == 38


def test_splits_take_turns() -> None:
    """A server hangs up on a connection that nobody reads from for long."""
    sources = [Numbers(0, batches=30), Numbers(1000, batches=30)]
    stream = prefetch(SCHEMA, sources, budget=Budget(10**6, 2), first_error=FirstError())
    batches = iter(stream)
    first = next(batches)
    until(lambda: all(source.closed.is_set() for source in sources), "both are read ahead")
    found = numbers([first, *batches])
    firsts = [n >= 1000 for n in found[2:-2:2]]
    assert all(here != after for here, after in pairwise(firsts[:40]))


@pytest.mark.parametrize("place", ["fails", "fails_opening"])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_split_that_fails_ends_the_stream_with_its_error(place: str, ordered: bool) -> None:
    sources = [Numbers(0, batches=1000), Numbers(10**6), Numbers(2 * 10**6, batches=1000)]
    setattr(sources[1], place, ValueError("the second broke"))
    first_error = FirstError()
    stream = prefetch(SCHEMA, sources, budget=Budget(100, 3), first_error=first_error, ordered=ordered)
    with pytest.raises(SourceError, match="the second broke"):
        numbers(stream)
    stream.close()
    assert isinstance(first_error.error, SourceError)


def test_a_split_whose_thread_is_ended_by_sys_exit_does_not_leave_the_reader_waiting() -> None:
    source = Numbers(0)
    source.fails = SystemExit(3)
    stream = prefetch(SCHEMA, [source], budget=Budget(100, 1), first_error=FirstError())
    with pytest.raises(InternalError, match="SystemExit"):
        numbers(stream)
    stream.close()


def test_closing_early_interrupts_what_is_blocked_and_gives_the_memory_back() -> None:
    budget = Budget(10**6, 3)
    gate = threading.Event()
    sources = [Numbers(0, batches=100), Numbers(1000, gate=gate), Numbers(2000, batches=10**6)]
    first_error = FirstError()
    stream = prefetch(SCHEMA, sources, budget=budget, first_error=first_error)
    next(iter(stream))
    stream.close()
    assert budget.used_bytes == 0
    assert sources[1].interrupted.is_set()
    assert all(source.closed.is_set() for source in sources)
    assert first_error.error is None
    assert stream.end is None


def test_closing_before_the_first_pull_opens_nothing() -> None:
    source = Numbers(0)
    stream = prefetch(SCHEMA, [source], budget=Budget(100, 1), first_error=FirstError())
    stream.close()
    with pytest.raises(Cancelled):
        numbers(stream)
    assert not source.closed.is_set()


def test_an_error_noted_elsewhere_ends_the_wait_for_a_split_that_hangs() -> None:
    gate = threading.Event()
    first_error = FirstError()
    stream = prefetch(SCHEMA, [Numbers(0, gate=gate)], budget=Budget(100, 1), first_error=first_error)
    caught: list[BaseException] = []

    def pull() -> None:
        try:
            numbers(stream)
        except NetworkFailed as error:
            caught.append(error)

    puller = threading.Thread(target=pull)
    puller.start()
    noted = first_error.note(NetworkFailed("another step failed"))
    puller.join(LIMIT_S)
    assert caught == [noted]
    stream.close()


def test_a_stream_of_no_rows_has_its_schema_and_end() -> None:
    stream = prefetch(SCHEMA, [Numbers(0, batches=0)], budget=Budget(1, 1), first_error=FirstError())
    assert pa.Table.from_batches(list(stream), stream.schema).schema.equals(SCHEMA, check_metadata=True)
    assert stream.end == End(0, counts={"batches": 0})


def test_it_is_a_stream_like_any_other() -> None:
    stream = prefetch(SCHEMA, [Numbers(0)], budget=Budget(1, 1), first_error=FirstError())
    assert isinstance(stream, Batches)
    assert stream.reader().read_all().num_rows == 6
