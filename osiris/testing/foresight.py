"""Tests of what a connector says for a dry run: true where it says anything, and without a trace."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from osiris.connectors.base import Client, Processor, Writer
from osiris.testing import shapes
from osiris.testing.abilities import needs
from osiris.testing.processor import Use, files, processing_of
from osiris.testing.rig import Rig, raised
from osiris.testing.shapes import SCHEMA
from osiris.testing.writer import look, write, writing_of


class ForesightTests:
    """The promises are those of `Writer.foresee`, `Processor.schema` and `Connection.look_only` in
    osiris/connectors/base.py."""

    @needs("writer")
    def test_foreseeing_a_write_leaves_no_trace(self, rig: Rig) -> None:
        """Where there is no target yet, and where there is one."""
        for rows in ([], [shapes.rows(0, 3)]):
            if rows:
                write(rig, rows)
            before = look(rig), files(rig.subject.root)
            raised(lambda: foresee(rig, ""))
            assert (look(rig), files(rig.subject.root)) == before

    @needs("writer")
    def test_a_write_that_goes_well_is_not_foreseen_as_a_failure(self, rig: Rig, mode: str) -> None:
        """The first one, which makes the target, and one more: a dry run must not refuse what a run would do."""
        for start in (0, 3):
            refused = raised(lambda: foresee(rig, mode))
            write(rig, [shapes.rows(start, 3)], mode)
            assert refused is None, f"foresee() refused a write that went well: {refused!r}"

    @needs("processor")
    def test_columns_that_are_told_before_the_rows_are_those_that_come(self, rig: Rig) -> None:
        about = processing_of(rig)
        made = rig.implementation(about.component)
        processor: Processor = made(rig.options(about.component, about.options), rig.workspace())
        told = processor.schema({name: table.schema for name, table in about.inputs.items()})
        came = Use(rig, about.options).whole().schema
        assert told is None or _columns(told) == _columns(came)


def foresee(rig: Rig, mode: str) -> tuple[str, ...]:
    """As a dry run does it: through a client that looks only, the write named by its schema."""
    client: Client = rig.client_class(replace(rig.connection(), look_only=True))
    client.open()
    try:
        name, options = writing_of(rig, mode)
        writer: Writer[Client] = rig.instance(name, options, client)
        return writer.foresee(writer.token(SCHEMA, rig.run()), SCHEMA)
    finally:
        client.close()


def _columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in schema]
