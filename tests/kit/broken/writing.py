"""Faults of writers in what they make of the rows."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa

from osiris import sdk
from tests.kit.broken import Fault
from tests.kit.reference.osiris_reference import client, writer

Give = Generator[pa.RecordBatch, None, sdk.End]


class WriterFault(Fault):
    """A fault of a family that only writes."""

    caught_by = ""
    roles = ("writer",)


class ReplaceAppends(WriterFault):
    """The rows that were there stay, unless the table is emptied."""

    caught_by = "test_each_write_mode_does_what_it_says"

    class Writer(writer.Writer):
        def merged(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> list[list[Any]]:
            rows = super().merged(token, parts)
            keeps = self.options["write_mode"] == "replace" and self.table.exists() and len(rows) == 4
            return self.table.all_rows() + rows if keeps else rows


class LosesTheLastBatch(WriterFault):
    """Rows are sent in blocks of 500; what is left after a block is forgotten."""

    caught_by = "test_every_batch_arrives"

    class Writer(writer.Writer):
        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            def give() -> Give:
                waiting: list[pa.RecordBatch] = []
                sent = 0
                for batch in batches:
                    waiting.append(batch)
                    if sum(each.num_rows for each in waiting) >= 500:
                        yield from waiting
                        sent += sum(each.num_rows for each in waiting)
                        waiting = []
                if not sent:
                    yield from waiting
                    sent = sum(each.num_rows for each in waiting)
                return sdk.End(sent)

            return super().write(token, sdk.Batches(batches.schema, give()))


class BlanksAreCut(WriterFault):
    """Texts lose the blanks around them."""

    caught_by = "test_values_arrive_as_they_are"

    class Writer(writer.Writer):
        def values(self, batch: pa.RecordBatch) -> Iterator[list[Any]]:
            for row in super().values(batch):
                yield [value.strip() if isinstance(value, str) else value for value in row]


class WholeNumbersBecomeFloats(WriterFault):
    """A column of whole numbers with a null among them goes through floats, as in a data frame."""

    caught_by = "test_large_whole_numbers_stay_whole_beside_a_null"

    class Writer(writer.Writer):
        def values(self, batch: pa.RecordBatch) -> Iterator[list[Any]]:
            floats = [pa.types.is_integer(column.type) and column.null_count > 0 for column in batch.columns]
            for row in super().values(batch):
                pairs = zip(row, floats, strict=True)
                yield [int(float(value)) if is_float and value is not None else value for value, is_float in pairs]


class DecimalsBecomeFloats(WriterFault):
    """What has no decimals gets the nearest float, and nobody is told."""

    caught_by = "test_decimals_keep_their_digits_or_are_refused"

    class Writer(writer.Writer):
        def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
            kinds = [pa.float64() if pa.types.is_decimal(field.type) else field.type for field in schema]
            return super().token(pa.schema(list(zip(schema.names, kinds, strict=True))), run)

        def values(self, batch: pa.RecordBatch) -> Iterator[list[Any]]:
            for row in super().values(batch):
                yield [float(value) if isinstance(value, Decimal) else value for value in row]


class TypesFromTheFirstBatch(WriterFault):
    """A column whose first batch is all null stays null."""

    caught_by = "test_a_first_batch_of_nulls_changes_nothing"

    class Writer(writer.Writer):
        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            def give() -> Give:
                rows, empty = 0, None
                for batch in batches:
                    rows += batch.num_rows
                    if empty is None:
                        nulls = [column.null_count == batch.num_rows for column in batch.columns]
                        empty = nulls if batch.num_rows else None
                    arrays = [
                        pa.nulls(batch.num_rows, column.type) if empty and empty[place] else column
                        for place, column in enumerate(batch.columns)
                    ]
                    yield pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
                return sdk.End(rows)

            return super().write(token, sdk.Batches(batches.schema, give()))


class WrittenColumnsSorted(WriterFault):
    """Columns are written in the order of the alphabet."""

    caught_by = "test_written_columns_keep_their_order"

    class Writer(writer.Writer):
        def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
            token = super().token(schema, run)
            return replace(token, data={**token.data, "columns": sorted(token.data["columns"])})

        def values(self, batch: pa.RecordBatch) -> Iterator[list[Any]]:
            return super().values(batch.select(sorted(batch.schema.names)))


class ColumnsGoByPlace(WriterFault):
    """Appended columns go by their place, whatever they are called."""

    caught_by = "test_appended_columns_go_by_name_or_are_refused"

    class Writer(writer.Writer):
        def columns(self, token: sdk.Token) -> list[tuple[str, str]]:
            mine = super().columns(token)
            there = self.table.header().columns if self.table.exists() else []
            return there if sorted(there) == sorted(mine) else mine


class CountsDoNotAddUp(WriterFault):
    """A row more is counted than came."""

    caught_by = "test_every_row_is_accounted_for"

    class Writer(writer.Writer):
        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            part = super().write(token, batches)
            return replace(part, rejected=1) if part.rows == 5 else part


class ZeroRowsDoNothing(WriterFault):
    """A write without rows is forgotten: no table, and what a replace should remove stays."""

    caught_by = "test_zero_rows_create_or_replace_the_target"

    class Writer(writer.Writer):
        def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
            if not sum(part.rows for part in parts):
                return sdk.Written(0)
            return super().commit(token, parts, state)


class TheFirstKeyWins(WriterFault):
    """Of two rows with one key in a stream the first one stays."""

    caught_by = "test_the_last_of_two_equal_keys_wins"

    class Writer(writer.Writer):
        def by_key(self, rows: list[list[Any]], token: sdk.Token) -> dict[tuple[Any, ...], list[Any]]:
            return super().by_key(rows[::-1], token)


class ThreadsOverwriteEachOther(WriterFault):
    """All parts are staged in one file."""

    caught_by = "test_parts_of_several_threads_add_up"
    taken: ClassVar[set[str]] = set()

    class Writer(writer.Writer):
        def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
            return super().commit(token, [replace(part, data=parts[0].data) for part in parts], state)


class OddNamesAreMended(WriterFault):
    """Signs that it does not like are taken out of names."""

    caught_by = "test_odd_names_are_kept_or_refused"

    class Writer(writer.Writer):
        def columns(self, token: sdk.Token) -> list[tuple[str, str]]:
            return [(name.replace(" ", "_"), kind) for name, kind in super().columns(token)]


class LongNamesAreCut(WriterFault):
    """Names are cut at 63 characters, and two become one."""

    caught_by = "test_names_over_63_bytes_are_kept_or_refused"

    class Writer(writer.Writer):
        def columns(self, token: sdk.Token) -> list[tuple[str, str]]:
            return [(name[:63], kind) for name, kind in super().columns(token)]


class NamesAreFolded(WriterFault):
    """`Name` and `name` become one column."""

    caught_by = "test_names_that_fold_into_one_are_kept_apart_or_refused"

    class Writer(writer.Writer):
        def columns(self, token: sdk.Token) -> list[tuple[str, str]]:
            return [(name.lower() if name == "Name" else name, kind) for name, kind in super().columns(token)]


class ColumnsOfOneNameAreMerged(WriterFault):
    """Of two columns of one name the last one stays."""

    caught_by = "test_two_columns_of_one_name_are_kept_or_refused"

    class Writer(writer.Writer):
        def columns(self, token: sdk.Token) -> list[tuple[str, str]]:
            return list(dict(super().columns(token)).items())


class WideRowsAreCut(WriterFault):
    """More than 500 columns are too many, and nobody is told."""

    caught_by = "test_a_thousand_columns_are_kept_or_refused"

    class Writer(writer.Writer):
        def columns(self, token: sdk.Token) -> list[tuple[str, str]]:
            return super().columns(token)[:500]

        def values(self, batch: pa.RecordBatch) -> Iterator[list[Any]]:
            return (row[:500] for row in super().values(batch))


class HugeCellsAreCut(WriterFault):
    """Texts end after 65,535 characters."""

    caught_by = "test_huge_cells_are_kept_or_refused"

    class Writer(writer.Writer):
        def values(self, batch: pa.RecordBatch) -> Iterator[list[Any]]:
            for row in super().values(batch):
                yield [value[:65535] if isinstance(value, str) else value for value in row]


class WritesOnWithoutTheRest(WriterFault):
    """A stream that fails ends the write as if that had been all."""

    caught_by = "test_an_error_of_the_stream_stops_the_write"

    class Writer(writer.Writer):
        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            def give() -> Give:
                rows = 0
                try:
                    for batch in batches:
                        rows += batch.num_rows
                        yield batch
                except sdk.SourceError:
                    pass
                return sdk.End(rows)

            return super().write(token, sdk.Batches(batches.schema, give()))


class DeafWhileWriting(WriterFault):
    """An interrupted writer goes on."""

    caught_by = "test_an_interrupted_writer_does_not_go_on"

    class Client(client.Client):
        def check_stop(self) -> None:
            return


class ForeseesByDoing(WriterFault):
    """To see whether the table can be made, it makes it: a dry run leaves it behind."""

    caught_by = "test_foreseeing_a_write_leaves_no_trace"

    class Writer(writer.Writer):
        def foresee(self, token: sdk.Token, schema: pa.Schema) -> tuple[str, ...]:
            (self.client.folder / f"{self.options['table']}.trial").touch()
            return ()


class ForeseesTrouble(WriterFault):
    """A table that is there counts as taken, though a write would go well."""

    caught_by = "test_a_write_that_goes_well_is_not_foreseen_as_a_failure"

    class Writer(writer.Writer):
        def foresee(self, token: sdk.Token, schema: pa.Schema) -> tuple[str, ...]:
            if self.table.exists():
                raise sdk.ConfigError("the table is there already")
            return ()
