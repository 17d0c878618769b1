"""Driving a writer without a run: threads, counts, fresh instances, and clients that are given back or dropped."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches, Run, Token
from osiris.drivers.bound import Bound
from osiris.drivers.write import WriteDriver
from osiris.errors import InternalError, NetworkFailed, OsirisError, SourceError
from tests.drivers.conftest import Bind

SCHEMA = pa.schema([pa.field("n", pa.int64())])
RUN = Run("r" * 12, "pipe", "w", 1)


def stream(batches: int = 10) -> Batches:
    return Batches.of(SCHEMA, [pa.record_batch({"n": pa.array([n, n + 1])}) for n in range(0, 2 * batches, 2)])


def begun(bound: Bound) -> tuple[WriteDriver, Token]:
    driver = WriteDriver(bound)
    token = driver.token(SCHEMA, RUN)
    driver.begin(token, SCHEMA)
    return driver, token


def tables(bound: Bound) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = bound.clients.pool.registry.client("hostile").tables  # type: ignore[attr-defined]
    return found


def in_use(bound: Bound) -> list[Any]:
    found: list[Any] = bound.clients.pool.registry.client("hostile").opened  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("threads", [1, 3])
def test_all_rows_are_staged_and_then_visible(bind: Bind, threads: int) -> None:
    bound = bind("hostile.writer", table=f"t{threads}")
    driver, token = begun(bound)
    parts = driver.write(token, stream(), threads)
    assert len(parts) == threads
    assert sum(part.rows for part in parts) == 20
    assert f"t{threads}" not in tables(bound)
    assert driver.commit(token, parts, None).rows == 20
    assert sorted(tables(bound)[f"t{threads}"]) == list(range(20))
    assert driver.settle(token, parts) == "committed"
    driver.close()
    bound.clients.pool.close()
    assert in_use(bound) == []


@pytest.mark.parametrize(("behaviour", "code"), [("skips", "write.not_drained"), ("loses", "write.count")])
def test_rows_that_are_not_accounted_for_are_an_error(bind: Bind, behaviour: str, code: str) -> None:
    driver, token = begun(bind("hostile.writer", table="t", behaviour=behaviour))
    with pytest.raises(InternalError) as caught:
        driver.write(token, stream())
    assert caught.value.code == code
    driver.abort(token)
    assert not driver.is_open


def failing() -> Batches:
    def source() -> Any:
        yield pa.record_batch({"n": pa.array([1])})
        raise NetworkFailed("the source hung up")

    return Batches(SCHEMA, source())


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("behaviour", ["good", "swallows"])
def test_the_input_s_error_is_raised_with_its_class(bind: Bind, threads: int, behaviour: str) -> None:
    driver, token = begun(bind("hostile.writer", table="t", behaviour=behaviour))
    with pytest.raises(NetworkFailed, match="hung up"):
        driver.write(token, failing(), threads)
    driver.close()


def test_a_foreign_error_is_classified_with_its_cause(bind: Bind) -> None:
    driver, token = begun(bind("hostile.writer", table="t", behaviour="stumbles"))
    parts = driver.write(token, stream())
    with pytest.raises(NetworkFailed) as caught:
        driver.commit(token, parts, None)
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    driver.close()


def test_a_thread_that_cannot_begin_is_an_error(bind: Bind) -> None:
    driver, token = begun(bind("hostile.writer", table="t", behaviour="dies"))
    with pytest.raises(OsirisError, match="no instance in this thread"):
        driver.write(token, stream(), 3)
    driver.close()


def test_an_error_of_the_stream_s_own_is_not_masked_by_the_count(bind: Bind) -> None:
    driver, token = begun(bind("hostile.writer", table="t"))
    batches = stream()
    batches.first_error.note(SourceError("another step failed"))
    with pytest.raises(SourceError, match="another step"):
        driver.write(token, batches)
    driver.close()


def test_abort_lets_go_of_the_lead_first(bind: Bind) -> None:
    bound = bind("hostile.writer", table="t")
    driver, token = begun(bound)
    assert in_use(bound) != []
    driver.abort(token)
    driver.abort(token)
    assert not driver.is_open
    bound.clients.pool.close()
    assert in_use(bound) == []
