"""Tests of an `Extractor`: every row, of the schema that it said, and proof that it was all."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pyarrow as pa

from osiris.connectors.base import Client, End, Extractor, Split
from osiris.errors import NotFound, OsirisError
from osiris.stream import Budget, FirstError, prefetch
from osiris.stream.batches import difference
from osiris.testing.abilities import needs
from osiris.testing.client import travels
from osiris.testing.echo import Echo
from osiris.testing.faults import Fault
from osiris.testing.leaks import Before
from osiris.testing.rig import LIMIT_S, SLACK_S, Read, Rig, drain, raised
from osiris.testing.silence import proxied
from osiris.testing.subject import Reading, Values

COUNTED = pa.schema([("row", pa.int64())])


def reading_of(rig: Rig) -> Reading:
    assert rig.subject.reading is not None, "the family has an extractor: say Subject(reading=Reading(...))"
    return rig.subject.reading


def known_read(rig: Rig, wanted: int = 1) -> Read:
    """The read whose rows are known."""
    reading = reading_of(rig)
    return rig.read(reading.component, reading.options, wanted).fine()


class ExtractorTests:
    """The promises are those of `Extractor` in osiris/connectors/base.py, and of `End` in osiris/stream/batches.py."""

    @needs("extractor")
    def test_the_subject_of_the_read_is_telling(self, rig: Rig) -> None:
        """With one batch, or no null in the first row, faults would stay unseen."""
        rows = reading_of(rig).rows
        assert any(value is None for value in rows.slice(0, 1).to_pylist()[0].values()), (
            "no null in the first known row"
        )
        assert len(known_read(rig).batches) > 1, "the known read has to come in two batches or more"

    @needs("extractor")
    def test_a_read_ends_with_an_end(self, rig: Rig) -> None:
        """Without one, nobody can tell a whole read from one that broke off."""
        assert [type(end) for end in known_read(rig).ends] == [End], "read() has to return an End"

    @needs("extractor")
    def test_the_end_counts_what_came(self, rig: Rig) -> None:
        found = known_read(rig)
        said = [end.rows if isinstance(end, End) else came for end, came in zip(found.ends, found.counts, strict=True)]
        assert said == found.counts, "End.rows has to be the number of rows that read() gave"

    @needs("extractor")
    def test_every_row_arrives_as_it_is(self, rig: Rig) -> None:
        expected, found = reading_of(rig).rows, known_read(rig)
        same = [
            n
            for n in expected.schema.names
            if n in found.schema.names and found.schema.field(n).type.equals(expected.schema.field(n).type)
        ]
        rows = [{name: row[name] for name in same} for row in expected.to_pylist()]
        assert [{name: row[name] for name in same} for row in found.rows] == rows

    @needs("extractor")
    def test_columns_come_in_the_order_of_the_source(self, rig: Rig) -> None:
        assert known_read(rig).schema.names == reading_of(rig).rows.schema.names

    @needs("extractor")
    def test_types_come_from_metadata_though_the_first_values_are_null(self, rig: Rig) -> None:
        """Trap 1: a first batch of nulls says nothing about the type."""
        expected = {field.name: field.type for field in reading_of(rig).rows.schema}
        found = {field.name: field.type for field in known_read(rig).schema}
        assert {name: found[name] for name in found if name in expected} == expected

    @needs("extractor")
    def test_each_batch_has_the_schema_of_the_plan(self, rig: Rig) -> None:
        """Trap 2: nobody else compares them before they are written."""
        found = known_read(rig)
        for batch in found.batches:
            assert batch.schema.equals(found.schema), f"a batch {difference(found.schema, batch.schema)}"

    @needs("extractor")
    def test_schema_and_plan_agree(self, rig: Rig) -> None:
        reading = reading_of(rig)
        schema = rig.instance(reading.component, reading.options).schema()
        assert schema.equals(known_read(rig).schema), difference(known_read(rig).schema, schema)

    @needs("extractor")
    def test_a_dataset_is_named_without_a_connection(self, rig: Rig) -> None:
        reading = reading_of(rig)
        dataset = rig.instance(reading.component, reading.options, rig.client(opened=False)).dataset()
        assert dataset.namespace
        assert dataset.name

    @needs("extractor")
    def test_doctor_takes_the_name_of_a_dataset(self, rig: Rig) -> None:
        """It is what `doctor --pipeline` asks for."""
        reading = reading_of(rig)
        name = rig.instance(reading.component, reading.options).dataset().name
        found = rig.client(opened=False).doctor(10.0, "full", (name,))
        assert found.status == "success", f"doctor of {name}: {found.message}"

    @needs("extractor")
    def test_zero_rows_keep_their_schema(self, rig: Rig) -> None:
        """Trap 5: an empty source is no error, and its columns are known all the same."""
        reading = reading_of(rig)
        found = rig.read(reading.component, {**reading.options, **reading.empty})
        assert found.error is None, f"reading nothing raised {found.error!r}"
        assert found.rows == []
        assert sorted(found.schema.names) == sorted(reading.rows.schema.names)

    @needs("extractor")
    def test_a_missing_source_is_an_error(self, rig: Rig) -> None:
        """LESSONS 1: a missing table was read as an empty one."""
        reading = reading_of(rig)
        found = rig.read(reading.component, {**reading.options, **reading.missing})
        assert found.error is not None, "reading what is not there gave rows or an End"
        known = rig.client_class.classify(found.error)
        assert isinstance(known, NotFound), f"it should be a NotFound, not {known!r}"

    @needs("extractor")
    def test_an_error_of_a_read_travels(self, rig: Rig, echo: Echo) -> None:
        reading = reading_of(rig)
        found = rig.read(reading.component, {**reading.options, **reading.missing})
        if found.error is not None:
            travels(rig, echo, found.error, "a missing source")

    @needs("extractor")
    def test_a_broken_connection_fails_a_read(self, rig: Rig) -> None:
        """LESSONS 1: every failure was read as "there is nothing"."""
        reading = reading_of(rig)
        for name, changes in rig.subject.broken.items():

            def opened_and_read(changes: Values = changes) -> None:
                rig.read(reading.component, reading.options, client=rig.client(changes)).fine()

            assert raised(opened_and_read) is not None, f"{name}: the read ended as if all were well"

    @needs("extractor")
    def test_a_failure_midway_is_raised(self, rig: Rig) -> None:
        """LESSONS 4: the rows so far were given as if they were all."""
        reading = reading_of(rig)
        if reading.spoil is not None:
            reading.spoil()
            found = rig.read(reading.component, reading.options)
        else:
            found = _cut_midway(rig, reading)
        assert found.error is not None, f"the source failed midway, and the read ended with {found.ends}"
        assert isinstance(rig.client_class.classify(found.error), OsirisError)

    @needs("extractor", "limit")
    def test_a_limit_is_told_as_the_stop_reason(self, rig: Rig) -> None:
        reading = reading_of(rig)
        found = rig.read(reading.component, {**reading.options, "limit": 1}).fine()
        ends = [end for end in found.ends if isinstance(end, End)]
        assert [end.stop_reason for end in ends] == ["limit"] * len(ends), (
            "End.stop_reason has to name the option limit"
        )

    @needs("extractor")
    def test_a_fresh_instance_reads_a_split(self, rig: Rig) -> None:
        """Each split is read by an instance, a client and a thread of its own, here through a budget of one byte."""
        reading, planned = reading_of(rig), known_read(rig)
        assert planned.plan is not None
        sources = [Source(rig, reading.component, reading.options, split) for split in planned.plan.splits]
        before = Before()
        stream = prefetch(COUNTED, sources, budget=Budget(1), first_error=FirstError(), ordered=True)
        rows = sum(batch.num_rows for batch in stream)
        assert rows == sum(planned.counts), "a fresh instance gives other rows than the one that planned"
        assert before.new() == []

    @needs("extractor")
    def test_a_read_left_early_leaves_nothing_open(self, rig: Rig) -> None:
        """Trap 4: the generator may never be closed, so what it opens belongs to the client."""
        reading = reading_of(rig)
        known_read(rig)
        rig.close()
        before = Before()
        client = rig.client()
        extractor = rig.instance(reading.component, reading.options, client)
        generator = extractor.read(extractor.plan(1, None).splits[0])
        next(generator)
        client.close()
        left = before.new()
        generator.close()
        assert left == [], "Client.close has to end what a read has opened"

    @needs("extractor")
    def test_interrupt_ends_a_read_within_a_second(self, rig: Rig) -> None:
        reading, client, found = reading_of(rig), rig.client(), Read()
        extractor = rig.instance(reading.component, reading.options, client)
        generator = extractor.read(extractor.plan(1, None).splits[0])
        next(generator)
        thread = threading.Thread(target=client.interrupt)
        thread.start()
        thread.join()
        started = time.monotonic()
        error = raised(lambda: drain(generator, found))
        assert error is not None, "an interrupted read went on to its end"
        assert time.monotonic() - started <= LIMIT_S + SLACK_S, "an interrupted read has to end within 1 s"

    @needs("extractor")
    def test_interrupt_is_sticky(self, rig: Rig) -> None:
        """What starts after the interrupt ends at once: it may come between two calls."""
        reading, client = reading_of(rig), rig.client()
        extractor = rig.instance(reading.component, reading.options, client)
        split = extractor.plan(1, None).splits[0]
        client.interrupt()
        again = rig.instance(reading.component, reading.options, client)
        error = raised(lambda: drain(again.read(split), Read()))
        assert error is not None, "a read that started after the interrupt went on as if nothing had been"


def _cut_midway(rig: Rig, reading: Reading) -> Read:
    """The read through a proxy that cuts the connection after two thirds of what a whole read takes."""
    with proxied(rig) as (proxy, fields):
        rig.read(reading.component, reading.options, client=rig.client(fields)).fine()
        size_bytes = proxy.bytes_passed["to_client"]
    with proxied(rig, Fault("cut", after_bytes=size_bytes * 2 // 3)) as (proxy, fields):
        found = rig.read(reading.component, reading.options, client=rig.client(fields))
        assert proxy.hits["cut"], "the read was over before the proxy cut it"
        return found


class Source:
    """A split as the executor drives it."""

    def __init__(self, rig: Rig, component: str, options: Values, split: Split) -> None:
        self.name = "kit"
        self._rig, self._component, self._options, self._split = rig, component, options, split
        self._client: Client | None = None

    def open(self) -> Generator[pa.RecordBatch, None, End]:
        self._client = self._rig.client()
        extractor: Extractor[Client] = self._rig.instance(self._component, self._options, self._client)
        return self._counted(extractor.read(self._split))

    def _counted(self, generator: Generator[pa.RecordBatch, None, End]) -> Generator[pa.RecordBatch, None, End]:
        """Batches of as many rows: what they hold, and the End, are the business of other tests."""
        rows = 0
        for batch in generator:
            rows += batch.num_rows
            yield pa.record_batch([pa.nulls(batch.num_rows, pa.int64())], schema=COUNTED)
        return End(rows)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def interrupt(self) -> None:
        if self._client is not None:
            self._client.interrupt()

    def classify(self, error: Exception) -> OsirisError:
        return self._rig.client_class.classify(error)
