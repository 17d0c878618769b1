"""Driving readers and processors without a run: plans, splits, errors classified and named after their step."""

from __future__ import annotations

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches
from osiris.drivers.extract import ExtractDriver
from osiris.drivers.transform import TransformDriver
from osiris.errors import InternalError, NetworkFailed, NotFound, SourceError
from osiris.stream import Budget, FirstError, prefetch
from tests.drivers.conftest import Bind


def test_a_plan_gives_a_source_for_each_split_and_keeps_its_client_until_it_is_closed(bind: Bind) -> None:
    bound = bind("hostile.extractor", splits=3)
    driver = ExtractDriver(bound)
    plan = driver.plan(8)
    opened = bound.clients.pool.registry.client("hostile").opened  # type: ignore[attr-defined]
    assert len(opened) == 1
    stream = prefetch(plan.schema, driver.sources(plan), budget=Budget(1, 2), first_error=FirstError())
    assert sum(batch.num_rows for batch in stream) == 30
    assert len(opened) == 1
    driver.close()
    driver.close()
    assert opened == []


def test_a_plan_that_fails_is_classified(bind: Bind) -> None:
    driver = ExtractDriver(bind("hostile.extractor", behaviour="bad_plan"))
    with pytest.raises(SourceError, match="the plan failed") as caught:
        driver.plan()
    assert isinstance(caught.value.__cause__, ValueError)
    driver.close()


def test_a_plan_without_splits_is_the_connector_s_fault(bind: Bind) -> None:
    driver = ExtractDriver(bind("hostile.extractor", splits=0))
    with pytest.raises(InternalError, match="no split"):
        driver.plan()
    driver.close()


def test_an_error_of_a_split_names_the_step_that_reads(bind: Bind) -> None:
    driver = ExtractDriver(bind("hostile.extractor", behaviour="fail"))
    plan = driver.plan()
    stream = prefetch(plan.schema, driver.sources(plan), budget=Budget(1), first_error=FirstError())
    with pytest.raises(NetworkFailed) as caught:
        list(stream)
    assert caught.value.step == "hostile.extractor"
    stream.close()
    driver.close()


def rows() -> dict[str, Batches]:
    batch = pa.record_batch({"n": pa.array([1, 2], pa.int64())})
    return {"r": Batches.of(batch.schema, [batch])}


def test_a_processor_s_output_is_named_and_guarded(bind: Bind) -> None:
    driver = TransformDriver(bind("hostile.processor", behaviour="file"))
    assert driver.rescans({"r": pa.schema([])}) == frozenset()
    output = driver.run(rows())
    assert output.name == "hostile.processor"
    with pytest.raises(NotFound) as caught:
        list(output)
    assert caught.value.step == "hostile.processor"
    assert driver.bound.context.first_error.error is caught.value
    driver.close()
    driver.close()


def test_what_a_processor_rescans_is_asked_for(bind: Bind) -> None:
    driver = TransformDriver(bind("hostile.processor", behaviour="rescan"))
    assert driver.rescans({"a": pa.schema([]), "b": pa.schema([])}) == {"a", "b"}


def test_an_input_that_failed_before_the_processor_started_keeps_its_class(bind: Bind) -> None:
    driver = TransformDriver(bind("hostile.processor", behaviour="no such behaviour"))
    driver.bound.context.first_error.note(NetworkFailed("the input failed"))
    with pytest.raises(NetworkFailed):
        driver.run(rows())
