"""Faults of processors: rows lost, inputs misread, and what stays behind."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from osiris import sdk
from tests.kit.broken import Fault
from tests.kit.reference.osiris_reference import processor


class ProcessorFault(Fault):
    """A fault of a family that only transforms."""

    caught_by = ""
    roles = ("processor",)


class OutputLosesRows(ProcessorFault):
    """The first row that is kept goes missing."""

    caught_by = "test_a_processor_gives_its_rows"

    class Processor(processor.Processor):
        def taken(self, stream: sdk.Batches) -> Iterator[pa.RecordBatch]:
            return (batch.slice(1) if number == 2 else batch for number, batch in enumerate(super().taken(stream)))


class OutputColumnsTurned(ProcessorFault):
    """The columns come in the opposite order."""

    caught_by = "test_the_output_has_the_columns_that_are_known"

    class Processor(processor.Processor):
        def run(self, inputs: Mapping[str, sdk.Batches]) -> sdk.Batches:
            output = super().run(inputs)
            schema = pa.schema(list(output.schema)[::-1])

            def give() -> Generator[pa.RecordBatch, None, sdk.End]:
                for batch in output:
                    yield batch.select(schema.names)
                assert output.end is not None
                return output.end

            return sdk.Batches(schema, give(), on_close=output.close)


class WritesIntoTheProject(ProcessorFault):
    """It leaves a file where it was not asked to."""

    caught_by = "test_a_processor_touches_no_file_of_the_project"

    class Processor(processor.Processor):
        def run(self, inputs: Mapping[str, sdk.Batches]) -> sdk.Batches:
            kit = self.workspace.scratch.parent  # "kit-NAME" beside the project NAME
            (kit.with_name(kit.name.removeprefix("kit-")) / "seen.txt").write_text("seen", encoding="utf-8")
            return super().run(inputs)


class OutputMiscounts(ProcessorFault):
    """The End counts other rows than came."""

    caught_by = "test_the_output_ends_with_an_end_that_counts"

    class Processor(processor.Processor):
        def end(self, rows: int, reason: str) -> sdk.End:
            return sdk.End(rows + 1 if reason == sdk.EXHAUSTED else rows, reason)


class NeedsRows(ProcessorFault):
    """Inputs without rows make it fail."""

    caught_by = "test_inputs_without_rows_are_no_error"

    class Processor(processor.Processor):
        def give(self, stream: sdk.Batches) -> Generator[pa.RecordBatch, None, sdk.End]:
            end = yield from super().give(stream)
            if not stream.rows:
                raise sdk.SourceError("there is nothing to transform")
            return end


class RescansAreUndeclared(ProcessorFault):
    """An input is read twice, and nobody was asked to spill it."""

    caught_by = "test_inputs_that_are_read_twice_are_declared"

    class Processor(processor.Processor):
        def rescans(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
            return frozenset()


class StopsEarlyInSilence(ProcessorFault):
    """It stops before its input does, and says that there was no more."""

    caught_by = "test_an_early_stop_says_so"

    class Processor(processor.Processor):
        def end(self, rows: int, reason: str) -> sdk.End:
            return replace(super().end(rows, reason), stop_reason=sdk.EXHAUSTED)


class InputErrorsAreLost(ProcessorFault):
    """An input that fails counts as one that has ended."""

    caught_by = "test_an_error_of_an_input_comes_through"

    class Processor(processor.Processor):
        def taken(self, stream: sdk.Batches) -> Iterator[pa.RecordBatch]:
            try:
                yield from super().taken(stream)
            except sdk.SourceError:
                return


class LeavesFiles(ProcessorFault):
    """Its temporary file stays."""

    caught_by = "test_closing_the_output_leaves_nothing"

    class Processor(processor.Processor):
        def clean(self) -> None:
            return


class LeavesAThread(ProcessorFault):
    """Its thread stays."""

    caught_by = "test_closing_the_output_leaves_nothing"

    class Processor(processor.Processor):
        def run(self, inputs: Mapping[str, sdk.Batches]) -> sdk.Batches:
            threading.Thread(target=threading.Event().wait, args=(4,), daemon=True).start()
            return super().run(inputs)


class DeafProcessor(ProcessorFault):
    """An interrupt changes nothing."""

    caught_by = "test_an_interrupted_processor_does_not_go_on"

    class Processor(processor.Processor):
        def interrupt(self) -> None:
            return


class ThresholdIgnored(ProcessorFault):
    """`limit` is declared, and changes nothing but the reason."""

    caught_by = "test_each_option_is_read_and_changes_something"
    spec = ("limit: {type: integer", "unheard: {type: integer, description: Nothing}\n    limit: {type: integer")


class GuessesItsColumns(ProcessorFault):
    """What it says of its columns before it runs is the first input's schema, whatever it makes of it."""

    caught_by = "test_columns_that_are_told_before_the_rows_are_those_that_come"

    class Processor(processor.Processor):
        def schema(self, inputs: Mapping[str, pa.Schema]) -> pa.Schema:
            return next(iter(inputs.values())).append(pa.field("one_more", pa.string()))
