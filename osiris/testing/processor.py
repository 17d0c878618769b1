"""Tests of a `Processor`: its rows and their schema, its inputs, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Batches, End, Processor, Workspace
from osiris.errors import OsirisError, SourceError
from osiris.stream import EXHAUSTED, FirstError, Spill
from osiris.testing.abilities import needs
from osiris.testing.leaks import Before
from osiris.testing.rig import Rig, raised
from osiris.testing.subject import Processing


class ProcessorTests:
    """The promises are those of `Processor` in osiris/connectors/base.py."""

    @needs("processor")
    def test_a_processor_gives_its_rows(self, rig: Rig) -> None:
        about = processing_of(rig)
        assert Use(rig, about.options).whole().rows == about.rows.to_pylist()

    @needs("processor")
    def test_the_output_has_the_columns_that_are_known(self, rig: Rig) -> None:
        about = processing_of(rig)
        said = Use(rig, about.options).whole().schema
        assert [(field.name, field.type) for field in said] == [(field.name, field.type) for field in about.rows.schema]

    @needs("processor")
    def test_the_output_ends_with_an_end_that_counts(self, rig: Rig) -> None:
        error = Use(rig, processing_of(rig).options).run().error
        code = error.code if isinstance(error, OsirisError) else ""
        assert code not in OF_THE_STREAM, f"the output of run() breaks the contract: {error}"

    @needs("processor")
    def test_inputs_without_rows_are_no_error(self, rig: Rig) -> None:
        """Trap 5: they still have a schema."""
        about = processing_of(rig)
        empty = {name: table.schema.empty_table() for name, table in about.inputs.items()}
        assert set(Use(rig, about.options, empty).whole().schema.names) == set(about.rows.schema.names)

    @needs("processor")
    def test_inputs_that_are_read_twice_are_declared(self, rig: Rig) -> None:
        """Trap 7: a stream comes once; `rescans` asks for inputs that can be scanned again."""
        about = processing_of(rig)
        if about.twice is not None:
            use = Use(rig, {**about.options, **about.twice}).whole()
            assert use.rescanned, "an input is read twice, and rescans() does not name it"

    @needs("processor")
    def test_an_early_stop_says_so(self, rig: Rig) -> None:
        about = processing_of(rig)
        if about.early is not None:
            end = Use(rig, {**about.options, **about.early}).whole().end
            assert end is not None
            assert end.stop_reason != EXHAUSTED, "it stopped before its inputs did: End.stop_reason has to say why"

    @needs("processor")
    def test_an_error_of_an_input_comes_through(self, rig: Rig) -> None:
        """Trap 3: the rows so far must not pass for the result."""
        use = Use(rig, processing_of(rig).options, breaks=True).run()
        assert use.error is not None, "an input failed, and the output came to its end"

    @needs("processor")
    def test_closing_the_output_leaves_nothing(self, rig: Rig) -> None:
        """After a whole read, and after one that was left early."""
        options = processing_of(rig).options
        Use(rig, options).run()
        for early in (False, True):
            before = Before()
            use = Use(rig, options, early=early).run()
            assert use.left == [], "the scratch folder has to be empty once the output is closed"
            assert before.new() == [], "closing the output has to end all that was opened"

    @needs("processor")
    def test_an_interrupted_processor_does_not_go_on(self, rig: Rig) -> None:
        use = Use(rig, processing_of(rig).options, interrupted=True).run()
        assert use.error is not None, "interrupt() is sticky: what starts after it has to end with an error"

    @needs("processor")
    def test_a_processor_touches_no_file_of_the_project(self, rig: Rig) -> None:
        before = files(rig.subject.root)
        Use(rig, processing_of(rig).options).run()
        assert files(rig.subject.root) == before


OF_THE_STREAM = ("stream.no_end", "stream.count", "data.schema_changed")


def processing_of(rig: Rig) -> Processing:
    assert rig.subject.processing is not None, "the family has a processor: say Subject(processing=Processing(...))"
    return rig.subject.processing


@dataclass(slots=True)
class Use:
    """One use of the subject's processor: its inputs spilled where it asks for that, its output read and closed.

    An input `breaks` after its first batch, the output is left `early`, or all of it is `interrupted` at the start.
    """

    rig: Rig
    options: Mapping[str, Any]
    inputs: Mapping[str, pa.Table] | None = None
    breaks: bool = False
    early: bool = False
    interrupted: bool = False
    schema: pa.Schema = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    end: End | None = None
    rescanned: frozenset[str] = frozenset()
    left: list[str] = field(default_factory=list)
    error: Exception | None = None

    def run(self) -> Use:
        """Do it; never raises for what the processor does."""
        workspace = self.rig.workspace()
        name = processing_of(self.rig).component
        processor: Processor = self.rig.implementation(name)(self.rig.options(name, self.options), workspace)
        self.error = raised(lambda: self._run(processor))
        self.left = files(workspace.scratch)
        return self

    def whole(self) -> Use:
        """Do it; an AssertionError when it raises. What the stream itself finds wrong is told by another test."""
        self.run()
        told = isinstance(self.error, OsirisError) and self.error.code in OF_THE_STREAM
        if self.error is not None and not told:
            raise AssertionError(f"a processor that should succeed raised {self.error!r}") from self.error
        return self

    def seen(self) -> Any:
        """What a change of an option may alter."""
        return str(self.schema), self.rows, self.end

    def _run(self, processor: Processor) -> None:
        tables = processing_of(self.rig).inputs if self.inputs is None else self.inputs
        self.rescanned = processor.rescans({name: table.schema for name, table in tables.items()})
        place, first_error = self.rig.workspace(), FirstError()
        inputs = {name: self._input(name, table, place, first_error) for name, table in tables.items()}
        if self.interrupted:
            processor.interrupt()
        output = processor.run(inputs)
        self.schema = output.schema
        try:
            for batch in output:
                self.rows += batch.to_pylist()
                if self.early:
                    break
            self.end = output.end
        finally:
            output.close()

    def _input(self, name: str, table: pa.Table, place: Workspace, first_error: FirstError) -> Batches:
        source = Batches(table.schema, self._give(table), name=name, first_error=first_error)
        if name not in self.rescanned or self.breaks:
            return source
        spill = Spill(place.scratch / f"{name}.arrow")
        spill.fill(source)
        return spill.read(name, first_error)

    def _give(self, table: pa.Table) -> Generator[pa.RecordBatch, None, End]:
        for batch in table.to_batches():
            yield batch
            if self.breaks:
                raise SourceError("the source broke off: this is the kit's doing")
        return End(table.num_rows)


def files(folder: Path) -> list[str]:
    """Every file below a folder, with its size."""
    return sorted(f"{path.relative_to(folder)} {path.stat().st_size}" for path in folder.rglob("*") if path.is_file())
