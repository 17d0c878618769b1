"""Tests of what a `Writer` makes of awkward input: strange names, huge cells, and streams that fail."""

from __future__ import annotations

from decimal import Decimal

from osiris.connectors.base import Batches
from osiris.errors import ConfigError, DataError
from osiris.testing import shapes
from osiris.testing.abilities import needs
from osiris.testing.rig import Rig, raised
from osiris.testing.shapes import SCHEMA, Shape
from osiris.testing.writer import attempt, breaking, in_order, look, rows_of, subject_of, writing_of


class WriterShapeTests:
    """What a target cannot hold is refused before anything is visible; nothing is bent to fit."""

    @needs("writer")
    def test_odd_names_are_kept_or_refused(self, rig: Rig) -> None:
        self._kept_or_refused(rig, shapes.odd_names())

    @needs("writer")
    def test_names_over_63_bytes_are_kept_or_refused(self, rig: Rig) -> None:
        self._kept_or_refused(rig, shapes.long_names())

    @needs("writer")
    def test_names_that_fold_into_one_are_kept_apart_or_refused(self, rig: Rig) -> None:
        self._kept_or_refused(rig, shapes.folding_names())

    @needs("writer")
    def test_two_columns_of_one_name_are_kept_or_refused(self, rig: Rig) -> None:
        shape = shapes.duplicate_names()
        if attempt(rig, shape, shapes.schema_of(shape)) is None:
            table = subject_of(rig).look()
            assert table is not None
            assert table.schema.names == shapes.schema_of(shape).names, "one of two columns of one name is lost"
        else:
            assert look(rig) is None, "the write was refused, and something is visible"

    @needs("writer")
    def test_a_thousand_columns_are_kept_or_refused(self, rig: Rig) -> None:
        self._kept_or_refused(rig, shapes.wide())

    @needs("writer")
    def test_decimals_keep_their_digits_or_are_refused(self, rig: Rig) -> None:
        """LESSONS 9. A target without decimals may hold them as text."""
        shape = shapes.decimals()
        if attempt(rig, shape, shapes.schema_of(shape)) is None:
            found = {row["id"]: row["amount"] and Decimal(row["amount"]) for row in look(rig) or []}
            assert found == {row["id"]: row["amount"] for row in rows_of(shape)}
        else:
            assert look(rig) is None, "the write was refused, and something is visible"

    @needs("writer")
    def test_huge_cells_are_kept_or_refused(self, rig: Rig) -> None:
        self._kept_or_refused(rig, shapes.huge_cells())

    def _kept_or_refused(self, rig: Rig, shape: Shape) -> None:
        before = set(subject_of(rig).traces())
        refused = attempt(rig, shape, shapes.schema_of(shape))
        if refused is None:
            table = subject_of(rig).look()
            assert table is not None
            assert set(table.schema.names) == set(shapes.schema_of(shape).names), "a name was changed"
            assert look(rig) == in_order(rows_of(shape))
        else:
            assert isinstance(refused, ConfigError | DataError), f"not a refusal but a failure: {refused!r}"
            assert look(rig) is None, "the write was refused, and something is visible"
            assert set(subject_of(rig).traces()) <= before, "the write was refused and aborted, and something stays"


class WriterStreamTests:
    """A stream that fails is a write that fails."""

    @needs("writer")
    def test_an_error_of_the_stream_stops_the_write(self, rig: Rig) -> None:
        """A writer that goes on with what it has got would commit a part as the whole."""
        writer = rig.instance(*writing_of(rig))
        token = writer.token(SCHEMA, rig.run())
        writer.begin(token, SCHEMA)
        error = raised(lambda: writer.write(token, Batches(SCHEMA, breaking())))
        writer.abort(token)
        assert error is not None, "the stream failed, and write() returned as if that had been all"

    @needs("writer")
    def test_an_interrupted_writer_does_not_go_on(self, rig: Rig) -> None:
        client = rig.client()
        writer = rig.instance(*writing_of(rig), client)
        token = writer.token(SCHEMA, rig.run())
        writer.begin(token, SCHEMA)
        client.interrupt()
        error = raised(lambda: writer.write(token, Batches.of(SCHEMA, [shapes.rows(0, 2), shapes.rows(2, 2)])))
        assert error is not None, "interrupt() is sticky: a write that starts after it has to end with an error"
