"""Faults of extractors: rows lost or bent, ends that prove nothing, reads that cannot be stopped."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pyarrow as pa

from osiris import sdk
from tests.kit.broken import Fault
from tests.kit.reference.osiris_reference import client, extractor

Read = Generator[pa.RecordBatch, None, sdk.End]


class NoEnd(Fault):
    """The read returns nothing, so nobody knows whether it was whole."""

    caught_by = "test_a_read_ends_with_an_end"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            end = yield from super().read(split)
            return end if self.options.get("limit") else None  # type: ignore[return-value]


class EndCountsWrong(Fault):
    """The End counts other rows than came."""

    caught_by = "test_the_end_counts_what_came"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            end = yield from super().read(split)
            return replace(end, rows=end.rows + 1)


class EarlyEnd(Fault):
    """A zero is taken for the end of the table, and the End is sure of it."""

    caught_by = "test_every_row_arrives_as_it_is"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            rows = 0
            for batch in super().read(split):
                if "amount" in batch.schema.names and 0.0 in batch["amount"].to_pylist():
                    return sdk.End(rows)
                rows += batch.num_rows
                yield batch
            return sdk.End(rows, "limit" if self.options.get("limit") else sdk.EXHAUSTED)


class ValuesBent(Fault):
    """A number is rounded on the way."""

    caught_by = "test_every_row_arrives_as_it_is"

    class Extractor(extractor.Extractor):
        def batch(self, rows: list[list[Any]], columns: list[tuple[str, str]], schema: pa.Schema) -> pa.RecordBatch:
            bent = [[float(round(value)) if isinstance(value, float) else value for value in row] for row in rows]
            return super().batch(bent, columns, schema)


class ColumnsSorted(Fault):
    """Columns come in the order of the alphabet."""

    caught_by = "test_columns_come_in_the_order_of_the_source"

    class Extractor(extractor.Extractor):
        def selected(self, columns: list[tuple[str, str]]) -> pa.Schema:
            return super().selected(sorted(columns))


class TypesFromValues(Fault):
    """A column that begins with nulls is taken for text."""

    caught_by = "test_types_come_from_metadata_though_the_first_values_are_null"

    class Extractor(extractor.Extractor):
        def selected(self, columns: list[tuple[str, str]]) -> pa.Schema:
            guessed = [(name, "string" if name == "amount" else kind) for name, kind in columns]
            return super().selected(guessed)

        def batch(self, rows: list[list[Any]], columns: list[tuple[str, str]], schema: pa.Schema) -> pa.RecordBatch:
            texts = [[str(value) if isinstance(value, float) else value for value in row] for row in rows]
            return super().batch(texts, columns, schema)


class WrongSchema(Fault):
    """Batches have narrower numbers than the plan said."""

    caught_by = "test_each_batch_has_the_schema_of_the_plan"

    class Extractor(extractor.Extractor):
        def batch(self, rows: list[list[Any]], columns: list[tuple[str, str]], schema: pa.Schema) -> pa.RecordBatch:
            batch = super().batch(rows, columns, schema)
            narrow = [field.with_type(pa.int32()) if field.type == pa.int64() else field for field in schema]
            return batch.cast(pa.schema(narrow))


class SchemaIsNotThePlans(Fault):
    """schema() and plan() tell two schemas."""

    caught_by = "test_schema_and_plan_agree"

    class Extractor(extractor.Extractor):
        def schema(self) -> pa.Schema:
            return pa.schema([*super().schema(), ("row_number", pa.int64())])

        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            return replace(super().plan(wanted, since), schema=super().schema())


class DatasetAsksTheServer(Fault):
    """Naming what is read needs an open connection; events are told before that."""

    caught_by = "test_a_dataset_is_named_without_a_connection"

    class Client(client.Client):
        logged_in = False

        def log_in(self) -> None:
            super().log_in()
            self.logged_in = True

    class Extractor(extractor.Extractor):
        def dataset(self) -> sdk.Dataset:
            if not getattr(self.client, "logged_in", False):
                raise RuntimeError("not logged in")
            return super().dataset()


class EmptyIsAnError(Fault):
    """Zero rows are taken for a failure."""

    caught_by = "test_zero_rows_keep_their_schema"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            if not self.client.table(self.options["table"]).all_rows():
                raise sdk.SourceError("the answer is empty")
            return (yield from super().read(split))


class MissingIsEmpty(Fault):
    """A table that is not there is read as one without rows."""

    caught_by = "test_a_missing_source_is_an_error"

    class Extractor(extractor.Extractor):
        def selected(self, columns: list[tuple[str, str]]) -> pa.Schema:
            return super().selected(columns)

        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            if not self.client.table(self.options["table"]).exists():
                return sdk.ReadPlan(pa.schema([]), (sdk.Split(0),), why_one_split="empty")
            return super().plan(wanted, since)

        def read(self, split: sdk.Split) -> Read:
            if not self.client.table(self.options["table"]).exists():
                return sdk.End(0)
            return (yield from super().read(split))


class AMissingFolderIsEmpty(Fault):
    """Opening looks at nothing, and a folder that is not there is read as a table without rows."""

    caught_by = "test_a_broken_connection_fails_a_read"

    class Client(client.Client):
        def open(self) -> None:
            if self.folder.is_dir():
                super().open()

        def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
            return (sdk.Check("auth.login", self.look), *super().checks(resources))

        def look(self) -> str:
            if not self.folder.is_dir():
                raise sdk.NotFound(f"there is no folder {self.folder}")
            return "found"

    class Extractor(extractor.Extractor):
        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            if not self.client.folder.is_dir():
                return sdk.ReadPlan(pa.schema([]), (sdk.Split(0),), why_one_split="empty")
            return super().plan(wanted, since)

        def read(self, split: sdk.Split) -> Read:
            if not self.client.folder.is_dir():
                return sdk.End(0)
            return (yield from super().read(split))


class ReadErrorsDoNotTravel(Fault):
    """The error for a table that is not there holds what cannot be pickled."""

    caught_by = "test_an_error_of_a_read_travels"

    class Extractor(extractor.Extractor):
        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            try:
                return super().plan(wanted, since)
            except sdk.NotFound as error:
                error.details["answer"] = lambda: None
                raise


class SwallowsAFailure(Fault):
    """A failure midway ends the read as if that had been all."""

    caught_by = "test_a_failure_midway_is_raised"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            rows = 0
            read = super().read(split)
            while True:
                try:
                    batch = next(read)
                except StopIteration as stop:
                    end: sdk.End = stop.value
                    return end
                except sdk.DataError:
                    return sdk.End(rows)
                rows += batch.num_rows
                yield batch


class LimitIsNotTold(Fault):
    """A limit cuts the read, and the End says that there was no more."""

    caught_by = "test_a_limit_is_told_as_the_stop_reason"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            end = yield from super().read(split)
            return replace(end, stop_reason=sdk.EXHAUSTED)


class RemembersThePlan(Fault):
    """Reading needs what plan() has kept in the instance."""

    caught_by = "test_a_fresh_instance_reads_a_split"

    class Extractor(extractor.Extractor):
        planned = 0

        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            self.planned = 1
            return super().plan(wanted, since)

        def read(self, split: sdk.Split) -> Read:
            if not self.planned and not self.client.stop.is_set():
                return sdk.End(0)
            return (yield from super().read(split))


class LeaksAThread(Fault):
    """A read starts a thread that outlives the client."""

    caught_by = "test_a_read_left_early_leaves_nothing_open"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            done = threading.Event()
            threading.Thread(target=done.wait, args=(10,), daemon=True).start()
            end = yield from super().read(split)
            done.set()
            return end


class LeaksAFile(Fault):
    """The generator owns the file, and it is never closed."""

    caught_by = "test_a_read_left_early_leaves_nothing_open"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            with self.client.table(self.options["table"]).open():
                return (yield from super().read(split))


class DeafWhileReading(Fault):
    """An interrupt is heard before a read, and not in it."""

    caught_by = "test_interrupt_ends_a_read_within_a_second"

    class Client(client.Client):
        heard = False

        def check_stop(self) -> None:
            if not self.heard:
                super().check_stop()
            self.heard = True


class ForgetsTheInterrupt(Fault):
    """An interrupt reaches a read that is under way; the next one starts as if nothing had been."""

    caught_by = "test_interrupt_is_sticky"

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            self.client.stop.clear()
            return (yield from super().read(split))


class OptionUnread(Fault):
    """`columns` is declared, and nobody reads it."""

    caught_by = "test_each_option_is_read_and_changes_something"

    class Extractor(extractor.Extractor):
        def selected(self, columns: list[tuple[str, str]]) -> pa.Schema:
            return pa.schema([(name, extractor.TYPES[kind]) for name, kind in columns])


class OptionWithoutEffect(Fault):
    """`batch_rows` is read, and changes nothing."""

    caught_by = "test_each_option_is_read_and_changes_something"

    class Extractor(extractor.Extractor):
        def __init__(self, client: client.Client, options: sdk.Options, workspace: sdk.Workspace) -> None:
            fixed = sdk.Options({**options.to_json(), "batch_rows": options["batch_rows"] and 2})
            fixed.reads = options.reads
            super().__init__(client, fixed, workspace)


class SplitsOverlap(Fault):
    """Each split takes a row of the next one, too."""

    caught_by = "test_several_splits_give_the_same_rows_as_one"

    class Extractor(extractor.Extractor):
        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            plan = super().plan(wanted, since)
            if len(plan.splits) == 1:
                return plan
            wider = [replace(split, data={**split.data, "count": split.data["count"] + 1}) for split in plan.splits]
            return replace(plan, splits=tuple(wider))


class OneSplitAtATime(Fault):
    """A split keeps a lock from its first batch to its last, and the first split may be waiting for it."""

    caught_by = "test_splits_are_read_side_by_side_however_little_may_wait"
    lock: ClassVar[threading.Lock] = threading.Lock()

    class Extractor(extractor.Extractor):
        def read(self, split: sdk.Split) -> Read:
            if split.index == 0 and split.data["count"] is not None:
                self.client.stop.wait(0.2)
            while not OneSplitAtATime.lock.acquire(timeout=0.05):
                self.client.check_stop()
            try:
                return (yield from super().read(split))
            finally:
                OneSplitAtATime.lock.release()


class SplitDoesNotTravel(Fault):
    """A split holds a lock."""

    caught_by = "test_each_split_travels_to_another_process_and_through_json"

    class Extractor(extractor.Extractor):
        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            plan = super().plan(wanted, since)
            splits = [replace(split, data={**split.data, "_lock": threading.Lock()}) for split in plan.splits]
            return replace(plan, splits=tuple(splits))


class OneSplitWithoutAReason(Fault):
    """It reads in one split, and does not say why."""

    caught_by = "test_one_split_has_a_reason"

    class Extractor(extractor.Extractor):
        def plan(self, wanted: int, since: sdk.State | None) -> sdk.ReadPlan:
            plan = super().plan(wanted, since)
            return replace(plan, why_one_split=None)
